//! What is left of a snap that was removed.
//!
//! A datapath shows as its own device, `ovs-system` in the kernel and `ovs-netdev` in userspace, so that no tool of Open vSwitch is
//! needed to see one, which would be gone with the snap.

use super::sorted;
use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::plan::State;

pub(super) const CHECK: Check = Check {
    name: "remains",
    about: "where the snap was removed nothing of it is left: no datapath and no other device, no process, mount, unit or file",
    reads: &[Subject::Remains],
    applies: |state| state.bare().next().is_some(),
    judge: Judge::Later(judge),
};

const TABLE: &str = "remains";
/// Devices that the kernel itself makes in every network namespace where the host has the module of that tunnel
/// (`net.core.fb_tunnels_only_for_init_net`, the kernel's Documentation/admin-guide/sysctl/net.rst).
const OF_THE_KERNEL: [&str; 9] =
    ["erspan0", "gre0", "gretap0", "ip6_vti0", "ip6gre0", "ip6tnl0", "ip_vti0", "sit0", "tunl0"];

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for member in state.bare() {
        let seen = match observation.get(&member.name, |seen| &seen.remains) {
            Ok(seen) => seen,
            Err(reason) => {
                verdict.unread(&member.name, TABLE, reason);
                continue;
            }
        };
        let planned = member.nics.iter().flat_map(|nic| [Some(nic.device.as_str()), nic.bridge.as_deref()]);
        let planned = planned.flatten().chain(["lo"]);
        let devices = seen.devices.iter().filter(|device| !OF_THE_KERNEL.contains(&device.as_str()));
        verdict.compare(&member.name, TABLE, "devices", sorted(planned), sorted(devices));
        for (column, left) in [("processes", &seen.processes), ("mounts", &seen.mounts), ("files", &seen.files)] {
            verdict.compare(&member.name, TABLE, column, "none", sorted(left));
        }
    }
    verdict.finish()
}
