//! What a call to LXD can end in: what was attempted, on what, and the kind of the failure.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

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

/// Why a call failed, for callers that act on it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The entity, or something the request refers to, does not exist.
    NotFound,
    /// An entity of this name exists.
    AlreadyExists,
    /// The entity changed since it was read: its ETag is another one (HTTP 412).
    EtagConflict,
    /// The entity is in a state that forbids the request (HTTP 409).
    Conflict,
    /// LXD does not let this client do that (HTTP 401 and 403), or does not trust it.
    Forbidden,
    /// The server presented a certificate other than the pinned one.
    UntrustedServer,
    /// LXD does not answer: no socket, a refused or a lost connection, or LXD says that it is unavailable (HTTP 503).
    Unreachable,
    /// The deadline passed first.
    Timeout {
        /// How long was waited.
        after: Duration,
        /// The last status seen, for example `operation 5f… Running`.
        last_seen: String,
    },
    /// The operation ran and failed for a reason that is none of the kinds above.
    OperationFailed,
    /// LXD no longer knows the operation, for example because it was restarted: the outcome is unknown.
    OperationLost,
    /// The server lacks API extensions that this client was asked to require.
    MissingExtensions {
        /// The names of those that are missing.
        missing: Vec<String>,
        /// `environment.server_version` of the server.
        server_version: String,
    },
    /// A reply that does not parse, or that lacks what it must have.
    Protocol {
        /// What was seen, truncated.
        seen: String,
    },
    /// There is more output or a larger body than the limit allows; nothing of it is returned.
    Truncated {
        /// The limit in bytes.
        limit: u64,
    },
    /// LXD refused the request for a reason that is none of the kinds above.
    Api,
    /// The request cannot be sent: something given to this client is not usable, such as a URL or a file.
    Invalid,
}

/// A failure before it is known what it belongs to: the kind, LXD's own words, and the cause.
#[derive(Debug)]
pub(crate) struct Fault {
    kind: ErrorKind,
    code: Option<u16>,
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

    /// The HTTP status of LXD's answer, or the status code of the failed operation, where there was one.
    pub fn code(&self) -> Option<u16> {
        self.fault.code
    }

    /// LXD's own text, where it gave one.
    pub fn text(&self) -> Option<&str> {
        self.fault.text.as_deref()
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
        Fault { kind, code: None, text: None, advice: None, source: None }
    }

    /// A refusal by LXD, whose kind follows from its HTTP status and its words.
    pub(crate) fn refused(code: u16, text: impl Into<String>) -> Fault {
        let text = text.into();
        let mut fault = Fault::new(kind_of_refusal(code, &text));
        fault.code = Some(code);
        fault.with_text(text)
    }

    /// An operation that ended in failure, whose kind follows from LXD's words.
    pub(crate) fn operation_failed(code: u16, text: impl Into<String>) -> Fault {
        let text = text.into();
        let mut fault = Fault::new(kind_of_failed_operation(&text));
        fault.code = Some(code);
        fault.with_text(text)
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
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::NotFound => f.write_str("not found")?,
            ErrorKind::AlreadyExists => f.write_str("it already exists")?,
            ErrorKind::EtagConflict => f.write_str("it changed since it was read")?,
            ErrorKind::Conflict => f.write_str("its state forbids it")?,
            ErrorKind::Forbidden => f.write_str("not permitted")?,
            ErrorKind::UntrustedServer => f.write_str("the server's certificate is not the pinned one")?,
            ErrorKind::Unreachable => f.write_str("LXD does not answer")?,
            ErrorKind::Timeout { after, last_seen } => {
                write!(f, "no end after {:.1} s, last seen: {last_seen}", after.as_secs_f64())?;
            }
            ErrorKind::OperationFailed => f.write_str("the operation failed")?,
            ErrorKind::OperationLost => f.write_str("LXD no longer knows the operation, its outcome is unknown")?,
            ErrorKind::MissingExtensions { missing, server_version } => {
                write!(f, "LXD {server_version} lacks the API extensions {}", missing.join(", "))?;
            }
            ErrorKind::Protocol { .. } => f.write_str("unexpected reply")?,
            ErrorKind::Truncated { limit } => write!(f, "more than the limit of {limit} bytes")?,
            ErrorKind::Api => f.write_str("LXD refused")?,
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

/// The kind of a refused request. LXD answers some duplicates with 400 or 500 and words instead of 409.
fn kind_of_refusal(code: u16, text: &str) -> ErrorKind {
    match code {
        401 | 403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        412 => ErrorKind::EtagConflict,
        503 => ErrorKind::Unreachable,
        400..=599 if says_already_exists(text) => ErrorKind::AlreadyExists,
        409 => ErrorKind::Conflict,
        _ => ErrorKind::Api,
    }
}

/// The kind of a failed operation: 5.0 gives it words only. A duplicate create, for example, is accepted with 202 and
/// fails here.
fn kind_of_failed_operation(text: &str) -> ErrorKind {
    if says_already_exists(text) {
        ErrorKind::AlreadyExists
    } else if says_not_found(text) {
        ErrorKind::NotFound
    } else {
        ErrorKind::OperationFailed
    }
}

fn says_already_exists(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["already exists", "unique constraint failed", "already in use by another"].iter().any(|words| text.contains(words))
}

fn says_not_found(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    // Only a text that ends in the verdict names the entity itself: "Failed to run: tar: command not found (…)" does not.
    text.trim_end_matches('.').ends_with(" not found") && !text.ends_with("command not found")
        || text.contains("no such object")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::gone(404, "Instance not found", ErrorKind::NotFound)]
    #[case::etag(412, "ETag doesn't match: a vs b", ErrorKind::EtagConflict)]
    #[case::duplicate_project(409, "Project \"a\" already exists", ErrorKind::AlreadyExists)]
    #[case::duplicate_network(400, "The network already exists", ErrorKind::AlreadyExists)]
    #[case::duplicate_row(500, "UNIQUE constraint failed: profiles.name", ErrorKind::AlreadyExists)]
    #[case::in_use(409, "Instance is busy", ErrorKind::Conflict)]
    #[case::forbidden(403, "not authorized", ErrorKind::Forbidden)]
    #[case::starting(503, "LXD is starting", ErrorKind::Unreachable)]
    #[case::bad_request(400, "Invalid name", ErrorKind::Api)]
    #[case::absent_reference_is_no_absent_entity(400, "Profile \"a\" not found", ErrorKind::Api)]
    #[case::broken(500, "boom", ErrorKind::Api)]
    fn a_refusal_has_the_kind_of_its_status_and_words(
        #[case] code: u16,
        #[case] text: &str,
        #[case] expected: ErrorKind,
    ) {
        assert_eq!(kind_of_refusal(code, text), expected);
    }

    #[rstest]
    #[case::duplicate("Failed creating instance record: Instance \"a\" already exists", ErrorKind::AlreadyExists)]
    #[case::duplicate_row("This \"instances\" entry already exists", ErrorKind::AlreadyExists)]
    #[case::no_image("Failed loading image: Image not found", ErrorKind::NotFound)]
    #[case::no_pool("No such object", ErrorKind::NotFound)]
    #[case::no_command("Command not found", ErrorKind::OperationFailed)]
    #[case::no_tool("tar: not found in PATH", ErrorKind::OperationFailed)]
    #[case::other("Failed to run: exit status 1", ErrorKind::OperationFailed)]
    fn a_failed_operation_has_the_kind_of_its_words(#[case] text: &str, #[case] expected: ErrorKind) {
        assert_eq!(kind_of_failed_operation(text), expected);
    }

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
