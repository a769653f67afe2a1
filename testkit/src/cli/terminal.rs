//! A real terminal on an instance: raw mode, size, exit code.

use std::io::{self, Write};
use std::time::Duration;

use rustix::termios::{self, OptionalActions, Termios};
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};

use crate::lxd::{self, Client, Exec};

/// After the output has ended, the exit code is at hand.
const EXIT: Duration = Duration::from_secs(10);

/// A session that could not be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum TerminalError {
    /// LXD ended it.
    #[error(transparent)]
    Lxd(#[from] lxd::Error),
    /// The local terminal cannot be used.
    #[error("failed to use the terminal")]
    Io(#[from] io::Error),
}

/// Puts the terminal back when dropped.
struct Raw(Termios);

impl Raw {
    fn enter() -> io::Result<Self> {
        let before = termios::tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        termios::tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

fn size() -> (u16, u16) {
    termios::tcgetwinsize(io::stdout()).map_or((80, 24), |size| (size.ws_col, size.ws_row))
}

/// Connects this terminal to a command on an instance until the command ends; returns its exit code.
pub(super) async fn attach(client: &Client, instance: &str, exec: &Exec) -> Result<i32, TerminalError> {
    let (mut reader, mut writer, mut control) = client.exec_pty(instance, exec, size()).await?.split();
    let _raw = Raw::enter()?;
    let mut resized = signal(SignalKind::window_change())?;
    let mut keys = tokio::io::stdin();
    let mut buffer = [0_u8; 4096];
    loop {
        tokio::select! {
            output = reader.read() => match output? {
                Some(bytes) => {
                    let mut stdout = io::stdout();
                    stdout.write_all(&bytes)?;
                    stdout.flush()?;
                }
                None => break,
            },
            typed = keys.read(&mut buffer) => match typed? {
                0 => break,
                count => writer.write(&buffer[..count]).await?,
            },
            _ = resized.recv() => {
                let (columns, rows) = size();
                control.resize(columns, rows).await?;
            }
        }
    }
    Ok(control.wait(EXIT).await?)
}
