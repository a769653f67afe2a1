//! The size of the packets that the underlay network carries, which is the framework's own and no answer to MicroOVN.

use testkit::matrix::{Constraint, Declaration};
use testkit::plan::{ETHERNET_MTU, InitOption, Network, Plan};

/// All but the default.
const OTHER: &[&str] = &["9000", "1442"];

/// `underlay_mtu`: 1500, as Ethernet has it | 9000, jumbo frames | 1442, what another tunnel leaves of 1500.
pub(super) struct UnderlayMtu;

impl InitOption for UnderlayMtu {
    fn declaration(&self) -> Declaration {
        Declaration::new("underlay_mtu", &["1500", "9000", "1442"]).suffix(|value, _| format!("mtu_{value}"))
    }

    fn constraints(&self) -> Vec<Constraint> {
        let elsewhere = "no tunnel is on the underlay network then";
        let alike = "packets cross alike, however the cluster was formed";
        let only = |why, option, values: &'static [&str]| {
            Constraint::new(why).when("underlay_mtu", OTHER).then(option, values)
        };
        vec![
            only(elsewhere, "encap", &["ipv4", "ipv6"]),
            only(alike, "services", &["auto"]),
            only(alike, "member_name", &["hostname"]),
            only(alike, "user_ca", &["generated"]),
            only(alike, "formation", &["dialog"]),
            only(alike, "members", &["3"]),
        ]
    }

    fn shape(&self, value: &str, plan: &mut Plan) {
        let mtu = value.parse().unwrap_or(ETHERNET_MTU);
        let nics = plan.state.members.iter_mut().flat_map(|member| &mut member.nics);
        nics.filter(|nic| nic.network == Network::Underlay).for_each(|nic| nic.mtu = mtu);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{cell, plan};

    #[test]
    fn the_underlay_carries_what_was_chosen_and_management_what_ethernet_does() {
        for (chosen, wanted) in [("1500", 1500), ("9000", 9000), ("1442", 1442)] {
            let plan = plan(&[("encap", "ipv4"), ("underlay_mtu", chosen)]);
            for member in &plan.state.members {
                assert_eq!(member.nics.iter().map(|nic| nic.mtu).collect::<Vec<_>>(), [1500, wanted]);
            }
        }
        assert_eq!(
            cell(&[("encap", "ipv4"), ("underlay_mtu", "9000")]).id().to_string(),
            "init_cluster_custom_encap_mtu_9000"
        );
    }
}
