//! Talking to whoever runs a command: lines, questions, and keys.

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::Result;

/// Says a line. Where nobody reads it, nobody misses it.
pub(crate) fn say(text: &str) {
    show(&format!("{text}\n"));
}

/// Shows text as it is.
pub(crate) fn show(text: &str) {
    let mut output = std::io::stdout().lock();
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}

/// Says a line to where errors go.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Asks for a line, without white space around it.
pub(crate) fn line(question: &str) -> Result<String> {
    show(question);
    let mut typed = Vec::new();
    // Byte by byte: what comes behind the line is for whoever asks next.
    loop {
        match byte()? {
            b'\n' => return Ok(String::from_utf8_lossy(&typed).trim().to_owned()),
            byte => typed.push(byte),
        }
    }
}

/// Asks until the answer is yes or no; an empty one is the default.
pub(crate) fn yes_or_no(question: &str, default: bool) -> Result<bool> {
    let default_word = if default { "yes" } else { "no" };
    loop {
        match line(&format!("{question} (yes/no) [default={default_word}]: "))?.as_str() {
            "" => return Ok(default),
            "yes" | "y" => return Ok(true),
            "no" | "n" => return Ok(false),
            _ => complain("Invalid input, try again."),
        }
    }
}

fn byte() -> Result<u8> {
    let mut byte = [0];
    match rustix::io::read(std::io::stdin(), &mut byte) {
        Ok(1) => Ok(byte[0]),
        Ok(_) => Err("EOF".to_owned()),
        Err(errno) => Err(errno.to_string()),
    }
}

/// What was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Up,
    Down,
    Left,
    Right,
    Space,
    Enter,
    Other,
}

/// The terminal while keys are read one by one; it is as before when this is dropped.
pub(crate) struct Keyboard {
    before: Option<Termios>,
}

impl Keyboard {
    pub(crate) fn open() -> Self {
        let before = tcgetattr(std::io::stdin()).ok();
        if let Some(mut modes) = before.clone() {
            modes.local_modes &= !(LocalModes::ICANON | LocalModes::ECHO);
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &modes);
        }
        Self { before }
    }

    /// Waits for one key.
    pub(crate) fn key(&self) -> Result<Key> {
        Ok(match byte()? {
            b' ' => Key::Space,
            b'\r' | b'\n' => Key::Enter,
            0x1b => match (byte()?, byte()?) {
                (b'[' | b'O', b'A') => Key::Up,
                (b'[' | b'O', b'B') => Key::Down,
                (b'[' | b'O', b'C') => Key::Right,
                (b'[' | b'O', b'D') => Key::Left,
                _ => Key::Other,
            },
            _ => Key::Other,
        })
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}

/// Waits until there is something to read from one of these; which of them has something.
pub(crate) fn wait_for(these: &[BorrowedFd<'_>]) -> Result<Vec<bool>> {
    let mut polled: Vec<PollFd<'_>> = these.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    poll(&mut polled, None).map_err(|errno| errno.to_string())?;
    Ok(polled.iter().map(|fd| !fd.revents().is_empty()).collect())
}

/// What keys come from.
pub(crate) fn keys() -> std::io::Stdin {
    std::io::stdin()
}

/// All that is typed or piped until the end.
pub(crate) fn everything() -> Result<String> {
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

/// So that callers need not name the trait.
pub(crate) fn fd(source: &impl AsFd) -> BorrowedFd<'_> {
    source.as_fd()
}
