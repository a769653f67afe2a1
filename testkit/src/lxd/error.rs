//! What a call to LXD can end in: what was attempted, on what, and the kind of the failure.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use super::dialect;
use super::kind::{ErrorKind, ImageServerFault};
use crate::daemon::Daemon;

/// The most characters of a reply that a message quotes.
const QUOTE_LIMIT: usize = 400;

/// A failed call to LXD.
///
/// `Display` says what was attempted and on which entity, what LXD answered, and what a person can do about it where
/// there is something to do. The cause, where there is one below, is in [`source`](StdError::source) and is not
/// repeated in the text.
#[derive(Debug)]
pub struct Error {
    attempt: String,
    fault: Box<Fault>,
}

/// A failure before it is known what it belongs to: the kind, LXD's own words, and the cause.
#[derive(Debug)]
pub(crate) struct Fault {
    kind: ErrorKind,
    /// Who it is that answered, or does not.
    daemon: Daemon,
    code: Option<u16>,
    /// Whether an operation ended so, which LXD had accepted.
    of_operation: bool,
    /// Whether it is certain that LXD never began with what it was asked for.
    never_began: bool,
    text: Option<String>,
    advice: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Why the call failed.
    pub fn kind(&self) -> &ErrorKind {
        &self.fault.kind
    }

    /// What was attempted and on what, for example `create instance "a"`.
    pub fn attempt(&self) -> &str {
        &self.attempt
    }

    /// Who it is that answered, or does not.
    pub fn daemon(&self) -> Daemon {
        self.fault.daemon
    }

    /// The HTTP status of LXD's answer, or the status code of the failed operation, where there was one.
    pub fn code(&self) -> Option<u16> {
        self.fault.code
    }

    /// Whether LXD had accepted the request, and the operation that it became ended so.
    pub fn is_of_operation(&self) -> bool {
        self.fault.of_operation
    }

    /// Whether something uses the entity, or it holds something.
    pub fn is_in_use(&self) -> bool {
        self.fault.kind == ErrorKind::InUse
    }

    /// Whether LXD found no such command in the instance, or the command itself ended with the exit code for that.
    pub fn is_no_command(&self) -> bool {
        self.fault.words(dialect::says_no_command)
    }

    /// Whether the LXD host had no time for it: LXD has undone what it did, and it may be asked for again.
    pub fn is_host_busy(&self) -> bool {
        self.fault.words(dialect::says_try_again)
    }

    /// Whether LXD is at something else with the instance, which ends by itself; then it may be asked for again.
    pub fn is_busy(&self) -> bool {
        self.fault.words(dialect::says_busy)
    }

    /// Whether it is certain that LXD never began with what it was asked for, so that it may be asked again. The client
    /// has done so already, as long as its deadline allowed.
    pub fn never_began(&self) -> bool {
        self.fault.never_began
    }

    /// Whether LXD asked an instance's init to shut it down, and does not know what became of it.
    pub fn is_shutdown_lost(&self) -> bool {
        self.fault.words(dialect::says_shutdown_lost)
    }

    /// What is wrong with the server that an image was to come from, where LXD says that it is that.
    pub fn image_server_fault(&self) -> Option<ImageServerFault> {
        self.fault.text.as_deref().filter(|_| self.fault.code.is_some()).and_then(dialect::image_server)
    }

    /// Whether the entity, or something the request refers to, does not exist.
    pub fn is_not_found(&self) -> bool {
        self.fault.kind == ErrorKind::NotFound
    }

    /// Whether an entity of this name exists.
    pub fn is_already_exists(&self) -> bool {
        self.fault.kind == ErrorKind::AlreadyExists
    }

    /// Whether the entity changed since it was read.
    pub fn is_etag_conflict(&self) -> bool {
        self.fault.kind == ErrorKind::EtagConflict
    }

    /// Whether LXD does not answer.
    pub fn is_unreachable(&self) -> bool {
        self.fault.kind == ErrorKind::Unreachable
    }

    /// Whether the deadline passed first.
    pub fn is_timeout(&self) -> bool {
        matches!(self.fault.kind, ErrorKind::Timeout { .. })
    }

    pub(crate) fn new(attempt: impl Into<String>, fault: Fault) -> Error {
        Error { attempt: attempt.into(), fault: Box::new(fault) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {}: {}", self.attempt, self.fault)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.fault.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl Fault {
    pub(crate) fn new(kind: ErrorKind) -> Fault {
        Fault {
            kind,
            daemon: Daemon::Lxd,
            code: None,
            of_operation: false,
            never_began: false,
            text: None,
            advice: None,
            source: None,
        }
    }

    /// A refusal by LXD, whose kind follows from its HTTP status and its words.
    pub(crate) fn refused(code: u16, text: impl Into<String>) -> Fault {
        let text = text.into();
        let mut fault = Fault::new(dialect::kind_of_refusal(code, &text)).with_code(code);
        fault.advice = dialect::advice(&text).map(str::to_owned);
        fault.with_text(text)
    }

    /// An operation that ended in failure, whose kind follows from its own code, where the release gives it one, and
    /// from LXD's words. Without one, `status` is shown.
    pub(crate) fn operation_failed(own: Option<u16>, status: u16, text: impl Into<String>) -> Fault {
        let text = text.into();
        let mut fault = Fault::new(dialect::kind_of_failed_operation(own, &text)).with_code(own.unwrap_or(status));
        fault.of_operation = true;
        fault.advice = dialect::advice(&text).map(str::to_owned);
        fault.with_text(text)
    }

    /// A refusal that LXD gave where it was asked about an operation, as the failure of that operation.
    pub(crate) fn into_operations(self) -> Fault {
        match (self.kind, self.code, self.text) {
            // A reply that is none says nothing about the operation.
            (kind @ ErrorKind::Protocol { .. }, code, text) => {
                Fault { code, text, source: self.source, ..Fault::new(kind) }
            }
            (_, code, text) => {
                let code = code.filter(|code| *code >= 400);
                Fault::operation_failed(code, code.unwrap_or_default(), text.unwrap_or_default())
            }
        }
    }

    /// A reply that is not what LXD's API promises; `seen` is quoted, truncated.
    pub(crate) fn protocol(why: impl Into<String>, seen: &str) -> Fault {
        Fault::new(ErrorKind::Protocol { seen: quote(seen) }).with_text(why)
    }

    pub(crate) fn timeout(after: Duration, last_seen: impl Into<String>) -> Fault {
        Fault::new(ErrorKind::Timeout { after, last_seen: last_seen.into() })
    }

    pub(crate) fn invalid(why: impl Into<String>) -> Fault {
        Fault::new(ErrorKind::Invalid).with_text(why)
    }

    /// The same of this daemon.
    pub(crate) fn of(self, daemon: Daemon) -> Fault {
        Fault { daemon, ..self }
    }

    pub(crate) fn with_code(mut self, code: u16) -> Fault {
        self.code = Some(code);
        self
    }

    pub(crate) fn with_text(mut self, text: impl Into<String>) -> Fault {
        self.text = Some(text.into());
        self
    }

    pub(crate) fn with_advice(mut self, advice: impl Into<String>) -> Fault {
        self.advice = Some(advice.into());
        self
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Fault {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    pub(crate) fn code(&self) -> Option<u16> {
        self.code
    }

    pub(crate) fn never_began(&self) -> bool {
        self.never_began
    }

    /// The same, and whether it is certain that LXD never began.
    pub(crate) fn with_never_began(self, never_began: bool) -> Fault {
        Fault { never_began, ..self }
    }

    /// Whether LXD's own words are of the kind that `says` knows. Words of this client are not looked into.
    pub(crate) fn words(&self, says: impl FnOnce(&str) -> bool) -> bool {
        self.code.is_some() && self.text.as_deref().is_some_and(says)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let daemon = self.daemon;
        match &self.kind {
            ErrorKind::NotFound => f.write_str("not found")?,
            ErrorKind::AlreadyExists => f.write_str("it already exists")?,
            ErrorKind::EtagConflict => f.write_str("it changed since it was read")?,
            ErrorKind::InUse => f.write_str("it is in use")?,
            ErrorKind::Conflict => f.write_str("its state forbids it")?,
            ErrorKind::Forbidden => f.write_str("not permitted")?,
            ErrorKind::UntrustedServer => f.write_str("the server's certificate is not the pinned one")?,
            ErrorKind::Unreachable => write!(f, "{daemon} does not answer")?,
            ErrorKind::Timeout { after, last_seen } => {
                write!(f, "no end after {:.1} s, last seen: {last_seen}", after.as_secs_f64())?;
            }
            ErrorKind::OperationFailed => f.write_str("the operation failed")?,
            ErrorKind::OperationLost => {
                write!(f, "{daemon} no longer knows the operation, its outcome is unknown")?;
            }
            ErrorKind::MissingExtensions { missing, server_version } => {
                write!(f, "{daemon} {server_version} lacks the API extensions {}", missing.join(", "))?;
            }
            ErrorKind::Protocol { .. } => f.write_str("unexpected reply")?,
            ErrorKind::Truncated { limit } => write!(f, "more than the limit of {limit} bytes")?,
            ErrorKind::OtherDaemon { found, version } => write!(f, "{found} {version} answers there")?,
            ErrorKind::Api => write!(f, "{daemon} refused")?,
            ErrorKind::Invalid => f.write_str("unusable request")?,
        }
        match (self.code, &self.text) {
            (Some(code), Some(text)) if text.is_empty() => write!(f, " ({code}, and it does not say why)")?,
            (Some(code), Some(text)) => write!(f, " ({code}: {})", quote(text))?,
            (Some(code), None) => write!(f, " ({code})")?,
            (None, Some(text)) => write!(f, " ({})", quote(text))?,
            (None, None) => {}
        }
        if let ErrorKind::Protocol { seen } = &self.kind {
            write!(f, ", seen: {seen:?}")?;
        }
        match &self.advice {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

/// Shortens `text` to what a message can carry and says how much is missing.
pub(crate) fn quote(text: &str) -> String {
    match text.char_indices().nth(QUOTE_LIMIT) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} bytes in all)", &text[..end], text.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_the_attempt_the_code_and_lxds_words_and_leaves_the_cause_to_the_source() {
        let fault = Fault::refused(404, "Instance not found").with_source(std::io::Error::other("the cause"));
        let error = Error::new("get instance \"a\"", fault);
        assert_eq!(error.to_string(), "failed to get instance \"a\": not found (404: Instance not found)");
        assert_eq!(error.source().map(ToString::to_string), Some("the cause".to_owned()));
        assert!(error.is_not_found());
    }

    #[test]
    fn a_long_reply_is_quoted_in_part() {
        let error = Error::new("get server", Fault::protocol("no JSON", &"é".repeat(1000)));
        let shown = error.to_string();
        assert!(shown.contains("(2000 bytes in all)"), "{shown}");
        assert!(shown.chars().count() < 520, "{shown}");
    }
}
