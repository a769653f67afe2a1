//! The state machine.

use std::collections::BTreeMap;
use std::fmt;

use super::{DialogError, DialogProblem, Exchange, Transcript};
use crate::microovn::{JoinToken, redact};
use crate::plan::{Answer, Reply};

/// More than any prompt with its escapes, in bytes. A line that is longer is none, and is not read again with each of its
/// spaces.
const LONGEST_PROMPT: usize = 2 << 10;

/// More than the escapes between the colon and the space that end a prompt, in bytes.
const LONGEST_END: usize = 64;

/// The most characters of one line that an error shows.
const LONGEST_SHOWN: usize = 400;

/// What the driver has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Write these bytes to the program.
    Write(Typed),
    /// Stop: the dialog failed. No step follows.
    Fail(Box<DialogError>),
}

/// A line to type, with its newline. `Debug` does not show a join token.
#[derive(Clone, PartialEq, Eq)]
pub struct Typed(String);

impl Typed {
    /// The bytes to write.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", redact(&self.0))
    }
}

/// A run of `microovn init`, answered from a plan. `Debug` shows the redacted text, not the bytes.
pub struct Dialog {
    questions: Vec<Question>,
    join_token: Option<JoinToken>,
    /// Everything read.
    seen: Vec<u8>,
    /// Where in `seen` the last answer was given.
    answered_at: usize,
    /// Where in `seen` the unfinished line starts.
    line_start: usize,
    /// What the terminal will echo at the start of the next line, if it echoes.
    echo: Option<String>,
    /// Whether it must.
    echoes: bool,
    /// The member whose token is to be printed next.
    issuing: Option<String>,
    tokens: BTreeMap<String, JoinToken>,
    exchanges: Vec<Exchange>,
    failure: Option<Box<DialogError>>,
}

struct Question {
    answer: Answer,
    asked: usize,
}

impl fmt::Debug for Dialog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tokens, failure, .. } = self;
        f.debug_struct("Dialog")
            .field("log", &self.log())
            .field("tokens", tokens)
            .field("failure", failure)
            .finish_non_exhaustive()
    }
}

impl Dialog {
    /// A dialog that answers with `answers`, of which [`Reply::JoinToken`] types `join_token`.
    pub fn new(answers: &[Answer], join_token: Option<JoinToken>) -> Self {
        Self {
            questions: answers.iter().map(|answer| Question { answer: answer.clone(), asked: 0 }).collect(),
            join_token,
            seen: Vec::new(),
            answered_at: 0,
            line_start: 0,
            echo: None,
            echoes: false,
            issuing: None,
            tokens: BTreeMap::new(),
            exchanges: Vec::new(),
            failure: None,
        }
    }

    /// Expects every answer to be echoed as it was typed, which a terminal does.
    pub fn on_terminal(mut self) -> Self {
        self.echoes = true;
        self
    }

    /// Takes output of the program, in chunks of any size, and says what to do, in order. After a failure it only
    /// keeps the text.
    pub fn feed(&mut self, chunk: &[u8]) -> Vec<Step> {
        let mut steps = Vec::new();
        // Byte by byte, so that the end of a chunk is never taken for the end of a prompt.
        for byte in chunk {
            self.seen.push(*byte);
            if self.failure.is_some() {
                continue;
            }
            let step = match byte {
                b'\n' => self.on_line().map(|()| None),
                b' ' => self.on_space(),
                _ => Ok(None),
            };
            match step {
                Ok(None) => {}
                Ok(Some(typed)) => steps.push(Step::Write(typed)),
                Err(problem) => steps.push(Step::Fail(self.fail(problem))),
            }
        }
        steps
    }

    /// Takes note that the output has ended. Whether the program succeeded is for its exit code to say.
    ///
    /// # Errors
    /// The failure that [`feed`](Self::feed) reported, or one that shows only now: an error in an unfinished line, a
    /// question nobody answered, a token that was not printed, a decision of the plan that was never asked for.
    pub fn on_eof(&mut self) -> Result<(), Box<DialogError>> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let waiting = self.find_unanswered();
        let problem = match self.on_line() {
            Err(problem) => problem,
            Ok(()) => {
                if let Some(question) = waiting {
                    DialogProblem::UnknownQuestion { question }
                } else if let Some(name) = self.issuing.take() {
                    DialogProblem::TokenNotIssued { name }
                } else {
                    let questions = self.unasked();
                    if questions.is_empty() {
                        return Ok(());
                    }
                    DialogProblem::NeverAsked { questions }
                }
            }
        };
        Err(self.fail(problem))
    }

    /// Takes note that nothing came for as long as the driver waits, and says what that means: a question that no
    /// option answers, or silence.
    pub fn on_silence(&mut self) -> Box<DialogError> {
        if let Some(failure) = &self.failure {
            return failure.clone();
        }
        let problem = match self.find_unanswered() {
            Some(question) => DialogProblem::UnknownQuestion { question },
            None => DialogProblem::Silence { last: self.last_text() },
        };
        self.fail(problem)
    }

    /// The question the program seems to wait at although no option answers it: the unfinished line, if it ends like a
    /// prompt. When this is `Some` and nothing comes for a moment, the driver need not wait for its whole deadline.
    pub fn find_unanswered(&self) -> Option<String> {
        let line = redact(self.without_echo(&self.pending()));
        let program = line.starts_with("Error:") || line.starts_with("Invalid input");
        (is_complete(&line) && !program).then(|| end_of(line.trim()))
    }

    /// How many bytes came since the last answer, or since the start.
    pub fn unanswered_len(&self) -> usize {
        self.seen.len() - self.answered_at
    }

    /// The join tokens printed so far, by the name they are for.
    pub fn tokens(&self) -> &BTreeMap<String, JoinToken> {
        &self.tokens
    }

    /// Questions and answers so far, redacted.
    pub fn transcript(&self) -> Transcript {
        Transcript { exchanges: self.exchanges.clone(), tail: redact(&text(&self.seen[self.answered_at..])) }
    }

    /// Everything read, without terminal escapes and redacted.
    pub fn log(&self) -> String {
        redact(&text(&self.seen))
    }

    fn fail(&mut self, problem: DialogProblem) -> Box<DialogError> {
        let failure = Box::new(DialogError { problem, transcript: self.transcript() });
        self.failure = Some(failure.clone());
        failure
    }

    /// The unfinished line.
    fn pending(&self) -> String {
        text(&self.seen[self.line_start..])
    }

    /// `line` behind what the terminal echoed, for programs that print on without a newline.
    fn without_echo<'a>(&self, line: &'a str) -> &'a str {
        self.echo.as_deref().and_then(|echo| line.strip_prefix(echo)).unwrap_or(line)
    }

    /// A line is complete: an echo, a verdict, a token, or something to read.
    fn on_line(&mut self) -> Result<(), DialogProblem> {
        let pending = self.pending();
        let line = self.without_echo(&pending).trim();
        let echoed = self.echo.is_some() && line.is_empty();
        if let Some(typed) = self.echo.as_deref().filter(|typed| self.echoes && !pending.starts_with(typed)) {
            let (typed, seen) = (redact(typed), redact(pending.trim_end()));
            // Two tokens that differ look alike.
            let seen = if typed == seen { "another one".to_owned() } else { seen };
            return Err(DialogProblem::EchoedOtherwise { typed, seen });
        }
        self.line_start = self.seen.len();
        self.echo = None;
        if echoed {
            return Ok(());
        }
        if line.starts_with("Error:") {
            return Err(DialogProblem::Failed { line: redact(line) });
        }
        if line.starts_with("Invalid input") {
            let line = redact(line);
            return Err(match self.exchanges.last().cloned() {
                Some(Exchange { question, answer, .. }) => DialogProblem::Refused { question, answer, line },
                None => DialogProblem::Failed { line },
            });
        }
        if line.starts_with("eyJ")
            && let Some(name) = self.issuing.take()
        {
            match line.parse() {
                Ok(token) => drop(self.tokens.insert(name, token)),
                Err(why) => return Err(DialogProblem::BadToken { name, why }),
            }
        }
        Ok(())
    }

    /// A space is what every prompt ends with: answers the unfinished line if it is a planned prompt.
    fn on_space(&mut self) -> Result<Option<Typed>, DialogProblem> {
        let line = &self.seen[self.line_start..];
        // Most spaces stand between words.
        if line.len() > LONGEST_PROMPT || !line.iter().rev().take(LONGEST_END).any(|byte| *byte == b':') {
            return Ok(None);
        }
        let pending = self.pending();
        if !is_complete(&pending) {
            return Ok(None);
        }
        // The whole line first: an answer may happen to start like the next question.
        for line in [pending.as_str(), self.without_echo(&pending)] {
            if let Some(index) = self.find_question(line)? {
                let line = line.trim().to_owned();
                return self.reply(index, line).map(Some);
            }
        }
        Ok(None)
    }

    /// The question whose prompt `line` starts with; the longest prompt, if several do.
    fn find_question(&self, line: &str) -> Result<Option<usize>, DialogProblem> {
        let starts =
            |question: &Question| !question.answer.prompt.is_empty() && line.starts_with(&question.answer.prompt);
        let matching = || self.questions.iter().enumerate().filter(|(_, question)| starts(question));
        let Some(longest) = matching().map(|(_, question)| question.answer.prompt.len()).max() else { return Ok(None) };
        let best: Vec<_> = matching().filter(|(_, question)| question.answer.prompt.len() == longest).collect();
        match best.as_slice() {
            [(index, _)] => Ok(Some(*index)),
            several => Err(DialogProblem::Ambiguous {
                options: several
                    .iter()
                    .map(|(_, question)| question.answer.option.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
                question: line.trim().to_owned(),
            }),
        }
    }

    fn reply(&mut self, index: usize, question: String) -> Result<Typed, DialogProblem> {
        if let Some(name) = self.issuing.take() {
            return Err(DialogProblem::TokenNotIssued { name });
        }
        let Question { answer, asked } = &mut self.questions[index];
        let Some(reply) = answer.replies.get(*asked) else {
            let (option, planned) = (answer.option.clone(), answer.replies.len());
            return Err(DialogProblem::AskedTooOften { option, question, planned });
        };
        *asked += 1;
        let (typed, shown) = match reply {
            Reply::Text(text) => (text.clone(), redact(text)),
            Reply::JoinToken => match &self.join_token {
                Some(token) => (token.expose().to_owned(), token.to_string()),
                None => return Err(DialogProblem::NoJoinToken { question }),
            },
            Reply::IssueToken(name) => {
                self.issuing = Some(name.clone());
                (name.clone(), name.clone())
            }
        };
        self.exchanges.push(Exchange { question, answer: shown, at: self.seen.len() });
        self.answered_at = self.seen.len();
        self.line_start = self.seen.len();
        self.echo = Some(typed.clone());
        Ok(Typed(typed + "\n"))
    }

    /// Decisions that were never asked for. Accepting a default or declining is none: older releases ask fewer
    /// questions, and a default that nobody asks about is still the default.
    fn unasked(&self) -> Vec<String> {
        let decides = |reply: &Reply| match reply {
            Reply::Text(text) => !text.is_empty() && text != "no",
            Reply::JoinToken | Reply::IssueToken(_) => true,
        };
        let describe = |reply: &Reply| match reply {
            Reply::Text(text) => format!("{:?}", redact(text)),
            Reply::JoinToken => "the join token".to_owned(),
            Reply::IssueToken(name) => format!("{name:?}"),
        };
        self.questions
            .iter()
            .flat_map(|Question { answer, asked }| {
                answer.replies.iter().skip(*asked).filter(|reply| decides(reply)).map(|reply| {
                    format!("{:?} (option {:?}, to be answered with {})", answer.prompt, answer.option, describe(reply))
                })
            })
            .collect()
    }

    /// The last line that is not empty.
    fn last_text(&self) -> String {
        let log = self.log();
        end_of(log.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default())
    }
}

/// Whether `line` ends like a prompt: with a colon and a space, outside of brackets (`[default: ` is not the end).
fn is_complete(line: &str) -> bool {
    let count = |wanted: char| line.chars().filter(|c| *c == wanted).count();
    line.ends_with(": ") && count('[') == count(']') && count('(') == count(')')
}

/// A line, or where it is longer than any prompt its end.
fn end_of(line: &str) -> String {
    let skipped = line.chars().count().saturating_sub(LONGEST_SHOWN);
    let end: String = line.chars().skip(skipped).collect();
    if skipped > 0 { format!("…{end}") } else { end }
}

/// What a terminal would show of `bytes`, without escapes and carriage returns.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&strip_ansi_escapes::strip(bytes)).into_owned()
}
