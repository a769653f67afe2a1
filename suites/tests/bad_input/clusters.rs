//! LXD clusters that cannot be used as they are.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::bad_input_common::World;

/// A member, what it says of itself, and its version.
type Member = (&'static str, &'static str, &'static str);

/// A cluster with these members, at the returned socket, which was set up. What it was asked to change is written down.
fn cluster(world: &World, members: &'static [Member]) -> (String, Arc<Mutex<Vec<String>>>) {
    let socket = world.path().join("cluster.socket");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let changes = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&changes);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let asked = Arc::clone(&asked);
            // A client that leaves is its own business.
            std::thread::spawn(move || drop(answer(stream, members, &asked)));
        }
    });
    (socket.display().to_string(), changes)
}

fn answer(mut stream: UnixStream, members: &[Member], asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut requests = BufReader::new(stream.try_clone()?).lines();
    while let Some(first) = requests.next() {
        let first = first?;
        for line in requests.by_ref() {
            if line?.is_empty() {
                break;
            }
        }
        if !first.starts_with("GET ") {
            asked.lock().expect("requests").push(first.clone());
        }
        let path = first.split(' ').nth(1).unwrap_or_default();
        let (status, body) = match shown(path, members) {
            Some(metadata) => (200, json!({"type": "sync", "status_code": 200, "metadata": metadata})),
            None => (404, json!({"type": "error", "error_code": 404, "error": "not found"})),
        };
        let body = body.to_string();
        write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    }
    Ok(())
}

fn shown(url: &str, members: &[Member]) -> Option<Value> {
    let ours = json!({"user.testkit.owner": "microovn-testkit"});
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    match path {
        "/1.0" => {
            let of = query.split('&').find_map(|part| part.strip_prefix("target="));
            let (name, _, version) = members.iter().find(|(name, ..)| Some(*name) == of).unwrap_or(&members[0]);
            Some(json!({"auth": "trusted", "config": {}, "api_extensions": EXTENSIONS,
                "environment": {"server": "lxd", "server_clustered": true, "server_name": name, "server_version": version,
                "storage_supported_drivers": [{"Name": "btrfs"}]}}))
        }
        "/1.0/projects/microovn-testkit" => Some(json!({"name": "microovn-testkit", "config": ours})),
        "/1.0/cluster/members" => {
            let one = |(name, status, _): &Member| {
                let said = if *status == "Online" { "Fully operational" } else { "No heartbeat for 25s" };
                json!({"server_name": name, "status": status, "message": said, "architecture": "x86_64", "config": {}})
            };
            Some(members.iter().map(one).collect())
        }
        "/1.0/images" | "/1.0/instances" | "/1.0/networks" => Some(json!([])),
        _ => None,
    }
}

const EXTENSIONS: [&str; 7] = [
    "clustering",
    "instances",
    "projects",
    "api_filtering",
    "instance_nic_network",
    "container_copy_project",
    "container_edit_metadata",
];

#[test]
fn a_cluster_without_a_member_that_can_be_used_is_refused() {
    let world = World::new();
    let (socket, changes) = cluster(&world, &[("a", "Offline", "5.0.2"), ("b", "Offline", "5.0.2")]);
    let parts = ["no member of the LXD cluster can be used", "`testkit doctor` says what is wrong with each"];
    world.run(&["plan", "--place"], &[("LXD_SOCKET", &socket)]).refused(&parts);
    assert_eq!(*changes.lock().expect("requests"), Vec::<String>::new());
    world.assert_nothing_made();
}

#[test]
fn a_cluster_of_different_versions_is_refused_as_setup_does_before_anything_is_made() {
    let parts = [
        "the members of the LXD cluster have different versions: a 5.0.2, b 5.0.3",
        "bring all to the newest of them: `sudo snap refresh lxd --cohort=+` on each",
    ];
    for args in [&["run", "init_cluster"][..], &["up", "init_cluster"]] {
        let world = World::new();
        let (socket, changes) = cluster(&world, &[("a", "Online", "5.0.2"), ("b", "Online", "5.0.3")]);
        world.run(args, &[("LXD_SOCKET", &socket)]).refused(&parts);
        assert_eq!(*changes.lock().expect("requests"), Vec::<String>::new());
        world.assert_nothing_made();
    }
}

#[test]
fn neither_does_a_cluster_of_which_one_is_away_come_to_a_run() {
    for args in [&["run", "init_cluster"][..], &["up", "init_cluster"]] {
        let world = World::new();
        let (socket, _) = cluster(&world, &[("a", "Online", "5.0.2"), ("b", "Offline", "5.0.2")]);
        world.run(args, &[("LXD_SOCKET", &socket)]).refused(&["\"b\" is Offline (No heartbeat for 25s)"]);
        world.assert_nothing_made();
    }
}
