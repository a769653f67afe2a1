//! Laying traffic: endpoints on members, and the logical networks that join them.

use std::time::Duration;

use futures_util::future::join_all;

use super::network::{loopback, networkd};
use super::{Members, PATH};
use crate::lxd::{Client, Exec};
use crate::packets;
use crate::plan::{
    Datapath, Endpoint, GATEWAY_PORT, Member, OUTSIDE, Overlay, PHYSICAL, Place, ROUTER, State, UPLINK, UPLINK_BRIDGE,
    WIRE_BRIDGE,
};
use crate::report::chain;
use crate::wait;

/// On a member this is half a second, and the change in the Northbound waits for a leader of its servers.
const DEADLINE: Duration = Duration::from_secs(90);
/// Of the first gateway; each of the others has one less.
const PRIORITY: u8 = 100;

/// Gives the members that can have them endpoints, and joins these by logical networks. Returns the state in which that is so.
///
/// # Errors
/// Why it cannot be so: what was refused, and by whom.
pub(super) async fn lay(client: &Client, from: &State, instances: &Members) -> Result<State, String> {
    if let Some(why) = from.without_traffic() {
        return Err(why);
    }
    let mut state = from.clone();
    state.lay_traffic();
    let laid = state.members.iter().filter(|member| member.talks).map(async |member| {
        let before = from.find(&member.name).unwrap_or(member);
        let argv = on_member(&state, before, member);
        run(client, instances, &member.name, &argv).await
    });
    let first = state.talkers().next().map(|member| member.name.clone()).unwrap_or_default();
    let networks = northbound(&state);
    let (laid, joined) = tokio::join!(join_all(laid), run(client, instances, &first, &networks));
    laid.into_iter().chain([joined]).collect::<Result<Vec<()>, String>>()?;
    // Spares a look that would come too early. What does not come up is for that look to find.
    for missing in join_all(ups(&state).iter().map(|argv| run(client, instances, &first, argv))).await {
        if let Err(why) = missing {
            tracing::debug!(why, "not up");
        }
    }
    Ok(state)
}

/// Takes from members that left the cluster on the way from one state to another what they were given for packets, so that they are
/// the hosts that they were.
///
/// # Errors
/// What was refused, and by whom.
pub(super) async fn take_back(client: &Client, from: &State, to: &State, instances: &Members) -> Result<(), String> {
    let leave = to.asked().filter_map(|member| {
        let before = from.find(&member.name)?;
        (before.talks && !member.belongs()).then_some((before, member))
    });
    let taken = leave.map(async |(before, member)| run(client, instances, &member.name, &off(before, member)).await);
    join_all(taken).await.into_iter().collect()
}

/// What takes from a member that was as `before` its endpoints.
fn off(before: &Member, member: &Member) -> Vec<String> {
    let bridged = before.nics.iter().find(|nic| nic.is_behind(WIRE_BRIDGE));
    let nic = bridged.and_then(|nic| member.nics.iter().find(|it| it.device == nic.device));
    // With the MTU, whoever's its network is.
    let (device, own) = nic.map_or_else(Default::default, |nic| (nic.device.clone(), networkd(nic, false)));
    let loopback = nic.and_then(|_| loopback(&member.loopback)).unwrap_or_default();
    let mut argv: Vec<String> = ["bash", "-c", packets::UNLAY, "unlay"].map(str::to_owned).into();
    argv.extend([device, own, loopback, OUTSIDE.to_owned()]);
    argv.extend(Overlay::ALL.map(|overlay| overlay.to_string()));
    argv
}

async fn run(client: &Client, instances: &Members, member: &str, argv: &[String]) -> Result<(), String> {
    let instance = instances.get(member).map(String::as_str).unwrap_or_default();
    let exec = Exec::new(argv.iter().map(String::as_str)).env("PATH", PATH).timeout(wait::patience(DEADLINE));
    match client.exec(instance, &exec).await {
        Ok(output) if output.success() => Ok(()),
        Ok(output) => Err(format!("{member}: exit code {}: {}", output.exit_code, output.stderr_text().trim())),
        Err(error) => Err(format!("{member}: {}", chain(&error))),
    }
}

/// What makes the endpoints of a member, which was as `before`.
fn on_member(state: &State, before: &Member, member: &Member) -> Vec<String> {
    let moves = member.encap.via == WIRE_BRIDGE && before.encap.via != WIRE_BRIDGE;
    let datapath = state.datapath.unwrap_or(Datapath::Kernel).kind();
    let device = before.wire().map(|nic| nic.device.clone()).unwrap_or_default();
    let (bridge, loopback) = if moves { (WIRE_BRIDGE, &before.loopback[..]) } else { ("", &[][..]) };
    let loopback: Vec<String> = loopback.iter().map(ToString::to_string).collect();
    let mut argv: Vec<String> =
        ["bash", "-c", packets::LAY, "lay", packets::ENDPOINTS, datapath, bridge].map(str::to_owned).into();
    argv.extend([device, loopback.join(" "), format!("{PHYSICAL}:{UPLINK_BRIDGE}"), outside()]);
    for endpoint in state.endpoints(member) {
        argv.extend([line(state, member, &endpoint), endpoint.port]);
    }
    argv
}

/// An endpoint as the script reads it, with what it has to know of those of the other network.
fn line(state: &State, member: &Member, endpoint: &Endpoint) -> String {
    let others = state.members.iter().filter(|other| other.name != member.name);
    let strangers = others.flat_map(|other| state.endpoints(other)).filter(|it| it.overlay != endpoint.overlay);
    let stranger = |it: Endpoint| it.place.nets().map(|net| format!("{},,{}", net.addr(), it.place.mac()));
    let mut ways: Vec<String> = strangers.flat_map(stranger).collect();
    if endpoint.overlay == Overlay::ROUTED {
        ways.extend(by(Overlay::ROUTED.router(), Place::UPLINK));
    }
    format!("{} {} {}", endpoint.overlay, addresses(endpoint.place), ways.join(" "))
}

/// What is outside as the script reads it.
fn outside() -> String {
    let back = by(Place::UPLINK, Overlay::ROUTED.router());
    format!("{OUTSIDE} {} {}", addresses(Place::OUTSIDE), back.join(" "))
}

/// The ways by a router to the networks of a place.
fn by(router: Place, to: Place) -> [String; 2] {
    [false, true].map(|ipv6| format!("{},{},", to.nets()[usize::from(ipv6)].trunc(), router.address(ipv6)))
}

/// The Ethernet address of a place, and its others with their prefixes.
fn addresses(place: Place) -> String {
    let [ipv4, ipv6] = place.nets();
    format!("{} {ipv4} {ipv6}", place.mac())
}

/// What makes the logical networks with their ports and the router, by one change.
fn northbound(state: &State) -> Vec<String> {
    let mut argv: Vec<String> = ["microovn.ovn-nbctl", "--timeout=60"].map(str::to_owned).into();
    let mut and = |words: &[&str]| {
        argv.push("--".to_owned());
        argv.extend(words.iter().map(|word| (*word).to_owned()));
    };
    for network in Overlay::ALL.map(|overlay| overlay.to_string()) {
        and(&["--may-exist", "ls-add", &network]);
    }
    for endpoint in state.members.iter().filter(|member| member.talks).flat_map(|member| state.endpoints(member)) {
        let network = endpoint.overlay.to_string();
        and(&["--may-exist", "lsp-add", &network, &endpoint.port]);
        let [ipv4, ipv6] = endpoint.place.nets();
        let addresses = format!("{} {} {}", endpoint.place.mac(), ipv4.addr(), ipv6.addr());
        and(&["lsp-set-addresses", &endpoint.port, &addresses]);
    }
    and(&["--may-exist", "lr-add", ROUTER]);
    and(&["--may-exist", "ls-add", UPLINK]);
    for (network, place) in
        [(Overlay::ROUTED.to_string(), Overlay::ROUTED.router()), (UPLINK.to_owned(), Place::UPLINK)]
    {
        let (of_router, of_network) = (format!("{network}-router"), format!("router-{network}"));
        let ([ipv4, ipv6], mac) = (place.nets().map(|net| net.to_string()), place.mac());
        and(&["--may-exist", "lrp-add", ROUTER, &of_router, &mac, &ipv4, &ipv6]);
        and(&["--may-exist", "lsp-add", &network, &of_network]);
        and(&["lsp-set-type", &of_network, "router"]);
        and(&["lsp-set-addresses", &of_network, "router"]);
        and(&["lsp-set-options", &of_network, &format!("router-port={of_router}")]);
    }
    and(&["--may-exist", "lsp-add", UPLINK, PHYSICAL]);
    and(&["lsp-set-type", PHYSICAL, "localnet"]);
    and(&["lsp-set-addresses", PHYSICAL, "unknown"]);
    and(&["lsp-set-options", PHYSICAL, &format!("network_name={PHYSICAL}")]);
    let gateway = GATEWAY_PORT.trim_start_matches("cr-");
    for (name, priority) in state.gateways.iter().zip((1..=PRIORITY).rev()) {
        and(&["lrp-set-gateway-chassis", gateway, name, &priority.to_string()]);
    }
    argv
}

/// What ends when every chassis has taken its ports in, and one the gateway, or does not wait any longer.
fn ups(state: &State) -> [Vec<String>; 2] {
    let mut ports = Vec::new();
    for endpoint in state.talkers().flat_map(|member| state.endpoints(member)) {
        let wait = ["--", "wait-until", "Logical_Switch_Port", &endpoint.port, "up=true"];
        ports.extend(wait.map(str::to_owned));
    }
    let gateway = ["--", "wait-until", "Port_Binding", GATEWAY_PORT, "chassis!=[]"].map(str::to_owned).into();
    [("microovn.ovn-nbctl", ports), ("microovn.ovn-sbctl", gateway)]
        .map(|(program, words)| [vec![program.to_owned(), "--timeout=10".to_owned()], words].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Outline, Plan, Segments};

    fn state(datapath: Datapath) -> (State, State) {
        let cell = crate::matrix::Cell::new(&[], &[]).expect("a cell").id().clone();
        let plan = Plan::outlined(cell, Outline::default(), Segments::documentation());
        let before = State { datapath: Some(datapath), ..plan.state };
        let mut after = before.clone();
        after.lay_traffic();
        (before, after)
    }

    #[test]
    fn who_carries_packets_itself_is_told_which_addresses_move() {
        let (mut before, _) = state(Datapath::Userspace);
        before.members[0].loopback.push("198.18.0.1/32".parse().expect("a net"));
        let mut after = before.clone();
        after.lay_traffic();
        let argv = on_member(&after, &before.members[0], &after.members[0]);
        assert_eq!(argv[5..10], ["netdev", "br-phy", "eth0", "198.18.0.1/32", "testkit:br-ex"]);
        let back = "198.19.1.0/24,198.19.9.254, fd42:6f76:1::/64,fd42:6f76:9::fe,";
        assert_eq!(argv[10], format!("outside 0a:74:6b:00:09:01 198.19.9.1/24 fd42:6f76:9::1/64 {back}"));
        assert_eq!(argv.len(), 15, "two endpoints, each with its port");
        assert!(
            argv[11]
                .starts_with("red 0a:74:6b:00:01:01 198.19.1.1/24 fd42:6f76:1::1/64 198.19.2.2,,0a:74:6b:00:02:02 ")
        );
        assert!(argv[11].ends_with(" 198.19.9.0/24,198.19.1.254, fd42:6f76:9::/64,fd42:6f76:1::fe,"));
        let (before, after) = state(Datapath::Kernel);
        let argv = on_member(&after, &before.members[0], &after.members[0]);
        assert_eq!(argv[5..9], ["system", "", "eth0", ""]);
    }

    #[test]
    fn who_leaves_gets_its_addresses_back() {
        let (mut formed, _) = state(Datapath::Userspace);
        formed.members[0].loopback.push("198.18.0.1/32".parse().expect("a net"));
        let mut before = formed.clone();
        before.lay_traffic();
        let mut after = State { since: Some(crate::plan::Changes::default()), ..before.clone() };
        after.members[0].presence = crate::plan::Presence::Left;
        after.forget_servers();
        let argv = off(&before.members[0], &after.members[0]);
        assert_eq!(argv[4], "eth0");
        assert!(argv[5].starts_with("[Match]\nName=eth0\n") && argv[5].contains("Address=192.0.2.11"), "{argv:?}");
        assert!(argv[6].contains("Address=198.18.0.1/32\n"), "{argv:?}");
        assert_eq!(argv[7..], ["outside", "red", "blue"]);
        let (_, before) = state(Datapath::Kernel);
        assert_eq!(off(&before.members[0], &before.members[0])[4..7], ["", "", ""]);
    }

    #[test]
    fn every_endpoint_has_its_port_in_the_northbound() {
        let (_, after) = state(Datapath::Kernel);
        let argv = northbound(&after).join(" ");
        assert_eq!(argv.matches(" lsp-add ").count(), 6 + 3, "{argv}");
        let port = format!("lsp-add blue blue-{}", after.members[2].name);
        assert!(argv.contains(&port), "{argv}");
    }

    #[test]
    fn every_chassis_may_have_the_gateway_the_first_before_all_others() {
        let (_, after) = state(Datapath::Kernel);
        let argv = northbound(&after);
        let gateways: Vec<&[String]> = argv.split(|word| word == "--").filter(|it| it[0].contains("gateway")).collect();
        let wanted = (1..).zip(&after.members).map(|(n, member)| {
            ["lrp-set-gateway-chassis", "uplink-router", &member.name, &(101 - n).to_string()].map(str::to_owned)
        });
        assert_eq!(gateways, wanted.collect::<Vec<_>>());
    }
}
