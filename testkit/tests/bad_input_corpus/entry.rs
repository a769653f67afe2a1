//! The declarations in `testkit/tests/corpus/*.toml`, and in other folders of the kind.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// What reads the entries that do not say otherwise.
    reads: String,
    bad: Vec<Entry>,
}

/// One bad input, and the error it must give.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) reads: String,
    /// The input as text,
    input: Option<String>,
    /// or as base64, for what is no text,
    base64: Option<String>,
    /// or a file below `testkit/tests/fixtures/`.
    fixture: Option<PathBuf>,
    /// Each first text, which must be there, becomes the second, everywhere.
    #[serde(default)]
    replace: Vec<(String, String)>,
    /// Only so many bytes of it.
    cut: Option<usize>,
    /// Then this text, so many times.
    repeat: Option<(String, usize)>,
    /// Then this.
    #[serde(default)]
    append: String,
    /// What the reader is told besides.
    #[serde(default)]
    pub(crate) with: toml::Table,
    /// The whole error with its causes,
    says: Option<String>,
    /// or, where the rest is another program's words, what must be in it.
    #[serde(default)]
    parts: Vec<String>,
    #[serde(skip)]
    pub(crate) file: String,
}

pub(crate) fn tests() -> PathBuf {
    // Other members of the workspace read them too.
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/tests")
}

/// All entries of all files.
pub(crate) fn all() -> Vec<Entry> {
    below(&tests().join("corpus"))
}

/// All entries of all files of a folder.
pub(crate) fn below(folder: &Path) -> Vec<Entry> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("the corpus").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let read = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(path).expect("a file of the corpus");
        let File { reads, bad } = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let file = |mut entry: Entry| {
            if entry.reads.is_empty() {
                entry.reads.clone_from(&reads);
            }
            Entry { file: name.clone(), ..entry }
        };
        bad.into_iter().map(file).collect::<Vec<_>>()
    };
    files.iter().flat_map(read).collect()
}

impl Entry {
    /// The input, made as declared.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.made(usize::MAX)
    }

    /// The input with little of what it repeats, as a seed.
    pub(crate) fn seed(&self) -> Vec<u8> {
        self.made(20)
    }

    fn made(&self, most: usize) -> Vec<u8> {
        let mut bytes = match (&self.input, &self.base64, &self.fixture) {
            (Some(text), None, None) => text.clone().into_bytes(),
            (None, Some(text), None) => STANDARD.decode(text).expect("base64"),
            (None, None, Some(path)) => fs::read(tests().join("fixtures").join(path)).expect("a fixture"),
            (None, None, None) => Vec::new(),
            _ => panic!("{self}: one of input, base64 and fixture"),
        };
        for (from, to) in &self.replace {
            let text = String::from_utf8(bytes).expect("replaced in text");
            assert!(text.contains(from.as_str()), "{self}: there is no {from:?} to replace");
            bytes = text.replace(from.as_str(), to).into_bytes();
        }
        if let Some(cut) = self.cut {
            assert!(cut < bytes.len(), "{self}: nothing is cut of {} bytes at {cut}", bytes.len());
            bytes.truncate(cut);
        }
        let repeated = self.repeat.iter().flat_map(|(text, times)| text.repeat(most.min(*times)).into_bytes());
        bytes.extend(repeated.chain(self.append.bytes()));
        bytes
    }

    /// What is wrong with `seen`, the error that the input gave; `None` when it is as declared.
    pub(crate) fn judge(&self, seen: &str) -> Option<String> {
        let lacking: Vec<_> = self.parts.iter().filter(|part| !seen.contains(part.as_str())).collect();
        match &self.says {
            None if self.parts.is_empty() => {
                Some(format!("declares no error; if this is a good one, declare it:\n{seen}"))
            }
            Some(says) if seen.trim_end() != says.trim_end() => {
                Some(format!("must say:\n{}\nand says:\n{seen}", says.trim_end()))
            }
            _ if !lacking.is_empty() => Some(format!("must say each of {lacking:?} and says:\n{seen}")),
            _ => None,
        }
    }
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.file, self.name)
    }
}
