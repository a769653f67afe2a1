//! The host that nodes share a kernel with.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::finding::{Asker, Finding, or_else};
use crate::config::Config;
use crate::host::datapath::Decision;
use crate::host::network::{self, Drops, Filtered};
use crate::host::{Module, limits, packages};
use crate::image::{Obstacle, obstacle};

const SYSCTL: &str = "/proc/sys";

/// The host that nodes share a kernel with.
pub(super) fn host(asker: Asker) -> Vec<Finding> {
    let mut findings = vec![
        packages(&packages::missing(None, !asker.root), asker),
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
    findings.push(unpacking(obstacle(), asker));
    findings.push(ipv6(Path::new(SYSCTL), asker));
    findings.extend(firewall(Filtered::read(Path::new(SYSCTL)), network::drops(), asker));
    findings.push(modules(|name| Path::new("/sys/module").join(name).exists(), asker));
    findings.push(apparmor(&fs::read_to_string("/sys/module/apparmor/parameters/enabled").unwrap_or_default()));
    findings.push(Finding::ok("virtualisation", "not needed: nodes are containers"));
    findings
}

pub(super) fn packages(missing: &[&str], asker: Asker) -> Finding {
    if missing.is_empty() {
        return Finding::ok("packages", "all there");
    }
    let install = format!("apt-get install --no-install-recommends {}", missing.join(" "));
    Finding::fail("packages", format!("missing: {}", missing.join(", ")), asker.by_root(&install, true))
}

/// Whether this user can unpack the packages that images are built of.
fn unpacking(obstacle: Option<Obstacle>, asker: Asker) -> Finding {
    match obstacle {
        None => Finding::ok("images", "their packages can be unpacked by this user"),
        Some(Obstacle { problem, command }) => {
            let mend = format!(
                "{}; or name an image (MICROOVN_TEST_CONTAINER_IMAGE) and a snap (MICROOVN_SNAP_PATH)",
                asker.by_root(&command, false)
            );
            Finding::warn("images", format!("they cannot be built by this user: {problem}"), mend)
        }
    }
}

pub(super) fn cgroups(mounts: &str, asker: Asker) -> Finding {
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
pub(super) fn modules(has: impl Fn(&str) -> bool, asker: Asker) -> Finding {
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
pub(super) fn datapath(Decision { userspace, why }: &Decision) -> Finding {
    let which = if *userspace { "userspace" } else { "kernel" };
    Finding::ok("datapath", format!("{which}: {why}"))
}

/// Whether members can send each other anything.
pub(super) fn packets(lacking: Option<String>) -> Finding {
    match lacking {
        None => Finding::ok("packets", "members can send each other some: `--traffic` judges them"),
        Some(why) => {
            let mend = "`modprobe openvswitch` or /dev/net/tun, and TESTKIT_DATAPATH=auto; else the checks of packets are skipped";
            Finding::warn("packets", format!("members can send each other none: {why}"), mend)
        }
    }
}

/// Without it MicroOVN configures no BGP.
pub(super) fn vrf(module: Module, asker: Asker) -> Finding {
    match module {
        Module::Loaded => Finding::ok("vrf", "the kernel's module vrf is loaded: BGP can be tested"),
        Module::Missing => {
            let mend = format!("{}, where the kernel has it", asker.by_root("modprobe vrf", false));
            Finding::warn("vrf", "the kernel's module vrf is not loaded: journeys that need it are skipped", mend)
        }
        Module::Unknown => {
            let seen = "a remote host's kernel cannot be asked for vrf: journeys about it are skipped";
            Finding::warn("vrf", seen, "for tests of BGP use the LXD of this host")
        }
    }
}

/// Whether the MicroCloud that is given takes the NICs of containers for underlays, by its version where it does not.
pub(super) fn underlays(too_old: Option<&str>) -> Finding {
    const WHAT: &str = "MicroCloud";
    match too_old {
        None => Finding::ok(WHAT, "the one that is given takes the NICs of members for underlays"),
        Some(version) => {
            let seen = format!("{version} takes no NIC of a container for an underlay: its cells with one are skipped");
            Finding::warn(WHAT, seen, "name one from 2.1.1 on with MICROCLOUD_SNAP_PATH")
        }
    }
}

fn apparmor(enabled: &str) -> Finding {
    if enabled.trim() == "Y" {
        return Finding::ok("AppArmor", "on: snaps are confined as they are for users");
    }
    let seen = "off: snapd confines partially, and what a forgotten plug forbids elsewhere works here";
    Finding::warn("AppArmor", seen, "for tests of confinement use a host with AppArmor")
}

/// Certificates of clusters are valid from now on: a clock that is behind makes them not yet valid elsewhere.
pub(super) fn clock(config: &Config, asker: Asker) -> Finding {
    let newest = fs::metadata(config.root.join("Cargo.lock")).and_then(|metadata| metadata.modified()).ok();
    match newest.and_then(|newest| newest.duration_since(std::time::SystemTime::now()).ok()) {
        Some(behind) if behind > Duration::from_secs(60) => {
            let seen = format!("{} s behind the newest file of this checkout", behind.as_secs());
            Finding::fail("clock", seen, asker.by_root("timedatectl set-ntp true", false))
        }
        _ => Finding::ok("clock", jiff::Timestamp::now().strftime("%F %T UTC").to_string()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::finding::Level;
    use super::*;

    const ROOT: Asker = Asker { root: true };
    const USER: Asker = Asker { root: false };

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

    #[test]
    fn what_a_user_lacks_to_build_images_is_root_s_to_give() {
        let obstacle = Obstacle { problem: "no ids".to_owned(), command: "usermod it".to_owned() };
        let told = unpacking(Some(obstacle), USER);
        assert_eq!((told.level, told.seen.ends_with("by this user: no ids")), (Level::Warn, true));
        assert!(told.mend.is_some_and(|mend| mend.starts_with("root must: `sudo usermod it`; or name an image")));
        assert_eq!(unpacking(None, USER).level, Level::Ok);
    }

    #[test]
    fn what_is_limited_without_a_kernel_module_is_said() {
        assert_eq!(modules(|_| true, ROOT).level, Level::Ok);
        let finding = modules(|name| name == "geneve", ROOT);
        assert!(finding.seen.contains("not loaded: openvswitch; members carry packets in userspace"), "{finding:?}");
        assert_eq!(finding.level, Level::Warn);
    }

    #[test]
    fn where_there_is_no_vrf_what_is_skipped_is_said() {
        assert_eq!(vrf(Module::Loaded, ROOT).level, Level::Ok);
        let missing = vrf(Module::Missing, USER);
        assert_eq!((missing.level, missing.seen.contains("skipped")), (Level::Warn, true));
        assert_eq!(missing.mend.as_deref(), Some("root must: `sudo modprobe vrf`, where the kernel has it"));
        assert_eq!(vrf(Module::Unknown, ROOT).level, Level::Warn);
    }

    #[test]
    fn a_microcloud_that_takes_no_nic_is_told_with_its_version() {
        assert_eq!(underlays(None).level, Level::Ok);
        let old = underlays(Some("2.1.0"));
        assert_eq!((old.level, old.seen.starts_with("2.1.0 takes no NIC")), (Level::Warn, true));
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
