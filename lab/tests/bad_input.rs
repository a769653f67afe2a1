//! Bad usage of `lab`: told at once with what is wanted, exit code 2, before anything is begun.

use std::fs;
use std::process::Command;

#[test]
fn bad_usage_is_refused_before_anything_is_begun() {
    let cases: [(&[&str], &[&str]); 9] = [
        (
            &["faults", "--only", "encap-other,nosuch"],
            &["--only \"nosuch\" is in the name of no fault", "suites/faults.toml lists them"],
        ),
        (&["storm", "--only", "nosuch"], &["no attack is left to try"]),
        (&["storm", "--journey", "tsl"], &["there is no journey \"tsl\"; the nearest are tls,"]),
        (&["cluster", "--tier", "pairwse"], &["invalid value 'pairwse' for '--tier <TIER>'", "did you mean pairwise?"]),
        (
            &["scale", "--shared", "inf"],
            &["invalid value 'inf' for '--shared <TIMES>'", "a number from 1 to 1000 is wanted"],
        ),
        (&["scale", "--shared", "nan"], &["invalid value 'nan'", "a number from 1 to 1000 is wanted"]),
        (&["scale", "--copy", "18446744073709551615"], &["invalid value '18446744073709551615' for '--copy <N>'"]),
        (&["host", "--minutes", "0"], &["invalid value '0' for '--minutes <N>'", "1..=10080"]),
        (&["bench", "--rounds", "1", "--cells", "3"], &["--cells <CELLS>", "cannot be used with"]),
    ];
    for (args, parts) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("Cargo.toml"), "[workspace]\n").expect("a manifest");
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
        command.args(args).current_dir(folder.path()).env("LXD_SOCKET", "/nonexistent/lxd.socket");
        let ended = command.output().expect("lab runs");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!((ended.status.code(), ended.stdout.as_slice()), (Some(2), &b""[..]), "{args:?}: {said}");
        for part in parts {
            assert!(said.contains(part), "{args:?}: no {part:?} in: {said}");
        }
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1, "{args:?} left something");
    }
}
