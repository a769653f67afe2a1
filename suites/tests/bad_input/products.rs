//! Products that do not go together, or with what is to be done.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::bad_input_common::World;
use crate::snaps::{MICROOVN, pack_as, snap};

#[test]
fn a_bad_extra_snap_is_refused_before_lxd_is_asked() {
    let world = World::new();
    let good = snap(&world, MICROOVN).display().to_string();
    let env = [("MICROOVN_SNAP_PATH", good.as_str()), ("MICROOVN_EXTRA_SNAPS", "/nowhere/base.snap")];
    world.run(&["image", "build"], &env).refused(&["/nowhere/base.snap is not a usable snap", "check the path"]);
    world.assert_nothing_made();
    let env = [("MICROOVN_EXTRA_SNAPS", good.as_str())];
    world.run(&["image", "build"], &env).refused(&["MICROOVN_EXTRA_SNAPS", &good, "MICROOVN_SNAP_PATH", "set both"]);
    world.assert_nothing_made();
}

/// A snap of MicroOVN of this version, in a file of this name.
fn of_version(world: &World, version: &str, name: &str) -> String {
    let tree = world.path().join("tree");
    fs::create_dir_all(tree.join("meta")).expect("a tree");
    fs::write(
        tree.join("meta/snap.yaml"),
        MICROOVN.replace("version: 1", &format!("version: {version:?}\nbase: none")),
    )
    .expect("a snap.yaml");
    pack_as(world, &tree, name).display().to_string()
}

#[test]
fn an_upgrade_that_is_none_is_refused_before_lxd_is_asked() {
    let world = World::new();
    let older = of_version(&world, "24.03.9+snapfff", "older.snap");
    let newer = of_version(&world, "25.03.1+snapaaa", "newer.snap");
    let run = |to: &str, from: &str, parts: &[&str]| {
        let env = [("MICROOVN_SNAP_PATH", to), ("MICROOVN_UPGRADE_FROM", from)];
        world.run(&["run", "upgrade"], &env).refused(parts);
        world.assert_nothing_made();
    };
    let exchanged = [
        "MICROOVN_UPGRADE_FROM is ",
        &newer,
        "25.03.1+snapaaa, which is newer than the 24.03.9+snapfff of",
        "exchange",
    ];
    run(&older, &newer, &exchanged);
    run(&newer, "/nowhere/older.snap", &["/nowhere/older.snap is not a usable snap", "there is no such file"]);
    run("", &older, &["MICROOVN_UPGRADE_FROM names ", &older, "MICROOVN_SNAP_PATH names nothing", "set both"]);
    // The right way round it comes to LXD, which is not there, and so does what has no order.
    let unordered = of_version(&world, "0+git.abc1234", "unordered.snap");
    for (to, from) in [(&newer, &older), (&unordered, &older), (&older, &unordered)] {
        let image = ("MICROOVN_TEST_CONTAINER_IMAGE", "whatever");
        let env = [("MICROOVN_SNAP_PATH", to.as_str()), ("MICROOVN_UPGRADE_FROM", from.as_str()), image];
        world.run(&["image", "build"], &env).refused(&["connect to LXD"]);
    }
}

#[test]
fn what_is_done_with_one_product_is_refused_where_there_are_several() {
    let world = World::new();
    let older = of_version(&world, "24.03.9", "older.snap");
    let newer = of_version(&world, "25.03.1", "newer.snap");
    let both = format!("{older}:{newer}");
    let env = [("MICROOVN_SNAP_PATH", both.as_str())];
    let several = ["several products are given (older, newer)", "name it with TESTKIT_PRODUCT", "`testkit run`"];
    world.run(&["up", "init_cluster"], &env).refused(&several);
    let slip = [env[0], ("TESTKIT_PRODUCT", "oldr")];
    world.run(&["up", "init_cluster"], &slip).refused(&["the products are older, newer; did you mean \"older\"?"]);
    let kept = [env[0], ("TESTKIT_KEEP", "on-failure")];
    let one_at_a_time =
        ["clusters are kept by the names of their suites", "with one product at a time", "TESTKIT_PRODUCT"];
    world.run(&["run", "init_cluster"], &kept).refused(&one_at_a_time);
    world.run(&["run", "init_cluster", "--pause-on-failure"], &env).refused(&one_at_a_time);
    world.run(&["run", "downscale", "--pause-before", "2"], &env).refused(&one_at_a_time);
    world.run(&["run", "downscale"], &[env[0], ("TESTKIT_PAUSE_BEFORE", "2")]).refused(&one_at_a_time);
    world.assert_nothing_made();
    // Once one is chosen it comes to LXD, which is not there.
    let image = ("MICROOVN_TEST_CONTAINER_IMAGE", "whatever");
    let chosen = [env[0], ("TESTKIT_PRODUCT", "newer"), image];
    world.run(&["image", "build"], &chosen).refused(&["connect to LXD"]);
}

#[test]
fn every_product_is_looked_at_before_the_first_is_tested() {
    let world = World::new();
    let older = of_version(&world, "24.03.9", "older.snap");
    let newer = of_version(&world, "25.03.1", "newer.snap");
    let image = ("MICROOVN_TEST_CONTAINER_IMAGE", "whatever");
    for (second, from, parts) in [
        ("/nowhere/b.snap", "", &["with b: ", "/nowhere/b.snap is not a usable snap", "there is no such file"][..]),
        (
            newer.as_str(),
            newer.as_str(),
            &["with older: ", "MICROOVN_UPGRADE_FROM is ", "which is newer than", "exchange"],
        ),
        (newer.as_str(), "/nowhere/c.snap", &["with older: ", "/nowhere/c.snap is not a usable snap"]),
    ] {
        let both = format!("{older}:{second}");
        let env = [("MICROOVN_SNAP_PATH", both.as_str()), ("MICROOVN_UPGRADE_FROM", from), image];
        world.run(&["run", "init_cluster"], &env).refused(parts);
        assert!(!world.out().exists(), "there is a run");
    }
}

#[test]
fn a_channel_without_a_store_is_told_before_anything_is_made() {
    let world = World::new();
    let newer = of_version(&world, "25.03.1", "newer.snap");
    let program = world.path().join("snap");
    fs::write(&program, "#!/bin/sh\necho 'error: cannot download snap: no such host' >&2\nexit 1\n")
        .expect("a program");
    fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("executable");
    let path = format!("{}:{}", world.path().display(), std::env::var("PATH").expect("a path"));
    let env = [("MICROOVN_SNAP_PATH", newer.as_str()), ("MICROOVN_UPGRADE_FROM", "24.03/stable"), ("PATH", &path)];
    let parts =
        ["24.03/stable is not a usable snap", "a channel of the snap store", "no such host", "name a snap's file"];
    world.run(&["run", "upgrade"], &env).refused(&parts);
    assert!(!world.out().exists(), "there is a run");
}
