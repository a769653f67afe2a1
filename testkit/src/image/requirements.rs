//! What a snap needs of the node that it is installed on: of its snapd, and which base. Asked before anything is made,
//! because snapd's own words for it are about the store.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::Error;
use super::snap::Snap;
use super::version::numbers;

/// The features that snapd has had names for, besides its version; source: its list of what `assumes` may name. All are
/// older than the oldest snapd that nodes have, or too many to say since when: snapd itself has the last word on them.
const FEATURES: [&str; 6] =
    ["app-refresh-mode", "command-chain", "common-data-dir", "kernel-assets", "snap-env", "snap-uid-envvars"];
/// Features of the processor's instruction set begin like this.
const PROCESSOR: &str = "isa-";
/// A snapd of this version or before has no other feature; what a later one has is for it to say.
const KNOWN_UNTIL: &str = "2.75";

/// What is known of the node that snaps are installed on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeSnapd {
    /// The version of its own snapd; `None` where it is not known.
    pub version: Option<String>,
    /// Whether nothing but the given snaps can be installed: it has no base, and reaches no store.
    pub alone: bool,
}

/// Fails at the first of `snaps`, which are installed in this order, that the node and the snaps before it do not meet.
///
/// # Errors
/// [`Error::Snap`], with all that is lacking.
pub fn require(snaps: &[&Snap], node: &NodeSnapd) -> Result<(), Error> {
    for (place, snap) in snaps.iter().enumerate() {
        let before = &snaps[..place];
        let mut lacking = Vec::new();
        let snapd = newest(node, before);
        if let Some(version) = &snapd {
            let unmet: Vec<&str> = snap.assumes.iter().map(String::as_str).filter(|it| !meets(version, it)).collect();
            if !unmet.is_empty() {
                lacking.push(format!("it assumes {}, and snapd is {version}", unmet.join(" and ")));
            }
        }
        if node.alone {
            lacking.extend(lacks_base(snap, before));
        }
        if !lacking.is_empty() {
            return Err(refused(&snap.path, &lacking.join("; "), snaps, snap));
        }
    }
    Ok(())
}

/// The newest snapd among the node's own and those of snaps; `None` where one is not known.
fn newest(node: &NodeSnapd, before: &[&Snap]) -> Option<String> {
    if before.iter().any(|snap| snap.kind == "os") {
        // The core snap has a snapd of which its version says nothing.
        return None;
    }
    let own = node.version.clone()?;
    let given = before.iter().filter(|snap| snap.kind == "snapd").map(|snap| snap.version.clone());
    given.chain([own]).max_by(|one, other| numbers(one).cmp(&numbers(other)))
}

/// Whether a snapd of this version has what is assumed.
fn meets(version: &str, assumed: &str) -> bool {
    if let Some(wanted) = assumed.strip_prefix("snapd").filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        // With more than numbers it is no version that snapd takes.
        let plain = wanted.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
        return plain && numbers(version) >= numbers(wanted);
    }
    FEATURES.contains(&assumed) || assumed.starts_with(PROCESSOR) || numbers(version) > numbers(KNOWN_UNTIL)
}

/// What is lacking of an app's base and of the snap snapd, which snapd wants beside every base but `core`.
fn lacks_base(snap: &Snap, before: &[&Snap]) -> Vec<String> {
    let base = base_of(snap).filter(|base| !before.iter().any(|given| given.name == *base));
    let snapd = base_of(snap).is_some() && !has_snapd(before);
    match (base, snapd) {
        (None, false) => Vec::new(),
        (None, true) => vec!["the snap snapd is not among the snaps that are installed before it".to_owned()],
        (Some(base), snapd) => {
            let mut lacking = vec![format!("its base {base} is not among the snaps that are installed before it")];
            if snapd {
                lacking.push("nor is snapd, without which no base is used".to_owned());
            }
            lacking
        }
    }
}

/// The base that an app is on: `core` has what `core16` names.
fn base_of(snap: &Snap) -> Option<&str> {
    let base = snap.base.as_deref().unwrap_or("core");
    let base = if base == "core16" { "core" } else { base };
    (snap.kind == "app" && base != "none").then_some(base)
}

fn has_snapd(snaps: &[&Snap]) -> bool {
    snaps.iter().any(|given| given.kind == "snapd" || given.kind == "os")
}

/// The names of the snaps that these need of a node that has none, and that are not among them, in the order in which they
/// are to be installed.
pub(super) fn missing(snaps: &[&Snap]) -> Vec<String> {
    let bases: BTreeSet<&str> = snaps.iter().filter_map(|snap| base_of(snap)).collect();
    let with_snapd = has_snapd(snaps) || bases.is_empty() || bases.contains("core");
    let snapd = if with_snapd { None } else { Some("snapd") };
    let bases = bases.into_iter().filter(|base| !snaps.iter().any(|given| given.name == **base));
    snapd.into_iter().chain(bases).map(str::to_owned).collect()
}

fn refused(path: &Path, lacking: &str, snaps: &[&Snap], snap: &Snap) -> Error {
    let base = snap.base.as_deref().filter(|base| *base != "none");
    let needed: Vec<&str> = ["snapd"].into_iter().chain(base).collect();
    let given = if snaps.len() > 1 { ", before it and in this order" } else { "" };
    let mend = format!(
        "give snaps that have it with MICROOVN_EXTRA_SNAPS{given} (`snap download {}` fetches them), or name a node image \
         that has it with MICROOVN_TEST_CONTAINER_IMAGE",
        needed.join("` and `snap download ")
    );
    Error::Snap { path: path.to_owned(), problem: lacking.to_owned(), mend }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::hash::of_file;
    use super::super::snap::Description;
    use super::*;

    fn snap(yaml: &str) -> Snap {
        let description = Description::parse(yaml.as_bytes()).expect("a description");
        description.into_snap(PathBuf::from("/given.snap"), of_file(Path::new("/dev/null")).expect("a hash"))
    }

    fn node() -> NodeSnapd {
        NodeSnapd { version: Some("2.57.6-1+deb12u1".to_owned()), alone: true }
    }

    fn said(snaps: &[&str]) -> String {
        let snaps: Vec<Snap> = snaps.iter().map(|yaml| snap(yaml)).collect();
        match require(&snaps.iter().collect::<Vec<_>>(), &node()) {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    const SNAPD: &str = "name: snapd\nversion: 2.73\ntype: snapd\n";
    const CORE26: &str = "name: core26\nversion: 1\ntype: base\nassumes: [snapd2.60]\n";

    #[test]
    fn a_version_is_met_by_its_numbers_and_a_feature_by_being_one() {
        for (version, assumed, met) in [
            ("2.57.6-1+deb12u1", "snapd2.57", true),
            ("2.57.6-1+deb12u1", "snapd2.57.6", true),
            ("2.57.6-1+deb12u1", "snapd2.57.7", false),
            ("2.57", "snapd2.57.0", true),
            ("2.9", "snapd2.73", false),
            ("2.73", "snapd2.9", true),
            ("2.73", "snapd2.48.3~pre2", false),
            ("2.73", "snapd", false),
            ("2.57.6", "command-chain", true),
            ("2.57.6", "snap-env", true),
            ("2.57.6", "isa-amd64-v3", true),
            ("2.57.6", "some-future-feature", false),
            ("2.99", "some-future-feature", true),
        ] {
            assert_eq!(meets(version, assumed), met, "{assumed} of {version}");
        }
    }

    #[test]
    fn what_is_assumed_and_the_base_are_told_at_once_with_both_mends() {
        let yaml = "name: microovn\nbase: core26\nassumes: [snapd2.99, some-future-feature]\n";
        assert_eq!(
            said(&[yaml]),
            "/given.snap is not a usable snap: it assumes snapd2.99 and some-future-feature, and snapd is 2.57.6-1+deb12u1; \
             its base core26 is not among the snaps that are installed before it; nor is snapd, without which no base is \
             used; give snaps that have it with MICROOVN_EXTRA_SNAPS (`snap download snapd` and `snap download core26` \
             fetches them), or name a node image that has it with MICROOVN_TEST_CONTAINER_IMAGE"
        );
        let said = said(&[SNAPD, CORE26, yaml]);
        assert!(said.contains("it assumes snapd2.99 and some-future-feature, and snapd is 2.73; give"), "{said}");
    }

    #[test]
    fn the_order_in_which_snaps_are_installed_counts() {
        let app = "name: microovn\nbase: core26\nassumes: [snapd2.73, command-chain]\n";
        assert_eq!(said(&[SNAPD, CORE26, app]), "");
        let early = said(&[CORE26, SNAPD, app]);
        assert!(early.contains("it assumes snapd2.60, and snapd is 2.57.6-1+deb12u1"), "{early}");
    }

    #[test]
    fn bases_that_are_none_bare_and_core_are_what_snapd_takes_them_for() {
        let core = "name: core\nversion: 16\ntype: os\n";
        let bare = "name: bare\nversion: 1\ntype: base\n";
        assert_eq!(said(&["name: microovn\nbase: none\n"]), "");
        assert!(said(&["name: microovn\n"]).contains("its base core is not among"));
        assert_eq!(said(&[core, "name: microovn\n"]), "");
        assert_eq!(said(&[core, "name: microovn\nbase: core16\n"]), "");
        assert_eq!(said(&[SNAPD, bare, "name: microovn\nbase: bare\n"]), "");
        assert!(said(&[bare, "name: microovn\nbase: bare\n"]).contains("the snap snapd is not among"));
        assert!(said(&[SNAPD, "name: microovn\nbase: bare\n"]).contains("its base bare is not among"));
    }

    #[test]
    fn of_a_node_that_is_not_known_nothing_is_said() {
        let app = snap("name: microovn\nbase: core26\nassumes: [snapd2.99]\n");
        assert!(require(&[&app], &NodeSnapd::default()).is_ok());
    }
}
