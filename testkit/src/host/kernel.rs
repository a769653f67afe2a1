//! What is known of the kernel that members run on, beyond what carries packets.

use std::path::Path;

use crate::config::{Config, LxdTarget};

/// Whether a module of the kernel is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Module {
    /// It is.
    Loaded,
    /// It is not.
    Missing,
    /// The kernel is another host's.
    Unknown,
}

/// Looks for a module as MicroOVN does, in `/sys/module`: one that could be loaded is missing all the same, and nothing loads it,
/// as a member may not.
pub fn module(config: &Config, name: &str) -> Module {
    look(&config.lxd, Path::new("/sys/module"), name)
}

fn look(lxd: &LxdTarget, modules: &Path, name: &str) -> Module {
    match lxd {
        LxdTarget::Remote { .. } => Module::Unknown,
        LxdTarget::Local { .. } if modules.join(name).exists() => Module::Loaded,
        LxdTarget::Local { .. } => Module::Missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_there_where_the_kernel_lists_it() {
        let local = LxdTarget::Local { socket: None, dir: None, daemon: None };
        let modules = tempfile::tempdir().expect("a folder");
        assert_eq!(look(&local, modules.path(), "vrf"), Module::Missing);
        std::fs::create_dir(modules.path().join("vrf")).expect("made");
        assert_eq!(look(&local, modules.path(), "vrf"), Module::Loaded);
    }
}
