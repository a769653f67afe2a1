//! Between the framework and LXD: a socket that hands everything on, and notes the secrets that pass.
//!
//! Nothing has to be asked of the product, and nothing depends on what the framework says: the join tokens are those that
//! were issued, the keys those that were made.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use testkit::microovn::JoinToken;

/// What was seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Join tokens.
    pub(crate) tokens: BTreeSet<String>,
    /// Private keys, each the lines of its base64.
    pub(crate) keys: BTreeSet<Vec<String>>,
    /// Certificates, each the lines of its base64.
    pub(crate) certificates: BTreeSet<Vec<String>>,
}

/// The socket. It ends with the process: what clears up after a run needs LXD too.
pub(crate) struct Wire {
    folder: tempfile::TempDir,
    seen: Arc<Mutex<Seen>>,
}

impl Wire {
    /// Stands before the LXD at `lxd`.
    pub(crate) fn before(lxd: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let seen = Arc::new(Mutex::new(Seen::default()));
        let listener = UnixListener::bind(folder.path().join("unix.socket")).expect("a socket");
        let (noted, lxd) = (Arc::clone(&seen), lxd.to_owned());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = UnixStream::connect(&lxd) else { continue };
                let copy = |stream: &UnixStream| stream.try_clone().expect("a copy");
                let (back, forth) = ((copy(&server), copy(&client)), (client, server));
                for (from, to) in [back, forth] {
                    let noted = Arc::clone(&noted);
                    // A connection that is lost is for its two ends to see.
                    thread::spawn(move || drop(hand_on(from, to, &noted)));
                }
            }
        });
        Self { folder, seen }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("unix.socket")
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().expect("notes").clone()
    }
}

/// More than a secret with what is around it, in bytes.
const LONGEST: usize = 16 << 10;

fn hand_on(mut from: UnixStream, mut to: UnixStream, noted: &Mutex<Seen>) -> io::Result<()> {
    let mut piece = vec![0; 64 << 10];
    let mut recent = Vec::new();
    loop {
        let length = from.read(&mut piece)?;
        if length == 0 {
            return to.shutdown(Shutdown::Write);
        }
        // Noted first, so that nothing is known to the framework that is not known here.
        recent.extend_from_slice(&piece[..length]);
        note(&String::from_utf8_lossy(&recent), &mut noted.lock().expect("notes"));
        recent.drain(..recent.len().saturating_sub(LONGEST));
        to.write_all(&piece[..length])?;
    }
}

fn note(text: &str, seen: &mut Seen) {
    for (at, _) in text.match_indices("eyJ") {
        let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
        let rest = &text[at..];
        let word = &rest[..rest.find(|c| !is_base64(c)).unwrap_or(rest.len())];
        if word.parse::<JoinToken>().is_ok() {
            seen.tokens.insert(word.to_owned());
        }
    }
    // Line breaks are two characters where the text is inside of JSON.
    for block in text.split("-----BEGIN ").skip(1) {
        let Some((label, body)) = block.split_once("-----") else { continue };
        let Some((body, _)) = body.split_once("-----END ") else { continue };
        let body = body.replace("\\n", "\n");
        let lines: Vec<String> = body.lines().map(|line| line.trim().to_owned()).filter(|l| !l.is_empty()).collect();
        match label {
            "CERTIFICATE" => drop(seen.certificates.insert(lines)),
            label if label.ends_with("PRIVATE KEY") => drop(seen.keys.insert(lines)),
            _ => {}
        }
    }
}
