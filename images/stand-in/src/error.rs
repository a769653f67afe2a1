//! The one error of this program: a message for a person and the HTTP status it travels with.

use std::fmt;

/// What went wrong, as MicroOVN says it, and the HTTP status of the reply that carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Error {
    /// The HTTP status, and the `error_code` of the envelope.
    pub(crate) code: u16,
    /// The text, shown to people verbatim.
    pub(crate) message: String,
}

/// A result that fails with [`Error`].
pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of the given HTTP status.
    pub(crate) fn new(code: u16, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// An error that is the server's own: status 500.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, message)
    }

    /// The same error, with what was attempted in front of it.
    pub(crate) fn context(mut self, attempted: impl fmt::Display) -> Self {
        self.message = format!("{attempted}: {}", self.message);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::internal(io_text(&error))
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error.to_string())
    }
}

/// Adds what was attempted to any error.
pub(crate) trait Context<T> {
    /// Turns the error into an [`Error`] that starts with `attempted`.
    fn context(self, attempted: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, attempted: impl fmt::Display) -> Result<T> {
        self.map_err(|error| error.into().context(attempted))
    }
}

/// An I/O error in the words MicroOVN uses for it: lower case and without the number.
pub(crate) fn io_text(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "no such file or directory".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::HostUnreachable => "no route to host".to_owned(),
        ErrorKind::NetworkUnreachable => "network is unreachable".to_owned(),
        ErrorKind::TimedOut => "i/o timeout".to_owned(),
        _ => error.to_string(),
    }
}
