//! TOML files that people write: reading one, and what is wrong with it in words of theirs, with the name that was probably meant.

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::nearest::nearest;

/// No file that somebody writes has so many bytes.
const MOST: u64 = 1 << 20;

/// What is expected of a value, as the parser calls it and as people do.
const EXPECTED: [(&str, &str); 12] = [
    ("a string", "a text"),
    ("path string", "a path"),
    ("a boolean", "true or false"),
    ("a sequence", "a list"),
    ("a map", "a table"),
    ("a nonzero usize", "a whole number above 0"),
    ("a nonzero u64", "a whole number above 0"),
    ("usize", "a whole number from 0 on"),
    ("u64", "a whole number from 0 on"),
    ("u32", "a whole number from 0 on"),
    ("u16", "a whole number from 0 on"),
    ("i64", "a whole number"),
];

/// Why a text is not the TOML that it is to be, and where, as the parser shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongToml(toml::de::Error);

impl From<toml::de::Error> for WrongToml {
    fn from(error: toml::de::Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for WrongToml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.to_string();
        // What is wrong stands below the line that it is in.
        let place = shown.trim_end().strip_suffix(self.0.message().trim_end()).unwrap_or_default();
        write!(f, "{place}{}", problem(&self.0))
    }
}

impl std::error::Error for WrongToml {}

/// What is wrong, without the place.
pub fn problem(error: &toml::de::Error) -> String {
    let said = error.message().trim();
    unknown(said, "unknown field `", |name| format!("there is no key {name:?}"))
        .or_else(|| unknown(said, "unknown variant `", |name| format!("{name:?} is not known here")))
        .or_else(|| missing(said))
        .or_else(|| mistaken(said))
        .unwrap_or_else(|| said.to_owned())
}

/// A key, or a word, that there is not, with all that there are, and the nearest where one is near.
fn unknown(said: &str, begin: &str, told: impl Fn(&str) -> String) -> Option<String> {
    let (name, known) = said.strip_prefix(begin)?.split_once("`, ")?;
    // Every second piece is between two marks.
    let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    let meant =
        nearest(name, known.iter().copied()).map(|meant| format!("; the nearest is {meant}")).unwrap_or_default();
    let all = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Some(format!("{}; there are {all}{meant}", told(name)))
}

fn missing(said: &str) -> Option<String> {
    let name = said.strip_prefix("missing field `")?.strip_suffix('`')?;
    Some(format!("the key {name:?} is missing"))
}

/// A value of another kind than is wanted.
fn mistaken(said: &str) -> Option<String> {
    let said = said.strip_prefix("invalid type: ").or_else(|| said.strip_prefix("invalid value: "))?;
    let (seen, wanted) = said.rsplit_once(", expected ")?;
    let known = EXPECTED.iter().find(|(expected, _)| *expected == wanted);
    let wanted = match (known, wanted.starts_with("struct ")) {
        (Some((_, wanted)), _) => wanted,
        (None, true) => "a table",
        (None, false) => wanted,
    };
    let value = |kind: &str| seen.strip_prefix(kind)?.split('`').next();
    let seen = match seen {
        "sequence" => "a list",
        "map" => "a table",
        _ => ["integer `", "floating point `", "boolean `"].iter().find_map(|kind| value(kind)).unwrap_or(seen),
    };
    let seen = seen.strip_prefix("string ").unwrap_or(seen);
    Some(format!("wanted {wanted}, seen {seen}"))
}

/// A file that somebody writes and that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("failed to read {}", path.display())]
pub struct WrittenError {
    /// The file.
    path: PathBuf,
    /// Why, and where in it.
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// What is written in a file.
///
/// # Errors
/// When it cannot be read, or is something else.
pub fn parse<T: DeserializeOwned>(path: &Path) -> Result<T, WrittenError> {
    let failed = |source| WrittenError { path: path.to_owned(), source };
    let text = read(path).map_err(|error| failed(error.into()))?;
    toml::from_str(&text).map_err(|error| failed(Box::new(WrongToml(error))))
}

/// What stands in a file that somebody writes.
///
/// # Errors
/// When it cannot be read, or is no file of text: then with what is wrong and what to do.
pub fn read(path: &Path) -> io::Result<String> {
    let refused = |why: String| Err(io::Error::new(io::ErrorKind::InvalidData, why));
    let file = fs::metadata(path)?;
    if !file.is_file() {
        let what = if file.is_dir() { "a folder" } else { "no regular file" };
        return refused(format!("it is {what}; put a text file in its place, or remove it"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return refused(format!("it is larger than {} KiB; put in its place what was meant", MOST >> 10));
    }
    String::from_utf8(bytes).or_else(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
        refused(format!("line {line} is not UTF-8; save the file as UTF-8"))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Given {
        colour: String,
        #[serde(default)]
        sizes: Vec<u16>,
        #[serde(default)]
        loud: bool,
        #[serde(default)]
        more: BTreeMap<String, String>,
        kind: Option<Kind>,
        count: Option<std::num::NonZeroUsize>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Kind {
        CoreDump,
        Panic,
    }

    fn said(text: &str) -> String {
        WrongToml::from(toml::from_str::<Given>(text).expect_err("wrong")).to_string()
    }

    #[test]
    fn what_is_wrong_is_told_in_words_with_the_name_that_was_meant() {
        for (text, wanted) in [
            (
                "color = 'red'",
                "there is no key \"color\"; there are colour, sizes, loud, more, kind, count; the nearest is colour",
            ),
            ("zzz = 1", "there is no key \"zzz\"; there are colour, sizes, loud, more, kind, count"),
            ("loud = true", "the key \"colour\" is missing"),
            ("colour = 3", "wanted a text, seen 3"),
            ("colour = 1.5", "wanted a text, seen 1.5"),
            ("colour = [1]", "wanted a text, seen a list"),
            ("colour = {a = 1}", "wanted a text, seen a table"),
            ("sizes = 'a, expected b'", "wanted a list, seen \"a, expected b\""),
            ("sizes = [-1]", "wanted a whole number from 0 on, seen -1"),
            ("sizes = 99999999999999999999999", "wanted a list, seen 99999999999999999999999"),
            ("loud = 'yes'", "wanted true or false, seen \"yes\""),
            ("more = [1]", "wanted a table, seen a list"),
            (
                "kind = 'core-dmp'",
                "\"core-dmp\" is not known here; there are core-dump, panic; the nearest is core-dump",
            ),
            ("kind = 'tea'", "\"tea\" is not known here; there are core-dump, panic"),
            ("count = 0", "wanted a whole number above 0, seen 0"),
        ] {
            let line = format!("\n  |\n1 | {text}\n  |");
            let said = said(text);
            assert!(said.starts_with("TOML parse error at line 1, column ") && said.contains(&line), "{said}");
            assert_eq!(said.lines().last(), Some(wanted), "{said}");
        }
    }

    #[test]
    fn what_the_parser_says_of_the_form_is_told_as_it_is() {
        let said = said("a = 1\ncolour = \"red");
        assert!(said.starts_with("TOML parse error at line 2, "), "{said}");
        assert_eq!(said.lines().last(), Some("invalid basic string, expected `\"`"), "{said}");
    }

    #[test]
    fn what_is_no_file_of_text_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("folder")).expect("made");
        rustix::fs::mkfifoat(rustix::fs::CWD, path("pipe"), rustix::fs::Mode::RWXU).expect("a pipe");
        std::os::unix::fs::symlink("/dev/zero", path("zero")).expect("a link");
        fs::File::create(path("large")).and_then(|file| file.set_len(MOST + 1)).expect("made");
        fs::write(path("latin"), b"a = 1\nb = \"\xe4\"\n").expect("written");
        fs::write(path("good"), "\u{feff}a = \"\u{e4}\"\r\n").expect("written");
        for (name, wanted) in [
            ("folder", "it is a folder; put a text file in its place"),
            ("pipe", "it is no regular file; put"),
            ("zero", "it is no regular file; put"),
            ("large", "it is larger than 1024 KiB; "),
            ("latin", "line 2 is not UTF-8; save the file as UTF-8"),
        ] {
            let said = read(&path(name)).expect_err(name).to_string();
            assert!(said.starts_with(wanted), "{said}");
        }
        assert_eq!(read(&path("none")).expect_err("none").kind(), io::ErrorKind::NotFound);
        let table: toml::Table = parse(&path("good")).expect("TOML");
        assert_eq!(table["a"].as_str(), Some("\u{e4}"));
        let error = parse::<toml::Table>(&path("latin")).expect_err("no text");
        assert_eq!(error.to_string(), format!("failed to read {}", path("latin").display()));
        let cause = std::error::Error::source(&error).expect("a cause").to_string();
        assert_eq!(cause, "line 2 is not UTF-8; save the file as UTF-8");
    }
}
