//! What BGP has in OVN, in the kernel and in the router's configuration, where it is given a network to speak on.
//!
//! OVN 25.03 is told otherwise than the one of MicroOVN is: the table of routes is the one of the number that the router's datapath
//! has in the Southbound, and only what vrf is called can be chosen. So a table that is asked for is asked for as that number, which only
//! one member may have.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Deserialize;
use tokio::process::Command;

use crate::error::{Context, Error, Result};
use crate::faults::{self, Fault};
use crate::paths::Paths;

use super::tools;

/// What BGP is to have beside a router.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    /// The devices of the networks that it speaks on.
    pub(crate) connections: Vec<String>,
    /// The table of routes, where one is asked for.
    pub(crate) table: Option<u32>,
    /// The number of the autonomous system, where one is asked for.
    pub(crate) asn: Option<u32>,
    /// Whether an operator configures the router.
    pub(crate) by_hand: bool,
}

/// The first table that MicroOVN takes by itself, and the first number of an autonomous system.
const FIRST_TABLE: u32 = 10;
const FIRST_ASN: u32 = 4_210_000_000;
/// What is made for BGP is marked so, in OVN and in Open vSwitch.
const MARK: &str = "external-ids:microovn-bgp-managed=true";
/// What a daemon is told of ports, and of bridges.
const PORTS: &str = "dynamic-routing-port-mapping";
const BRIDGES: &str = "ovn-bridge-mappings";

/// The configuration of a router that speaks to nobody.
pub(crate) const SILENT: &str = "log syslog all;\nprotocol device {}\n";

/// Where the router reads its configuration.
pub(crate) fn configuration(paths: &Paths) -> PathBuf {
    paths.common.join("data/bird/bird.conf")
}

/// Why there is no vrf in the kernel, if there is none.
pub(crate) fn without_vrf() -> Option<&'static str> {
    let there = std::path::Path::new("/sys/module/vrf").exists();
    (!there).then_some("vrf kernel module missing or not loaded")
}

/// Names that follow from a member's and a device's.
struct Names {
    router: String,
    router_port: String,
    switch: String,
    switch_port: String,
    physical_port: String,
    physical: String,
    bridge: String,
    /// The end of a pair of devices that the router has, the other, and the logical port of that.
    inner: String,
    outer: String,
    inner_port: String,
}

impl Names {
    fn of(member: &str, device: &str) -> Self {
        let inner = format!("v{device}-bgp");
        Self {
            router: router(member),
            router_port: format!("lrp-{member}-{device}"),
            switch: format!("ls-{member}-{device}"),
            switch_port: format!("lsp-{member}-{device}"),
            physical_port: format!("patch-{member}-{device}"),
            physical: format!("physnet_{member}_{device}"),
            bridge: format!("br-{device}"),
            inner_port: format!("lsp-{member}-{inner}"),
            inner,
            outer: format!("v{device}-brg"),
        }
    }
}

/// OVN's router on a member.
pub(crate) fn router(member: &str) -> String {
    format!("lr-{member}-microovn")
}

/// Makes all that BGP is to have on a member, who is the `number`th of the cluster.
pub(crate) async fn make(paths: &Paths, member: &str, number: usize, wanted: &Wanted) -> Result<()> {
    let all: Vec<Names> = wanted.connections.iter().map(|device| Names::of(member, device)).collect();
    let vrf = format!("ovnvrf{}", wanted.table.unwrap_or(first_free().await?));
    for (device, names) in wanted.connections.iter().zip(&all) {
        vsctl(paths, &["add-br", &names.bridge, "--", "set", "bridge", &names.bridge, MARK]).await?;
        vsctl(paths, &["add-port", &names.bridge, device]).await?;
    }
    let bridges: Vec<String> = all.iter().map(|names| format!("{}:{}", names.physical, names.bridge)).collect();
    tell(paths, BRIDGES, &bridges.join(",")).await?;
    make_router(paths, member, &vrf, wanted.table).await?;
    for names in &all {
        make_network(paths, names).await?;
    }
    let table = match wanted.table {
        Some(table) => table,
        None => number_of(paths, &router(member)).await?,
    };
    // Whoever comes first, ovn-controller or this: the other finds it there.
    let _ = ip(&["link", "add", &vrf, "type", "vrf", "table", &table.to_string()]).await;
    ip(&["link", "set", &vrf, "up"]).await?;
    for names in &all {
        make_pair(paths, names, &vrf).await?;
    }
    let ports: Vec<String> = all.iter().map(|names| format!("{0}={0}", names.inner)).collect();
    tell(paths, PORTS, &ports.join(",")).await?;
    if !wanted.by_hand {
        let asn = wanted.asn.unwrap_or(FIRST_ASN + u32::try_from(number).unwrap_or(1) - 1);
        let text = configured(&wanted.connections, &vrf, table, asn, number);
        std::fs::write(configuration(paths), text).context("failed to write the router's configuration")?;
        tools::run(paths, "birdc", &["configure"]).await?;
    }
    drops(paths, &all).await
}

/// Removes all that BGP may have on a member. What vrf has ovn-controller removes with the router.
pub(crate) async fn remove(paths: &Paths, member: &str) -> Result<()> {
    nbctl(paths, &["--if-exists", "lr-del", &router(member)]).await?;
    let find = ["--bare", "--columns=name", "find", "Logical_Switch", MARK];
    let own = format!("ls-{member}-");
    for switch in nbctl(paths, &find).await?.lines().filter(|name| name.starts_with(&own)) {
        nbctl(paths, &["--if-exists", "ls-del", switch]).await?;
    }
    for bridge in vsctl(paths, &["--bare", "--columns=name", "find", "Bridge", MARK]).await?.lines() {
        vsctl(paths, &["--if-exists", "del-br", bridge]).await?;
    }
    for port in vsctl(paths, &["--bare", "--columns=name", "find", "Port", MARK]).await?.lines() {
        vsctl(paths, &["--if-exists", "del-port", port]).await?;
        ip(&["link", "delete", port]).await?;
    }
    for key in [BRIDGES, PORTS] {
        vsctl(paths, &["remove", "Open_vSwitch", ".", "external-ids", key]).await?;
    }
    std::fs::write(configuration(paths), SILENT).context("failed to write the router's configuration")
}

async fn make_router(paths: &Paths, member: &str, vrf: &str, table: Option<u32>) -> Result<()> {
    let router = router(member);
    let (chassis, vrf) = (format!("options:chassis={member}"), format!("options:dynamic-routing-vrf-name={vrf}"));
    let mut words = vec!["lr-add", &router, "--", "set", "Logical_Router", &router, MARK, &chassis, &vrf];
    let number = table.map(|table| format!("options:requested-tnl-key={table}"));
    words.push("options:dynamic-routing=true");
    words.extend(number.as_deref());
    nbctl(paths, &words).await.map(drop)
}

async fn make_network(paths: &Paths, names: &Names) -> Result<()> {
    let Names { router, router_port, switch, switch_port, physical_port, physical, inner, inner_port, .. } = names;
    let mac = mac(router_port).await?;
    let set = |port: &str, kind: &str, addresses: &str, option: String| {
        let words = [
            &["--", "lsp-add", switch, port, "--", "lsp-set-addresses", port, addresses][..],
            &["--", "lsp-set-type", port, kind, "--", "lsp-set-options", port, &option],
        ];
        words.concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let mut words: Vec<String> =
        ["lrp-add", router, router_port, &mac, "--", "ls-add", switch, "--"].map(str::to_owned).into();
    words.extend(["set", "Logical_Switch", switch, MARK].map(str::to_owned));
    words.extend(set(switch_port, "router", "router", format!("router-port={router_port}")));
    words.extend(set(physical_port, "localnet", "unknown", format!("network_name={physical}")));
    words.extend(
        ["--", "lsp-add", switch, inner_port, "--", "lsp-set-addresses", inner_port, "unknown"].map(str::to_owned),
    );
    let tells = faults::find_or(paths, Fault::BgpTellsOf, "nat").unwrap_or_else(|| "nat,lb".to_owned());
    // A name that no device is known by: nothing is learnt at it.
    let learns = if faults::plays(paths, Fault::BgpLearnsNothing) { "nobody" } else { inner.as_str() };
    words.extend(["--", "lrp-set-options", router_port, "dynamic-routing-maintain-vrf=true"].map(str::to_owned));
    words.push(format!("dynamic-routing-redistribute={tells}"));
    words.push(format!("dynamic-routing-port-name={learns}"));
    words.push(format!("routing-protocol-redirect={inner_port}"));
    words.push("routing-protocols=BGP,BFD".to_owned());
    words.extend(["--", "set", "Logical_Router_Port", router_port].map(str::to_owned));
    let announced = ["send_periodic=true", "address_mode=slaac", "max_interval=4", "min_interval=3"];
    words.extend(announced.map(|it| format!("ipv6_ra_configs:{it}")));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    nbctl(paths, &words).await.map(drop)
}

/// The pair of devices that what is BGP's comes by: one in vrf, where the router is, the other a port of the switch.
async fn make_pair(paths: &Paths, names: &Names, vrf: &str) -> Result<()> {
    let Names { inner, outer, inner_port, .. } = names;
    let mac = mac(&names.router_port).await?;
    ip(&["link", "add", inner, "address", &mac, "type", "veth", "peer", "name", outer]).await?;
    ip(&["link", "set", inner, "master", vrf]).await?;
    // Its address is OVN's port's, too, which also tells of itself.
    for file in ["accept_dad", "accept_ra"] {
        let path = format!("/proc/sys/net/ipv6/conf/{inner}/{file}");
        std::fs::write(&path, "0").context(format!("failed to write {path}"))?;
    }
    for device in [inner, outer] {
        ip(&["link", "set", device, "up"]).await?;
    }
    let port = format!("external_ids:iface-id={inner_port}");
    let words = ["add-port", "br-int", outer, "--", "set", "Port", outer, MARK, "--", "set", "Interface", outer, &port];
    vsctl(paths, &words).await.map(drop)
}

/// Drops what a fault says of what comes from the networks.
async fn drops(paths: &Paths, all: &[Names]) -> Result<()> {
    let Some(what) = faults::find_or(paths, Fault::BgpDrops, "icmp") else { return Ok(()) };
    for names in all {
        // What asks for an answer, and not what neighbours are found by.
        let asks = if what == "icmp6" { 128 } else { 8 };
        let flow = format!("priority=100,{what},icmp_type={asks},actions=drop");
        tools::run(paths, "ovs-ofctl", &["add-flow", &names.bridge, &flow]).await?;
    }
    Ok(())
}

/// The MAC of a port of OVN's routers.
async fn mac(port: &str) -> Result<String> {
    let script = ["-c", "printf %s \"$1\" | md5sum", "sh", port];
    let output = Command::new("sh").args(script).output().await.context("failed to run md5sum")?;
    let sum = String::from_utf8_lossy(&output.stdout).into_owned();
    let pairs = (0..5).map(|at| sum.get(2 * at..2 * at + 2)).collect::<Option<Vec<_>>>();
    let pairs = pairs.ok_or_else(|| Error::internal("md5sum printed no sum"))?;
    Ok(format!("02:{}", pairs.join(":")))
}

/// The first table that no device of vrf is called by.
async fn first_free() -> Result<u32> {
    let devices = ip(&["-o", "link", "show", "type", "vrf"]).await?;
    let taken = |table: &u32| devices.contains(&format!(": ovnvrf{table}: "));
    Ok((FIRST_TABLE..).find(|table| !taken(table)).unwrap_or(FIRST_TABLE))
}

/// The number of a router's datapath, which ovn-northd gives it.
async fn number_of(paths: &Paths, router: &str) -> Result<u32> {
    nbctl(paths, &["--wait=sb", "sync"]).await?;
    let name = format!("external_ids:name={router}");
    let find = ["--timeout=20", "--bare", "--columns=tunnel_key", "find", "Datapath_Binding", &name];
    let said = tools::run(paths, "ovn-sbctl", &find).await?;
    said.trim().parse().map_err(|_| Error::internal(format!("the datapath of {router} has no number, but {said:?}")))
}

async fn tell(paths: &Paths, key: &str, value: &str) -> Result<()> {
    vsctl(paths, &["set", "Open_vSwitch", ".", &format!("external-ids:{key}=\"{value}\"")]).await.map(drop)
}

async fn vsctl(paths: &Paths, words: &[&str]) -> Result<String> {
    tools::run(paths, "ovs-vsctl", &[&["--timeout=20"], words].concat()).await
}

async fn nbctl(paths: &Paths, words: &[&str]) -> Result<String> {
    tools::run(paths, "ovn-nbctl", &[&["--timeout=20"], words].concat()).await
}

async fn ip(words: &[&str]) -> Result<String> {
    let output = Command::new("ip").args(words).output().await.context("failed to run ip")?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    Err(Error::internal(format!("ip {} failed: {said}", words.join(" "))))
}

/// The router's configuration: it waits on each network for whoever dials it, and tells all but the way to everywhere.
fn configured(connections: &[String], vrf: &str, table: u32, asn: u32, number: usize) -> String {
    let mut text = SILENT.to_owned();
    for (family, all) in [("ipv4", "0.0.0.0/0"), ("ipv6", "::/0")] {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "protocol kernel kernel_{family} {{\n\t{family} {{\n\t\texport all;\n\t}};\n\tlearn;\n\tkernel table {table};\n\t\
             merge paths yes;\n}}\nfilter all_but_{family} {{\n\tif net = {all} then reject;\n\taccept;\n}}\n"
        );
    }
    text.push_str("protocol bfd {\n\tstrict bind yes;\n}\n");
    for device in connections {
        let _ = write!(
            text,
            "protocol bgp microovn_{device} {{\n\trouter id 10.255.255.{number};\n\tinterface \"v{device}-bgp\";\n\tvrf \"{vrf}\";\n\t\
             local as {asn};\n\tneighbor range fe80::/10 external;\n\tdynamic name \"dyn_microovn_{device}_\";\n\tipv4 {{\n\t\t\
             next hop self ebgp;\n\t\textended next hop on;\n\t\timport all;\n\t\texport filter all_but_ipv4;\n\t}};\n\tipv6 {{\n\t\t\
             import all;\n\t\texport filter all_but_ipv6;\n\t}};\n\tbfd {{\n\t\tpassive yes;\n\t}};\n}}\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_mac_of_a_port_is_the_one_that_microovn_gives_it() {
        // Of MicroOVN's own tests, which have the address that follows from it.
        let mac = mac("lrp-microovn-bgp-data-plane-1-eth1").await.expect("a MAC");
        assert_eq!(mac, "02:90:b1:a2:e6:28");
    }

    #[test]
    fn each_network_has_a_session_and_all_have_one_table() {
        let text = configured(&["eth1".to_owned(), "eth2".to_owned()], "ovnvrf10", 3, 4_210_000_001, 2);
        for line in ["\tinterface \"veth1-bgp\";", "\tdynamic name \"dyn_microovn_eth2_\";", "\tlocal as 4210000001;"] {
            assert!(text.lines().any(|it| it == line), "no {line:?} in {text}");
        }
        assert_eq!(text.matches("\tvrf \"ovnvrf10\";").count(), 2);
        assert_eq!(text.matches("\tkernel table 3;").count(), 2);
    }
}
