use std::collections::BTreeMap;
use std::fs;

use super::*;
use crate::config::Layer;

const GOOD: &str = "name: microovn\nversion: 1\nbase: none\n\
                    apps: {microovn: {command: x}, daemon: {command: x, daemon: simple}}\n";

fn put(folder: &Path, name: &str, yaml: &str) -> PathBuf {
    let (tree, file) = (folder.join(format!("{name}.tree")), folder.join(format!("{name}.snap")));
    fs::create_dir_all(tree.join("meta")).expect("a tree");
    fs::write(tree.join("meta/snap.yaml"), yaml).expect("written");
    let packed = duct::cmd!("mksquashfs", &tree, &file, "-quiet", "-no-progress");
    packed.stdout_null().run().expect("it is packed");
    file
}

#[tokio::test]
async fn what_is_given_is_looked_at_and_lxd_is_asked_before_anything_is_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    fs::write(root.join("Cargo.toml"), "[workspace]\n").expect("a manifest");
    let good = put(root, "good", GOOD);
    let copy = root.join("copy.snap");
    fs::copy(&good, &copy).expect("a copy");
    let lxd = put(root, "lxd", "name: lxd\nversion: 5\ntype: app\nbase: none\n");
    let elsewhere = put(root, "elsewhere", &format!("{GOOD}architectures: [sparc]\n"));
    let base = put(root, "base", "name: base1\nversion: 1\ntype: base\narchitectures: [sparc]\n");
    let given = || Layer {
        lxd_socket: Some("/nonexistent/s".into()),
        cache_dir: Some(root.join("cache")),
        snap: Some(good.clone()),
        ..Layer::default()
    };
    let nowhere = root.join("nowhere.snap");
    for (layer, microcloud, wanted) in [
        (given(), false, "connect to LXD"),
        (Layer { snap: None, ..given() }, false, "connect to LXD"),
        (Layer { microcloud_snap: Some(nowhere.clone()), ..given() }, false, "connect to LXD"),
        (
            Layer { microcloud_snap: Some(nowhere.clone()), ..given() },
            true,
            "nowhere.snap is not a usable snap: there is no",
        ),
        (Layer { lxd_snap: Some(nowhere.clone()), ..given() }, true, "nowhere.snap is not a usable snap: there is no"),
        (
            Layer { microcloud_snap: Some(lxd.clone()), ..given() },
            true,
            "MICROCLOUD_SNAP_PATH names a snap of lxd; it is for one of microcloud",
        ),
        (Layer { lxd_snap: Some(lxd.clone()), ..given() }, true, "connect to LXD"),
        (
            Layer { snap: Some(elsewhere.clone()), ..given() },
            false,
            "elsewhere.snap is not a usable snap: it is for sparc, and this host is ",
        ),
        (
            Layer { extra_snaps: Some(vec![base.clone()]), ..given() },
            false,
            "base.snap is not a usable snap: it is for sparc",
        ),
        (Layer { upgrade_from: Some(UpgradeFrom::File(elsewhere.clone())), ..given() }, false, "it is for sparc"),
        (
            Layer { extra_snaps: Some(vec![copy.clone()]), ..given() },
            false,
            "copy.snap is not a usable snap: it is of microovn, as the snap under test; leave it out of MICROOVN_EXTRA_SNAPS",
        ),
        (
            Layer { extra_snaps: Some(vec![lxd.clone(), lxd.clone()]), ..given() },
            false,
            "lxd.snap is not a usable snap: it is of lxd, as another one before it; leave it out",
        ),
    ] {
        let config = Config::resolve_from(layer, &BTreeMap::new(), root).expect("resolves");
        let told = &mut |said: &str| panic!("it makes something: {said}");
        let error = check_given_snaps(&config, microcloud, told).await.expect_err("refused");
        assert!(error.is_usage());
        let said = crate::report::chain(&error);
        assert!(said.contains(wanted), "no {wanted:?} in {said}");
        assert!(!root.join("cache").exists(), "{wanted}");
    }
}
