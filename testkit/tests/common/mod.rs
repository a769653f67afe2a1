//! Plans, and what a cluster formed exactly as planned prints.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../fitting/mod.rs"]
mod fitting;

pub(crate) use fitting::*;
use testkit::matrix::Cell;
use testkit::plan::{
    Datapath, Encap, KeyAlgorithm, KeyForm, Member, Network, Outline, Plan, Segment, Segments, State, UserCa,
};

/// The four plans of the first suites, both families, default and custom encapsulation, with an authority that is given,
/// and one without.
pub(crate) fn plans() -> Vec<(&'static str, Plan)> {
    vec![
        ("ipv4", plan(false, false)),
        ("ipv4 custom encap", plan(false, true)),
        ("ipv6", plan(true, false)),
        ("ipv6 custom encap", plan(true, true)),
        ("generated authority", generated(plan(false, false))),
    ]
}

/// The same cluster with an authority that MicroOVN makes.
fn generated(mut plan: Plan) -> Plan {
    plan.state.user_ca = None;
    plan
}

/// What must be so in each of [`plans`].
pub(crate) fn states() -> Vec<(&'static str, State)> {
    plans().into_iter().map(|(name, plan)| (name, plan.state)).collect()
}

/// What must be so in the cluster of [`plan`].
pub(crate) fn state(ipv6: bool, custom_encap: bool) -> State {
    plan(ipv6, custom_encap).state
}

/// A cluster of four: three centrals, and one member that has only chassis and switch.
pub(crate) fn plan(ipv6: bool, custom_encap: bool) -> Plan {
    let segment = |ipv4: &str, ipv6: &str| Segment { ipv4: ipv4.parse().unwrap(), ipv6: ipv6.parse().unwrap() };
    let segments = Segments {
        management: segment("10.1.1.0/24", "fd42:1:1::/64"),
        underlay: segment("10.1.2.0/24", "fd42:1:2::/64"),
    };
    let outline = Outline { members: 4, ..Outline::default() };
    let mut plan = Plan::outlined(Cell::new(&[], &[]).unwrap().id().clone(), outline, segments);
    for member in &mut plan.state.members {
        let address = |member: &Member, network| {
            let nic = member.find_nic(network).unwrap();
            let net = nic.addresses.iter().find(|net| net.addr().is_ipv6() == ipv6).unwrap();
            (net.addr(), nic.device.clone())
        };
        member.address = address(member, Network::Management).0;
        let network = if custom_encap { Network::Underlay } else { Network::Management };
        let (ip, device) = address(member, network);
        member.encap = Encap { ip, via: device.clone(), device, custom: custom_encap };
    }
    plan.state.datapath = Some(if ipv6 { Datapath::Kernel } else { Datapath::Userspace });
    let certificate = AUTHORITIES[0].certificate.clone();
    plan.state.user_ca = Some(UserCa { certificate, ..UserCa::new(KeyAlgorithm::Ecdsa, KeyForm::default()) });
    plan
}
