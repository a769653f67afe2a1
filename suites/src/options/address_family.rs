//! The family of the address that members listen on.

use testkit::matrix::{Constraint, Declaration};
use testkit::plan::{Answer, Cue, InitOption, Member, Network, Plan};

/// `address_family`: ipv4 | ipv6.
pub(super) struct AddressFamily;

impl InitOption for AddressFamily {
    fn declaration(&self) -> Declaration {
        Declaration::new("address_family", &["ipv4", "ipv6"]).suffix(|value, _| value.to_owned())
    }

    fn constraints(&self) -> Vec<Constraint> {
        let why = "`cluster bootstrap` and `cluster join` take no address and listen on the first one, which is IPv4";
        vec![Constraint::new(why).when("formation", &["cli"]).then("address_family", &["ipv4"])]
    }

    fn shape(&self, value: &str, plan: &mut Plan) {
        for member in &mut plan.state.members {
            let found = member.find_nic(Network::Management).and_then(|nic| nic.find_address(value == "ipv6"));
            if let Some(address) = found {
                member.address = address;
                // MicroOVN's default: tunnels end at the cluster address.
                member.encap.ip = address;
            }
        }
    }

    // Over REST the address is no `config`: every request names it.
    fn answers(&self, _value: &str, _plan: &Plan, member: &Member) -> Vec<Answer> {
        let prompt = "Please choose the address MicroOVN will be listening on";
        vec![Answer::text("address_family", prompt, member.address.to_string())]
    }

    fn by_microcloud(&self) -> &'static [&'static str] {
        &["ipv4", "ipv6"]
    }

    fn cues(&self, _value: &str, _plan: &Plan, member: &Member) -> Vec<Cue> {
        vec![Cue::table("address_family", &["ADDRESS", "IFACE"], [[member.address.to_string()]])]
    }

    fn preseed(&self, _value: &str, _plan: &Plan, member: &Member) -> Vec<(String, String)> {
        vec![("address".to_owned(), member.address.to_string())]
    }
}
