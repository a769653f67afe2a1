//! How two snaps of the product differ, by what they say of themselves.

use std::collections::BTreeSet;

use super::Failure;
use crate::image::Snap;

/// Refuses the same snap twice, whatever its files are called: there would be nothing to compare.
///
/// # Errors
/// With the two files.
pub(super) fn require_different(snaps: &[Snap]) -> Result<(), Failure> {
    for (place, snap) in snaps.iter().enumerate() {
        if let Some(same) = snaps[..place].iter().find(|before| before.sha256 == snap.sha256) {
            let (one, other) = (same.path.display(), snap.path.display());
            return Err(Failure::Usage(format!("{one} and {other} are the same snap; name each once")));
        }
    }
    Ok(())
}

/// A line for each way in which they differ, where they are called by these names; none where they say the same.
pub(super) fn differences([one, other]: [&Snap; 2], names: [&str; 2]) -> Vec<String> {
    let mut lines = Vec::new();
    let schemas = |snap: &Snap| match &snap.schemas {
        Some([northbound, southbound]) => format!("Northbound {northbound}, Southbound {southbound}"),
        None => "not known".to_owned(),
    };
    let base = |snap: &Snap| snap.base.clone().unwrap_or_else(|| "none".to_owned());
    let assumes = |snap: &Snap| snap.assumes.join(", ");
    for (what, here, there) in [
        ("version", one.version.clone(), other.version.clone()),
        ("base", base(one), base(other)),
        ("schemas", schemas(one), schemas(other)),
        ("assumes", assumes(one), assumes(other)),
    ] {
        if here != there {
            lines.push(format!("{what}: {here} in {}, {there} in {}", names[0], names[1]));
        }
    }
    let commands = |snap: &Snap| snap.apps.difference(&snap.services).cloned().collect();
    let plugs = |snap: &Snap| snap.plugs.iter().map(|plug| plug.name.clone()).collect();
    for (what, here, there) in [
        ("services", one.services.clone(), other.services.clone()),
        ("commands", commands(one), commands(other)),
        ("plugs", plugs(one), plugs(other)),
    ] {
        for (name, has, lacks) in [(names[0], &here, &there), (names[1], &there, &here)] {
            let only: Vec<&str> = BTreeSet::difference(has, lacks).map(String::as_str).collect();
            if !only.is_empty() {
                lines.push(format!("{what} only in {name}: {}", only.join(", ")));
            }
        }
    }
    lines
}

/// A snap in a line.
pub(super) fn told(snap: &Snap) -> String {
    format!("{}: {} {} (sha256 {})", snap.path.display(), snap.name, snap.version, snap.sha256)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::image::{Description, of_file};

    #[test]
    fn the_same_snap_is_refused_by_any_name_and_another_is_not() {
        let snap = |path: &str, of: &str| {
            let description = Description::parse(b"name: microovn\n").expect("a description");
            description.into_snap(PathBuf::from(path), of_file(Path::new(of)).expect("a hash"))
        };
        let (one, copy) = (snap("/one.snap", "/dev/null"), snap("/copy.snap", "/dev/null"));
        let other = snap("/other.snap", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        assert!(require_different(&[one.clone(), other.clone()]).is_ok());
        match require_different(&[one, other, copy]) {
            Err(Failure::Usage(said)) => {
                assert_eq!(said, "/one.snap and /copy.snap are the same snap; name each once");
            }
            ended => panic!("{ended:?}"),
        }
    }
}
