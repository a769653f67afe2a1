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

use super::kind::ErrorKind;
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

/// Whether a file system or its quota is full, in the kernel's words, whoever passes them on.
pub(crate) fn says_no_space(text: &str) -> bool {
    says(text, &["no space left on device", "disk quota exceeded"])
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
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::gone(404, "Instance not found", ErrorKind::NotFound)]
    #[case::etag(412, "ETag doesn't match: a vs b", ErrorKind::EtagConflict)]
    #[case::duplicate_project(409, "Project \"a\" already exists", ErrorKind::AlreadyExists)]
    #[case::duplicate_network(400, "The network already exists", ErrorKind::AlreadyExists)]
    #[case::duplicate_row(500, "UNIQUE constraint failed: profiles.name", ErrorKind::AlreadyExists)]
    #[case::busy(409, "Instance is busy", ErrorKind::Conflict)]
    #[case::network_in_use(400, "The network is currently in use", ErrorKind::InUse)]
    #[case::project_in_use(500, "Only empty projects can be removed", ErrorKind::InUse)]
    #[case::address_in_use(500, "dnsmasq: Address already in use", ErrorKind::Api)]
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
    #[case::duplicate(None, "Failed creating instance record: Instance \"a\" already exists", ErrorKind::AlreadyExists)]
    #[case::duplicate_row(None, "This \"instances\" entry already exists", ErrorKind::AlreadyExists)]
    #[case::duplicate_by_code(Some(409), "Storage pool \"a\" already exists", ErrorKind::AlreadyExists)]
    #[case::in_use(Some(400), "The network is currently in use", ErrorKind::InUse)]
    #[case::address_in_use(Some(500), "dnsmasq: Address already in use", ErrorKind::OperationFailed)]
    #[case::conflict(Some(409), "Instance is busy", ErrorKind::Conflict)]
    #[case::no_image(None, "Failed loading image: Image not found", ErrorKind::NotFound)]
    #[case::gone_by_code(Some(404), "Failed fetching it", ErrorKind::NotFound)]
    #[case::no_pool(None, "No such object", ErrorKind::NotFound)]
    #[case::no_command(Some(400), "Command not found", ErrorKind::OperationFailed)]
    #[case::no_tool(None, "tar: not found in PATH", ErrorKind::OperationFailed)]
    #[case::stale(Some(412), "ETag does not match", ErrorKind::EtagConflict)]
    #[case::its_own_outage_is_not_lxds(Some(503), "the storage is away", ErrorKind::OperationFailed)]
    #[case::other(Some(500), "Failed to run: exit status 1", ErrorKind::OperationFailed)]
    fn a_failed_operation_has_the_kind_of_its_code_or_its_words(
        #[case] code: Option<u16>,
        #[case] text: &str,
        #[case] expected: ErrorKind,
    ) {
        assert_eq!(kind_of_failed_operation(code, text), expected);
    }

    #[rstest]
    #[case::resources(json!({"instances": ["/1.0/instances/a?project=p"]}), json!({}), &["a"])]
    #[case::older(json!({"containers": ["/1.0/containers/a"], "instances": ["/1.0/instances/a"]}), json!(null), &["a"])]
    #[case::entity(json!({}), json!({"entity_url": "/1.0/instances/a?project=p"}), &["a"])]
    #[case::part_of_one(json!({}), json!({"entity_url": "/1.0/instances/a/snapshots/s"}), &["a"])]
    #[case::no_instance(json!({}), json!({"entity_url": "/1.0/networks/a"}), &[])]
    #[case::all(json!({}), json!({"entity_url": "/1.0/instances"}), &[])]
    fn the_instances_of_an_operation_are_found_wherever_they_are_named(
        #[case] resources: Value,
        #[case] metadata: Value,
        #[case] expected: &[&str],
    ) {
        let resources = serde_json::from_value(resources).expect("resources");
        assert_eq!(instances_of(&resources, &metadata), expected);
    }

    #[rstest]
    #[case(
        "error receiving version packet from server: server unexpectedly closed connection: read unix \
            @->/var/snap/lxd/common/lxd/run/a/forkfile.sock: read: connection reset by peer"
    )]
    #[case("dial unix /var/lib/lxd/containers/a/forkfile.sock: connect: connection refused")]
    fn a_file_that_lxd_never_began_with_is_known(#[case] text: &str) {
        assert!(says_no_file_helper(text), "{text}");
    }

    #[rstest]
    #[case("Timed out waiting for websockets to connect", true)]
    #[case("timed out waiting", true)]
    #[case("Only running operations can be connected", true)]
    #[case("Command not found", false)]
    #[case("The operation timed out", false)]
    fn a_command_that_lxd_never_began_is_known(#[case] text: &str, #[case] never: bool) {
        assert_eq!(says_no_sockets(text), never, "{text}");
    }

    #[test]
    fn a_copy_is_told_all_but_what_lxd_keeps_for_itself() {
        let config =
            |keys: &[&str]| keys.iter().map(|key| ((*key).to_owned(), String::new())).collect::<BTreeMap<_, _>>();
        let all = config(&["security.nesting", "environment.A", "user.a", "image.os", "volatile.uuid"]);
        assert_eq!(inherited(&all), config(&["security.nesting", "environment.A", "user.a", "image.os"]));
    }
}
