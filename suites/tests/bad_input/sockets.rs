//! What answers at a socket is not what was wanted, or nothing does.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use rstest::rstest;

use crate::bad_input_common::World;

/// A socket at which one request is answered like that, and what was asked.
fn answering(world: &World, metadata: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let socket = world.path().join("daemon.socket");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let answers = std::thread::spawn(move || {
        let body = format!(r#"{{"type":"sync","status_code":200,"metadata":{metadata}}}"#);
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut lines = BufReader::new(stream.try_clone().expect("a copy")).lines().map_while(Result::ok);
        let first = lines.next().expect("a request");
        // The rest of the head.
        lines.take_while(|line| !line.is_empty()).for_each(drop);
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("answered");
        first
    });
    (socket.display().to_string(), answers)
}

#[rstest]
#[case::incus(
    "LXD_SOCKET",
    "incus",
    "failed to connect to LXD at",
    "Incus 6.0.4 answers there",
    "name it with INCUS_SOCKET or INCUS_DIR"
)]
#[case::lxd(
    "INCUS_SOCKET",
    "lxd",
    "failed to connect to Incus at",
    "LXD 6.0.4 answers there",
    "name it with LXD_SOCKET or LXD_DIR"
)]
fn a_socket_at_which_the_other_one_answers_is_refused(
    #[case] variable: &str,
    #[case] server: &str,
    #[case] attempt: &str,
    #[case] found: &str,
    #[case] mend: &str,
) {
    let world = World::new();
    let metadata = match server {
        "incus" => {
            r#"{"auth":"trusted","api_extensions":[],"environment":{"server":"incus","server_version":"6.0.4"}}"#
        }
        _ => r#"{"auth":"trusted","api_extensions":[],"environment":{"server":"lxd","server_version":"6.0.4"}}"#,
    };
    let (socket, _) = answering(&world, metadata);
    world.run(&["status"], &[("LXD_SOCKET", ""), (variable, &socket)]).refused(&[attempt, &socket, found, mend]);
    world.assert_nothing_made();
}

#[test]
fn an_lxd_that_is_too_old_is_refused_by_the_name_of_what_it_lacks() {
    let world = World::new();
    let old = r#"{"auth":"trusted","api_extensions":["etag","projects","api_filtering"],
        "environment":{"server_version":"3.0.3"}}"#;
    let (socket, answers) = answering(&world, old);
    world.run(&["image", "build"], &[("LXD_SOCKET", &socket)]).refused(&[
        "LXD 3.0.3 lacks the API extensions instances, instance_nic_network, container_copy_project",
        "use a newer LXD",
    ]);
    assert_eq!(answers.join().expect("served"), "GET /1.0 HTTP/1.1");
    world.assert_nothing_made();
}

#[test]
fn a_socket_without_permission_is_refused() {
    let world = World::new();
    let socket = world.path().join("lxd.socket");
    let _listener = UnixListener::bind(&socket).expect("a socket");
    fs::set_permissions(&socket, Permissions::from_mode(0o000)).expect("its owner's");
    let socket = socket.display().to_string();
    world.run_as_nobody(&["status"], &[("LXD_SOCKET", &socket)]).refused(&[
        "failed to connect to LXD",
        &socket,
        "not permitted",
        "member of the group that owns the socket",
        "Permission denied",
    ]);
}

#[test]
fn a_socket_that_nobody_listens_on_is_refused() {
    let world = World::new();
    let socket = world.path().join("lxd.socket");
    drop(UnixListener::bind(&socket).expect("a socket"));
    let socket = socket.display().to_string();
    world.run(&["status"], &[("LXD_SOCKET", &socket)]).refused(&[&socket, "nothing listens there", "`make setup`"]);
}
