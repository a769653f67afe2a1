//! Where everything is, below `$SNAP_COMMON` and `$SNAP`.

use std::path::{Path, PathBuf};

/// The directories this program works in.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    /// The state directory: `--state-dir`, `$SNAP_COMMON/state` otherwise.
    pub(crate) state: PathBuf,
    /// `$SNAP_COMMON`: what outlives a refresh of the snap.
    pub(crate) common: PathBuf,
    /// `$SNAP`: the snap's own files.
    pub(crate) snap: PathBuf,
}

impl Paths {
    /// The paths for a state directory, or for the one the environment of a snap implies.
    pub(crate) fn new(state_dir: Option<&Path>) -> Self {
        let snap = std::env::var_os("SNAP").map_or_else(|| PathBuf::from("/snap/microovn/current"), PathBuf::from);
        let common =
            std::env::var_os("SNAP_COMMON").map_or_else(|| PathBuf::from("/var/snap/microovn/common"), PathBuf::from);
        let state = state_dir.map_or_else(|| common.join("state"), Path::to_owned);
        Self { state, common, snap }
    }

    /// The Unix socket of the REST API.
    pub(crate) fn control_socket(&self) -> PathBuf {
        self.state.join("control.socket")
    }

    /// The address and name of this member, for people and for the next start.
    pub(crate) fn daemon_yaml(&self) -> PathBuf {
        self.state.join("daemon.yaml")
    }

    /// The replicated record of the cluster.
    pub(crate) fn database(&self) -> PathBuf {
        self.state.join("database").join("cluster.json")
    }

    /// Certificates and keys of the OVN services.
    pub(crate) fn pki(&self) -> PathBuf {
        self.common.join("data/pki")
    }

    /// Where OVN's databases and controllers keep their sockets.
    pub(crate) fn run_ovn(&self) -> PathBuf {
        self.common.join("run/ovn")
    }

    /// Where Open vSwitch keeps its sockets.
    pub(crate) fn run_switch(&self) -> PathBuf {
        self.common.join("run/switch")
    }

    /// The environment of the OVN services.
    pub(crate) fn ovn_env(&self) -> PathBuf {
        self.common.join("data/env/ovn.env")
    }

    /// The faults to play, see [`crate::faults`].
    pub(crate) fn faults(&self) -> PathBuf {
        self.common.join("faults")
    }
}
