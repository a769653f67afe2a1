//! What the fuzz targets start from: recordings, and the corpus.

use std::fs;

use testkit::fuzzing::Target;

use crate::entry::{self, tests};

/// A target's name, the readers of the corpus whose inputs are of its kind, and the recordings that are: a folder and how
/// their names begin.
const KINDS: &[(&str, &[&str], &[(&str, &str)])] = &[
    (
        "ovsdb_json",
        &["tables", "switch", "southbound", "members", "devices", "control"],
        &[("recorded", "ov"), ("recorded", "cluster-list")],
    ),
    ("lxd_envelope", &["lxd", "lxd_connect"], &[]),
    ("dialog_stream", &["dialog"], &[("dialog", "")]),
    ("snap_yaml", &["snap_yaml"], &[]),
    ("appctl", &["raft", "connections"], &[("recorded", "raft")]),
];

/// The longest seed, in bytes: a fuzzer tries everything on each, and long ones repeat one thing.
const LONGEST: usize = 2500;

/// The seeds of a target: a name for each, and what it is.
pub(crate) fn seeds((target, _): &Target) -> Vec<(String, Vec<u8>)> {
    let kind = KINDS.iter().find(|(known, ..)| known == target);
    let (_, readers, recordings) = kind.unwrap_or_else(|| panic!("no seeds are declared for {target}"));
    let entries = entry::all().into_iter().filter(|entry| readers.contains(&entry.reads.as_str()));
    let mut seeds: Vec<_> = entries.map(|entry| (entry.name.clone(), entry.seed())).collect();
    for (folder, beginning) in *recordings {
        for file in fs::read_dir(tests().join("fixtures").join(folder)).expect("recordings").flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            if name.starts_with(beginning) {
                seeds.push((name, fs::read(file.path()).expect("a recording")));
            }
        }
    }
    assert!(seeds.len() > 10, "{target} has {} seeds", seeds.len());
    for (_, bytes) in &mut seeds {
        bytes.truncate(LONGEST);
    }
    seeds
}
