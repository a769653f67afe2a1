//! Everything of a run in one archive, for who was not there: free of secrets, however each got there.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::folder;
use crate::microovn::redact;

/// What a run's folder has for its own processes only.
const INTERNAL: [&str; 5] = ["turns", "runner", "started", "removed", "progress.json"];

/// An archive that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// How many files are in it.
    pub files: usize,
    /// Those that are not, and why.
    pub left_out: Vec<(PathBuf, String)>,
}

/// Packs the folder of a run into an archive beside it, `evidence-<run>.tar.gz`, which replaces an earlier one: every
/// document, log and file of evidence, in a folder that is named like the run.
///
/// # Errors
/// When a file cannot be read, or the archive not written.
pub fn pack(run: &Path) -> io::Result<Packed> {
    let id = run.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let path = run.with_file_name(format!("evidence-{id}.tar.gz"));
    let mut all = Vec::new();
    find(run, &mut all)?;
    let (mut files, mut left_out) = (0, Vec::new());
    folder::write_with(&path, |file| {
        let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::default()));
        for file in &all {
            let name = file.strip_prefix(run).unwrap_or(file);
            let bytes = match fs::read(file) {
                Ok(bytes) => bytes,
                // The run may be going on.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    left_out.push((name.to_owned(), format!("it cannot be read: {error}")));
                    continue;
                }
            };
            let Ok(text) = String::from_utf8(bytes) else {
                left_out
                    .push((name.to_owned(), "it is no text, so that no secret could be looked for in it".to_owned()));
                continue;
            };
            let text = without_secrets(name, &text);
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(modified(file));
            archive.append_data(&mut header, Path::new(&id).join(name), text.as_bytes())?;
            files += 1;
        }
        archive.into_inner()?.finish()?.flush()
    })?;
    let bytes = fs::metadata(&path)?.len();
    Ok(Packed { path, bytes, files, left_out })
}

/// The files below a folder that somebody may want to read.
fn find(folder: &Path, all: &mut Vec<PathBuf>) -> io::Result<()> {
    for path in folder::files(folder)? {
        let Some(kind) = folder::kind(&path)? else { continue };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let internal = INTERNAL.contains(&&*name) || path.extension().is_some_and(|it| it == "lock");
        if kind.is_dir() && !internal {
            find(&path, all)?;
        } else if kind.is_file() && !internal {
            all.push(path);
        }
    }
    Ok(())
}

fn modified(file: &Path) -> u64 {
    let at = fs::metadata(file).and_then(|file| file.modified()).ok();
    at.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs())
}

/// A file as it may leave the host. What is written is free of secrets already; this is for what was forgotten. In JSON a
/// text is looked at as what it says, because the lines of a key are not lines there.
fn without_secrets(name: &Path, text: &str) -> String {
    let json = |text: &str| {
        let mut value = serde_json::from_str::<Value>(text).ok()?;
        hide(&mut value);
        Some(value)
    };
    let hidden = match name.extension().and_then(|it| it.to_str()) {
        Some("json") => json(text).map(|value| format!("{value:#}\n")),
        Some("jsonl") => text
            .lines()
            .map(|line| json(line).map(|value| format!("{value}\n")))
            .collect::<Option<Vec<_>>>()
            .map(|it| it.concat()),
        _ => None,
    };
    // What is cut short or of another form is a text like any other.
    hidden.unwrap_or_else(|| redact(text))
}

/// Redacts every text of a value.
fn hide(value: &mut Value) {
    match value {
        Value::String(text) => *text = redact(text),
        Value::Array(all) => all.iter_mut().for_each(hide),
        Value::Object(all) => {
            for (name, value) in all {
                match value {
                    Value::String(text) if name == "secret" && !text.is_empty() => "[redacted]".clone_into(text),
                    value => hide(value),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs::File;
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    const TOKEN: &str = "eyJzZWNyZXQiOiIwMDAwIiwiZmluZ2VycHJpbnQiOiJmZmZmIn0=";
    const KEY: &str = "MHcCAQEEIKfa";

    fn key() -> String {
        format!("-----BEGIN EC PRIVATE KEY-----\n{KEY}\n-----END EC PRIVATE KEY-----\n")
    }

    fn write(run: &Path, name: &str, text: impl AsRef<[u8]>) {
        let path = run.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn unpacked(archive: &Path) -> BTreeMap<String, String> {
        let mut archive = tar::Archive::new(GzDecoder::new(File::open(archive).expect("there")));
        let read = |mut entry: tar::Entry<'_, GzDecoder<File>>| {
            let mut text = String::new();
            entry.read_to_string(&mut text).expect("a text");
            (entry.path().expect("a path").to_string_lossy().into_owned(), text)
        };
        archive.entries().expect("entries").map(|entry| read(entry.expect("an entry"))).collect()
    }

    #[test]
    fn no_secret_of_the_folder_is_in_the_archive_wherever_it_was() {
        let out = tempfile::tempdir().expect("a folder");
        let run = out.path().join("abcd1234");
        write(&run, "run.json", serde_json::json!({"run": "abcd1234", "secret": "s3cr3t-value"}).to_string());
        // In JSON the lines of a key are escaped, and a key may be cut; behind it there must be a document all the same.
        let cut = &key()[..40];
        let document =
            serde_json::json!({"said": [format!("a {TOKEN}"), key(), cut], "after": "stays", "secret": "s3cr3t-value"});
        write(&run, "cell/stations/1.json", document.to_string());
        write(
            &run,
            "cell/timeline.jsonl",
            format!("{}\n{}\n", serde_json::json!({"name": key()}), serde_json::json!({"ms": 1})),
        );
        write(&run, "cell/half.json", format!("{{\"said\": \"{TOKEN}"));
        write(&run, "cell/member/journal.txt", format!("token {TOKEN}\n{}end\n", key()));
        write(&run, "cell/member/raw", [0xff, 0xfe, 0x00]);
        write(&run, "cell/play.lock", "");
        write(&run, "turns/1", "");
        let packed = pack(&run).expect("packed");
        let files = unpacked(&packed.path);
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "abcd1234/cell/half.json",
                "abcd1234/cell/member/journal.txt",
                "abcd1234/cell/stations/1.json",
                "abcd1234/cell/timeline.jsonl",
                "abcd1234/run.json"
            ]
        );
        let left_out: Vec<_> = packed.left_out.iter().map(|(path, _)| path.as_path()).collect();
        assert_eq!((packed.files, left_out.as_slice()), (5, &[Path::new("cell/member/raw")][..]));
        for (name, text) in &files {
            for secret in [TOKEN, KEY, "s3cr3t-value"] {
                assert!(!text.contains(secret), "{secret} is in {name}: {text}");
            }
        }
        let station: Value = serde_json::from_str(&files["abcd1234/cell/stations/1.json"]).expect("a document");
        assert_eq!(station["after"], "stays", "more than the secret is gone");
        assert!(files["abcd1234/cell/member/journal.txt"].ends_with("end\n"));
        assert_eq!(fs::metadata(&packed.path).expect("there").len(), packed.bytes);
    }

    #[test]
    fn an_archive_is_replaced_and_belongs_to_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let out = tempfile::tempdir().expect("a folder");
        let run = out.path().join("abcd1234");
        write(&run, "run.json", "{}");
        let first = pack(&run).expect("packed");
        write(&run, "host.json", "{}");
        let second = pack(&run).expect("packed");
        assert_eq!((first.files, second.files, &first.path), (1, 2, &second.path));
        assert_eq!(fs::metadata(&second.path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(folder::files(out.path()).expect("listed").len(), 2, "nothing half written stays");
    }
}
