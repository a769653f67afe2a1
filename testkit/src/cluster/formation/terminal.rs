//! A command on a terminal, of which nothing that it prints is lost.
//!
//! LXD drops what a command printed just before it ended, when the host is busy: seen with LXD 5.0.2, in half of the
//! dialogs that end in an error. So the command is run by a shell that outlives it, says that it has ended, and waits for
//! a word; by then everything before has been read.

use std::time::Duration;

use bytes::Bytes;

use crate::lxd::{Client, Error, Exec, Pty};

/// Runs its arguments. The control character for the end of a record stands in no text.
const SCRIPT: &str = r#""$@"; code=$?; printf '\036'; read -r word; exit "$code""#;
const ENDED: u8 = 0o36;

/// A terminal wide enough that no prompt wraps.
const SIZE: (u16, u16) = (400, 50);

/// A command on a terminal.
pub(super) struct Terminal {
    pty: Pty,
    ended: bool,
}

impl Terminal {
    /// Starts `command`; `timeout` bounds the start.
    pub(super) async fn open(
        client: &Client,
        instance: &str,
        command: &[&str],
        timeout: Duration,
    ) -> Result<Self, Error> {
        let argv = ["sh", "-c", SCRIPT, "sh"].iter().chain(command).copied();
        let pty = client.exec_pty(instance, &Exec::new(argv).timeout(timeout), SIZE).await?;
        Ok(Self { pty, ended: false })
    }

    /// The next piece of what the terminal shows; `None` when the command has ended.
    pub(super) async fn read(&mut self) -> Result<Option<Bytes>, Error> {
        if self.ended {
            return Ok(None);
        }
        let Some(piece) = self.pty.read().await? else { return Ok(None) };
        let Some(end) = piece.iter().position(|byte| *byte == ENDED) else { return Ok(Some(piece)) };
        self.ended = true;
        self.pty.write(b"\n").await?;
        Ok((end > 0).then(|| piece.slice(..end)))
    }

    /// Types `keys`.
    pub(super) async fn write(&mut self, keys: &[u8]) -> Result<(), Error> {
        self.pty.write(keys).await
    }

    /// Waits for the command to end and returns its exit code.
    pub(super) async fn wait(self, deadline: Duration) -> Result<i32, Error> {
        self.pty.wait(deadline).await
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn the_shell_outlives_the_command_until_it_is_told_that_all_was_read() {
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "sh", "sh", "-c", "printf 'Error: x'; exit 3"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut said = Vec::new();
        let mut stdout = shell.stdout.take().expect("a pipe");
        while !said.contains(&ENDED) {
            let mut piece = [0];
            assert_eq!(stdout.read(&mut piece).expect("output"), 1, "it ended without saying so: {said:?}");
            said.push(piece[0]);
        }
        assert_eq!(said, b"Error: x\x1e");
        assert_eq!(shell.try_wait().expect("its state"), None, "it did not wait to be told");
        shell.stdin.take().expect("a pipe").write_all(b"\n").expect("told");
        assert_eq!(shell.wait().expect("its end").code(), Some(3), "the code is the command's");
    }
}
