//! What is printed of packets that are sent, and of those that are captured.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use etherparse::PacketBuilder;
use std::net::IpAddr;
use testkit::plan::{Member, Overlay, Place, State, Trial};

/// Where an echo request of an endpoint is answered, and what of Geneve went over each NIC; or where one that is too `large` is.
pub(super) fn packets(state: &State, member: &Member, large: bool) -> String {
    let mut text = String::new();
    for burst in state.bursts(member).iter().filter(|burst| (burst.trial == Trial::TooLarge) == large) {
        let crosses = matches!(burst.trial, Trial::Small | Trial::Filling | Trial::Outward);
        for (_, address) in &burst.to {
            let (count, answered) = (burst.count, if crosses { burst.count } else { 0 });
            text +=
                &format!("burst {} {}\n{address} : xmt/rcv/%loss = {count}/{answered}/0%\n", burst.from, burst.payload);
        }
    }
    for nic in member.nics.iter().filter(|_| !large) {
        let carries = member.wire().is_some_and(|wire| wire.device == nic.device);
        let frames = if carries { frames(state, member) } else { Vec::new() };
        text += &format!("wire {} 0 {}\n", nic.device, STANDARD.encode(pcap(&frames)));
    }
    text + "end\n"
}

/// A packet to every other member and one back, on each network.
fn frames(state: &State, member: &Member) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for peer in state.talkers().filter(|peer| peer.name != member.name) {
        for (vni, overlay) in (7..).zip(Overlay::ALL) {
            let inner = |it: &Member| state.endpoints(it)[overlay as usize].place.address(false);
            for (from, to) in [(member, peer), (peer, member)] {
                frames.push(geneve((from.encap.ip, to.encap.ip), vni, (inner(from), inner(to))));
            }
        }
    }
    // The first has the gateway: what leaves is the router's until it is there, and what comes back is the network's.
    if let Some(gateway) = state.gateway().filter(|gateway| gateway.name != member.name) {
        let ([red, _], outside) = (state.endpoints(member), Place::OUTSIDE.address(false));
        let inside = red.place.address(false);
        frames.push(geneve((member.encap.ip, gateway.encap.ip), 9, (inside, outside)));
        frames.push(geneve((gateway.encap.ip, member.encap.ip), 7, (outside, inside)));
    }
    frames
}

/// Geneve of OVN's between two tunnel endpoints, with an echo request in it.
fn geneve(outer: (IpAddr, IpAddr), vni: u8, inner: (IpAddr, IpAddr)) -> Vec<u8> {
    let mut payload = vec![0x02, 0x40, 0x65, 0x58, 0, 0, vni, 0, 0x01, 0x02, 0x80, 0x01, 0, 1, 0, 2];
    let (IpAddr::V4(from), IpAddr::V4(to)) = inner else { unreachable!("it is of IPv4") };
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(from.octets(), to.octets(), 64);
    builder.icmpv4_echo_request(1, 1).write(&mut payload, &[0; 56]).expect("a packet");
    let mut frame = Vec::new();
    let builder = PacketBuilder::ethernet2([6; 6], [8; 6]);
    let builder = match outer {
        (IpAddr::V4(from), IpAddr::V4(to)) => builder.ipv4(from.octets(), to.octets(), 64),
        (IpAddr::V6(from), IpAddr::V6(to)) => builder.ipv6(from.octets(), to.octets(), 64),
        _ => unreachable!("both are of one family"),
    };
    builder.udp(57152, 6081).write(&mut frame, &payload).expect("a packet");
    frame
}

/// Frames of Ethernet in a file of pcap (libpcap, pcap-savefile(5)).
fn pcap(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file: Vec<u8> =
        [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 192, 1].iter().flat_map(|it| it.to_le_bytes()).collect();
    for frame in frames {
        let length = u32::try_from(frame.len()).expect("a frame");
        file.extend([0, 0, length, length].iter().flat_map(|it: &u32| it.to_le_bytes()));
        file.extend(frame);
    }
    file
}
