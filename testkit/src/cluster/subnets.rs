//! Address ranges for a cell that collide with nothing.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use sha2::{Digest, Sha256};

use crate::plan::{Segment, Segments};

/// Where IPv4 segments are taken from: /24s of the private 10.128.0.0/9 (RFC 1918), away from the low numbers that
/// people give their own bridges.
const IPV4_COUNT: u32 = 1 << 15;

/// Where every cell's two ranges lie.
///
/// `seed` (run and cell) decides where the search starts, so that concurrent runs start apart; ranges that overlap
/// one of `taken` are passed over. `None` when nothing is left.
pub(super) fn pick(seed: &str, taken: &[IpNet]) -> Option<Segments> {
    let digest = Sha256::digest(seed.as_bytes());
    let start = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) % IPV4_COUNT;
    let mut free = (0..IPV4_COUNT)
        .map(|offset| segment((start + offset) % IPV4_COUNT))
        .filter(|segment| !taken.iter().any(|net| overlaps(segment, net)));
    Some(Segments { management: free.next()?, underlay: free.next()? })
}

/// The n-th segment: 10.128.0.0/24 onwards, and a unique local /64 (RFC 4193) with the same number.
fn segment(n: u32) -> Segment {
    let ipv4 = (10 << 24) | (1 << 23) | (n << 8);
    let ipv6 = (0xfd42_7e57_u128 << 96) | (u128::from(n) << 64);
    Segment { ipv4: Ipv4Net::new_assert(ipv4.into(), 24), ipv6: Ipv6Net::new_assert(ipv6.into(), 64) }
}

fn overlaps(segment: &Segment, net: &IpNet) -> bool {
    match net {
        // A default route covers everything and occupies nothing.
        _ if net.prefix_len() == 0 => false,
        IpNet::V4(net) => net.contains(&segment.ipv4) || segment.ipv4.contains(net),
        IpNet::V6(net) => net.contains(&segment.ipv6) || segment.ipv6.contains(net),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nets(segments: &Segments) -> [IpNet; 4] {
        [
            segments.management.ipv4.into(),
            segments.management.ipv6.into(),
            segments.underlay.ipv4.into(),
            segments.underlay.ipv6.into(),
        ]
    }

    fn disjoint(a: &IpNet, b: &IpNet) -> bool {
        !a.contains(b) && !b.contains(a)
    }

    proptest! {
        #[test]
        fn nothing_picked_overlaps_what_is_taken(seed in ".{0,20}", others in prop::collection::vec("[a-z]{6}", 0..6)) {
            let mut taken = Vec::new();
            for other in &others {
                taken.extend(nets(&pick(other, &taken).expect("room")));
            }
            let picked = nets(&pick(&seed, &taken).expect("room"));
            for a in &picked {
                for b in &taken {
                    prop_assert!(disjoint(a, b), "{a} overlaps {b}");
                }
            }
            prop_assert!(disjoint(&picked[0], &picked[2]) && disjoint(&picked[1], &picked[3]));
        }
    }

    #[test]
    fn a_range_inside_a_larger_one_is_passed_over_and_a_default_route_is_not_a_range() {
        let free = pick("x", &["0.0.0.0/0".parse().expect("a net")]).expect("room");
        let around: IpNet = Ipv4Net::new_assert(free.management.ipv4.addr(), 16).trunc().into();
        let other = pick("x", &[around]).expect("room");
        assert!(disjoint(&other.management.ipv4.into(), &around));
        assert_eq!(pick("x", &["10.0.0.0/8".parse().expect("a net")]), None);
    }
}
