//! The two daemons that clusters can be formed with: LXD, and Incus, which was forked from it and has its API.
//!
//! Who uses one says LXD for either; what it is called by is here, what it says otherwise in `lxd::dialect`.

use std::fmt;
use std::path::Path;

/// LXD or Incus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Daemon {
    /// Canonical's, from 5.0 on.
    Lxd,
    /// That of Linux Containers, from 6.0 on.
    Incus,
}

impl Daemon {
    /// The one whose socket this is, where nobody says which: each has a folder of its own name.
    pub fn of_socket(path: &Path) -> Self {
        let named = path.components().any(|part| part.as_os_str().to_string_lossy().contains("incus"));
        if named { Self::Incus } else { Self::Lxd }
    }

    /// Its client's program.
    pub fn client(self) -> &'static str {
        match self {
            Self::Lxd => "lxc",
            Self::Incus => "incus",
        }
    }

    /// The group whose members may do everything with it.
    pub fn group(self) -> &'static str {
        match self {
            Self::Lxd => "lxd",
            Self::Incus => "incus-admin",
        }
    }

    /// The variable that names its socket.
    pub fn socket_variable(self) -> &'static str {
        match self {
            Self::Lxd => "LXD_SOCKET",
            Self::Incus => "INCUS_SOCKET",
        }
    }

    /// The variable that names its folder.
    pub fn folder_variable(self) -> &'static str {
        match self {
            Self::Lxd => "LXD_DIR",
            Self::Incus => "INCUS_DIR",
        }
    }
}

impl fmt::Display for Daemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lxd => "LXD",
            Self::Incus => "Incus",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_socket_it_is_is_told_by_its_folder() {
        for (path, daemon) in [
            ("/var/lib/incus/unix.socket", Daemon::Incus),
            ("/run/incus/unix.socket.user", Daemon::Incus),
            ("/tmp/testkit-incus-7/root/unix.socket", Daemon::Incus),
            ("/var/snap/lxd/common/lxd/unix.socket", Daemon::Lxd),
            ("/srv/socket", Daemon::Lxd),
        ] {
            assert_eq!(Daemon::of_socket(Path::new(path)), daemon, "{path}");
        }
    }
}
