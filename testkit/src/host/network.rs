//! What this host's network does to members: no IPv6, or a firewall that drops what bridges forward.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use super::BRIDGE;
use crate::image::Program;

/// Why there is no IPv6 on the host whose `/proc/sys` this is, and what mends it; `None` where there is.
pub(super) fn no_ipv6(sysctl: &Path) -> Option<(String, String)> {
    match fs::read_to_string(sysctl.join("net/ipv6/conf/all/disable_ipv6")) {
        Ok(text) if text.trim() == "0" => None,
        Ok(_) => {
            let key = "net.ipv6.conf.all.disable_ipv6";
            Some((format!("{key} is 1"), format!("sysctl -w {key}=0")))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let seen = "the kernel has none: there is no /proc/sys/net/ipv6".to_owned();
            Some((seen, "sed --in-place s/ipv6.disable=1// /etc/default/grub; update-grub; reboot".to_owned()))
        }
        Err(error) => Some((format!("it cannot be told: {error}"), "sysctl net.ipv6.conf.all.disable_ipv6".to_owned())),
    }
}

/// What of the frames between members goes through the firewall: `net/bridge` of `/proc/sys`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Filtered {
    pub(super) ipv4: bool,
    pub(super) ipv6: bool,
}

impl Filtered {
    /// Without the module `br_netfilter` nothing does.
    pub(super) fn read(sysctl: &Path) -> Self {
        let on =
            |name: &str| fs::read_to_string(sysctl.join("net/bridge").join(name)).is_ok_and(|text| text.trim() == "1");
        Self { ipv4: on("bridge-nf-call-iptables"), ipv6: on("bridge-nf-call-ip6tables") }
    }
}

/// A chain that forwarded packets end in, and which drops what none of its rules takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Drops {
    /// For a person: `iptables FORWARD`.
    pub(super) chain: String,
    pub(super) ipv4: bool,
    pub(super) ipv6: bool,
    /// What lets bridges of cells through.
    pub(super) cells: Vec<String>,
    /// What lets the bridge for images through.
    pub(super) images: Vec<String>,
}

/// The interfaces of cells' bridges, as iptables and nftables match them: see `cluster/names.rs`.
const CELLS: [&str; 2] = ["tk+", "tk*"];

fn run(name: &str, args: &[&str]) -> Result<Vec<u8>, crate::image::Error> {
    Program::new("read the firewall", name).args(args.iter().copied()).run()
}

/// The chains of this host that drop. Without the right to look, that is the error.
pub(super) fn drops() -> Result<Vec<Drops>, crate::image::Error> {
    let mut found = Vec::new();
    let nft = super::packages::has_program("nft");
    if nft {
        found.extend(nft_drops(&run("nft", &["--json", "list", "ruleset"])?));
    }
    for (program, names) in [("iptables", "ip_tables_names"), ("ip6tables", "ip6_tables_names")] {
        // What the old kernel tables have shows in none of nft's. They are not asked where there are none, which would make them.
        let legacy = format!("{program}-legacy");
        let used = fs::read_to_string(Path::new("/proc/net").join(names)).is_ok_and(|tables| tables.contains("filter"));
        let program = match (used && super::packages::has_program(&legacy), nft) {
            (true, _) => legacy,
            (false, false) if super::packages::has_program(program) => program.to_owned(),
            _ => continue,
        };
        found.extend(iptables_drops(&program, &String::from_utf8_lossy(&run(&program, &["-S", "FORWARD"])?)));
    }
    Ok(found)
}

/// Reads `iptables -S FORWARD`.
fn iptables_drops(program: &str, rules: &str) -> Option<Drops> {
    let drops = rules.lines().any(|rule| rule == "-P FORWARD DROP" || rule == "-P FORWARD REJECT");
    let taken = rules.lines().any(|rule| rule.contains(&format!("-i {}", CELLS[0])) && rule.contains("-j ACCEPT"));
    let ipv6 = program.starts_with("ip6");
    let mend = |side: &str, device: &str| format!("{program} -I FORWARD {side} {device} -j ACCEPT");
    (drops && !taken).then(|| Drops {
        chain: format!("{program} FORWARD"),
        ipv4: !ipv6,
        ipv6,
        cells: vec![mend("-i", CELLS[0])],
        images: vec![mend("-i", BRIDGE), mend("-o", BRIDGE)],
    })
}

/// Reads `nft --json list ruleset`; see libnftables-json(5).
fn nft_drops(json: &[u8]) -> Vec<Drops> {
    let ruleset: Value = serde_json::from_slice(json).unwrap_or_default();
    let objects = ruleset["nftables"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let taken = |family: &str, table: &str, name: &str| {
        objects.iter().map(|object| &object["rule"]).any(|rule| {
            let here = text(rule, "family") == family && text(rule, "table") == table && text(rule, "chain") == name;
            let words = rule["expr"].to_string();
            here && words.contains(&format!("\"{}\"", CELLS[1])) && words.contains("\"accept\"")
        })
    };
    let chains = objects.iter().map(|object| &object["chain"]);
    let dropping = chains.filter(|chain| text(chain, "hook") == "forward" && text(chain, "policy") == "drop");
    let found = dropping.filter_map(|chain| {
        let (family, table, name) = (text(chain, "family"), text(chain, "table"), text(chain, "name"));
        let (ipv4, ipv6) = (family != "ip6", family != "ip");
        let iptables = match (family.as_str(), table.as_str(), name.as_str()) {
            ("ip", "filter", "FORWARD") => Some("iptables"),
            ("ip6", "filter", "FORWARD") => Some("ip6tables"),
            _ => None,
        };
        if taken(&family, &table, &name) {
            return None;
        }
        if let Some(program) = iptables {
            return iptables_drops(program, "-P FORWARD DROP");
        }
        // In quotes, or a shell would take the star for its own.
        let rule =
            |side: &str, device: &str| format!("nft 'insert rule {family} {table} {name} {side} \"{device}\" accept'");
        let images = vec![rule("iifname", BRIDGE), rule("oifname", BRIDGE)];
        let chain = format!("nft {family} {table} {name}");
        Some(Drops { chain, ipv4, ipv6, cells: vec![rule("iifname", CELLS[1])], images })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn ipv6_that_is_off_or_was_never_there_is_told_apart() {
        let sysctl = tempfile::tempdir().unwrap();
        let (seen, _) = no_ipv6(sysctl.path()).unwrap();
        assert_eq!(seen, "the kernel has none: there is no /proc/sys/net/ipv6");
        write(sysctl.path(), "net/ipv6/conf/all/disable_ipv6", "1\n");
        let (seen, mend) = no_ipv6(sysctl.path()).unwrap();
        assert_eq!(
            (seen.as_str(), mend.as_str()),
            ("net.ipv6.conf.all.disable_ipv6 is 1", "sysctl -w net.ipv6.conf.all.disable_ipv6=0")
        );
        write(sysctl.path(), "net/ipv6/conf/all/disable_ipv6", "0\n");
        assert_eq!(no_ipv6(sysctl.path()), None);
    }

    #[test]
    fn bridges_are_filtered_only_where_the_kernel_says_so() {
        let sysctl = tempfile::tempdir().unwrap();
        assert_eq!(Filtered::read(sysctl.path()), Filtered { ipv4: false, ipv6: false });
        write(sysctl.path(), "net/bridge/bridge-nf-call-iptables", "1\n");
        write(sysctl.path(), "net/bridge/bridge-nf-call-ip6tables", "0\n");
        assert_eq!(Filtered::read(sysctl.path()), Filtered { ipv4: true, ipv6: false });
    }

    #[test]
    fn a_policy_of_iptables_that_drops_is_found_until_cells_are_let_through() {
        // What Docker leaves.
        let docker = "-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n-A FORWARD -i docker0 -o docker0 -j ACCEPT\n";
        let drops = iptables_drops("iptables", docker).unwrap();
        assert_eq!((drops.chain.as_str(), drops.ipv4, drops.ipv6), ("iptables FORWARD", true, false));
        assert_eq!(drops.cells[0], "iptables -I FORWARD -i tk+ -j ACCEPT");
        assert_eq!(iptables_drops("iptables", &format!("{docker}-A FORWARD -i tk+ -j ACCEPT\n")), None);
        assert_eq!(iptables_drops("iptables", "-P FORWARD ACCEPT\n"), None);
        let drops = iptables_drops("ip6tables-legacy", "-P FORWARD DROP\n").unwrap();
        assert_eq!(
            (drops.ipv4, drops.ipv6, drops.cells[0].as_str()),
            (false, true, "ip6tables-legacy -I FORWARD -i tk+ -j ACCEPT")
        );
    }

    #[test]
    fn a_chain_of_nftables_that_drops_is_found_by_its_hook_until_cells_are_let_through() {
        let chain = |family: &str, name: &str, hook: &str, policy: &str| serde_json::json!({"chain": {"family": family, "table": "filter", "name": name, "hook": hook, "policy": policy}});
        let of = |objects: &[Value]| nft_drops(serde_json::json!({ "nftables": objects }).to_string().as_bytes());
        let found = of(&[
            chain("ip", "FORWARD", "forward", "drop"),
            chain("inet", "fw", "forward", "drop"),
            chain("inet", "in", "input", "drop"),
            chain("inet", "ok", "forward", "accept"),
        ]);
        let shown: Vec<_> =
            found.iter().map(|drops| (drops.chain.as_str(), drops.ipv6, drops.cells[0].as_str())).collect();
        let iptables = ("iptables FORWARD", false, "iptables -I FORWARD -i tk+ -j ACCEPT");
        let nft = ("nft inet filter fw", true, "nft 'insert rule inet filter fw iifname \"tk*\" accept'");
        assert_eq!(shown, [iptables, nft]);
        let rule = serde_json::json!({"rule": {"family": "inet", "table": "filter", "chain": "fw", "expr": [
            {"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "tk*"}}, {"accept": null}]}});
        assert_eq!(of(&[chain("inet", "fw", "forward", "drop"), rule]), Vec::new());
        assert_eq!(nft_drops(b"{}"), Vec::new());
    }
}
