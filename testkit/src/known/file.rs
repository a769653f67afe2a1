//! The list of faults that are known, as it is written.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::civil::Date;
use toml::{Spanned, Value};

use super::{Component, KnownFault, KnownTold, Signature};
use crate::nearest::nearest;
use crate::written;

/// What an entry can have.
const KEYS: [&str; 9] = ["name", "product", "versions", "in", "no_cluster", "check", "differs", "reason", "since"];
const PRODUCTS: [&str; 2] = ["microovn", "microcloud"];
/// So many letters and figures of a line must be given, beside those that every difference has: fewer would be in other lines, too.
const TELLING: usize = 6;

/// Why a list of known faults cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct KnownError {
    /// The list.
    pub file: String,
    /// The line in it, from 1 on.
    pub line: usize,
    /// What is wrong there, and what to do.
    pub problem: String,
}

/// An entry as it is written.
type Written = BTreeMap<Spanned<String>, Spanned<Value>>;

/// What is wrong, and where in the text.
type Wrong = (Range<usize>, String);

impl KnownFault {
    /// Reads a list; `file` is its name, for messages. Whether there are the cells and checks that it names is for others to say.
    ///
    /// # Errors
    /// When it is no such list, or an entry lacks something, has what there is not, would hide more than one fault, or is called like
    /// another.
    pub fn parse(file: &str, text: &str) -> Result<Vec<Self>, KnownError> {
        let line = |span: &Range<usize>| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1;
        let error = |(span, problem): Wrong| KnownError { file: file.to_owned(), line: line(&span), problem };
        let broken = |wrong: toml::de::Error| error((wrong.span().unwrap_or(0..0), written::problem(&wrong)));
        let top: Written = toml::from_str(text).map_err(broken)?;
        if let Some(key) = top.keys().find(|key| key.as_ref() != "known") {
            return Err(error((key.span(), unknown(key.as_ref(), &["known"]))));
        }
        let mut lists: BTreeMap<String, Vec<Spanned<Written>>> = toml::from_str(text).map_err(broken)?;
        let mut all: Vec<Self> = Vec::new();
        for entry in lists.remove("known").unwrap_or_default() {
            let span = entry.span();
            let known = Entry { span: span.clone(), written: entry.into_inner() }.read(line(&span)).map_err(error)?;
            if let Some(other) = all.iter().find(|other| other.told.name == known.told.name) {
                let problem = format!("{:?} is called like the entry in line {}", known.told.name, other.line);
                return Err(error((span, problem)));
            }
            all.push(known);
        }
        Ok(all)
    }
}

fn unknown(key: &str, keys: &[&str]) -> String {
    let meant = nearest(key, keys.iter().copied());
    let meant =
        meant.map_or_else(|| format!("there are {}", keys.join(", ")), |meant| format!("the nearest is {meant}"));
    format!("there is no key {key:?}; {meant}")
}

struct Entry {
    span: Range<usize>,
    written: Written,
}

impl Entry {
    fn read(self, line: usize) -> Result<KnownFault, Wrong> {
        if let Some(key) = self.written.keys().find(|key| !KEYS.contains(&key.as_ref().as_str())) {
            return Err((key.span(), unknown(key.as_ref(), &KEYS)));
        }
        let (name, _) = self.text("name", "what it is called, in a word or some")?;
        let (reason, _) = self.text("reason", "what it is, where it was seen, and why it is let be")?;
        let (since, at) = self.text("since", "the day since which it is known, as in 2026-11-30")?;
        let since: Date = since.parse().map_err(|_| (at, format!("{since:?} is no day; write it as in 2026-11-30")))?;
        let (product, at) = self.text("product", "whose fault it is")?;
        let component = match product.as_str() {
            "microovn" => Component::MicroOvn,
            "microcloud" => Component::MicroCloud,
            other => {
                let meant = nearest(other, PRODUCTS).map(|meant| format!("; the nearest is {meant}"));
                let meant = meant.unwrap_or_else(|| format!("; there are {}", PRODUCTS.join(", ")));
                return Err((at, format!("there is no product {other:?}{meant}")));
            }
        };
        Ok(KnownFault {
            told: KnownTold { name, reason, since },
            component,
            versions: self.texts("versions", "the releases that have it")?.into_iter().map(|(it, _)| it).collect(),
            places: self
                .texts("in", "the cells and journeys in which it shows")?
                .into_iter()
                .map(|(it, _)| it)
                .collect(),
            signature: self.signature()?,
            line,
        })
    }

    fn signature(&self) -> Result<Signature, Wrong> {
        let has = |key: &str| self.find(key).is_some();
        match (has("no_cluster"), has("check") || has("differs")) {
            (true, false) => {
                let (line, at) = self.text("no_cluster", "why there is none, in a line")?;
                require_telling(&line, at)?;
                Ok(Signature::NoCluster(line))
            }
            (false, true) => {
                let (check, _) = self.text("check", "which one is red")?;
                let lines = self.texts("differs", "what differs, a line each as in the report")?;
                for (line, at) in &lines {
                    require_telling(line, at.clone())?;
                }
                Ok(Signature::Check { check, differs: lines.into_iter().map(|(line, _)| line).collect() })
            }
            _ => Err(self.lacks("a signature: either no_cluster, or check and differs")),
        }
    }

    fn find(&self, key: &str) -> Option<&Spanned<Value>> {
        self.written.iter().find(|(written, _)| written.as_ref() == key).map(|(_, value)| value)
    }

    fn lacks(&self, what: &str) -> Wrong {
        (self.span.clone(), format!("the entry needs {what}"))
    }

    fn text(&self, key: &str, what: &str) -> Result<(String, Range<usize>), Wrong> {
        let value = self.find(key).ok_or_else(|| self.lacks(&format!("{key}: {what}")))?;
        self.one(value.as_ref(), value.span(), key, what)
    }

    fn texts(&self, key: &str, what: &str) -> Result<Vec<(String, Range<usize>)>, Wrong> {
        let value = self.find(key).ok_or_else(|| self.lacks(&format!("{key}: {what}")))?;
        match value.as_ref() {
            Value::Array(all) if !all.is_empty() => {
                all.iter().map(|one| self.one(one, value.span(), key, what)).collect()
            }
            _ => Err((value.span(), format!("{key} is a list of texts, and not empty: {what}"))),
        }
    }

    fn one(&self, value: &Value, span: Range<usize>, key: &str, what: &str) -> Result<(String, Range<usize>), Wrong> {
        match value.as_str().map(str::trim) {
            Some(text) if !text.is_empty() => Ok((text.to_owned(), span)),
            _ => Err((span, format!("{key} is text, and not empty: {what}"))),
        }
    }
}

/// Refuses a line that would fit what it is not.
fn require_telling(line: &str, at: Range<usize>) -> Result<(), Wrong> {
    let own = line.replace("wanted", "").replace("seen", "");
    match own.chars().filter(|c| c.is_alphanumeric()).count() {
        ..TELLING => Err((at, format!("the line {line:?} would fit other faults, too; give more of it than …"))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 8] = [
        ("name", "\"a\""),
        ("product", "\"microovn\""),
        ("versions", "[\"24.03\"]"),
        ("in", "[\"init_cluster\"]"),
        ("check", "\"sb_encap\""),
        ("differs", "[\"… Encap ip: wanted …, seen …\"]"),
        ("reason", "\"rain\""),
        ("since", "\"2026-11-30\""),
    ];

    /// An entry in which a key has another value, or is not there where that is empty.
    fn written(key: &str, value: &str) -> String {
        let mut all: Vec<(&str, &str)> = GOOD.to_vec();
        match all.iter_mut().find(|(name, _)| *name == key) {
            Some(found) => found.1 = value,
            None => all.push((key, value)),
        }
        let lines = all.iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| format!("{key} = {value}\n"));
        format!("[[known]]\n{}", lines.collect::<String>())
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_place() {
        let good = written("name", "\"a\"");
        assert_eq!(KnownFault::parse("k.toml", &good).expect("good").len(), 1);
        assert_eq!(KnownFault::parse("k.toml", "").expect("nothing is known"), []);
        for (key, value, says) in [
            ("name", "", "1: the entry needs name: what it is called"),
            ("name", "\" \"", "2: name is text, and not empty"),
            ("name", "3", "2: name is text, and not empty"),
            ("reason", "", "1: the entry needs reason: what it is"),
            ("since", "\"lately\"", "9: \"lately\" is no day; write it as in 2026-11-30"),
            ("product", "\"microvn\"", "3: there is no product \"microvn\"; the nearest is microovn"),
            ("product", "\"lxd\"", "3: there is no product \"lxd\"; there are microovn, microcloud"),
            ("versions", "[]", "4: versions is a list of texts, and not empty"),
            ("versions", "\"24.03\"", "4: versions is a list of texts, and not empty"),
            ("in", "", "1: the entry needs in: the cells"),
            ("check", "", "1: the entry needs check: which one is red"),
            ("differs", "", "1: the entry needs differs: what differs"),
            ("differs", "[\"… wanted …, seen …\"]", "7: the line \"… wanted …, seen …\" would fit other faults"),
            ("no_cluster", "\"no room for it\"", "1: the entry needs a signature: either"),
            ("reeson", "\"rain\"", "10: there is no key \"reeson\"; the nearest is reason"),
            ("zzz", "1", "10: there is no key \"zzz\"; there are name, product"),
        ] {
            let text = written(key, value);
            let error = KnownFault::parse("k.toml", &text).expect_err(&text).to_string();
            assert!(error.starts_with(&format!("k.toml:{says}")), "{text}{error}");
        }
        let none = "[[known]]\nname = \"a\"\nproduct = \"microovn\"\nversions = [\"1\"]\nin = [\"x\"]\nno_cluster = \"…\"\n\
                    reason = \"r\"\nsince = \"2026-11-30\"\n";
        for (text, says) in [
            (none.to_owned(), "6: the line \"…\" would fit other faults"),
            (format!("{good}{good}"), "10: \"a\" is called like the entry in line 1"),
            ("[[knwon]]\n".to_owned(), "1: there is no key \"knwon\"; the nearest is known"),
            ("known = 3\n".to_owned(), "1: "),
            ("\n[known\n".to_owned(), "2: "),
        ] {
            let error = KnownFault::parse("k.toml", &text).expect_err(&text).to_string();
            assert!(error.starts_with(&format!("k.toml:{says}")), "{text}{error}");
        }
    }
}
