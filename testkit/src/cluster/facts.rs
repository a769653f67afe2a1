//! What the host under test must have, asked before a cluster is formed.

use crate::config::Config;
use crate::host::{self, Module};
use crate::image::{self, Cache, Workspace};
use crate::plan::{HostFact, Need};

/// The needs that the host does not meet. Those of the product are for [`Capabilities`](super::Capabilities).
pub fn host_lacks<'a>(config: &Config, needs: &'a [Need]) -> Vec<&'a Need> {
    let host = Host {
        vrf: &|| host::module(config, "vrf"),
        packets: &|| host::without_packets(config).is_none(),
        kernel_datapath: &|| !host::decide_datapath(config).userspace && host::without_packets(config).is_none(),
        // Of an image that somebody names it is not known, and believed.
        netplan: &|| config.snap.is_none() || config.node_image.is_some(),
        lxd: &|| has_lxd(config),
        underlays: &|| host::without_underlays(config).is_none(),
    };
    lacks(needs, &host)
}

/// Whether members can be given the LXD of the distribution that the node image is of. One that is named is MicroCloud's.
fn has_lxd(config: &Config) -> bool {
    let found = || image::has_lxd(&Workspace::new(&config.root), &Cache::open(&config.cache_dir)?);
    config.node_image.is_none() && config.lxd_snap.is_none() && found().unwrap_or(false)
}

/// What a host is asked for, each where a need is about it.
struct Host<'a> {
    vrf: &'a dyn Fn() -> Module,
    packets: &'a dyn Fn() -> bool,
    kernel_datapath: &'a dyn Fn() -> bool,
    netplan: &'a dyn Fn() -> bool,
    lxd: &'a dyn Fn() -> bool,
    underlays: &'a dyn Fn() -> bool,
}

/// A kernel that cannot be asked meets neither, for what it has is not known.
fn lacks<'a>(needs: &'a [Need], host: &Host<'_>) -> Vec<&'a Need> {
    let met = |need: &&Need| match need {
        Need::Host(HostFact::Vrf) => (host.vrf)() == Module::Loaded,
        Need::Host(HostFact::NoVrf) => (host.vrf)() == Module::Missing,
        Need::Host(HostFact::Packets) => (host.packets)(),
        Need::Host(HostFact::KernelDatapath) => (host.kernel_datapath)(),
        Need::Host(HostFact::Netplan) => (host.netplan)(),
        Need::Host(HostFact::Lxd) => (host.lxd)(),
        Need::Host(HostFact::Underlays) => (host.underlays)(),
        _ => true,
    };
    needs.iter().filter(|need| !met(need)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host that has nothing.
    const NOTHING: Host<'static> = Host {
        vrf: &|| Module::Missing,
        packets: &|| false,
        kernel_datapath: &|| false,
        netplan: &|| false,
        lxd: &|| false,
        underlays: &|| false,
    };

    #[test]
    fn a_host_lacks_what_its_kernel_has_not_and_where_that_is_not_known_both() {
        let [with, without] = [HostFact::Vrf, HostFact::NoVrf].map(Need::Host);
        let needs = [Need::CoreApi, with.clone(), without.clone()];
        let by = |vrf| lacks(&needs, &Host { vrf: &|| vrf, ..NOTHING });
        assert_eq!(by(Module::Loaded), [&without]);
        assert_eq!(by(Module::Missing), [&with]);
        assert_eq!(by(Module::Unknown), [&with, &without]);
        assert_eq!(lacks(&needs[..1], &NOTHING), [] as [&Need; 0]);
        for fact in [HostFact::Packets, HostFact::KernelDatapath, HostFact::Netplan, HostFact::Lxd, HostFact::Underlays]
        {
            let is = |asked| move || fact == asked;
            let with = Host {
                packets: &is(HostFact::Packets),
                kernel_datapath: &is(HostFact::KernelDatapath),
                netplan: &is(HostFact::Netplan),
                lxd: &is(HostFact::Lxd),
                underlays: &is(HostFact::Underlays),
                ..NOTHING
            };
            let needs = [Need::Host(fact)];
            assert_eq!((lacks(&needs, &with).len(), lacks(&needs, &NOTHING).len()), (0, 1), "{fact:?}");
        }
    }
}
