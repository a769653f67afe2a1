//! What the pages say of the `lab` command is so. `TRYCMD=overwrite` writes what it prints into its page.

#[expect(dead_code, reason = "blocks are run by trycmd, and links are held elsewhere")]
#[path = "../../suites/tests/docs/pages.rs"]
mod pages;

use std::process::Command;

const LAB: &str = env!("CARGO_BIN_EXE_lab");

#[test]
fn what_is_shown_is_what_is_printed() {
    trycmd::TestCases::new()
        .register_bin("lab", std::path::Path::new(LAB))
        // Help is as wide as the terminal.
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1")
        .case(pages::root().join("docs/reference/lab.md"))
        .run();
}

#[test]
fn every_command_that_is_named_exists() {
    let mut named = 0;
    for page in pages::documents() {
        for (place, code) in page.code() {
            let mut words = code.split_whitespace();
            if words.next() != Some("lab") || code.contains('…') {
                continue;
            }
            // `--help` keeps it from doing anything, and does not keep clap from refusing what stands before it.
            let output = Command::new(LAB).args(words).arg("--help").output().expect("lab runs");
            assert!(output.status.success(), "{place}: {code}\n{}", String::from_utf8_lossy(&output.stderr));
            named += 1;
        }
    }
    assert!(named > 5, "only {named} commands were found");
}
