//! Packages are unpacked by a user who is not root, as root of a user namespace; and who lacks what that takes is told what.
//!
//! Root is such a user in a mount namespace of its own, in which the user database has one: the host's stays as it is.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use testkit::image::{Cache, bootstrap_to};

/// Tells this program that it is the user, and where to work.
const FOLDER: &str = "TESTKIT_TEST_OF_A_USER";
const SUITE: &str = "bookworm";

/// Makes a user of this name, whose ids are in the file `ids`, and becomes it.
const BECOME: &str = r#"
set -e
cp /etc/passwd /etc/group .
echo 'tkuser:x:54321:54321::/nonexistent:/bin/sh' >>passwd
echo 'tkuser:x:54321:' >>group
mount --bind passwd /etc/passwd
mount --bind group /etc/group
mount --bind ids /etc/subuid
mount --bind ids /etc/subgid
chown tkuser:tkuser work
exec setpriv --reuid=54321 --regid=54321 --clear-groups "$@"
"#;

/// What the user does.
fn unpack(folder: &Path) {
    let cache = Cache::open(&folder.join("cache")).expect("a cache");
    let made = folder.join("packages.tar");
    match bootstrap_to(&cache, SUITE, &["hostname".to_owned()], &[], &made) {
        Ok(()) => println!("unpacked {} bytes", fs::metadata(made).expect("a tar").len()),
        Err(error) => println!("refused: {error}, usage: {}", error.is_usage()),
    }
}

/// Has a user with these ids unpack packages.
fn as_a_user(ids: &str) -> (tempfile::TempDir, Output) {
    assert!(rustix::process::geteuid().is_root(), "nothing is tested: only root becomes another user");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("for everybody");
    let work = path.join("work");
    fs::create_dir(&work).expect("a folder");
    fs::write(path.join("ids"), ids).expect("written");
    // Where this was built may be closed to others.
    let program = path.join("program");
    fs::copy(std::env::current_exe().expect("this program"), &program).expect("a copy");
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", BECOME, "sh"])
        .arg(&program)
        .args(["--exact", "--nocapture", "packages_are_unpacked_by_a_user_with_ids"])
        .current_dir(path)
        .env(FOLDER, &work)
        .env("HOME", &work)
        .env("TMPDIR", &work)
        .output()
        .expect("unshare runs");
    (folder, output)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn packages_are_unpacked_by_a_user_with_ids() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return unpack(Path::new(&folder));
    }
    let (folder, output) = as_a_user("tkuser:200000:65536\n");
    let said = said(&output);
    assert!(said.contains("unpacked "), "{said}");
    let names = duct::cmd!("tar", "--list", "--file", folder.path().join("work/packages.tar")).read().expect("a tar");
    assert!(names.lines().any(|name| name == "./bin/hostname" || name == "./usr/bin/hostname"), "{names}");
    let left = fs::read_dir(folder.path().join("work")).expect("a folder").flatten().map(|it| it.file_name());
    let left: std::collections::BTreeSet<_> = left.collect();
    // The second says where the scratch folder was, which is gone.
    assert_eq!(left, ["cache", "packages.elsewhere", "packages.tar"].map(Into::into).into());
}

#[test]
fn a_user_without_ids_is_told_by_which_command_root_gives_some() {
    let (_folder, output) = as_a_user("somebody:200000:65536\n");
    let said = said(&output);
    let wanted = "refused: failed to bootstrap bookworm without root: /etc/subuid and /etc/subgid do not each give tkuser 65536 ids; \
                  only root can mend that, once: `sudo usermod --add-subuids 265536-331071 --add-subgids 265536-331071 tkuser`";
    assert!(said.contains(wanted), "{said}");
    assert!(said.contains("MICROOVN_TEST_CONTAINER_IMAGE=ubuntu:24.04") && said.contains("usage: true"), "{said}");
}
