//! Folders that may not be written, and distributions that are none of this program.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rstest::rstest;

use crate::bad_input_common::World;

/// Closes a folder to all who are not root, for as long as this lives.
struct Closed<'a>(&'a Path);

impl<'a> Closed<'a> {
    fn new(folder: &'a Path) -> Self {
        fs::set_permissions(folder, Permissions::from_mode(0o555)).expect("closed");
        Self(folder)
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        fs::set_permissions(self.0, Permissions::from_mode(0o755)).expect("open again");
    }
}

#[rstest]
#[case::run(&["run", "init_cluster"])]
#[case::up(&["up", "init_cluster"])]
#[case::bisect(&["bisect", "init_cluster", "/a.snap", "/b.snap"])]
fn where_runs_cannot_be_kept_is_told_before_lxd_is_asked(#[case] args: &[&str]) {
    let world = World::new();
    let folder = world.path().join("closed");
    fs::create_dir(&folder).expect("a folder");
    let _closed = Closed::new(&folder);
    let out = folder.join("out").display().to_string();
    let parts = [&*out, "cannot be written by this user", "what runs leave is kept there", "TESTKIT_OUT_DIR"];
    world.run_as_nobody(args, &[("TESTKIT_OUT_DIR", &out)]).refused(&parts);
    world.assert_nothing_made();
}

#[test]
fn a_distribution_in_a_folder_that_cannot_be_written_is_told() {
    let world = World::new();
    // What this program is of.
    fs::write(world.path().join("dist.toml"), "version = \"0.1.0\"\nbuild = \"development\"\n").expect("written");
    let _closed = Closed::new(world.path());
    let unpacked = world.path().join("target").display().to_string();
    let parts = [&*unpacked, "cannot be written by this user", "unpack the archive into a folder of your own"];
    world.run_as_nobody(&["run", "init_cluster"], &[]).refused(&parts);
    world.assert_nothing_made();
}

#[test]
fn a_distribution_of_another_version_than_the_command_is_refused() {
    let world = World::new();
    fs::write(world.path().join("dist.toml"), "version = \"0.1.0\"\nbuild = \"0123456789ab\"\n").expect("written");
    let parts =
        ["dist.toml is of build 0123456789ab", "this program is of a checkout", "take all of them from one archive"];
    for args in [&["run", "init_cluster"][..], &["image", "build"], &["setup"], &["status"]] {
        world.run(args, &[]).refused(&parts);
        world.assert_nothing_made();
    }
}
