//! One party's side of a conversation as a state machine: bytes in, keys out. It does no I/O and knows no time.

use std::fmt;

use super::screen::{Screen, Table};
use super::{ConversationError, ConversationProblem, Part, Said, Secrets, Shows};
use crate::plan::{Cue, Deed, Shown};

/// How many of the last lines an error shows.
const TAIL: usize = 12;

/// Keys to write to the program. `Debug` does not show what is secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Typed {
    keys: String,
    shown: String,
}

impl Typed {
    /// The bytes to write.
    pub fn bytes(&self) -> &[u8] {
        self.keys.as_bytes()
    }
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.shown)
    }
}

/// A program on a terminal that is answered from a plan.
pub struct Conversation {
    part: Part,
    screen: Screen,
    /// Everything read.
    read: Vec<u8>,
    /// How many deeds of each cue were done.
    done: Vec<usize>,
    /// What must come of the last keys before there are others.
    until: Option<Until>,
    /// Newlines read so far.
    newlines: usize,
    /// How many of what it shows is known.
    learned: usize,
    exchanges: Vec<(String, String)>,
}

/// What shows that keys were taken.
enum Until {
    /// A newline more than so many: what is typed is echoed.
    Newline(usize),
    /// Another look of the table, or none.
    Other(Table),
}

impl Conversation {
    /// A conversation that has not begun.
    pub fn new(part: Part) -> Self {
        let done = vec![0; part.cues.len()];
        Self {
            part,
            screen: Screen::new(),
            read: Vec::new(),
            done,
            until: None,
            newlines: 0,
            learned: 0,
            exchanges: Vec::new(),
        }
    }

    /// Whose it is.
    pub fn part(&self) -> &Part {
        &self.part
    }

    /// Takes output of the program, in chunks of any size, and notes what secrets it shows.
    pub fn read(&mut self, bytes: &[u8], secrets: &mut Secrets) {
        self.read.extend_from_slice(bytes);
        // Line by line, so that nothing that is looked for scrolls away unseen.
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.screen.process(piece);
            self.newlines += usize::from(piece.ends_with(b"\n"));
            self.learn(secrets);
        }
    }

    /// What is to be typed now; nothing where there is nothing to answer, or where what was typed has not shown yet. To be called
    /// again when there is more output, and when another party's secrets may have become known.
    ///
    /// # Errors
    /// When something is shown more often than planned, or a row to choose is there several times.
    pub fn act(&mut self, secrets: &Secrets) -> Result<Option<Typed>, Box<ConversationError>> {
        let acted = self.try_act(secrets);
        acted.map_err(|problem| self.error(problem, secrets))
    }

    /// Takes note that the program has ended.
    ///
    /// # Errors
    /// When it failed, or never showed what the plan decides. Declining and accepting a default are no decisions.
    pub fn on_end(&self, code: i32, secrets: &Secrets) -> Result<(), Box<ConversationError>> {
        if code != 0 {
            let line = self.screen.lines().into_iter().rev().find(|line| line.starts_with("Error:"));
            let what = format!("`{}` exited with {code}", self.part.command());
            let problem = line.map_or(what.clone(), |line| format!("{what}: {}", secrets.redact(&line)));
            return Err(self.error(ConversationProblem::Failed(problem), secrets));
        }
        let never = self.never_shown();
        if never.is_empty() { Ok(()) } else { Err(self.error(ConversationProblem::NeverShown(never), secrets)) }
    }

    /// What the program waits for and nobody answers, when nothing comes for a moment; the driver need not wait any longer then.
    pub fn find_unanswered(&self, secrets: &Secrets) -> Option<Box<ConversationError>> {
        if self.is_waiting() {
            return None;
        }
        let problem = match self.screen.table() {
            Some(table) if self.cue_of_table(&table).is_none() => ConversationProblem::UnknownTable(table.to_string()),
            Some(_) => return None,
            None => {
                let line = self.screen.before_cursor();
                if !is_question(&line) || self.cue_of_question(&line).is_some() {
                    return None;
                }
                ConversationProblem::UnknownQuestion(secrets.redact(line.trim()))
            }
        };
        Some(self.error(problem, secrets))
    }

    /// Takes note that no party says anything any more, and says what that means here.
    pub fn on_silence(&self, secrets: &Secrets) -> Box<ConversationError> {
        let missing = self.missing(secrets).or_else(|| self.find_unanswered(secrets).map(|error| error.problem));
        let problem = missing.unwrap_or_else(|| ConversationProblem::Silence(self.last_line(secrets)));
        self.error(problem, secrets)
    }

    /// Whether something keeps it from being answered that only others or time can change: a row or a secret that is not there.
    pub fn is_held_up(&self, secrets: &Secrets) -> bool {
        self.missing(secrets).is_some()
    }

    /// The last line that is not empty, redacted.
    pub fn last_line(&self, secrets: &Secrets) -> String {
        secrets.redact(&self.screen.lines().into_iter().rev().find(|line| !line.is_empty()).unwrap_or_default())
    }

    /// Everything read, without control sequences, redacted.
    pub fn log(&self, secrets: &Secrets) -> String {
        secrets.redact(&String::from_utf8_lossy(&strip_ansi_escapes::strip(&self.read)).replace('\r', ""))
    }

    fn learn(&mut self, secrets: &mut Secrets) {
        while let Some(Shows { secret, behind }) = self.part.shows.get(self.learned) {
            let (lines, cursor) = (self.screen.lines(), self.screen.line_of_cursor());
            let Some(at) = lines.iter().position(|line| line.trim() == behind) else { return };
            let whole = lines.get(at + 1..cursor).unwrap_or_default();
            let Some(value) = whole.iter().map(|line| line.trim()).find(|line| !line.is_empty()) else { return };
            secrets.learn(secret, value);
            self.learned += 1;
        }
    }

    /// Whether what was typed last has not shown yet.
    fn is_waiting(&self) -> bool {
        match &self.until {
            None => false,
            Some(Until::Newline(newlines)) => self.newlines == *newlines,
            // Half a table is one that is being drawn.
            Some(Until::Other(before)) => {
                self.screen.is_choosing() && self.screen.table().is_none_or(|table| table == *before)
            }
        }
    }

    fn try_act(&mut self, secrets: &Secrets) -> Result<Option<Typed>, ConversationProblem> {
        if self.is_waiting() {
            return Ok(None);
        }
        self.until = None;
        if self.screen.is_choosing() {
            return match self.screen.table() {
                Some(table) => self.choose(table),
                None => Ok(None),
            };
        }
        let line = self.screen.before_cursor();
        if !is_question(&line) {
            return Ok(None);
        }
        let Some(cue) = self.cue_of_question(&line) else { return Ok(None) };
        let (text, shown) = match self.deed(cue, line.trim())? {
            Deed::Type(text) => (text.clone(), text.clone()),
            Deed::Tell(secret) => match secrets.find(secret) {
                Some(value) => (value.to_owned(), format!("[redacted {secret}]")),
                None => return Ok(None),
            },
            // A table is no question.
            Deed::Choose(_) => return Ok(None),
        };
        self.done[cue] += 1;
        self.until = Some(Until::Newline(self.newlines));
        self.exchanges.push((secrets.redact(line.trim()), shown.clone()));
        Ok(Some(Typed { keys: text + "\n", shown }))
    }

    /// One key nearer to what is to be chosen; the last one confirms it.
    fn choose(&mut self, table: Table) -> Result<Option<Typed>, ConversationProblem> {
        let Some(cue) = self.cue_of_table(&table) else { return Ok(None) };
        let Deed::Choose(rows) = self.deed(cue, &table.headings.join(" | "))? else { return Ok(None) };
        let mut wanted = Vec::new();
        for row in rows {
            match table.find(row)[..] {
                [] => return Ok(None),
                [only] => wanted.push(only),
                _ => {
                    let (option, row) = (self.part.cues[cue].option.clone(), row.join(" | "));
                    return Err(ConversationProblem::AmbiguousRow { option, row, table: table.to_string() });
                }
            }
        }
        let Some(current) = table.rows.iter().position(|row| row.current) else { return Ok(None) };
        let differs = |n: &usize| table.rows[*n].chosen != wanted.contains(n);
        let next = (0..table.rows.len()).find(differs);
        let (keys, shown) = match next {
            _ if differs(&current) => (" ", "space"),
            Some(next) if next > current => ("\u{1b}[B", "down"),
            Some(_) => ("\u{1b}[A", "up"),
            None => ("\r", "enter"),
        };
        if next.is_none() {
            let told: Vec<String> = wanted.iter().map(|n| table.rows[*n].cells.join(" | ")).collect();
            self.done[cue] += 1;
            self.exchanges.push((table.headings.join(" | "), format!("-> {}", told.join(", "))));
        }
        self.until = Some(Until::Other(table));
        Ok(Some(Typed { keys: keys.to_owned(), shown: shown.to_owned() }))
    }

    /// The next deed of a cue, which is `shown` once more.
    fn deed(&self, cue: usize, shown: &str) -> Result<&Deed, ConversationProblem> {
        let Cue { option, deeds, .. } = &self.part.cues[cue];
        deeds.get(self.done[cue]).ok_or_else(|| ConversationProblem::ShownTooOften {
            option: option.clone(),
            shown: shown.to_owned(),
            planned: deeds.len(),
        })
    }

    fn cue_of_table(&self, table: &Table) -> Option<usize> {
        self.part
            .cues
            .iter()
            .position(|cue| matches!(&cue.shown, Shown::Table(headings) if *headings == table.headings))
    }

    /// The cue whose question starts this line; the longest, if several do.
    fn cue_of_question(&self, line: &str) -> Option<usize> {
        let starts = |cue: &Cue| match &cue.shown {
            Shown::Question(starts) if line.starts_with(starts.as_str()) => Some(starts.len()),
            _ => None,
        };
        let fitting = self.part.cues.iter().enumerate().filter_map(|(n, cue)| Some((starts(cue)?, n)));
        fitting.max().map(|(_, n)| n)
    }

    /// What is not there that is waited for.
    fn missing(&self, secrets: &Secrets) -> Option<ConversationProblem> {
        if self.is_waiting() {
            return None;
        }
        if let Some(table) = self.screen.table() {
            let cue = &self.part.cues[self.cue_of_table(&table)?];
            let Deed::Choose(rows) = self.deed(self.cue_of_table(&table)?, "").ok()? else { return None };
            let row = rows.iter().find(|row| table.find(row).is_empty())?.join(" | ");
            return Some(ConversationProblem::NoSuchRow { option: cue.option.clone(), row, table: table.to_string() });
        }
        let line = self.screen.before_cursor();
        let cue = self.cue_of_question(&line).filter(|_| is_question(&line))?;
        match self.deed(cue, "").ok()? {
            Deed::Tell(secret) if secrets.find(secret).is_none() => {
                Some(ConversationProblem::NoSecret { question: line.trim().to_owned(), secret: secret.clone() })
            }
            _ => None,
        }
    }

    fn never_shown(&self) -> Vec<String> {
        let decides = |deed: &&Deed| !matches!(deed, Deed::Type(text) if text.is_empty() || text == "no");
        let left = |(cue, done): (&Cue, &usize)| -> Vec<String> {
            let told = |deed: &Deed| format!("\"{}\" (option {:?}, to be answered with {deed})", cue.shown, cue.option);
            cue.deeds.iter().skip(*done).filter(decides).map(told).collect()
        };
        self.part.cues.iter().zip(&self.done).flat_map(left).collect()
    }

    fn error(&self, problem: ConversationProblem, secrets: &Secrets) -> Box<ConversationError> {
        let lines: Vec<String> = self.screen.lines().into_iter().filter(|line| !line.is_empty()).collect();
        let tail = lines[lines.len().saturating_sub(TAIL)..].iter().map(|line| secrets.redact(line)).collect();
        Box::new(ConversationError { problem, said: Said { exchanges: self.exchanges.clone(), tail } })
    }
}

/// Whether a line ends like a question: with a colon and a space, outside of brackets.
fn is_question(line: &str) -> bool {
    let count = |wanted: char| line.chars().filter(|c| *c == wanted).count();
    line.ends_with(": ") && count('[') == count(']') && count('(') == count(')')
}
