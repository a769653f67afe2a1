//! What a check found.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::explain::explain_address;
use crate::plan::{Member, State};

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The check's name.
    pub check: String,
    /// How many comparisons were made.
    pub compared: usize,
    /// Those that did not hold.
    pub differences: Vec<Difference>,
}

/// Something that is not as planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The member it was seen on.
    pub member: String,
    /// The table or command it was seen in.
    pub table: String,
    /// The column, row or key.
    pub column: String,
    /// What the plan says.
    pub wanted: String,
    /// What was there.
    pub seen: String,
    /// What the seen value is, where that helps.
    pub note: Option<String>,
    /// Whether it could not be read, and `seen` is why.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unread: bool,
}

impl Verdict {
    /// Starts the verdict of the check called `check`.
    pub fn builder(check: impl Into<String>) -> VerdictBuilder {
        VerdictBuilder { verdict: Self { check: check.into(), compared: 0, differences: Vec::new() } }
    }

    /// Whether the check passed: it compared something, and everything was as planned.
    pub fn passed(&self) -> bool {
        self.compared > 0 && self.differences.is_empty()
    }
}

impl Difference {
    fn place(&self) -> String {
        format!("member {}: {} {}:", self.member, self.table, self.column)
    }

    /// It in one line.
    pub fn line(&self) -> String {
        format!("{} {} {}: {}", self.member, self.table, self.column, self.values())
    }

    fn values(&self) -> String {
        let note = self.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
        format!("wanted {}, seen {}{note}", self.wanted, self.seen)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.place(), self.values())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { check, compared, differences } = self;
        if *compared == 0 {
            return write!(f, "{check}: failed: nothing was compared");
        }
        if differences.is_empty() {
            return write!(f, "{check}: passed, {compared} compared");
        }
        write!(f, "{check}: failed, {} of {compared} compared differ", differences.len())?;
        let width = differences.iter().map(|difference| difference.place().chars().count()).max().unwrap_or_default();
        for difference in differences {
            write!(f, "\n  {:width$} {}", difference.place(), difference.values())?;
        }
        Ok(())
    }
}

/// Collects comparisons into a [`Verdict`].
#[derive(Debug)]
pub struct VerdictBuilder {
    verdict: Verdict,
}

impl VerdictBuilder {
    /// Takes in the finished verdict of another check.
    pub fn take(&mut self, other: Verdict) {
        self.verdict.compared += other.compared;
        self.verdict.differences.extend(other.differences);
    }

    /// Takes over what another has compared, for a check that does so in several places at once.
    pub fn extend(&mut self, other: Self) {
        self.verdict.compared += other.verdict.compared;
        self.verdict.differences.extend(other.verdict.differences);
    }

    /// Compares two values as what they print; equal values must print equally.
    pub fn compare(
        &mut self,
        member: &str,
        table: &str,
        column: &str,
        wanted: impl fmt::Display,
        seen: impl fmt::Display,
    ) -> &mut Self {
        let (wanted, seen) = (wanted.to_string(), seen.to_string());
        let holds = wanted == seen;
        self.judge(holds, member, table, column, wanted, seen, None)
    }

    /// Compares a text that should be one address with the planned address, as addresses, and says what the text is
    /// when it is another. `None` is a value that is not there.
    pub fn compare_address(
        &mut self,
        state: &State,
        member: &Member,
        table: &str,
        column: &str,
        wanted: IpAddr,
        seen: Option<&str>,
    ) -> &mut Self {
        let holds = seen.is_some_and(|text| text.parse::<IpAddr>() == Ok(wanted));
        let note = seen.and_then(|text| explain_address(state, member, wanted, text));
        let shown = seen.map_or_else(|| "nothing".to_owned(), show);
        self.judge(holds, &member.name, table, column, wanted.to_string(), shown, note)
    }

    /// Counts a comparison whose outcome is known. The values and the note are shown if it does not hold.
    #[expect(clippy::too_many_arguments, reason = "these are the fields of a difference, in its order")]
    pub fn judge(
        &mut self,
        holds: bool,
        member: &str,
        table: &str,
        column: &str,
        wanted: impl Into<String>,
        seen: impl Into<String>,
        note: Option<String>,
    ) -> &mut Self {
        self.verdict.compared += 1;
        if !holds {
            self.verdict.differences.push(Difference {
                member: member.to_owned(),
                table: table.to_owned(),
                column: column.to_owned(),
                wanted: wanted.into(),
                seen: seen.into(),
                note,
                unread: false,
            });
        }
        self
    }

    /// Counts what could not be compared because it could not be read: a difference, for the reason given.
    pub fn unread(&mut self, member: &str, table: &str, reason: impl Into<String>) -> &mut Self {
        self.judge(false, member, table, "(all)", "a reading", reason, None);
        self.verdict.differences.iter_mut().next_back().into_iter().for_each(|last| last.unread = true);
        self
    }

    /// The verdict.
    pub fn finish(self) -> Verdict {
        self.verdict
    }
}

/// A value as it is, or in quotes where its ends would not be seen otherwise.
fn show(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
    if plain { text.to_owned() } else { format!("{text:?}") }
}
