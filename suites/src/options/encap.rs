//! The custom encapsulation address: tunnels on the underlay NIC instead of the cluster address.

use testkit::matrix::Declaration;
use testkit::plan::{Answer, Encap as Endpoint, InitOption, Member, Network, Plan};

/// `encap`: default | ipv4 | ipv6, the latter two on eth1.
pub(super) struct Encap;

impl InitOption for Encap {
    fn declaration(&self) -> Declaration {
        Declaration::new("encap", &["default", "ipv4", "ipv6"]).suffix(|value, choices| {
            match choices.get("address_family") {
                Some(family) if *family == value => "custom_encap".to_owned(),
                _ => format!("custom_encap_{value}"),
            }
        })
    }

    fn shape(&self, value: &str, plan: &mut Plan) {
        if value == "default" {
            return;
        }
        for member in &mut plan.members {
            let Some(nic) = member.find_nic(Network::Underlay) else {
                continue;
            };
            let found = nic.addresses.iter().find(|net| net.addr().is_ipv6() == (value == "ipv6"));
            if let Some(ip) = found.map(|net| net.addr()) {
                member.encap = Endpoint { ip, device: nic.device.clone(), custom: true };
            }
        }
    }

    fn answers(&self, _value: &str, _plan: &Plan, member: &Member) -> Vec<Answer> {
        let custom = member.encap.custom;
        let define = "Would you like to define a custom encapsulation IP address for this member?";
        let mut answers = vec![Answer::text("encap", define, if custom { "yes" } else { "no" })];
        if custom {
            let enter = "Please enter the custom encapsulation IP address for this member";
            answers.push(Answer::text("encap", enter, member.encap.ip.to_string()));
        }
        answers
    }
}
