//! Where nothing can be printed, as to a file that AppArmor forbids, a program does what it would do otherwise.

use std::fs::OpenOptions;
use std::process::Command;

#[test]
fn what_cannot_be_printed_ends_no_program() {
    let full = || OpenOptions::new().write(true).open("/dev/full").expect("a device that takes nothing");
    for (arguments, code) in [(&["--help"][..], 0), (&["--version"], 0), (&["no-such-command"], 1)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_microovn-stand-in"));
        let status = command.args(arguments).stdout(full()).stderr(full()).status().expect("it runs");
        assert_eq!(status.code(), Some(code), "{arguments:?}");
    }
}
