//! What kinds of failures a call to LXD has.

use std::time::Duration;

use crate::daemon::Daemon;

/// What is wrong with a server that LXD fetches an image from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageServerFault {
    /// It has none of that name for instances of this kind on this architecture.
    NoSuchImage,
    /// What it says it has cannot be read.
    BrokenIndex,
    /// What it sends is not what it says it has.
    OtherContent,
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
    /// Something uses the entity, or it holds something.
    InUse,
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
    /// The other one of LXD and Incus answers than the one that is wanted.
    OtherDaemon {
        /// Which one.
        found: Daemon,
        /// Its version.
        version: String,
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
