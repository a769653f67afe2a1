//! The committed list of suites is what the matrix gives.

use std::process::Command;

#[test]
fn the_list_of_suites_is_current() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_testkit")).args(["generate", "--check"]).output().expect("testkit runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
