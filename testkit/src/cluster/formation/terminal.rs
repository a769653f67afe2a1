//! A terminal for a command, made inside the member.
//!
//! LXD can make one too, and LXD 5.0 is bad at it: it drops what a command printed just before it ended, when the host is
//! busy, and when its caller is killed it goes on reading from a file descriptor that it has closed. What gets that
//! number next may be its database's: LXD then answers nobody for minutes. So commands get their terminal from
//! `script` (util-linux, essential in Debian and Ubuntu), and LXD carries pipes.

use std::time::Duration;

use crate::lxd::Exec;

/// A command on a terminal so wide that no prompt wraps, which echoes what is typed as a person's does.
const SCRIPT: [&str; 8] =
    ["script", "--quiet", "--flush", "--return", "--echo=always", "--command", COMMAND, "/dev/null"];

/// What stands for the command.
const COMMAND: &str = "stty columns 400 rows 100; exec /snap/bin/";

/// A command of a snap, whose words are this framework's own, on a terminal; `timeout` bounds the start.
pub(super) fn on(command: &str, timeout: Duration) -> Exec {
    let words = SCRIPT.map(|word| if word == COMMAND { format!("{COMMAND}{command}") } else { word.to_owned() });
    Exec::new(words).env("SHELL", "/bin/sh").env("TERM", "xterm-256color").timeout(timeout)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn the_command_has_a_wide_terminal_its_own_exit_code_and_the_last_word() {
        let probe = "test -t 0 && test -t 1 && stty size; read -r typed; printf 'got %s' \"$typed\"; exit 3";
        let shell = SCRIPT.map(|word| word.replace("exec /snap/bin/", probe));
        let mut child = Command::new(&shell[0])
            .args(&shell[1..])
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script is installed");
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(b"yes\n").expect("typed");
        let output = child.wait_with_output().expect("its end");
        drop(input);
        let said = String::from_utf8_lossy(&output.stdout).replace('\r', "");
        // What is typed early is echoed early: in one order or the other.
        assert!(said.contains("100 400\n") && said.contains("yes\n") && said.ends_with("got yes"), "{said:?}");
        assert_eq!(output.status.code(), Some(3));
    }

    #[test]
    fn terminals_are_as_large_as_what_is_read_of_them_is_taken_for() {
        use crate::microcloud::{COLUMNS, ROWS};
        assert!(COMMAND.starts_with(&format!("stty columns {COLUMNS} rows {ROWS}; ")));
    }
}
