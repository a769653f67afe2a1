//! Builds the real artifacts, in the cache that everything else uses: what is there is not built again.

use std::time::Instant;

use testkit::config::{Config, Layer};
use testkit::image::{Cache, Snap, Workspace, build_node, build_snaps, choose_release};

#[test]
fn artifacts_are_built_once_and_are_what_they_say() {
    let config = Config::resolve(Layer::default()).expect("a workspace");
    let workspace = Workspace::new(&config.root);
    let cache = Cache::open(&config.cache_dir).expect("cache");
    let release = choose_release(&workspace, &cache, config.stand_in).expect("a release");
    let progress = &mut |text: &str| eprintln!("{text}");
    let begun = Instant::now();
    let node = build_node(&workspace, &cache, progress).expect("node image");
    eprintln!("node image {} in {:?}", node.rootfs.display(), begun.elapsed());
    let begun = Instant::now();
    let snaps = build_snaps(&workspace, &cache, release, progress).expect("snaps");
    eprintln!("snaps in {:?}", begun.elapsed());

    let base = format!("testkit-base-{}", release.word());
    for (path, name, kind) in
        [(&snaps.snapd, "snapd", "snapd"), (&snaps.base, base.as_str(), "base"), (&snaps.stand_in, "microovn", "app")]
    {
        let snap = Snap::inspect(path).expect("snap");
        assert_eq!((snap.name.as_str(), snap.kind.as_str()), (name, kind));
        eprintln!("{} {} {} bytes", snap.name, snap.version, path.metadata().expect("size").len());
    }
    let stand_in = Snap::inspect(&snaps.stand_in).expect("stand-in");
    stand_in.require_microovn().expect("a MicroOVN");
    assert_eq!(stand_in.base.as_deref(), Some(base.as_str()));

    // A node's libraries need not be those of this host.
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("program");
    let unpack = duct::cmd!("unsquashfs", "-cat", &snaps.stand_in, "bin/microovn-stand-in");
    unpack.stdout_path(&program).run().expect("unpacked");
    let linked = duct::cmd!("ldd", &program).stderr_to_stdout().unchecked().read().expect("ldd");
    assert!(linked.contains("statically linked") || linked.contains("not a dynamic executable"), "{linked}");

    let files = [&node.rootfs, &node.metadata, &snaps.snapd, &snaps.base, &snaps.stand_in];
    let packed = files.map(|path| path.metadata().and_then(|metadata| metadata.modified()).expect("time"));
    // Nothing is said to be built, or packed, that is not.
    let silence = &mut |text: &str| panic!("built again: {text}");
    let again = build_node(&workspace, &cache, silence).expect("node image");
    assert_eq!(again.hash, node.hash);
    let snaps_again = build_snaps(&workspace, &cache, release, silence).expect("snaps");
    let files_again = [&again.rootfs, &again.metadata, &snaps_again.snapd, &snaps_again.base, &snaps_again.stand_in];
    assert_eq!(files_again, files);
    let packed_again = files_again.map(|path| path.metadata().and_then(|metadata| metadata.modified()).expect("time"));
    assert_eq!(packed_again, packed, "packed again");
}
