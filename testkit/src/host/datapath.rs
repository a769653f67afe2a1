//! What carries packets on members: the kernel that they share, or the switch itself.

use std::fs;
use std::path::Path;

use super::limits::is_root;
use crate::config::{Config, Datapath, LxdTarget};
use crate::image::Program;

/// The kernel's part of Open vSwitch.
const MODULE: &str = "openvswitch";

/// What was decided, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether members use the userspace datapath, or else the kernel's.
    pub userspace: bool,
    /// Why, in words for a person.
    pub why: String,
}

/// What is known of the kernel that members run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kernel {
    /// It has the module.
    Loaded,
    /// It loads the module when a switch asks for it, or root does.
    Loadable,
    /// It has no such module.
    Without,
    /// It is another host's.
    Unknown,
}

/// Decides without changing anything.
pub fn decide_datapath(config: &Config) -> Decision {
    decide(config.datapath, look(&config.lxd, Path::new("/")))
}

/// Decides, and loads the module where this is root's to do.
pub fn ensure_datapath(config: &Config) -> Decision {
    let mut kernel = look(&config.lxd, Path::new("/"));
    if kernel == Kernel::Loadable && config.datapath != Datapath::Userspace && is_root() {
        // What keeps it from loading keeps it from members, too.
        let loaded = Program::new("load the kernel's module openvswitch", "modprobe").arg(MODULE).run();
        if let Err(error) = loaded {
            tracing::info!(%error, "the userspace datapath is used");
            kernel = Kernel::Without;
        }
    }
    decide(config.datapath, kernel)
}

/// Why members can send each other no packets on this host, whatever their rows say; `None` where nothing is known against it.
pub fn without_packets(config: &Config) -> Option<String> {
    let root = Path::new("/");
    lacks_carrier(config.datapath, look(&config.lxd, root), root)
}

fn lacks_carrier(wanted: Datapath, kernel: Kernel, root: &Path) -> Option<String> {
    let Decision { userspace, .. } = decide(wanted, kernel);
    match kernel {
        Kernel::Without if !userspace => {
            Some("the kernel has no module openvswitch, and TESTKIT_DATAPATH refuses the userspace datapath".to_owned())
        }
        Kernel::Without | Kernel::Loadable | Kernel::Loaded if userspace && !root.join("dev/net/tun").exists() => {
            Some("the userspace datapath takes /dev/net/tun, which this host does not have".to_owned())
        }
        _ => None,
    }
}

fn decide(wanted: Datapath, kernel: Kernel) -> Decision {
    let decided = |userspace, why: &str| Decision { userspace, why: why.to_owned() };
    match (wanted, kernel) {
        (Datapath::Userspace, _) => decided(true, "TESTKIT_DATAPATH says so"),
        (Datapath::Kernel, Kernel::Without) => decided(
            false,
            "TESTKIT_DATAPATH says so, but the kernel has no module openvswitch: there will be no tunnels",
        ),
        (Datapath::Kernel, _) => decided(false, "TESTKIT_DATAPATH says so"),
        (Datapath::Auto, Kernel::Loaded) => decided(false, "the module openvswitch is loaded"),
        (Datapath::Auto, Kernel::Loadable) => {
            decided(false, "the kernel has the module openvswitch, and loads it on demand")
        }
        (Datapath::Auto, Kernel::Without) => decided(true, "the kernel has no module openvswitch"),
        (Datapath::Auto, Kernel::Unknown) => decided(true, "a remote host's kernel cannot be asked for its modules"),
    }
}

/// Looks for the module below `root`, as modprobe(8) would: loaded or built in, or in the list of the running kernel.
fn look(lxd: &LxdTarget, root: &Path) -> Kernel {
    if matches!(lxd, LxdTarget::Remote { .. }) {
        return Kernel::Unknown;
    }
    if root.join("sys/module").join(MODULE).exists() {
        return Kernel::Loaded;
    }
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let release = read("proc/sys/kernel/osrelease");
    let listed = |list: &str| {
        let files = read(&format!("lib/modules/{}/{list}", release.trim()));
        files.lines().filter_map(|line| line.split(':').next()?.rsplit('/').next()).any(is_module)
    };
    if listed("modules.builtin") {
        return Kernel::Loaded;
    }
    let closed = read("proc/sys/kernel/modules_disabled").trim() == "1";
    if listed("modules.dep") && !closed { Kernel::Loadable } else { Kernel::Without }
}

/// Whether a file is the module, which may be compressed.
fn is_module(file: &str) -> bool {
    file.strip_prefix(MODULE).is_some_and(|rest| rest == ".ko" || rest.starts_with(".ko."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
        root
    }

    #[test]
    fn the_module_is_there_can_be_loaded_or_is_not() {
        let local = LxdTarget::Local { socket: None, dir: None, daemon: None };
        let release = ("proc/sys/kernel/osrelease", "6.1.0\n");
        let dep = "kernel/net/openvswitch/vport-geneve.ko: kernel/net/openvswitch/openvswitch.ko\n";
        let with = format!("{dep}kernel/net/openvswitch/openvswitch.ko.zst: kernel/net/nsh/nsh.ko.zst\n");
        let list = "lib/modules/6.1.0/modules.dep";
        for (files, wanted) in [
            (vec![], Kernel::Without),
            (vec![("sys/module/openvswitch/refcnt", "0")], Kernel::Loaded),
            (vec![release, (list, dep)], Kernel::Without),
            (vec![release, (list, with.as_str())], Kernel::Loadable),
            (vec![("proc/sys/kernel/osrelease", "5.15.0\n"), (list, with.as_str())], Kernel::Without),
            (vec![release, (list, with.as_str()), ("proc/sys/kernel/modules_disabled", "1\n")], Kernel::Without),
            (
                vec![release, ("lib/modules/6.1.0/modules.builtin", "kernel/net/openvswitch/openvswitch.ko\n")],
                Kernel::Loaded,
            ),
        ] {
            assert_eq!(look(&local, host(&files).path()), wanted, "{files:?}");
        }
    }

    #[test]
    fn the_kernels_datapath_is_taken_where_it_is_and_what_was_said_wins() {
        use Datapath::{Auto, Kernel as Own, Userspace};
        for (wanted, kernel, userspace) in [
            (Auto, Kernel::Loaded, false),
            (Auto, Kernel::Loadable, false),
            (Auto, Kernel::Without, true),
            (Auto, Kernel::Unknown, true),
            (Own, Kernel::Without, false),
            (Userspace, Kernel::Loaded, true),
        ] {
            assert_eq!(decide(wanted, kernel).userspace, userspace, "{wanted:?} {kernel:?}");
        }
        assert!(decide(Own, Kernel::Without).why.contains("no tunnels"));
    }

    #[test]
    fn where_nothing_can_carry_packets_it_is_said_and_of_a_remote_host_nothing_is_known() {
        let (with, without) = (host(&[("dev/net/tun", "")]), host(&[]));
        let lacks = |wanted, kernel, root: &tempfile::TempDir| lacks_carrier(wanted, kernel, root.path());
        assert_eq!(lacks(Datapath::Auto, Kernel::Without, &with), None);
        assert_eq!(lacks(Datapath::Auto, Kernel::Loaded, &without), None);
        assert_eq!(lacks(Datapath::Userspace, Kernel::Unknown, &without), None);
        assert!(lacks(Datapath::Auto, Kernel::Without, &without).is_some_and(|why| why.contains("/dev/net/tun")));
        assert!(lacks(Datapath::Userspace, Kernel::Loaded, &without).is_some_and(|why| why.contains("/dev/net/tun")));
        assert!(lacks(Datapath::Kernel, Kernel::Without, &with).is_some_and(|why| why.contains("TESTKIT_DATAPATH")));
    }
}
