//! What a setup changed on the host, written down before it is changed, so that a teardown can undo it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::Error;

/// The content of `host.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    #[serde(skip)]
    folder: PathBuf,
    /// Old values of kernel limits, by their path below `/proc/sys`.
    #[serde(default)]
    pub(super) limits: BTreeMap<String, u64>,
    /// Old permission bits of device nodes.
    #[serde(default)]
    pub(super) modes: BTreeMap<PathBuf, u32>,
    /// Daemons that were started, in the order of starting.
    #[serde(default)]
    pub(super) daemons: Vec<Daemon>,
}

/// A daemon that was started. A process id alone may be another process by now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Daemon {
    pub(super) name: String,
    pub(super) pid: i32,
    /// In clock ticks since boot, field 22 of `/proc/PID/stat`.
    pub(super) started: u64,
    /// Where it works and mounts things for itself.
    #[serde(default)]
    pub(super) folder: Option<PathBuf>,
}

impl State {
    /// Reads what is written down in `folder`; nothing where there is no file.
    pub(super) fn load(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("host.json");
        let mut state: Self = match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| Error::File {
                attempt: "read",
                path: path.clone(),
                source: io::Error::other(error),
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(Error::file("read", &path)(error)),
        };
        state.folder = folder.to_owned();
        Ok(state)
    }

    /// The LXD or Incus that was started, which has a folder; lxcfs has none.
    pub(super) fn started(&self) -> Option<&Daemon> {
        self.daemons.iter().rfind(|daemon| daemon.folder.is_some())
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes it down, whole or not at all.
    pub(super) fn save(&self) -> Result<(), Error> {
        let path = self.folder.join("host.json");
        fs::create_dir_all(&self.folder).map_err(Error::file("create", &self.folder))?;
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(text.as_bytes())?;
            // Root may have set the host up for a user, who looks here too.
            file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(Error::file("write", &path))
    }
}
