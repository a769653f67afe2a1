//! LXD's snap, which is what Ubuntu has instead of packages: the programs of LXD's names that its `lxd-installer` brings only fetch
//! that snap.

use std::fs;
use std::path::Path;

use super::SetupOptions;
use super::error::Error;
use super::limits::is_root;
use crate::image::{Program, Progress};

const COMMAND: &str = "sudo snap install lxd";

/// Installs the snap where that is how this host gets an LXD, and it has none.
///
/// # Errors
/// When it cannot be installed; the error says what to type.
pub(super) fn ensure(
    options: &SetupOptions,
    changes: &mut Vec<String>,
    progress: &mut Progress<'_>,
) -> Result<(), Error> {
    if !is_missing() {
        return Ok(());
    }
    let mend = format!("install it: `{COMMAND}`");
    if !options.install || !is_root() {
        return Err(Error::Host { problem: "LXD is not installed".to_owned(), mend });
    }
    progress("installing LXD from the snap store");
    Program::new("install LXD", "snap").args(["install", "lxd"]).run().map_err(|source| Error::Program {
        attempt: "install LXD".to_owned(),
        mend: format!("try it by hand: `{COMMAND}`"),
        source: Box::new(source),
    })?;
    changes.push("installed LXD from the snap store".to_owned());
    Ok(())
}

/// Whether this host has LXD only as a snap, and does not have that. Without snapd it is for packages to say what is missing.
pub(super) fn is_missing() -> bool {
    is_missing_in(Path::new("/"))
}

fn is_missing_in(root: &Path) -> bool {
    let release = fs::read_to_string(root.join("etc/os-release")).unwrap_or_default();
    let values = release.lines().filter_map(|line| line.strip_prefix("ID=").or(line.strip_prefix("ID_LIKE=")));
    let ubuntu = values.flat_map(|value| value.trim_matches('"').split(' ')).any(|id| id == "ubuntu");
    ubuntu && root.join("run/snapd.socket").exists() && !root.join("snap/bin/lxd").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ubuntu_with_snapd_and_without_the_snap_lacks_it_and_nobody_else_does() {
        for (release, files, wanted) in [
            ("ID=ubuntu\n", &["run/snapd.socket"][..], true),
            ("ID=pop\nID_LIKE=\"ubuntu debian\"\n", &["run/snapd.socket", "usr/sbin/lxd"], true),
            ("ID=ubuntu\n", &["run/snapd.socket", "snap/bin/lxd"], false),
            ("ID=ubuntu\n", &[], false),
            ("ID=debian\n", &["run/snapd.socket"], false),
        ] {
            let root = tempfile::tempdir().expect("a folder");
            for (file, text) in files.iter().map(|file| (*file, "")).chain([("etc/os-release", release)]) {
                let path = root.path().join(file);
                fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
                fs::write(path, text).expect("written");
            }
            assert_eq!(is_missing_in(root.path()), wanted, "{release:?} {files:?}");
        }
    }
}
