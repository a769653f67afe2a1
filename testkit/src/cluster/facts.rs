//! What the host under test must have, asked before a cluster is formed.

use crate::config::Config;
use crate::host::{self, Module};
use crate::plan::{HostFact, Need};

/// The needs that the host does not meet. Those of the product are for [`Capabilities`](super::Capabilities).
pub fn host_lacks<'a>(config: &Config, needs: &'a [Need]) -> Vec<&'a Need> {
    lacks(needs, || host::module(config, "vrf"), || host::without_packets(config).is_none())
}

/// A kernel that cannot be asked meets neither, for what it has is not known.
fn lacks(needs: &[Need], vrf: impl Fn() -> Module, packets: impl Fn() -> bool) -> Vec<&Need> {
    let met = |need: &&Need| match need {
        Need::Host(HostFact::Vrf) => vrf() == Module::Loaded,
        Need::Host(HostFact::NoVrf) => vrf() == Module::Missing,
        Need::Host(HostFact::Packets) => packets(),
        _ => true,
    };
    needs.iter().filter(|need| !met(need)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_lacks_what_its_kernel_has_not_and_where_that_is_not_known_both() {
        let [with, without] = [HostFact::Vrf, HostFact::NoVrf].map(Need::Host);
        let needs = [Need::CoreApi, with.clone(), without.clone()];
        let by = |vrf| lacks(&needs, move || vrf, || false);
        assert_eq!(by(Module::Loaded), [&without]);
        assert_eq!(by(Module::Missing), [&with]);
        assert_eq!(by(Module::Unknown), [&with, &without]);
        assert_eq!(lacks(&needs[..1], || Module::Missing, || false), [] as [&Need; 0]);
        let packets = [Need::Host(HostFact::Packets)];
        let carried = |can| lacks(&packets, || Module::Loaded, move || can).len();
        assert_eq!((carried(true), carried(false)), (0, 1));
    }
}
