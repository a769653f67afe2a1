//! The family of the address that members listen on.

use testkit::matrix::Declaration;
use testkit::plan::{Answer, InitOption, Member, Network, Plan};

/// `address_family`: ipv4 | ipv6.
pub(super) struct AddressFamily;

impl InitOption for AddressFamily {
    fn declaration(&self) -> Declaration {
        Declaration::new("address_family", &["ipv4", "ipv6"]).suffix(|value, _| value.to_owned())
    }

    fn shape(&self, value: &str, plan: &mut Plan) {
        for member in &mut plan.members {
            let Some(nic) = member.find_nic(Network::Management) else {
                continue;
            };
            let found = nic.addresses.iter().find(|net| net.addr().is_ipv6() == (value == "ipv6"));
            if let Some(address) = found.map(|net| net.addr()) {
                member.address = address;
                // MicroOVN's default: tunnels end at the cluster address.
                member.encap.ip = address;
            }
        }
    }

    fn answers(&self, _value: &str, _plan: &Plan, member: &Member) -> Vec<Answer> {
        let prompt = "Please choose the address MicroOVN will be listening on";
        vec![Answer::text("address_family", prompt, member.address.to_string())]
    }
}
