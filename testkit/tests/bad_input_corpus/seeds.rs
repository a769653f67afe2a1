//! What the fuzz targets start from: recordings, and the corpus.

use std::fs;

use testkit::fuzzing::Target;

use crate::entry::{self, tests};

/// Where the seeds of a target come from.
struct Kind {
    target: &'static str,
    /// The readers of the corpus whose inputs are of its kind.
    readers: &'static [&'static str],
    /// The recordings that are: how their paths below `fixtures/` begin.
    recordings: &'static [&'static str],
}

const KINDS: [Kind; 6] = [
    Kind {
        target: "ovsdb_json",
        readers: &["tables", "switch", "southbound", "members", "devices", "control"],
        recordings: &["recorded/ovs-vsctl", "recorded/ovn-sbctl", "recorded/ovn-nbctl", "recorded/cluster-list"],
    },
    Kind { target: "lxd_envelope", readers: &["lxd", "lxd_connect"], recordings: &[] },
    Kind { target: "dialog_stream", readers: &["dialog"], recordings: &["dialog/"] },
    Kind { target: "snap_yaml", readers: &["snap_yaml"], recordings: &[] },
    Kind { target: "appctl", readers: &["raft", "connections"], recordings: &["recorded/raft"] },
    Kind { target: "health", readers: &["health"], recordings: &["recorded/health"] },
];

/// The longest seed, in bytes: a fuzzer tries everything on each, and long ones repeat one thing.
const LONGEST: usize = 2500;

/// The seeds of a target: a name for each, and what it is.
pub(crate) fn seeds((target, _): &Target) -> Vec<(String, Vec<u8>)> {
    let kind = KINDS.iter().find(|kind| kind.target == *target);
    let Kind { readers, recordings, .. } = kind.unwrap_or_else(|| panic!("no seeds are declared for {target}"));
    let entries = entry::all().into_iter().filter(|entry| readers.contains(&entry.reads.as_str()));
    let mut seeds: Vec<_> = entries.map(|entry| (entry.name.clone(), entry.seed())).collect();
    for folder in ["recorded", "dialog"] {
        for file in fs::read_dir(tests().join("fixtures").join(folder)).expect("recordings").flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            let path = format!("{folder}/{name}");
            if recordings.iter().any(|beginning| path.starts_with(beginning)) {
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
