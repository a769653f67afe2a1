//! What a MicroCloud that is given makes of members, which are containers.

use crate::config::Config;
use crate::image::Snap;

/// The first that offers any interface with an address for an underlay (`GetNetworkInterfaces` in its `service/lxd.go`). Those before
/// offer what LXD calls physical, vlan or bond, and the NIC of a container is none of these.
const ANY_INTERFACE: [u64; 3] = [2, 1, 1];

/// The version of the MicroCloud that is given, where that takes no NIC of a container for an underlay.
pub fn without_underlays(config: &Config) -> Option<String> {
    let snap = Snap::inspect(config.microcloud_snap.as_deref()?).ok()?;
    (!snap.is_from(&ANY_INTERFACE)).then_some(snap.version)
}
