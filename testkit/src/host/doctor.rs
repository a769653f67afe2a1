//! What this host and its LXD are like, for a person who wants to know before something fails. Nothing is changed.

use std::fs;
use std::net::ToSocketAddrs;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::datapath::{Decision, decide_datapath};
use super::network::{self, Drops, Filtered};
use super::{BRIDGE, Capacity, EXTENSIONS, connect_to, daemons, limits, objects, options, packages, refuse_cluster};
use crate::config::{Config, LxdTarget};
use crate::lxd::{Client, Endpoint};

/// What a member of a formed cluster takes, in bytes, with some room; measured by `make bench`.
const MEMBER: u64 = 240 << 20;
/// Golden images and the members of a few clusters fit in this.
const ROOM: u64 = 2 << 30;
/// Where snapd looks for snaps.
const STORE: &str = "api.snapcraft.io:443";
const MIB: u64 = 1 << 20;
const SYSCTL: &str = "/proc/sys";
/// What anybody may do whom LXD lets in.
const SETUP: &str = "`make setup`, or `testkit doctor --fix`";

/// Who asks: what only root can do is not proposed to somebody else as theirs to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asker {
    root: bool,
}

impl Asker {
    /// What mends what only root can: the command, or for root also what `setup` does of itself.
    fn by_root(self, command: &str, setup_does_it: bool) -> String {
        match (self.root, setup_does_it) {
            (true, true) => format!("`{command}`, or {SETUP}"),
            (true, false) => format!("`{command}`"),
            (false, _) => format!("root must: `sudo {command}`"),
        }
    }

    /// [`Asker::by_root`] of several commands.
    fn by_root_in_turn(self, commands: &[String]) -> String {
        let shown: Vec<_> = commands.iter().map(|command| self.by_root(command, false)).collect();
        shown.join(", and ").replace(", and root must: ", ", and ")
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Something is slower, or is not tested, than elsewhere.
    Warn,
    /// Suites cannot run, or would fail for a reason that is not MicroOVN's.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is: `storage`.
    pub what: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was seen.
    pub seen: String,
    /// What a person can do, where something is to be done.
    pub mend: Option<String>,
}

impl Finding {
    fn ok(what: &'static str, seen: impl Into<String>) -> Self {
        Self { what, level: Level::Ok, seen: seen.into(), mend: None }
    }

    fn warn(what: &'static str, seen: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what, level: Level::Warn, seen: seen.into(), mend: Some(mend.into()) }
    }

    fn fail(what: &'static str, seen: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what, level: Level::Fail, seen: seen.into(), mend: Some(mend.into()) }
    }
}

/// Looks at everything that suites need. What cannot be looked at because something else fails is left out.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let local = matches!(config.lxd, LxdTarget::Local { .. });
    let asker = Asker { root: limits::is_root() };
    let mut findings = vec![clock(config, asker)];
    if local {
        findings.extend(host(asker));
    }
    findings.push(datapath(&decide_datapath(config)));
    findings.push(store().await);
    match reach(config, asker).await {
        Ok((client, lxd)) => {
            findings.push(lxd);
            findings.extend(lxd_objects(config, &client).await);
        }
        Err(finding) => findings.push(finding),
    }
    findings
}

/// The host that nodes share a kernel with.
fn host(asker: Asker) -> Vec<Finding> {
    let mut findings = vec![
        packages(&packages::missing(false), asker),
        cgroups(&fs::read_to_string("/proc/self/mounts").unwrap_or_default(), asker),
    ];
    let low = limits::too_low().map(|(key, value, least, otherwise)| {
        let seen = format!("{key} is {value}: {otherwise}");
        Finding::fail("kernel limits", seen, asker.by_root(&format!("sysctl -w {key}={least}"), true))
    });
    findings.extend(or_else(low, Finding::ok("kernel limits", "keyrings and inotify are enough for forty nodes")));
    let closed = limits::closed_devices().map(|device| {
        let seen = format!("{} is missing or closed to nodes", device.display());
        Finding::fail("devices", seen, asker.by_root(&format!("chmod 0666 {}", device.display()), true))
    });
    findings.extend(or_else(closed, Finding::ok("devices", "/dev/fuse and /dev/net/tun are open to nodes")));
    findings.push(ipv6(Path::new(SYSCTL), asker));
    findings.extend(firewall(Filtered::read(Path::new(SYSCTL)), network::drops(), asker));
    findings.push(modules(|name| Path::new("/sys/module").join(name).exists(), asker));
    findings.push(apparmor(&fs::read_to_string("/sys/module/apparmor/parameters/enabled").unwrap_or_default()));
    findings.push(Finding::ok("virtualisation", "not needed: nodes are containers"));
    findings
}

/// What is bad, or that nothing is.
fn or_else(bad: impl Iterator<Item = Finding>, good: Finding) -> Vec<Finding> {
    let bad: Vec<_> = bad.collect();
    if bad.is_empty() { vec![good] } else { bad }
}

fn packages(missing: &[&str], asker: Asker) -> Finding {
    if missing.is_empty() {
        return Finding::ok("packages", "all there");
    }
    let install = format!("apt-get install --no-install-recommends {}", missing.join(" "));
    Finding::fail("packages", format!("missing: {}", missing.join(", ")), asker.by_root(&install, true))
}

fn cgroups(mounts: &str, asker: Asker) -> Finding {
    let mut kinds = mounts.lines().filter_map(|mount| mount.split(' ').nth(2));
    match kinds.find(|kind| kind.starts_with("cgroup")) {
        Some(kind) => Finding::ok("cgroups", format!("{kind} is mounted")),
        None => Finding::fail(
            "cgroups",
            "none is mounted: LXD starts no container",
            asker.by_root("mount -t cgroup2 none /sys/fs/cgroup", false),
        ),
    }
}

fn ipv6(sysctl: &Path, asker: Asker) -> Finding {
    match network::no_ipv6(sysctl) {
        None => Finding::ok("IPv6", "on"),
        Some((seen, mend)) => {
            Finding::warn("IPv6", format!("{seen}: cells with IPv6 addresses are refused"), asker.by_root(&mend, false))
        }
    }
}

/// A firewall that drops what is forwarded, as Docker's: what it does to members depends on whether frames that a bridge
/// passes on go through it.
fn firewall(filtered: Filtered, drops: Result<Vec<Drops>, crate::image::Error>, asker: Asker) -> Vec<Finding> {
    const WHAT: &str = "firewall";
    let drops = match drops {
        Ok(drops) => drops,
        Err(_) if !filtered.ipv4 && !filtered.ipv6 => {
            return vec![Finding::ok(WHAT, "what members send each other does not go through it")];
        }
        Err(error) => {
            let seen = "what members send each other goes through it (br_netfilter), and this user cannot read it";
            let mend = if asker.root { error.to_string() } else { "root can look: `sudo testkit doctor`".to_owned() };
            return vec![Finding::warn(WHAT, seen, mend)];
        }
    };
    let told = drops.iter().map(|Drops { chain, ipv4, ipv6, cells, images }| {
        if (filtered.ipv4 && *ipv4) || (filtered.ipv6 && *ipv6) {
            let seen = format!("{chain} drops by default, and so what members send each other (br_netfilter)");
            return Finding::fail(WHAT, seen, asker.by_root_in_turn(cells));
        }
        let seen = format!("{chain} drops by default: while an image is prepared, no snap can be fetched from a store");
        Finding::warn(WHAT, seen, asker.by_root_in_turn(images))
    });
    or_else(told, Finding::ok(WHAT, "drops nothing that is forwarded by default"))
}

/// Without these a switch has no datapath: OVN still writes its rows and OVS its ports.
fn modules(has: impl Fn(&str) -> bool, asker: Asker) -> Finding {
    let missing: Vec<_> = ["openvswitch", "geneve"].into_iter().filter(|module| !has(module)).collect();
    if missing.is_empty() {
        return Finding::ok("kernel modules", "openvswitch and geneve are loaded");
    }
    let seen = format!(
        "not loaded: {}; members carry packets in userspace where the kernel has no openvswitch",
        missing.join(", ")
    );
    let mend = asker.by_root(&format!("modprobe --all {}", missing.join(" ")), false);
    Finding::warn("kernel modules", seen, format!("{mend}, where the kernel has them"))
}

/// What members' packets will be carried by.
fn datapath(Decision { userspace, why }: &Decision) -> Finding {
    let which = if *userspace { "userspace" } else { "kernel" };
    Finding::ok("datapath", format!("{which}: {why}"))
}

fn apparmor(enabled: &str) -> Finding {
    if enabled.trim() == "Y" {
        return Finding::ok("AppArmor", "on: snaps are confined as they are for users");
    }
    let seen = "off: snapd confines partially, and what a forgotten plug forbids elsewhere works here";
    Finding::warn("AppArmor", seen, "for tests of confinement use a host with AppArmor")
}

/// Certificates of clusters are valid from now on: a clock that is behind makes them not yet valid elsewhere.
fn clock(config: &Config, asker: Asker) -> Finding {
    let newest = fs::metadata(config.root.join("Cargo.lock")).and_then(|metadata| metadata.modified()).ok();
    match newest.and_then(|newest| newest.duration_since(std::time::SystemTime::now()).ok()) {
        Some(behind) if behind > Duration::from_secs(60) => {
            let seen = format!("{} s behind the newest file of this checkout", behind.as_secs());
            Finding::fail("clock", seen, asker.by_root("timedatectl set-ntp true", false))
        }
        _ => Finding::ok("clock", jiff::Timestamp::now().strftime("%F %T UTC").to_string()),
    }
}

async fn store() -> Finding {
    let reach = async {
        let addresses =
            tokio::task::spawn_blocking(|| STORE.to_socket_addrs()).await.map_err(std::io::Error::other)??;
        tokio::net::TcpStream::connect(&*addresses.collect::<Vec<_>>()).await
    };
    let mend = "nothing for the stand-in; for your own snap give snapd and the base with MICROOVN_EXTRA_SNAPS";
    match tokio::time::timeout(Duration::from_secs(3), reach).await {
        Ok(Ok(_)) => Finding::ok("snap store", "reachable from this host"),
        Ok(Err(error)) => Finding::warn("snap store", format!("not reachable: {error}"), mend),
        Err(_) => Finding::warn("snap store", "no answer within 3 s", mend),
    }
}

/// LXD, and what it is like.
async fn reach(config: &Config, asker: Asker) -> Result<(Client, Finding), Finding> {
    let refused = |error: super::Error| refusal(&error, asker);
    let options = options(config).map_err(refused)?;
    let endpoint = daemons::find_lxd(&options).await.map_err(refused)?;
    let endpoint = endpoint.ok_or_else(|| no_lxd(asker))?;
    let client = connect_to(&endpoint).await.map_err(refused)?;
    refuse_cluster(&client).map_err(refused)?;
    let server = client.server();
    let version = &server.environment.server_version;
    let missing: Vec<_> = EXTENSIONS.into_iter().filter(|name| !server.has_extension(name)).collect();
    if missing.is_empty() {
        let at = match &endpoint {
            Endpoint::Unix(socket) => socket.display().to_string(),
            Endpoint::Https { url, .. } => format!("{url}, its certificate as pinned"),
        };
        let manager = match &endpoint {
            Endpoint::Unix(socket) => manager(socket, Path::new("/run/systemd/system").exists()),
            Endpoint::Https { .. } => "on another host",
        };
        let finding = release(version, &format!("at {at}, {manager}"));
        return Ok((client, finding));
    }
    let seen = format!("{version} lacks the API extensions {}", missing.join(", "));
    Err(Finding::fail("LXD", seen, "install LXD 5.0 or later: `sudo snap install lxd`"))
}

/// Who starts and stops the LXD of this socket.
fn manager(socket: &Path, systemd: bool) -> &'static str {
    match (socket.starts_with("/var/snap/lxd"), systemd) {
        (true, _) => "managed by its snap",
        (false, true) => "managed by systemd",
        (false, false) => "managed by nothing but `testkit setup`",
    }
}

/// The releases of LXD that were tried: the first for real, all by their recorded replies.
const TRIED: &str = "5.0.2, 5.21.7 and 6.9 were tried";
/// The newest of them.
const NEWEST: [u64; 2] = [6, 9];

/// An LXD that has what is needed. A newer one than was tried may answer otherwise.
fn release(version: &str, place: &str) -> Finding {
    let seen = format!("{version} {place}, with every API extension needed; {TRIED}");
    let numbers: Vec<Option<u64>> = version.split('.').take(2).map(|part| part.parse().ok()).collect();
    match numbers[..] {
        [Some(major), Some(minor)] if [major, minor] <= NEWEST => Finding::ok("LXD", seen),
        _ => Finding::warn("LXD", seen, "nothing, where suites run; a reply that is not understood is told as such"),
    }
}

/// An LXD that is there and cannot be used.
fn refusal(error: &(dyn std::error::Error + 'static), asker: Asker) -> Finding {
    let causes: Vec<_> = std::iter::successors(Some(error), |error| error.source()).collect();
    let denied = causes.iter().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.is_some_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    });
    let mend = match (denied, asker.root) {
        (true, false) => "root must: `sudo usermod --append --groups lxd \"$USER\"`; then log in anew".to_owned(),
        _ => SETUP.to_owned(),
    };
    Finding::fail("LXD", causes.iter().map(ToString::to_string).collect::<Vec<_>>().join(": "), mend)
}

fn no_lxd(asker: Asker) -> Finding {
    // Where it is installed and does not run, and where it is not; `setup` knows which, when it may do either.
    let mend = match (asker.root, daemons::start_command()) {
        (true, _) => SETUP.to_owned(),
        (false, Some(start)) => format!("root must start it: `sudo {}`", start.join(" ")),
        (false, None) => "root must install or start it: `sudo make setup`".to_owned(),
    };
    Finding::fail("LXD", "none answers", mend)
}

/// The framework's own objects, and the room that LXD's host has.
async fn lxd_objects(config: &Config, client: &Client) -> Vec<Finding> {
    let absent = |what, name: &str| Finding::fail(what, format!("LXD has no {what} {name}"), SETUP);
    let refused = |what, error: &dyn std::error::Error| Finding::fail(what, error.to_string(), SETUP);
    let owned = |what, name: &str, config: &_| match objects::check_ours(config, what, name) {
        Ok(()) => Finding::ok(what, format!("{name} is there, and is the framework's own")),
        Err(error) => refused(what, &error),
    };
    let mut findings = Vec::new();
    findings.push(match client.find_project(&config.project).await {
        Ok(Some(found)) => owned("project", &config.project, &found.value.config),
        Ok(None) => absent("project", &config.project),
        Err(error) => refused("project", &error),
    });
    findings.push(match client.find_network(BRIDGE).await {
        Ok(Some(found)) => owned("bridge", BRIDGE, &found.value.config),
        Ok(None) => absent("bridge", BRIDGE),
        Err(error) => refused("bridge", &error),
    });
    findings.push(match client.find_storage_pool(&config.pool).await {
        Ok(Some(pool)) => match client.get_storage_pool_resources(&config.pool).await {
            Ok(room) => storage(&pool.value.driver, room.space.total.saturating_sub(room.space.used)),
            Err(error) => refused("storage", &error),
        },
        Ok(None) => absent("storage", &config.pool),
        Err(error) => refused("storage", &error),
    });
    findings.push(match Capacity::of(&config.lxd, client).await {
        Ok(capacity) => memory(capacity),
        Err(error) => refused("memory", &error),
    });
    findings.push(resolution(config));
    findings
}

fn storage(driver: &str, free: u64) -> Finding {
    let seen = format!("driver {driver}, {} MiB free", free / MIB);
    if free < ROOM {
        return Finding::fail("storage", seen, "`testkit sweep`, `testkit down --all`, or a larger pool");
    }
    match driver {
        "dir" => {
            Finding::warn("storage", format!("{seen}: a clone takes seconds"), "install btrfs-progs and set up anew")
        }
        _ => Finding::ok("storage", seen),
    }
}

fn memory(Capacity { memory: free, processors }: Capacity) -> Finding {
    let members = free / MEMBER;
    let seen = format!("{} MiB free on {processors} processors: room for {members} members at a time", free / MIB);
    match members {
        0..3 => Finding::fail("memory", seen, "end what takes it, or use a larger host: a suite has three members"),
        3..12 => Finding::warn("memory", seen, "nothing: fewer suites are formed at a time"),
        _ => Finding::ok("memory", seen),
    }
}

/// Members are on bridges of their own and reach no resolver; snapd must not wait for one.
fn resolution(config: &Config) -> Finding {
    match &config.node_image {
        None => Finding::ok("DNS in nodes", "not needed: the node image asks no resolver"),
        Some(image) => Finding::warn(
            "DNS in nodes",
            format!("{image} may ask for a resolver that its isolated bridges do not have, and snapd waits for it"),
            "nothing, if it boots in time: its golden image gets `hosts: files myhostname`",
        ),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const ROOT: Asker = Asker { root: true };
    const USER: Asker = Asker { root: false };

    /// Everything that may be bad about a host and needs root, as told to `asker`.
    fn mends(asker: Asker) -> Vec<String> {
        let findings = [packages(&["lxd", "btrfs-progs"], asker), cgroups("", asker), modules(|_| false, asker)];
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let more = [refusal(&denied, asker), no_lxd(asker)];
        findings.into_iter().chain(more).filter_map(|finding| finding.mend).collect()
    }

    #[test]
    fn to_who_is_not_root_it_says_what_root_must_do() {
        let mends = mends(USER);
        assert_eq!(mends.len(), 5);
        for mend in &mends {
            assert!(mend.starts_with("root must") && mend.contains("`sudo "), "{mend}");
            assert!(!mend.contains("--fix"), "proposes what the user cannot do: {mend}");
        }
        assert_eq!(mends[0], "root must: `sudo apt-get install --no-install-recommends lxd btrfs-progs`");
        assert!(mends[3].contains("usermod --append --groups lxd"), "{}", mends[3]);
    }

    #[rstest]
    #[case::members(true, Level::Fail, "members send each other", "`iptables -I FORWARD -i tk+ -j ACCEPT`")]
    #[case::images(false, Level::Warn, "no snap can be fetched", "-i tkbr0 -j ACCEPT`, and `iptables")]
    fn a_firewall_that_drops_is_told_by_whom_it_hits(
        #[case] filtered: bool,
        #[case] level: Level,
        #[case] seen: &str,
        #[case] mend: &str,
    ) {
        let drops = || {
            vec![Drops {
                chain: "iptables FORWARD".to_owned(),
                ipv4: true,
                ipv6: false,
                cells: vec!["iptables -I FORWARD -i tk+ -j ACCEPT".to_owned()],
                images: vec!["iptables -I FORWARD -i tkbr0 -j ACCEPT".to_owned(), "iptables -I X".to_owned()],
            }]
        };
        let on = |filtered| Filtered { ipv4: filtered, ipv6: true };
        let findings = firewall(on(filtered), Ok(drops()), ROOT);
        let [finding] = &findings[..] else { panic!("{findings:?}") };
        assert_eq!(finding.level, level);
        assert!(finding.seen.contains(seen), "{finding:?}");
        assert!(finding.mend.as_ref().is_some_and(|it| it.contains(mend)), "{finding:?}");
        let of_a_user = firewall(on(false), Ok(drops()), USER)[0].mend.clone();
        let wanted = "root must: `sudo iptables -I FORWARD -i tkbr0 -j ACCEPT`, and `sudo iptables -I X`";
        assert_eq!(of_a_user.as_deref(), Some(wanted));
    }

    #[test]
    fn a_firewall_that_cannot_be_read_is_only_told_where_members_go_through_it() {
        let denied = || Err(crate::image::Error::Recipe { recipe: "x", problem: "denied".to_owned() });
        let level = |on| firewall(Filtered { ipv4: on, ipv6: false }, denied(), USER)[0].level;
        assert_eq!((level(true), level(false)), (Level::Warn, Level::Ok));
        assert_eq!(firewall(Filtered { ipv4: true, ipv6: true }, Ok(Vec::new()), USER)[0].level, Level::Ok);
    }

    #[rstest]
    #[case::of_debian("5.0.2", Level::Ok)]
    #[case::long_term("5.21.7", Level::Ok)]
    #[case::newest("6.9", Level::Ok)]
    #[case::two_digits("6.10", Level::Warn)]
    #[case::next("7.0.1", Level::Warn)]
    #[case::no_version("git", Level::Warn)]
    fn an_lxd_that_is_newer_than_what_was_tried_is_told(#[case] version: &str, #[case] level: Level) {
        let finding = release(version, "at /s");
        assert_eq!(finding.level, level);
        assert!(finding.seen.contains(version) && finding.seen.contains(TRIED), "{finding:?}");
    }

    #[test]
    fn who_manages_an_lxd_is_told_by_its_socket() {
        let told = |socket: &str, systemd| manager(Path::new(socket), systemd);
        assert_eq!(told("/var/snap/lxd/common/lxd/unix.socket", true), "managed by its snap");
        assert_eq!(told("/var/lib/lxd/unix.socket", true), "managed by systemd");
        assert_eq!(told("/var/lib/lxd/unix.socket", false), "managed by nothing but `testkit setup`");
    }

    #[test]
    fn root_is_told_what_setup_does() {
        let mends = mends(ROOT);
        assert!(mends.iter().all(|mend| !mend.contains("sudo")), "{mends:?}");
        assert!([0, 3, 4].iter().all(|at| mends[*at].contains("doctor --fix")), "{mends:?}");
    }

    #[rstest]
    #[case::enough(24 << 30, Level::Ok, "room for 102 members")]
    #[case::a_few_suites(2 << 30, Level::Warn, "room for 8 members")]
    #[case::no_suite(700 << 20, Level::Fail, "room for 2 members")]
    fn memory_is_told_in_members(#[case] free: u64, #[case] level: Level, #[case] seen: &str) {
        let finding = memory(Capacity { memory: free, processors: 2 });
        assert_eq!(finding.level, level);
        assert!(finding.seen.contains(seen), "{finding:?}");
    }

    #[rstest]
    #[case::fast("btrfs", 8 << 30, Level::Ok)]
    #[case::slow("dir", 8 << 30, Level::Warn)]
    #[case::full("btrfs", 1 << 30, Level::Fail)]
    fn storage_is_told_by_driver_and_room(#[case] driver: &str, #[case] free: u64, #[case] level: Level) {
        assert_eq!(storage(driver, free).level, level);
    }

    #[test]
    fn what_is_limited_without_a_kernel_module_is_said() {
        assert_eq!(modules(|_| true, ROOT).level, Level::Ok);
        let finding = modules(|name| name == "geneve", ROOT);
        assert!(finding.seen.contains("not loaded: openvswitch; members carry packets in userspace"), "{finding:?}");
        assert_eq!(finding.level, Level::Warn);
    }

    #[test]
    fn cgroups_and_apparmor_are_read_from_the_kernel_s_own_files() {
        assert_eq!(cgroups("none /sys/fs/cgroup cgroup2 rw 0 0\n", ROOT).seen, "cgroup2 is mounted");
        assert_eq!(cgroups("proc /proc proc rw 0 0\n", ROOT).level, Level::Fail);
        assert_eq!(
            (apparmor("Y\n").level, apparmor("N\n").level, apparmor("").level),
            (Level::Ok, Level::Warn, Level::Warn)
        );
    }
}
