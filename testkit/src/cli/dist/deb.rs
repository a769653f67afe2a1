//! A distribution as a Debian package, made by dpkg-deb of the same files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::{copy_all, failed, make_parent, write};
use crate::cli::Failure;

/// Where it is installed, from the root.
const HOME: &str = "opt/microovn-testkit";
/// What of the distribution other programs look for elsewhere, and where.
const ELSEWHERE: [(&str, &str); 4] = [
    ("completions/testkit.bash", "usr/share/bash-completion/completions/testkit"),
    ("completions/_testkit", "usr/share/zsh/vendor-completions/_testkit"),
    ("completions/testkit.fish", "usr/share/fish/vendor_completions.d/testkit.fish"),
    ("man/testkit.1", "usr/share/man/man1/testkit.1"),
];
/// What runs leave is a person's until the package is purged.
const AFTER_REMOVAL: &str = "#!/bin/sh\nset -e\nif [ \"$1\" = purge ]; then rm -rf /opt/microovn-testkit/target; fi\n";

/// Packs the distribution in `root` into a package in the folder `out`, with what it is made of in `stage`; where it is.
pub(super) fn pack(root: &Path, version: &str, stage: &Path, out: &Path) -> Result<PathBuf, Failure> {
    let tree = stage.join("deb");
    copy_all(root, &tree.join(HOME))?;
    for (from, to) in ELSEWHERE {
        copy_all_to(&root.join(from), &tree.join(to))?;
    }
    let command = tree.join("usr/bin/testkit");
    make_parent(&command)?;
    symlink(format!("../../{HOME}/testkit"), &command).map_err(|error| failed("create", &command, &error))?;
    write(&tree.join("DEBIAN/control"), &control(version))?;
    let removal = tree.join("DEBIAN/postrm");
    write(&removal, AFTER_REMOVAL)?;
    open_up(&tree)?;
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&removal, mode).map_err(|error| failed("write", &removal, &error))?;
    let package = out.join(format!("microovn-testkit_{version}_{}.deb", architecture()));
    // Most of it is compressed already. By one moment for all, the same files give the same package.
    let dpkg = duct::cmd!("dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", &tree, &package)
        .env("SOURCE_DATE_EPOCH", "0")
        .stdout_null()
        .stderr_capture()
        .unchecked();
    let made = dpkg.run().map_err(|error| {
        Failure::Usage(format!(
            "failed to make a Debian package\n  caused by: dpkg-deb: {error}; `apt-get install dpkg` has it"
        ))
    })?;
    if made.status.success() {
        return Ok(package);
    }
    Err(Failure::Usage(format!(
        "failed to make {}: {}",
        package.display(),
        String::from_utf8_lossy(&made.stderr).trim()
    )))
}

/// What dpkg is told of it; see deb-control(5). It depends on nothing: its programs are linked statically, and `testkit setup`
/// installs what a host lacks.
fn control(version: &str) -> String {
    format!(
        "Package: microovn-testkit\nVersion: {version}\nArchitecture: {}\nMaintainer: MicroOVN system tests <nobody@example.invalid>\n\
         Section: misc\nPriority: optional\nDescription: system tests for MicroOVN\n \
         Forms real MicroOVN clusters on LXD, in every way the init options allow,\n \
         and checks what the nodes really say.\n",
        architecture()
    )
}

/// What Debian calls the architecture of this host.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn copy_all_to(from: &Path, to: &Path) -> Result<(), Failure> {
    make_parent(to)?;
    copy_all(from, to)
}

/// Folders that everybody may enter, whatever the umask of who packs it is.
fn open_up(folder: &Path) -> Result<(), Failure> {
    let set = fs::set_permissions(folder, fs::Permissions::from_mode(0o755));
    set.map_err(|error| failed("write", folder, &error))?;
    for entry in fs::read_dir(folder).map_err(|error| failed("list", folder, &error))? {
        let path = entry.map_err(|error| failed("list", folder, &error))?.path();
        if path.is_dir() && !path.is_symlink() {
            open_up(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_has_all_of_it_where_programs_look_for_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("dist");
        for (file, _) in ELSEWHERE {
            write(&root.join(file), file).expect("written");
        }
        write(&root.join("testkit"), "#!/bin/sh\necho here\n").expect("written");
        fs::set_permissions(root.join("testkit"), fs::Permissions::from_mode(0o755)).expect("set");
        let package = pack(&root, "1.2.3", folder.path(), folder.path()).expect("packed");
        let again = fs::read(&package).expect("a package");
        let to = folder.path().join("host");
        duct::cmd!("dpkg-deb", "--extract", &package, &to).run().expect("it is one");
        assert_eq!(duct::cmd!(to.join("usr/bin/testkit")).read().expect("it runs"), "here");
        for (file, place) in ELSEWHERE {
            assert_eq!(fs::read_to_string(to.join(place)).expect("there"), file);
        }
        let field = |name: &str| duct::cmd!("dpkg-deb", "--field", &package, name).read().expect("a field");
        assert_eq!((field("Version"), field("Architecture")), ("1.2.3".to_owned(), architecture().to_owned()));
        let told = duct::cmd!("dpkg-deb", "--info", &package, "postrm").read().expect("a script");
        assert!(told.contains("purge"), "{told}");
        fs::remove_dir_all(folder.path().join("deb")).expect("removed");
        pack(&root, "1.2.3", folder.path(), folder.path()).expect("packed");
        assert!(fs::read(&package).expect("a package") == again, "the same files give the same package");
    }
}
