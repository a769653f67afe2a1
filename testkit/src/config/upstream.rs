//! Variables of MicroOVN's own tests, which mean something else here, or nothing; and names that are almost those of others that
//! are read here.
//!
//! Source: MicroOVN's `Makefile` and `tests/test_helper/`.

use std::collections::BTreeMap;

use super::environment::PATHS;
use crate::nearest::nearest;

/// How the names of MicroOVN's variables begin.
const OWN: &str = "MICROOVN_";

/// Those that are read here.
const READ: [&str; 6] = [
    "MICROOVN_COVERAGE_DST",
    "MICROOVN_COVERAGE_ENABLED",
    "MICROOVN_EXTRA_SNAPS",
    "MICROOVN_SNAP_PATH",
    "MICROOVN_TEST_CONTAINER_IMAGE",
    "MICROOVN_UPGRADE_FROM",
];

/// Those that name an LXD or an Incus.
const REMOTES: [&str; 3] = ["INCUS_REMOTE", "LXC_REMOTE", "LXD_REMOTE"];
/// So many letters are wrong, missing or too much at most.
const SLIP: usize = 2;

/// What each variable of MicroOVN's that is set, and is not read here, does here. An empty one counts as not set.
pub(super) fn notices(environment: &BTreeMap<String, String>) -> Vec<String> {
    let set = environment.iter().filter(|(name, value)| name.starts_with(OWN) && !value.is_empty());
    let own = set
        .filter(|(name, _)| !READ.contains(&name.as_str()))
        .map(|(name, value)| format!("{name} is not read here: {}", instead(name, value)));
    own.chain(environment.iter().filter(|(_, value)| !value.is_empty()).filter_map(|(name, _)| slip(name))).collect()
}

/// That a variable is not read here whose name is that of one which is, but for a slip. LXD and its like read more than these, and so
/// do others.
fn slip(name: &str) -> Option<String> {
    let known = || PATHS.iter().chain(&REMOTES).filter(|known| !known.starts_with(OWN));
    // Every process of a run looks at all that is set, and most of it is not as long as any of these.
    let close =
        |known: &&&str| known.len().abs_diff(name.len()) <= SLIP && strsim::damerau_levenshtein(known, name) <= SLIP;
    let meant = known().filter(close).min_by_key(|known| strsim::damerau_levenshtein(known, name))?;
    (!known().any(|known| *known == name))
        .then(|| format!("{name} is not read here: there is no such setting; did you mean {meant}?"))
}

/// What is so whatever the variable says.
fn instead(name: &str, value: &str) -> String {
    match name {
        "MICROOVN_TESTS_USE_SNAP" => {
            "members are clones of an image in which the snap of MICROOVN_SNAP_PATH is installed, always".to_owned()
        }
        "MICROOVN_SNAP_CHANNEL" => {
            // It is shown to be typed.
            let plain = value.chars().all(|letter| letter.is_ascii_alphanumeric() || "/.-_".contains(letter));
            let channel = if plain { value } else { "CHANNEL" };
            format!(
                "nothing is installed from a channel; fetch the snap with `snap download microovn --channel={channel}` and \
                 name the file with MICROOVN_SNAP_PATH"
            )
        }
        "MICROOVN_CONTAINER_TEMPLATE" => {
            "the image with the snap in it is the golden image, which `testkit image build` makes".to_owned()
        }
        _ => match nearest(name.trim_start_matches(OWN), READ.into_iter().map(|read| read.trim_start_matches(OWN))) {
            Some(meant) => format!("there is no such setting; did you mean {OWN}{meant}?"),
            None => "there is no such setting".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[rstest::rstest]
    #[case::use_snap("MICROOVN_TESTS_USE_SNAP", "yes", "installed, always")]
    #[case::channel("MICROOVN_SNAP_CHANNEL", "24.03/stable", "`snap download microovn --channel=24.03/stable`")]
    #[case::channel_that_is_none("MICROOVN_SNAP_CHANNEL", "a; b", "--channel=CHANNEL`")]
    #[case::misspelt_coverage("MICROOVN_COVERAGE_DIR", "/tmp/x", "did you mean MICROOVN_COVERAGE_DST?")]
    #[case::template("MICROOVN_CONTAINER_TEMPLATE", "mine", "golden image")]
    #[case::misspelt("MICROOVN_SNAP_PTH", "/a.snap", "did you mean MICROOVN_SNAP_PATH?")]
    #[case::anything_else("MICROOVN_XYZ_QQQQ_ZZZ", "1", "there is no such setting")]
    fn a_variable_that_is_not_read_is_told_in_one_line(#[case] name: &str, #[case] value: &str, #[case] says: &str) {
        let notices = notices(&with(&[(name, value)]));
        let [notice] = &notices[..] else { panic!("{notices:?}") };
        assert!(notice.starts_with(&format!("{name} is not read here: ")) && notice.contains(says), "{notice}");
        assert!(!notice.contains('\n'), "{notice}");
    }

    #[test]
    fn a_slip_in_the_name_of_another_is_told_and_a_name_of_others_is_not() {
        for (name, meant) in [
            ("MICROCLOUD_SNAP_PTH", "MICROCLOUD_SNAP_PATH"),
            ("LXD_SOCKT", "LXD_SOCKET"),
            ("LXD_CLIENT_CRT", "LXD_CLIENT_CERT"),
            ("INCUS_SOKET", "INCUS_SOCKET"),
        ] {
            let wanted = format!("{name} is not read here: there is no such setting; did you mean {meant}?");
            assert_eq!(notices(&with(&[(name, "x")])), [wanted]);
        }
        let others = ["LXD_EXEC_PATH", "LXD_INSECURE_TLS", "INCUS_PROJECT", "PATH"].map(|name| (name, "x"));
        let read = PATHS.iter().chain(&REMOTES).map(|name| (*name, "x"));
        assert_eq!(notices(&with(&others.into_iter().chain(read).collect::<Vec<_>>())), Vec::<String>::new());
    }

    #[test]
    fn what_is_read_or_empty_or_of_others_is_not_told() {
        let read = READ.map(|name| (name, "x"));
        assert_eq!(notices(&with(&read)), Vec::<String>::new());
        assert_eq!(notices(&with(&[("MICROOVN_SNAP_CHANNEL", ""), ("OTHER", "x")])), Vec::<String>::new());
    }
}
