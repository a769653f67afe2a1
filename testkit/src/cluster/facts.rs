//! What the host under test must have, asked before a cluster is formed.

use crate::config::Config;
use crate::host::{self, Module};
use crate::plan::{HostFact, Need};

/// The needs that the host does not meet. Those of the product are for [`Capabilities`](super::Capabilities).
pub fn host_lacks<'a>(config: &Config, needs: &'a [Need]) -> Vec<&'a Need> {
    lacks(needs, || host::module(config, "vrf"))
}

/// A kernel that cannot be asked meets neither, for what it has is not known.
fn lacks(needs: &[Need], vrf: impl Fn() -> Module) -> Vec<&Need> {
    let met = |need: &&Need| match need {
        Need::Host(HostFact::Vrf) => vrf() == Module::Loaded,
        Need::Host(HostFact::NoVrf) => vrf() == Module::Missing,
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
        assert_eq!(lacks(&needs, || Module::Loaded), [&without]);
        assert_eq!(lacks(&needs, || Module::Missing), [&with]);
        assert_eq!(lacks(&needs, || Module::Unknown), [&with, &without]);
        assert_eq!(lacks(&needs[..1], || Module::Missing), [] as [&Need; 0]);
    }
}
