//! Secrets stay out of everything that a run writes: on the real LXD, where every join token that is issued and every
//! private key that is made is noted on its way, and where the product is told to print some more.

mod wire;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rstest::rstest;
use testkit::config::{Config, Layer, LxdTarget};
use wire::{Seen, Wire};

/// The profile of the inner runner, so that its JUnit file is not the outer one's.
const PROFILE: &str = "secrets";

/// How much of a secret in one piece is too much, in characters. Shorter pieces occur by chance or are the beginning that
/// all tokens and all keys share.
const PIECE: usize = 24;

/// What the product is told to complain about: a token, its inner secret in the clear, and a key on one line.
struct Planted {
    token: String,
    secret: String,
    key: String,
}

fn planted() -> Planted {
    let secret = "7e1f0c5a9b3d48261c70e5f4ab9d8362b5d8137e4ca0962f1837bce05d49fa61".to_owned();
    let json = format!(
        r#"{{"secret":"{secret}","fingerprint":"{}","join_addresses":["192.0.2.7:6686"]}}"#,
        "5bd0f2813c".repeat(6)
    );
    let key = STANDARD.encode(secret.repeat(3).bytes().rev().collect::<Vec<u8>>());
    Planted { token: STANDARD.encode(json), secret, key }
}

impl Planted {
    fn complaint(&self) -> String {
        let Self { token, secret, key } = self;
        format!(
            "cannot join with {token}: {{\"secret\":\"{secret}\"}} -----BEGIN PRIVATE KEY-----{key}-----END PRIVATE KEY-----"
        )
    }
}

/// A run that has ended, with everything that it wrote.
struct Ran {
    output: Output,
    seen: Seen,
    out: tempfile::TempDir,
}

/// Runs the suite of a cell, with the log as verbose as it gets.
fn run(cell: &str, faults: &str) -> Ran {
    let config = Config::resolve(Layer::default()).expect("a configuration");
    let wire = Wire::before(&lxd(&config.lxd));
    let out = tempfile::tempdir().expect("a folder");
    let command = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_testkit"));
        // The inner runner is not part of the outer one's run.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NEXTEST")) {
            command.env_remove(name);
        }
        command
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .env("LXD_SOCKET", wire.socket())
            .env("TESTKIT_OUT_DIR", out.path());
        command
    };
    let _ = fs::remove_file(junit());
    let output = command()
        .env("RUST_LOG", "trace")
        .env("TESTKIT_FAULTS", faults)
        .args(["run", cell, "--", "--profile", PROFILE])
        .output()
        .expect("testkit runs");
    // The run's folder, and the way to LXD, must outlive its reaper.
    let swept = command().args(["sweep", "--wait", "--quiet"]).status();
    assert!(swept.expect("testkit runs").success());
    Ran { output, seen: wire.seen(), out }
}

fn lxd(target: &LxdTarget) -> PathBuf {
    let usual = ["/var/snap/lxd/common/lxd", "/var/lib/lxd"].map(PathBuf::from);
    match target {
        LxdTarget::Local { socket: Some(socket), .. } => socket.clone(),
        LxdTarget::Local { dir: Some(dir), .. } => dir.join("unix.socket"),
        LxdTarget::Local { .. } => {
            let sockets = usual.iter().map(|dir| dir.join("unix.socket"));
            sockets.into_iter().find(|socket| socket.exists()).expect("the socket of LXD")
        }
        LxdTarget::Remote { url, .. } => panic!("a socket can be stood before, and LXD is at {url}"),
    }
}

fn junit() -> PathBuf {
    // The runner keeps it there, wherever cargo compiles to.
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/nextest").join(PROFILE).join("junit.xml")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

impl Ran {
    fn said(&self) -> String {
        format!("{}{}", String::from_utf8_lossy(&self.output.stdout), String::from_utf8_lossy(&self.output.stderr))
    }

    /// Everything that was written, by where.
    fn written(&self) -> Vec<(String, String)> {
        let read = |path: PathBuf| {
            let text = String::from_utf8_lossy(&fs::read(&path).expect("a file")).into_owned();
            (path.display().to_string(), text)
        };
        let mut written: Vec<_> = files(self.out.path()).into_iter().chain([junit()]).map(read).collect();
        written.push(("what it printed".to_owned(), self.said()));
        written
    }

    /// The folders of members, with their evidence.
    fn evidence(&self) -> BTreeSet<PathBuf> {
        let files = files(self.out.path()).into_iter();
        files.filter(|file| file.ends_with("journal.txt")).filter_map(|file| Some(file.parent()?.to_owned())).collect()
    }

    fn assert_private(&self, members: usize) {
        let folders = self.evidence();
        assert_eq!(folders.len(), members, "{folders:?}");
        for folder in folders {
            for file in files(&folder) {
                assert_eq!(mode(&file), 0o600, "{}", file.display());
            }
            // The member's, the cell's and the run's.
            for folder in folder.ancestors().take_while(|folder| *folder != self.out.path()) {
                assert_eq!(mode(folder), 0o700, "{}", folder.display());
            }
        }
    }

    /// Fails where a piece of a secret is in anything that was written.
    fn assert_silent(&self, planted: Option<&Planted>) {
        let mut pieces = BTreeSet::new();
        let tokens = self.seen.tokens.iter().chain(planted.map(|planted| &planted.token));
        for token in tokens {
            pieces.extend(pieces_of(token));
            let json = STANDARD.decode(token).expect("base64");
            let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
            pieces.extend(pieces_of(json["secret"].as_str().expect("a secret")));
        }
        // The public half of a key is in its certificate.
        let public: String = self.seen.certificates.iter().map(|lines| lines.concat() + " ").collect();
        let mut private = BTreeSet::new();
        for key in &self.seen.keys {
            let all: Vec<String> = key.iter().flat_map(|line| pieces_of(line)).collect();
            let own: Vec<String> = all.iter().filter(|piece| !public.contains(piece.as_str())).cloned().collect();
            assert!(own.len() * 2 > all.len(), "{} of {} pieces of a key are its own", own.len(), all.len());
            private.extend(own);
        }
        pieces.extend(private);
        pieces.extend(planted.iter().flat_map(|planted| pieces_of(&planted.key)));
        let written = self.written();
        assert!(written.len() > 5, "{} places", written.len());
        // Where, and not what: that would be in the log of this test.
        let shows = |text: &str| pieces.iter().any(|piece| text.contains(piece.as_str()));
        let shown: Vec<&String> = written.iter().filter(|(_, text)| shows(text)).map(|(place, _)| place).collect();
        assert!(shown.is_empty(), "pieces of secrets are in {shown:#?}");
    }
}

/// Pieces of which at least one is in any part of a secret that is half as long again as a piece.
fn pieces_of(secret: &str) -> impl Iterator<Item = String> {
    (0..).step_by(PIECE / 2).map_while(|at| Some(secret.get(at..at + PIECE)?.to_owned()))
}

#[test]
fn a_good_cell_shows_no_secret() {
    let ran = run("init_cluster_ipv6_services_late_central_user_ca_ecdsa", "");
    assert!(ran.output.status.success(), "{}", end(&ran.said()));
    assert_eq!((ran.seen.tokens.len(), ran.seen.keys.len()), (2, 1), "the secrets of the run passed by");
    ran.assert_silent(None);
}

#[rstest]
// A member whose dialog ends in an error that is full of secrets.
#[case::in_its_dialog(
    "init_cluster_ipv6_services_late_central_user_ca_ecdsa",
    "2:init-fails",
    "[redacted private key]",
    1
)]
// The token is on the command line that fails.
#[case::in_a_command("init_cluster_cli", "1:token-garbled", "`microovn cluster join`", 0)]
// The token is in the body of the call that fails.
#[case::over_rest("init_cluster_rest", "1:token-garbled", "[redacted join token]", 0)]
fn a_cell_that_fails_while_it_is_formed_shows_no_secret(
    #[case] cell: &str,
    #[case] fault: &str,
    #[case] words: &str,
    #[case] keys: usize,
) {
    let planted = planted();
    let complains = fault.ends_with("init-fails");
    let fault = if complains { format!("{fault} {}", planted.complaint()) } else { fault.to_owned() };
    let ran = run(cell, &fault);
    let said = ran.said();
    assert_eq!(ran.output.status.code(), Some(3), "there is no cluster: {}", end(&said));
    assert!(said.contains(words), "{}", end(&said));
    assert!(ran.seen.tokens.len() >= 2 && ran.seen.keys.len() >= keys, "the secrets of the run passed by");
    ran.assert_private(3);
    ran.assert_silent(complains.then_some(&planted));
}

/// The last lines: the log is long.
fn end(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}
