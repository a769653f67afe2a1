//! What LXDs say differently: by release, as Incus, and in words where the API has no code for it.
//!
//! The one place where LXD's texts are matched and where releases are told apart. Everybody else asks an error what it
//! is ([`Error::is_in_use`](super::Error::is_in_use) and the like). Known here: LXD 5.0 to 6.9, Incus 6.0 to 7.3. What
//! changed between those of LXD:
//!
//! - From 6.7 on more calls are answered by an operation (extensions `storage_and_network_operations`,
//!   `storage_and_profile_operations`, `project_delete_operation`). Every call takes either ([`super::Client`]).
//! - From 5.0.3 on a wait that ends before its operation, and an operation that failed, are an error within HTTP 200.
//! - From 5.15 on recorded output lies one folder deeper.
//! - From 6.8 on a copy inherits nothing from its source.
//! - 6.9 names the entity of an operation in its metadata (`entity_url`), where others have `resources`.
//!
//! Incus answers like LXD 5.21 but for this, which was recorded of 6.0.4 and 7.0.2.
//!
//! - Its headers have its own name. 6.0 takes those of LXD for a file, too, and no later one.
//! - Duplicates are other codes with other words: a network 409, an instance or a project 500 with the database's.
//! - 7.0 tells who waits how the operation is, whether it has failed or the wait ended first, as LXD 5.0.2 does; 6.0 has an
//!   error within HTTP 200.
//! - A copy inherits its source's configuration, devices and profiles.

use std::collections::BTreeMap;

use serde_json::Value;

use super::kind::{ErrorKind, ImageServerFault};
use crate::daemon::Daemon;

/// The classes of operations that only pass on what somebody else does: a command in an instance, a join token.
const PASSED_ON: [&str; 2] = ["websocket", "token"];

/// What a key that LXD keeps of an instance for itself begins with. It makes these anew for a copy.
const VOLATILE: &str = "volatile.";

/// The names of the headers that say what the bytes of a request or a reply are.
pub(super) struct Headers {
    /// `file`, `directory` or `symlink`.
    pub(super) kind: &'static str,
    /// Whether a file is replaced.
    pub(super) write: &'static str,
    pub(super) uid: &'static str,
    pub(super) gid: &'static str,
    pub(super) mode: &'static str,
    /// Of an image.
    pub(super) properties: &'static str,
}

const HEADERS_OF_LXD: Headers = Headers {
    kind: "X-LXD-type",
    write: "X-LXD-write",
    uid: "X-LXD-uid",
    gid: "X-LXD-gid",
    mode: "X-LXD-mode",
    properties: "X-LXD-properties",
};

const HEADERS_OF_INCUS: Headers = Headers {
    kind: "X-Incus-type",
    write: "X-Incus-write",
    uid: "X-Incus-uid",
    gid: "X-Incus-gid",
    mode: "X-Incus-mode",
    properties: "X-Incus-properties",
};

/// The headers of this daemon. Incus 6.0 takes those of LXD for a file, too; no later one, nor any for an image.
pub(super) fn headers(daemon: Daemon) -> &'static Headers {
    match daemon {
        Daemon::Lxd => &HEADERS_OF_LXD,
        Daemon::Incus => &HEADERS_OF_INCUS,
    }
}

/// Which of the two it is, by its `environment.server`.
pub(super) fn daemon(server: &str) -> Daemon {
    if server == "incus" { Daemon::Incus } else { Daemon::Lxd }
}

/// The kind of a refused request. LXD answers some duplicates with 400 or 500 and words instead of 409.
pub(super) fn kind_of_refusal(code: u16, text: &str) -> ErrorKind {
    match code {
        401 | 403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        412 => ErrorKind::EtagConflict,
        503 => ErrorKind::Unreachable,
        400..=599 => kind_of_words(text).unwrap_or(if code == 409 { ErrorKind::Conflict } else { ErrorKind::Api }),
        _ => ErrorKind::Api,
    }
}

/// The kind of a failed operation: of its own code where the release gives one, else of its words. 5.0.2 gives words
/// only. A duplicate create, for example, is accepted with 202 and fails here.
pub(super) fn kind_of_failed_operation(code: Option<u16>, text: &str) -> ErrorKind {
    match code {
        Some(401 | 403) => ErrorKind::Forbidden,
        Some(404) => ErrorKind::NotFound,
        Some(412) => ErrorKind::EtagConflict,
        _ => match kind_of_words(text) {
            Some(kind) => kind,
            None if code == Some(409) => ErrorKind::Conflict,
            None if says_not_found(text) => ErrorKind::NotFound,
            None => ErrorKind::OperationFailed,
        },
    }
}

fn kind_of_words(text: &str) -> Option<ErrorKind> {
    if says(text, &["already exists", "unique constraint failed", "already in use by another"]) {
        return Some(ErrorKind::AlreadyExists);
    }
    says(text, &["currently in use", "still in use", "only empty projects"]).then_some(ErrorKind::InUse)
}

fn says_not_found(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    // Only a text that ends in the verdict names the entity itself: "Failed to run: tar: command not found (…)" does not.
    text.trim_end_matches('.').ends_with(" not found") && !text.ends_with("command not found")
        || text.contains("no such object")
}

/// Whether the error of a wait may be that the wait ended before the operation: then the operation itself says.
pub(super) fn may_be_the_wait(text: &str) -> bool {
    says(text, &["deadline exceeded", "timed out", "timeout"])
}

/// Whether the command is not there. LXD reports exit code 127 as an error of its own, also when it is a script's.
pub(super) fn says_no_command(text: &str) -> bool {
    says(text, &["command not found"])
}

/// Whether the kernel had no time for what LXD wanted of it, such as a bridge while many links change at once; LXD has
/// undone what it did.
pub(super) fn says_try_again(text: &str) -> bool {
    says(text, &["temporarily unavailable", "try again later"])
}

/// Whether LXD is at something else with an instance, which ends by itself: somebody else has it stopped or deleted. That it
/// runs, a deletion is told for as long as.
pub(super) fn says_busy(text: &str) -> bool {
    says(text, &["is busy running a", "instance is running"])
}

/// Whether LXD asked the init of an instance to shut it down, and its own call for that came back too early.
pub(super) fn says_shutdown_lost(text: &str) -> bool {
    says(text, &["shutting down the container failed"])
}

/// Whether a file system or its quota is full, in the kernel's words, whoever passes them on.
pub(crate) fn says_no_space(text: &str) -> bool {
    says(text, &["no space left on device", "disk quota exceeded"])
}

/// What is wrong with a server of images, in the words of who fetches from it; `None` for all else, such as one that does not
/// answer. Source: `shared/simplestreams/` and `shared/util.go` of LXD 5.0 to 6.9 and of Incus.
pub(super) fn image_server(text: &str) -> Option<ImageServerFault> {
    // A fingerprint that is unknown, because a name that is unknown is taken for the beginning of one.
    if says(text, &["requested image couldn't be found", "requested image could not be found"]) {
        return Some(ImageServerFault::NoSuchImage);
    }
    if says(text, &["decoding stream json", "decoding products json", "no content in download"]) {
        return Some(ImageServerFault::BrokenIndex);
    }
    says(text, &["hash mismatch for", "fingerprint mismatch"]).then_some(ImageServerFault::OtherContent)
}

/// Whether LXD never began with what it was asked for in an instance: it did not reach the helper that it starts for
/// the instance's files.
pub(super) fn says_no_file_helper(text: &str) -> bool {
    says(text, &["forkfile.sock", "error receiving version packet", "failed to start forkfile"])
}

/// Whether LXD never began with a command: the sockets of its input and outputs were not all there in time. A command
/// begins when they are.
pub(super) fn says_no_sockets(text: &str) -> bool {
    says(text, &["only running operations can be connected"])
        || says(text, &["websocket", "web socket"]) && says(text, &["timed out", "timeout", "deadline exceeded"])
        || says(text, &["timed out waiting"])
}

/// What to do about it, where the words show that this LXD is a kind that the framework does not know.
pub(super) fn advice(text: &str) -> Option<&'static str> {
    says(text, &["not pending on any"]).then_some("LXD has become a cluster meanwhile; begin anew")
}

fn says(text: &str, words: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    words.iter().any(|words| text.contains(words))
}

/// Whether LXD itself works on an operation of this class; `durable` ones outlive a restart of it.
pub(super) fn is_work(class: &str) -> bool {
    !PASSED_ON.contains(&class)
}

/// The names of the instances that an operation is about, from its `resources` (up to 6.8) or its metadata (6.9). Each is
/// named by URL, which may end in a query.
pub(super) fn instances_of(resources: &BTreeMap<String, Vec<String>>, metadata: &Value) -> Vec<String> {
    let listed = ["instances", "containers"].into_iter().filter_map(|kind| resources.get(kind)).flatten();
    let told = metadata.get("entity_url").and_then(Value::as_str);
    let mut names: Vec<String> = listed.map(String::as_str).chain(told).filter_map(instance_of).collect();
    names.sort();
    names.dedup();
    names
}

/// How far an operation has come that fetches something: `rootfs: 12% (3.41MB/s)`. Empty where it does not say.
pub(super) fn progress(metadata: &Value) -> &str {
    metadata.get("download_progress").and_then(Value::as_str).unwrap_or_default()
}

/// The instance that a URL is of, or of something in it.
fn instance_of(url: &str) -> Option<String> {
    let mut segments = segments(url)?.into_iter();
    let kind = segments.next()?;
    ["instances", "containers", "virtual-machines"].contains(&kind.as_str()).then(|| segments.next()).flatten()
}

/// The segments of an entity's URL below the version of the API; `None` for what is no such URL.
fn segments(url: &str) -> Option<Vec<String>> {
    let path = url.split(['?', '#']).next()?.strip_prefix("/1.0/")?;
    let segments: Vec<String> = path.split('/').map(str::to_owned).collect();
    segments.iter().all(|segment| !segment.is_empty() && segment != "." && segment != "..").then_some(segments)
}

/// The path of what LXD recorded of a command: a file among an instance's logs, from 5.15 on in a folder there.
pub(super) fn recorded_log(url: &str) -> Option<Vec<String>> {
    segments(url).filter(|path| path.len() > 3 && path[0] == "instances" && path[2] == "logs")
}

/// What a copy has to be told of its source's configuration to have it in every release.
pub(super) fn inherited(config: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    config
        .iter()
        .filter(|(key, _)| !key.starts_with(VOLATILE))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests;
