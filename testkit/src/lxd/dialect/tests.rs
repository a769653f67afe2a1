//! Texts of each release, and what they are taken for.

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
fn a_refusal_has_the_kind_of_its_status_and_words(#[case] code: u16, #[case] text: &str, #[case] expected: ErrorKind) {
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
#[case::stopped_by_another(
    "Failed to create instance delete operation: Instance is busy running a stop operation",
    true
)]
#[case::since_6_0("Instance is busy running a \"stop\" operation", true)]
#[case::not_stopped_yet("Instance is running", true)]
#[case::used("The network is currently in use", false)]
#[case::gone("Instance not found", false)]
fn what_lxd_is_at_something_else_with_is_known(#[case] text: &str, #[case] busy: bool) {
    assert_eq!(says_busy(text), busy, "{text}");
}

#[rstest]
#[case::of_5_0("Failed shutting down instance, status is \"Running\": shutting down the container failed", true)]
#[case::not_ended_in_time("Failed shutting down instance, status is \"Running\": context deadline exceeded", false)]
fn a_shutdown_that_lxd_lost_sight_of_is_known(#[case] text: &str, #[case] lost: bool) {
    assert_eq!(says_shutdown_lost(text), lost, "{text}");
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

#[rstest]
#[case::of_5_0(
    "Failed getting remote image info: Failed getting image: The requested image couldn't be found",
    Some(ImageServerFault::NoSuchImage)
)]
#[case::of_6_9(
    "Failed getting remote image info: Failed getting image: The requested image could not be found for fingerprint \"noble\"",
    Some(ImageServerFault::NoSuchImage)
)]
#[case::no_json(
    "Failed getting remote image info: Failed getting image: Failed parsing stream: Failed decoding stream JSON from \"streams/v1/index.json\": invalid character '<' looking for beginning of value",
    Some(ImageServerFault::BrokenIndex)
)]
#[case::half_a_list(
    "Failed getting image: Failed parsing products: Failed decoding products JSON from \"streams/v1/images.json\": unexpected end of JSON input",
    Some(ImageServerFault::BrokenIndex)
)]
#[case::a_file("Hash mismatch for http://a/rootfs.squashfs: 11 != 22", Some(ImageServerFault::OtherContent))]
#[case::the_whole("Image fingerprint mismatch. Got 11 expected 22", Some(ImageServerFault::OtherContent))]
#[case::nobody(
    "Failed getting image: Failed parsing stream: Get \"http://a/streams/v1/index.json\": dial tcp 127.0.0.1:1: connect: connection refused",
    None
)]
#[case::no_index(
    "Failed getting image: Failed parsing stream: Unable to fetch http://a/streams/v1/index.json: 404 Not Found",
    None
)]
fn what_is_wrong_with_an_image_server_is_known(#[case] text: &str, #[case] fault: Option<ImageServerFault>) {
    assert_eq!(image_server(text), fault, "{text}");
}

#[test]
fn a_copy_is_told_all_but_what_lxd_keeps_for_itself() {
    let config = |keys: &[&str]| keys.iter().map(|key| ((*key).to_owned(), String::new())).collect::<BTreeMap<_, _>>();
    let all = config(&["security.nesting", "environment.A", "user.a", "image.os", "volatile.uuid"]);
    assert_eq!(inherited(&all), config(&["security.nesting", "environment.A", "user.a", "image.os"]));
}
