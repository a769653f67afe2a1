//! Lines that a journal may have though nothing is wrong, each with the reason why that is so.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::microovn::health::{EXAMPLES, Kind};
use crate::plan::State;
use crate::written;

/// The list, and its name for messages.
const FILE: &str = "testkit/src/expect/noise.toml";
const LIST: &str = include_str!("noise.toml");

/// One kind of line that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noise {
    kind: Kind,
    /// In lower case.
    pieces: Vec<String>,
    /// Whether it is known only where members go from one release to another.
    upgrading: bool,
}

/// Why a list of noise cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct NoiseError {
    /// The list.
    pub file: String,
    /// The line in it, from 1 on.
    pub line: usize,
    /// What is wrong there, and what to do.
    pub problem: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    noise: Vec<Spanned<Entry>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    kind: Option<Kind>,
    line: Option<Vec<String>>,
    reason: Option<String>,
    #[serde(default)]
    upgrading: bool,
}

impl Noise {
    /// The list of this framework.
    ///
    /// # Errors
    /// When it has an entry that cannot be used.
    pub fn known() -> Result<Vec<Self>, NoiseError> {
        Self::parse(FILE, LIST)
    }

    /// Reads a list; `file` is its name, for messages.
    ///
    /// # Errors
    /// When it is no such list, or an entry lacks its kind, its line or its reason, would hide every line of its kind, or is there twice.
    pub fn parse(file: &str, text: &str) -> Result<Vec<Self>, NoiseError> {
        let error = |span: Range<usize>, problem: String| {
            let line = text.get(..span.start).unwrap_or(text).matches('\n').count() + 1;
            NoiseError { file: file.to_owned(), line, problem }
        };
        let list: File =
            toml::from_str(text).map_err(|wrong| error(wrong.span().unwrap_or(0..0), written::problem(&wrong)))?;
        let mut all: Vec<Self> = Vec::new();
        for entry in list.noise {
            let span = entry.span();
            let noise = entry.into_inner().read().map_err(|problem| error(span.clone(), problem))?;
            // Whoever drops the one later would find that it still holds.
            if all.iter().any(|before| before.kind == noise.kind && before.pieces == noise.pieces) {
                return Err(error(span, "the entry is for the lines of one before it; drop either".to_owned()));
            }
            all.push(noise);
        }
        Ok(all)
    }

    /// Whether it can be in a cluster of this state.
    pub fn may_be_in(&self, state: &State) -> bool {
        !self.upgrading || state.newer.is_some()
    }

    /// Whether a line of that kind is known.
    pub fn covers(&self, kind: Kind, who: &str, text: &str) -> bool {
        let line = format!("{who}: {text}").to_lowercase();
        kind == self.kind && self.pieces.iter().all(|piece| line.contains(piece))
    }
}

impl Entry {
    fn read(self) -> Result<Noise, String> {
        let kind =
            self.kind.ok_or("the entry has no kind; give the kind of trouble that its lines would be taken for")?;
        let pieces = self.line.ok_or("the entry has no line; give the pieces that its lines have in them")?;
        if self.reason.is_none_or(|reason| reason.trim().is_empty()) {
            return Err(
                "the entry has no reason; say what the line is, where it was seen and why it does no harm".into()
            );
        }
        let pieces: Vec<String> = pieces.iter().map(|piece| piece.trim().to_lowercase()).collect();
        let noise = Noise { kind, pieces, upgrading: self.upgrading };
        let mut examples = EXAMPLES.iter().filter(|(of, ..)| *of == kind).peekable();
        let hides_all = examples.peek().is_some() && examples.all(|(_, who, text)| noise.covers(kind, who, text));
        let says_something = |piece: &String| piece.chars().filter(|c| c.is_alphanumeric()).count() > 2;
        if hides_all || !noise.pieces.iter().any(says_something) {
            return Err(format!("the entry would hide every {kind}; give pieces that only the known lines have"));
        }
        Ok(noise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENIAL: &str =
        r#"AVC apparmor="DENIED" operation="file_inherit" profile="/usr/lib/snapd/snap-confine" name="x""#;

    #[test]
    fn the_list_is_good_and_hides_no_example() {
        let known = Noise::known().expect("a list");
        for (kind, who, text) in EXAMPLES {
            assert!(!known.iter().any(|noise| noise.covers(*kind, who, text)), "{text}");
        }
        assert!(known.iter().any(|noise| noise.covers(Kind::Denied, "kernel", DENIAL)));
        assert!(!known.iter().any(|noise| noise.covers(Kind::Panic, "kernel", DENIAL)), "an entry is for one kind");
    }

    #[test]
    fn an_entry_that_cannot_be_used_is_refused_with_its_place() {
        let good = "[[noise]]\nkind = \"panic\"\nline = [\"the one\"]\nreason = \"harmless\"\n\n";
        for (entry, says) in [
            ("[[noise]]\nkind = \"panic\"\nline = [\"x y z\"]", "the entry has no reason; say what"),
            ("[[noise]]\nkind = \"panic\"\nline = [\"x y z\"]\nreason = \" \"", "the entry has no reason; say what"),
            ("[[noise]]\nline = [\"x y z\"]\nreason = \"r\"", "the entry has no kind; give"),
            ("[[noise]]\nkind = \"panic\"\nreason = \"r\"", "the entry has no line; give"),
            ("[[noise]]\nkind = \"panic\"\nline = []\nreason = \"r\"", "the entry would hide every panic; give"),
            (
                "[[noise]]\nkind = \"panic\"\nline = [\"\", \" \"]\nreason = \"r\"",
                "the entry would hide every panic; give",
            ),
            ("[[noise]]\nkind = \"panic\"\nline = [\": \"]\nreason = \"r\"", "the entry would hide every panic; give"),
            (
                "[[noise]]\nkind = \"restarted\"\nline = [\"microovn\"]\nreason = \"r\"",
                "the entry would hide every restart;",
            ),
            (
                "[[noise]]\nkind = \"repeated\"\nline = [\"o\"]\nreason = \"r\"",
                "the entry would hide every repeated line;",
            ),
        ] {
            let error = Noise::parse("list.toml", &format!("{good}{entry}\n")).expect_err(entry).to_string();
            assert!(error.starts_with(&format!("list.toml:6: {says}")), "{error}");
        }
        let twice = Noise::parse("list.toml", &good.repeat(2)).expect_err("twice").to_string();
        assert_eq!(twice, "list.toml:6: the entry is for the lines of one before it; drop either");
        for (entry, says) in
            [("noise = 3", "list.toml:1: "), ("[[noise]]\nwhy = \"x\"", "list.toml:2: there is no key")]
        {
            let error = Noise::parse("list.toml", entry).expect_err(entry).to_string();
            assert!(error.starts_with(says), "{error}");
        }
        let error = Noise::parse("list.toml", "[[noise]]\nkind = \"tea\"").expect_err("no kind").to_string();
        assert!(error.starts_with("list.toml:2: \"tea\" is not known here"), "{error}");
    }
}
