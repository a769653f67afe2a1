use std::fs;

use tempfile::TempDir;

use super::super::tree::{Squashfs, Tree};
use super::*;

const MICROOVN: &str = "\
name: microovn
version: 26.03
base: core24
assumes: [snapd2.73]
plugs:
  frr-logs: {interface: content, target: $SNAP_COMMON/frr}
  control: network-control
  hugepages-control:
apps:
  microovn: {command: microovn.wrapper, plugs: [network]}
  daemon:
    command: commands/daemon.start
    daemon: simple
    plugs: [network, network-bind, hugepages-control]
  renew: {command: commands/renew, daemon: oneshot, timer: 02:00~02:30}
";

/// A snap file with this `meta/snap.yaml`.
fn snap(yaml: Option<&str>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("given.snap");
    let mut tree = Tree::default();
    // Incompressible, so that the file is long enough to be cut in interesting places.
    let mut noise = 1u64;
    let bytes = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (noise >> 56) as u8
    });
    tree.add_file("bin/tool", bytes.take(300_000).collect::<Vec<_>>(), 0o755);
    if let Some(yaml) = yaml {
        tree.add_file("meta/snap.yaml", yaml, 0o644);
    }
    tree.pack(&path, Squashfs::Snap).unwrap();
    (folder, path)
}

/// The error's text without the file's folder.
fn problem(path: &Path) -> String {
    let error = Snap::inspect(path).and_then(|snap| snap.require_microovn()).unwrap_err().to_string();
    error.replace(&path.parent().unwrap().display().to_string(), "")
}

#[test]
fn a_snap_is_read_from_its_own_description() {
    let (_folder, path) = snap(Some(MICROOVN));
    let snap = Snap::inspect(&path).unwrap();
    snap.require_microovn().unwrap();
    assert_eq!((snap.name.as_str(), snap.version.as_str(), snap.kind.as_str()), ("microovn", "26.03", "app"));
    assert_eq!(snap.base.as_deref(), Some("core24"));
    assert_eq!(snap.assumes, ["snapd2.73"]);
    assert_eq!(snap.services.iter().collect::<Vec<_>>(), ["daemon", "renew"]);
    assert_eq!(snap.timed.iter().collect::<Vec<_>>(), ["renew"]);
    let plugs: Vec<_> = snap.plugs.iter().map(|plug| (plug.name.as_str(), plug.interface.as_str())).collect();
    let expected = [
        ("control", "network-control"),
        ("frr-logs", "content"),
        ("hugepages-control", "hugepages-control"),
        ("network", "network"),
        ("network-bind", "network-bind"),
    ];
    assert_eq!(plugs, expected);
    assert_eq!(snap.sha256, of_file(&path).unwrap());
}

#[test]
fn a_snap_is_read_once_and_again_when_it_has_changed() {
    let (_folder, path) = snap(Some(MICROOVN));
    let first = Snap::inspect(&path).unwrap();
    let mut reads = 0;
    let mut look = || {
        known::or_read(&path, || {
            reads += 1;
            Snap::read(&path)
        })
    };
    assert_eq!(look().unwrap(), first);
    let (_other, other) = snap(Some(&MICROOVN.replace("26.03", "26.04")));
    fs::copy(other, &path).unwrap();
    assert_eq!(look().unwrap().version, "26.04");
    assert_eq!(look().unwrap().version, "26.04");
    assert_eq!(reads, 1, "only what had changed");
    fs::remove_file(&path).unwrap();
    assert!(Snap::inspect_all(&[&path]).is_err(), "what is gone is not known");
}

#[test]
fn a_version_is_the_text_that_snapd_takes_it_for() {
    for (written, version) in [
        ("24.10", "24.10"),
        ("\"24.10\"", "24.10"),
        ("'24.10'", "24.10"),
        ("26.03", "26.03"),
        ("007", "007"),
        ("1.0", "1.0"),
        ("1e3", "1e3"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("24.03.10+snap9a1b", "24.03.10+snap9a1b"),
        ("2026-01-01", "2026-01-01"),
        (".5", ".5"),
        ("true", "true"),
    ] {
        let yaml = format!("name: microovn\nversion: {written}\n");
        let description = Description::parse(yaml.as_bytes()).unwrap();
        assert_eq!(description.into_snap(PathBuf::new(), of_file(Path::new("/dev/null")).unwrap()).version, version);
    }
}

#[test]
fn a_plug_counts_wherever_it_is_declared() {
    let yaml = "\
name: microovn
plugs:
  of-nobody: network-observe
  shared: {interface: content, content: x, target: $SNAP_DATA/x, default-provider: other}
  of-a-hook: {interface: system-files, read: [/etc/x]}
apps:
  nothing:
  listed: {plugs: [network]}
hooks:
  configure:
  install: {plugs: [hardware-observe, of-a-hook]}
  connect-plug-frr: {command-chain: [x], plugs: [process-control]}
  remove: {plugs: }
";
    let snap = Description::parse(yaml.as_bytes()).unwrap();
    let snap = snap.into_snap(PathBuf::new(), of_file(Path::new("/dev/null")).unwrap());
    let plugs: Vec<_> = snap.plugs.iter().map(|plug| (plug.name.as_str(), plug.interface.as_str())).collect();
    let expected = [
        ("hardware-observe", "hardware-observe"),
        ("network", "network"),
        ("of-a-hook", "system-files"),
        ("of-nobody", "network-observe"),
        ("process-control", "process-control"),
        ("shared", "content"),
    ];
    assert_eq!(plugs, expected);
}

#[test]
fn a_snap_cut_anywhere_is_reported_as_cut() {
    let (_folder, path) = snap(Some(MICROOVN));
    let whole = fs::read(&path).unwrap();
    for (length, expected) in [
        (0, "it is empty"),
        (2, "it is not a squashfs file"),
        (4, "it is cut short: 4 of 96 bytes"),
        (95, "it is cut short: 95 of 96 bytes"),
        (96, "it is cut short: 96 of "),
        (4096, "it is cut short: 4096 of "),
        (whole.len() / 2, "it is cut short: "),
    ] {
        fs::write(&path, &whole[..length]).unwrap();
        let problem = problem(&path);
        assert!(problem.starts_with("/given.snap is not a usable snap: "), "{problem}");
        assert!(problem.contains(expected), "cut at {length}: {problem}");
    }
}

#[test]
fn what_follows_a_snap_in_its_file_is_not_looked_at() {
    // `snap pack` pads with zeros, and snapd's integrity data stands behind a snap.
    let (_folder, path) = snap(Some(MICROOVN));
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend(b"snapehdr and more");
    fs::write(&path, &bytes).unwrap();
    Snap::inspect(&path).unwrap().require_microovn().unwrap();
}

#[test]
fn a_snap_with_its_tables_overwritten_is_unreadable() {
    let (_folder, path) = snap(Some(MICROOVN));
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xff);
    fs::write(&path, &bytes).unwrap();
    assert!(problem(&path).contains("unsquashfs cannot read it"), "{}", problem(&path));
}

#[test]
fn what_is_not_a_snap_of_microovn_is_refused_with_the_reason() {
    let missing = Path::new("/no/such/microovn.snap");
    assert_eq!(
        problem(missing),
        "/microovn.snap is not a usable snap: there is no such file; check the path that was given for the snap"
    );
    let folder = tempfile::tempdir().unwrap();
    assert!(Snap::inspect(folder.path()).unwrap_err().to_string().contains("it is a folder"));

    let page = folder.path().join("page.snap");
    fs::write(&page, "<html>404</html>").unwrap();
    assert!(problem(&page).contains("it is not a squashfs file"));

    for (yaml, expected) in [
        (None, "it has no meta/snap.yaml"),
        (Some("name: lxd\nversion: '5'\n"), "it is the snap \"lxd\", not \"microovn\""),
        (Some("name: microovn\nversion: '1'\napps: {microovn: {command: x}}\n"), "it has no app \"daemon\""),
        (Some("name: microovn\napps: {microovn: {}, daemon: {}}\n"), "its app \"daemon\" is not a service"),
        (Some("apps: [broken"), "its meta/snap.yaml does not parse (line 1 column 7"),
    ] {
        let (_folder, path) = snap(yaml);
        let problem = problem(&path);
        assert!(problem.contains(expected), "{yaml:?}: {problem}");
    }
}

#[test]
fn what_is_no_app_for_this_host_is_refused_with_the_reason() {
    for (more, expected) in [
        ("type: base", "its type is base, and MicroOVN is an app; give a snap of MicroOVN"),
        ("type: bogus", "its type is \"bogus\", and snapd knows app, base, gadget, kernel, os, snapd; give"),
        ("confinement: classic", "its confinement is classic, and that of MicroOVN is strict, or devmode"),
        ("confinement: none", "its confinement is \"none\", and snapd knows strict, devmode, classic; give"),
        ("version: \"1\\e[31m\"", "its version is \"1\\u{1b}[31m\", and snapd takes 1 to 32 letters"),
        ("base: \"core\\n24\"", "its base is \"core\\n24\", which is no snap's name"),
        ("assumes: [\"a\\ab\"]", "it has the name \"a\\u{7}b\", with characters that no name has"),
    ] {
        let apps = "apps: {microovn: {command: x}, daemon: {command: x, daemon: simple}}";
        let (_folder, path) = snap(Some(&format!("name: microovn\n{apps}\n{more}\n")));
        assert!(problem(&path).contains(expected), "{more}: {}", problem(&path));
    }
    for more in
        ["type: app", "confinement: strict", "confinement: devmode", "base: none", "version: 24.03.2+snap1~a-b:c"]
    {
        let apps = "apps: {microovn: {command: x}, daemon: {command: x, daemon: simple}}";
        let (_folder, path) = snap(Some(&format!("name: microovn\n{apps}\n{more}\n")));
        Snap::inspect(&path).and_then(|snap| snap.require_microovn()).expect(more);
    }
}

#[test]
fn a_snap_for_other_architectures_is_refused() {
    let said = |architectures: &str| {
        let yaml = format!("name: microovn\n{architectures}\n");
        let description = Description::parse(yaml.as_bytes()).expect("a description");
        let snap = description.into_snap(PathBuf::from("/x.snap"), of_file(Path::new("/dev/null")).unwrap());
        snap.require_architecture("amd64").map_err(|error| error.to_string())
    };
    for good in ["", "architectures:", "architectures: []", "architectures: [all]", "architectures: [arm64, amd64]"] {
        assert_eq!(said(good), Ok(()), "{good}");
    }
    assert_eq!(
        said("architectures: [arm64, s390x]").unwrap_err(),
        "/x.snap is not a usable snap: it is for arm64 and s390x, and this host is amd64; give one that is built for amd64"
    );
}

#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("f.snap");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
    assert_eq!(problem(&pipe), "/f.snap is not a usable snap: it is no regular file; give the .snap file");
}
