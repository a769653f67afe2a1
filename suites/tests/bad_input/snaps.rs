//! Snaps that cannot be tested.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rstest::rstest;

use crate::bad_input_common::World;

pub(crate) const MICROOVN: &str =
    "name: microovn\nversion: 1\napps:\n  microovn: {command: x}\n  daemon: {command: x, daemon: simple}\n";

/// A snap with this `meta/snap.yaml`.
pub(crate) fn snap(world: &World, yaml: &str) -> PathBuf {
    let tree = world.path().join("tree");
    fs::create_dir_all(tree.join("meta")).expect("a tree");
    fs::write(tree.join("meta/snap.yaml"), yaml).expect("a snap.yaml");
    pack(world, &tree)
}

fn pack(world: &World, tree: &Path) -> PathBuf {
    pack_as(world, tree, "given.snap")
}

/// Packs a tree into a file of this name.
pub(crate) fn pack_as(world: &World, tree: &Path, name: &str) -> PathBuf {
    let file = world.path().join(name);
    let packed = Command::new("mksquashfs")
        .args([tree, &file])
        .args(["-quiet", "-no-progress", "-noappend"])
        .output()
        .expect("mksquashfs is installed");
    assert!(packed.status.success(), "{packed:?}");
    file
}

fn written(world: &World, bytes: &[u8]) -> PathBuf {
    let file = world.path().join("given.snap");
    fs::write(&file, bytes).expect("a file");
    file
}

fn missing(world: &World) -> PathBuf {
    world.path().join("given.snap")
}

fn folder(world: &World) -> PathBuf {
    fs::create_dir(world.path().join("given.snap")).expect("a folder");
    missing(world)
}

fn truncated(world: &World) -> PathBuf {
    let whole = fs::read(snap(world, MICROOVN)).expect("a snap");
    written(world, &whole[..200])
}

fn corrupt(world: &World) -> PathBuf {
    let mut whole = fs::read(snap(world, MICROOVN)).expect("a snap");
    // The superblock, which says how long the file is, stays.
    whole[96..].fill(0xa5);
    written(world, &whole)
}

fn without_snap_yaml(world: &World) -> PathBuf {
    let tree = world.path().join("tree");
    fs::create_dir(&tree).expect("a tree");
    fs::write(tree.join("file"), "x").expect("a file");
    pack(world, &tree)
}

#[rstest]
#[case::missing(missing, &["there is no such file", "check the path"])]
#[case::a_folder(folder, &["it is a folder", "give the .snap file"])]
#[case::empty(|w: &World| written(w, b""), &["it is empty", "fetch or build it again"])]
#[case::no_squashfs(|w: &World| written(w, b"<html>Not Found</html>"), &["it is not a squashfs file", "give a .snap file"])]
#[case::cut_in_the_superblock(|w: &World| written(w, b"hsqs0123456789"), &["cut short: 14 of 96 bytes", "fetch or build it again"])]
#[case::truncated(truncated, &["cut short: 200 of ", "fetch or build it again"])]
#[case::corrupt(corrupt, &["unsquashfs cannot read it", "fetch or build it again"])]
#[case::without_snap_yaml(without_snap_yaml, &["it has no meta/snap.yaml", "`snapcraft`"])]
#[case::malformed_snap_yaml(|w: &World| snap(w, "name: [\n"), &["its meta/snap.yaml does not parse (line 1", "`snapcraft`"])]
#[case::another_snap(|w: &World| snap(w, "name: hello\nversion: 1\n"), &["it is the snap \"hello\", not \"microovn\"", "`snap download microovn`"])]
#[case::without_microovn(
    |w: &World| snap(w, "name: microovn\nversion: 1\napps:\n  daemon: {command: x, daemon: simple}\n"),
    &["it has no app \"microovn\"", "`snap download microovn`"]
)]
#[case::without_daemon(
    |w: &World| snap(w, "name: microovn\nversion: 1\napps:\n  microovn: {command: x}\n"),
    &["it has no app \"daemon\"", "`snap download microovn`"]
)]
fn a_bad_snap_is_refused_before_lxd_is_asked(#[case] make: impl Fn(&World) -> PathBuf, #[case] parts: &[&str]) {
    for command in [&["image", "build"][..], &["up", "init_cluster"]] {
        let world = World::new();
        let file = make(&world).display().to_string();
        let parts: Vec<&str> = parts.iter().copied().chain([&*file, "is not a usable snap"]).collect();
        world.run(command, &[("MICROOVN_SNAP_PATH", &file)]).refused(&parts);
        world.assert_nothing_made();
    }
}

#[test]
fn of_a_microcloud_that_takes_no_nic_for_an_underlay_the_doctor_tells_before() {
    for (version, told) in [("2.1.0", true), ("2.1.1", false), ("3.2", false)] {
        let world = World::new();
        let given = snap(&world, &format!("name: microcloud\nversion: \"{version}\"\n")).display().to_string();
        let ended = world.run(&["doctor"], &[("MICROCLOUD_SNAP_PATH", &given)]);
        let said = String::from_utf8_lossy(&ended.0.stdout);
        let warned = format!("{version} takes no NIC of a container for an underlay: its cells with one are skipped");
        assert_eq!((said.contains(&warned), said.contains("MicroCloud")), (told, true), "{said}");
    }
}
