//! The file that `microcloud preseed` reads on every member.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::plan::{Plan, Recipe};

/// How long the first member waits for the others, in seconds.
const TIMEOUT: u16 = 60;

/// What MicroCloud is told of the network outside, which its OVN networks would have: a block set aside for documentation (RFC
/// 5737), so that nobody is there.
pub struct Outside;

impl Outside {
    /// The NIC by which members reach it.
    pub const NIC: &str = "eth2";
    /// The bridge that has it for a port, without an address: what MicroCloud offers for an uplink is of a kind that LXD calls physical,
    /// bridge, bond or vlan, and the NIC of a container is of none.
    pub const BRIDGE: &str = "br-uplink";
    /// The gateway there, with its mask.
    pub const GATEWAY: &str = "203.0.113.1/24";
    /// The first and the last address that MicroCloud may use there.
    pub const RANGE: [&str; 2] = ["203.0.113.100", "203.0.113.200"];
}

/// The file for a cluster of this plan in which each member would enter as in `recipes`. The passphrase is secret.
///
/// Text is quoted as in JSON, which YAML takes.
pub fn preseed(plan: &Plan, recipes: &BTreeMap<String, Recipe>, passphrase: &str) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let initiator = plan.bootstrap().map(|member| member.address.to_string()).unwrap_or_default();
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "session_passphrase: {}", quoted(passphrase));
    let _ = writeln!(text, "session_timeout: {TIMEOUT}\ninitiator_address: {}\nsystems:", quoted(&initiator));
    for member in plan.state.members() {
        let keys = recipes.get(&member.hostname).map(|recipe| &recipe.preseed).into_iter().flatten();
        for (n, (key, value)) in keys.enumerate() {
            let _ = writeln!(text, "{} {key}: {}", if n == 0 { "-" } else { " " }, quoted(value));
        }
    }
    let [first, last] = Outside::RANGE;
    let _ = writeln!(text, "ovn:\n  ipv4_gateway: {}\n  ipv4_range: {first}-{last}", quoted(Outside::GATEWAY));
    text
}
