//! Builds the real artifacts. Needs the distribution's mirror, so it runs only when asked for:
//! `TESTKIT_CACHE=/path cargo test -p testkit --test images -- --ignored`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use testkit::image::{Cache, Snap, Workspace, build_node, build_snaps};

fn workspace() -> Workspace {
    Workspace::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
}

#[test]
#[ignore = "bootstraps two root file systems"]
fn artifacts_are_built_once_and_are_what_they_say() {
    let root =
        std::env::var_os("TESTKIT_CACHE").map_or_else(|| std::env::temp_dir().join("testkit-cache"), PathBuf::from);
    let cache = Cache::open(&root).expect("cache");
    let progress = &mut |text: &str| eprintln!("{text}");
    let begun = Instant::now();
    let node = build_node(&workspace(), &cache, progress).expect("node image");
    eprintln!("node image {} in {:?}", node.rootfs.display(), begun.elapsed());
    let begun = Instant::now();
    let snaps = build_snaps(&workspace(), &cache, progress).expect("snaps");
    eprintln!("snaps in {:?}", begun.elapsed());

    for (path, name, kind) in
        [(&snaps.snapd, "snapd", "snapd"), (&snaps.base, "testkit-base", "base"), (&snaps.stand_in, "microovn", "app")]
    {
        let snap = Snap::inspect(path).expect("snap");
        assert_eq!((snap.name.as_str(), snap.kind.as_str()), (name, kind));
        eprintln!("{} {} {} bytes", snap.name, snap.version, path.metadata().expect("size").len());
    }
    let stand_in = Snap::inspect(&snaps.stand_in).expect("stand-in");
    stand_in.require_microovn().expect("a MicroOVN");
    assert_eq!(stand_in.base.as_deref(), Some("testkit-base"));

    let begun = Instant::now();
    let again = build_node(&workspace(), &cache, &mut |text| panic!("built again: {text}")).expect("node image");
    assert_eq!((again.rootfs, again.hash), (node.rootfs, node.hash));
    eprintln!("again in {:?}", begun.elapsed());
}
