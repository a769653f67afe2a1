//! Bad input that is found before LXD is asked: one error that names the thing and the mend, exit code 2, and nothing
//! made.

mod bad_input_common;

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use bad_input_common::World;
use rstest::rstest;
use testkit::cluster::{Manifest, Product, Settled};
use testkit::expect::Observation;
use testkit::plan::{Plan, Presence, Segments, State};

const MICROOVN: &str =
    "name: microovn\nversion: 1\napps:\n  microovn: {command: x}\n  daemon: {command: x, daemon: simple}\n";

/// A snap with this `meta/snap.yaml`.
fn snap(world: &World, yaml: &str) -> PathBuf {
    let tree = world.path().join("tree");
    fs::create_dir_all(tree.join("meta")).expect("a tree");
    fs::write(tree.join("meta/snap.yaml"), yaml).expect("a snap.yaml");
    pack(world, &tree)
}

fn pack(world: &World, tree: &Path) -> PathBuf {
    pack_as(world, tree, "given.snap")
}

fn pack_as(world: &World, tree: &Path, name: &str) -> PathBuf {
    let file = world.path().join(name);
    let packed = Command::new("mksquashfs")
        .args([tree, &file])
        .args(["-quiet", "-no-progress", "-noappend"])
        .output()
        .expect("mksquashfs is installed");
    assert!(packed.status.success(), "{packed:?}");
    file
}

fn written(world: &World, bytes: &[u8]) -> PathBuf {
    let file = world.path().join("given.snap");
    fs::write(&file, bytes).expect("a file");
    file
}

fn missing(world: &World) -> PathBuf {
    world.path().join("given.snap")
}

fn folder(world: &World) -> PathBuf {
    fs::create_dir(world.path().join("given.snap")).expect("a folder");
    missing(world)
}

fn truncated(world: &World) -> PathBuf {
    let whole = fs::read(snap(world, MICROOVN)).expect("a snap");
    written(world, &whole[..200])
}

fn corrupt(world: &World) -> PathBuf {
    let mut whole = fs::read(snap(world, MICROOVN)).expect("a snap");
    // The superblock, which says how long the file is, stays.
    whole[96..].fill(0xa5);
    written(world, &whole)
}

fn without_snap_yaml(world: &World) -> PathBuf {
    let tree = world.path().join("tree");
    fs::create_dir(&tree).expect("a tree");
    fs::write(tree.join("file"), "x").expect("a file");
    pack(world, &tree)
}

#[rstest]
#[case::missing(missing, &["there is no such file", "check the path"])]
#[case::a_folder(folder, &["it is a folder", "give the .snap file"])]
#[case::empty(|w: &World| written(w, b""), &["it is empty", "fetch or build it again"])]
#[case::no_squashfs(|w: &World| written(w, b"<html>Not Found</html>"), &["it is not a squashfs file", "give a .snap file"])]
#[case::cut_in_the_superblock(|w: &World| written(w, b"hsqs0123456789"), &["cut short: 14 of 96 bytes", "fetch or build it again"])]
#[case::truncated(truncated, &["cut short: 200 of ", "fetch or build it again"])]
#[case::corrupt(corrupt, &["unsquashfs cannot read it", "fetch or build it again"])]
#[case::without_snap_yaml(without_snap_yaml, &["it has no meta/snap.yaml", "`snapcraft`"])]
#[case::malformed_snap_yaml(|w: &World| snap(w, "name: [\n"), &["its meta/snap.yaml does not parse (line 1", "`snapcraft`"])]
#[case::another_snap(|w: &World| snap(w, "name: hello\nversion: 1\n"), &["it is the snap \"hello\", not \"microovn\"", "`snap download microovn`"])]
#[case::without_microovn(
    |w: &World| snap(w, "name: microovn\nversion: 1\napps:\n  daemon: {command: x, daemon: simple}\n"),
    &["it has no app \"microovn\"", "`snap download microovn`"]
)]
#[case::without_daemon(
    |w: &World| snap(w, "name: microovn\nversion: 1\napps:\n  microovn: {command: x}\n"),
    &["it has no app \"daemon\"", "`snap download microovn`"]
)]
fn a_bad_snap_is_refused_before_lxd_is_asked(#[case] make: impl Fn(&World) -> PathBuf, #[case] parts: &[&str]) {
    for command in [&["image", "build"][..], &["up", "init_cluster"]] {
        let world = World::new();
        let file = make(&world).display().to_string();
        let parts: Vec<&str> = parts.iter().copied().chain([&*file, "is not a usable snap"]).collect();
        world.run(command, &[("MICROOVN_SNAP_PATH", &file)]).refused(&parts);
        world.assert_nothing_made();
    }
}

#[test]
fn a_bad_extra_snap_is_refused_before_lxd_is_asked() {
    let world = World::new();
    let good = snap(&world, MICROOVN).display().to_string();
    let env = [("MICROOVN_SNAP_PATH", good.as_str()), ("MICROOVN_EXTRA_SNAPS", "/nowhere/base.snap")];
    world.run(&["image", "build"], &env).refused(&["/nowhere/base.snap is not a usable snap", "check the path"]);
    world.assert_nothing_made();
    let env = [("MICROOVN_EXTRA_SNAPS", good.as_str())];
    world.run(&["image", "build"], &env).refused(&["MICROOVN_EXTRA_SNAPS", &good, "MICROOVN_SNAP_PATH", "set both"]);
    world.assert_nothing_made();
}

/// A snap of MicroOVN of this version, in a file of this name.
fn of_version(world: &World, version: &str, name: &str) -> String {
    let tree = world.path().join("tree");
    fs::create_dir_all(tree.join("meta")).expect("a tree");
    fs::write(
        tree.join("meta/snap.yaml"),
        MICROOVN.replace("version: 1", &format!("version: {version:?}\nbase: none")),
    )
    .expect("a snap.yaml");
    pack_as(world, &tree, name).display().to_string()
}

#[test]
fn an_upgrade_that_is_none_is_refused_before_lxd_is_asked() {
    let world = World::new();
    let older = of_version(&world, "24.03.9+snapfff", "older.snap");
    let newer = of_version(&world, "25.03.1+snapaaa", "newer.snap");
    let run = |to: &str, from: &str, parts: &[&str]| {
        let env = [("MICROOVN_SNAP_PATH", to), ("MICROOVN_UPGRADE_FROM", from)];
        world.run(&["run", "upgrade"], &env).refused(parts);
        world.assert_nothing_made();
    };
    let exchanged = [
        "MICROOVN_UPGRADE_FROM is ",
        &newer,
        "25.03.1+snapaaa, which is newer than the 24.03.9+snapfff of",
        "exchange",
    ];
    run(&older, &newer, &exchanged);
    run(&newer, "/nowhere/older.snap", &["/nowhere/older.snap is not a usable snap", "there is no such file"]);
    run("", &older, &["MICROOVN_UPGRADE_FROM names ", &older, "MICROOVN_SNAP_PATH names nothing", "set both"]);
    // The right way round it comes to LXD, which is not there.
    let mut env = vec![("MICROOVN_SNAP_PATH", newer.as_str()), ("MICROOVN_UPGRADE_FROM", older.as_str())];
    env.push(("MICROOVN_TEST_CONTAINER_IMAGE", "whatever"));
    world.run(&["image", "build"], &env).refused(&["connect to LXD"]);
}

#[test]
fn what_is_done_with_one_product_is_refused_where_there_are_several() {
    let world = World::new();
    let older = of_version(&world, "24.03.9", "older.snap");
    let newer = of_version(&world, "25.03.1", "newer.snap");
    let both = format!("{older}:{newer}");
    let env = [("MICROOVN_SNAP_PATH", both.as_str())];
    let several = ["several products are given (older, newer)", "name it with TESTKIT_PRODUCT", "`testkit run`"];
    world.run(&["up", "init_cluster"], &env).refused(&several);
    let slip = [env[0], ("TESTKIT_PRODUCT", "oldr")];
    world.run(&["up", "init_cluster"], &slip).refused(&["the products are older, newer; did you mean \"older\"?"]);
    let kept = [env[0], ("TESTKIT_KEEP", "on-failure")];
    let one_at_a_time =
        ["clusters are kept by the names of their suites", "with one product at a time", "TESTKIT_PRODUCT"];
    world.run(&["run", "init_cluster"], &kept).refused(&one_at_a_time);
    world.run(&["run", "init_cluster", "--pause-on-failure"], &env).refused(&one_at_a_time);
    world.assert_nothing_made();
    // Once one is chosen it comes to LXD, which is not there.
    let image = ("MICROOVN_TEST_CONTAINER_IMAGE", "whatever");
    let chosen = [env[0], ("TESTKIT_PRODUCT", "newer"), image];
    world.run(&["image", "build"], &chosen).refused(&["connect to LXD"]);
}

#[test]
fn every_product_is_looked_at_before_the_first_is_tested() {
    let world = World::new();
    let older = of_version(&world, "24.03.9", "older.snap");
    let newer = of_version(&world, "25.03.1", "newer.snap");
    let image = ("MICROOVN_TEST_CONTAINER_IMAGE", "whatever");
    for (second, from, parts) in [
        ("/nowhere/b.snap", "", &["with b: ", "/nowhere/b.snap is not a usable snap", "there is no such file"][..]),
        (
            newer.as_str(),
            newer.as_str(),
            &["with older: ", "MICROOVN_UPGRADE_FROM is ", "which is newer than", "exchange"],
        ),
        (newer.as_str(), "/nowhere/c.snap", &["with older: ", "/nowhere/c.snap is not a usable snap"]),
    ] {
        let both = format!("{older}:{second}");
        let env = [("MICROOVN_SNAP_PATH", both.as_str()), ("MICROOVN_UPGRADE_FROM", from), image];
        world.run(&["run", "init_cluster"], &env).refused(parts);
        assert!(!world.out().exists(), "there is a run");
    }
}

#[test]
fn a_channel_without_a_store_is_told_before_anything_is_made() {
    let world = World::new();
    let newer = of_version(&world, "25.03.1", "newer.snap");
    let program = world.path().join("snap");
    fs::write(&program, "#!/bin/sh\necho 'error: cannot download snap: no such host' >&2\nexit 1\n")
        .expect("a program");
    fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("executable");
    let path = format!("{}:{}", world.path().display(), std::env::var("PATH").expect("a path"));
    let env = [("MICROOVN_SNAP_PATH", newer.as_str()), ("MICROOVN_UPGRADE_FROM", "24.03/stable"), ("PATH", &path)];
    let parts =
        ["24.03/stable is not a usable snap", "a channel of the snap store", "no such host", "name a snap's file"];
    world.run(&["run", "upgrade"], &env).refused(&parts);
    assert!(!world.out().exists(), "there is a run");
}

#[rstest]
#[case::keep(&[("TESTKIT_KEEP", "x")], &["TESTKIT_KEEP is \"x\"", "never, on-failure, always"])]
#[case::reuse(&[("TESTKIT_REUSE", "2")], &["TESTKIT_REUSE is \"2\"", "1 or 0"])]
#[case::parallel(&[("TESTKIT_PARALLEL", "0")], &["TESTKIT_PARALLEL is \"0\"", "a whole number above 0"])]
#[case::subnet(&[("TESTKIT_SUBNET", "10.9.0.0/40")], &["TESTKIT_SUBNET is \"10.9.0.0/40\"", "such as 10.213.0.0/24"])]
#[case::remote(&[("LXD_REMOTE", "https://[::1]:1")], &["LXD_REMOTE=https://[::1]:1", "LXD_CLIENT_CERT is not set"])]
#[case::certificate(
    &[
        ("LXD_REMOTE", "https://[::1]:1"),
        ("LXD_CLIENT_CERT", "/nowhere/c.pem"),
        ("LXD_CLIENT_KEY", "/nowhere/k.pem"),
        ("LXD_SERVER_CERT", "/nowhere/s.pem"),
    ],
    &["failed to read /nowhere/c.pem", "LXD_CLIENT_CERT", "PEM file that you may read", "No such file"]
)]
#[case::no_socket(&[("LXD_SOCKET", "/nowhere/lxd.socket")], &["connect to LXD at /nowhere/lxd.socket", "`make setup`"])]
#[case::no_lxd(&[("LXD_SOCKET", ""), ("LXD_DIR", "/nowhere")], &["no LXD answers", "run `make setup`"])]
#[case::no_socket_of_incus(&[("LXD_SOCKET", ""), ("INCUS_SOCKET", "/nowhere/incus.socket")], &["connect to Incus at /nowhere/incus.socket: Incus does not answer", "install and start Incus"])]
#[case::no_incus(&[("LXD_SOCKET", ""), ("INCUS_DIR", "/nowhere")], &["no Incus answers", "run `make setup`"])]
#[case::a_file(&[("LXD_SOCKET", ""), ("INCUS_SOCKET", "/etc/passwd")], &["connect to Incus at /etc/passwd", "that is a file and no socket"])]
#[case::a_folder(&[("LXD_SOCKET", "/etc")], &["connect to LXD at /etc", "that is a folder and no socket"])]
#[case::of_a_user(&[("LXD_SOCKET", ""), ("INCUS_SOCKET", "/var/lib/incus/unix.socket.user")], &["incus-user gives each user one project", "group incus-admin"])]
#[case::two_sockets(&[("INCUS_SOCKET", "/i")], &["LXD_SOCKET and INCUS_SOCKET each say where clusters are to be formed", "unset one of them"])]
#[case::no_remote(&[("LXD_SOCKET", ""), ("INCUS_REMOTE", "farm"), ("INCUS_CONF", "/nowhere"), ("INCUS_GLOBAL_CONF", "/nowhere")], &["INCUS_REMOTE names the remote \"farm\"", "the incus client has no remotes in /nowhere/config.yml", "`incus remote add farm"])]
fn a_bad_environment_is_refused(#[case] env: &[(&str, &str)], #[case] parts: &[&str]) {
    let world = World::new();
    world.run(&["status"], env).refused(parts);
    world.assert_nothing_made();
}

#[rstest]
#[case::unknown_key("colour = 1", &["line 1", "unknown field `colour`", "expected one of"])]
#[case::no_toml("pool = ", &["line 1, column 8"])]
#[case::wrong_type("subnet = \"x\"", &["line 1, column 10", "\"x\" is not an IPv4 range such as"])]
#[case::zero("parallel = 0", &["line 1, column 12", "expected a nonzero"])]
fn a_bad_file_is_refused_with_the_place_in_it(#[case] text: &str, #[case] parts: &[&str]) {
    let world = World::new();
    fs::write(world.path().join("testkit.toml"), text).expect("a file");
    let file = world.path().join("testkit.toml").display().to_string();
    let parts: Vec<&str> = parts.iter().copied().chain(["failed to parse", &*file]).collect();
    world.run(&["status"], &[]).refused(&parts);
}

#[rstest]
#[case::up(&["up", "init_clutser"], &["there is no cell and no journey \"init_clutser\"", "the nearest are init_cluster,"])]
#[case::explain(&["plan", "--explain", "init_clutser"], &["there is no cell and no journey \"init_clutser\"", "init_cluster,"])]
#[case::run(&["run", "init_clutser"], &["there is no cell and no journey \"init_clutser\"", "the nearest are init_cluster,"])]
#[case::run_a_journey(&["run", "servcies_restart"], &["there is no cell and no journey \"servcies_restart\"", "the nearest are services_restart,"])]
#[case::on_a_slip(&["run", "services_restart", "--on", "init_clutser"], &["there is no cell \"init_clutser\"", "init_cluster,"])]
#[case::on_without_a_journey(&["run", "init_cluster", "--on", "init_cluster_ipv6"], &["--on init_cluster_ipv6 says where a journey starts", "none is named", "the journeys are "])]
#[case::on_a_tier(&["run", "--on", "init_cluster_ipv6"], &["--on init_cluster_ipv6 says where a journey starts", "none is named"])]
#[case::impossible(&["run", "services_restart", "--on", "init_cluster_services_central_only"], &["suites/src/journeys/services_restart.rs:", " of services_restart is impossible: ", "member 2 does not run switch", "the state it would be taken from: 1 "])]
#[case::explain_a_journey(&["plan", "--explain", "servcies_restart"], &["there is no cell and no journey", "the nearest are services_restart,"])]
#[case::explain_on_a_slip(&["plan", "--explain", "services_restart", "--on", "init_clutser"], &["there is no cell \"init_clutser\"", "init_cluster,"])]
#[case::explain_impossible(&["plan", "--explain", "services_restart", "--on", "init_cluster_services_central_only"], &["services_restart.rs:", " of services_restart is impossible: ", "member 2 does not run switch"])]
#[case::explain_a_cell_on_another(&["plan", "--explain", "init_cluster", "--on", "init_cluster_ipv6"], &["--on init_cluster_ipv6 says where a journey starts"])]
#[case::coverage_of_journeys(&["plan", "--tier", "life", "--coverage"], &["--coverage is of a tier of cells"])]
#[case::until_nowhere(&["up", "services_restart", "--until", "99"], &["there is no station \"99\"", "they are 0 to "])]
#[case::until_of_a_cell(&["up", "init_cluster", "--until", "3"], &["init_cluster is a cell", "name a journey"])]
#[case::members_of_a_journey(&["up", "services_restart", "--members", "3"], &["services_restart says itself how many members"])]
#[case::pause_before_a_slip(&["up", "services_restart", "--pause-before", "restart_swich_1"], &["there is no station \"restart_swich_1\"", "the nearest are s1_restart_switch_1,"])]
#[case::pause_before_nothing(&["up", "services_restart", "--pause-before", "formed"], &["s0_formed is no step"])]
#[case::run_to_a_slip(&["run", "services_restart", "--pause-before", "restart_swich_1"], &["there is no station \"restart_swich_1\""])]
#[case::run_of_no_journey(&["run", "init_cluster", "--pause-before", "3"], &["--pause-before is of a journey, and none is chosen"])]
#[case::step_of_a_slip(&["step", "init_clutser"], &["there is no cell and no journey \"init_clutser\"", "init_cluster,"])]
#[case::step_of_none(&["step", "services_restart", "propagate"], &["\"services_restart\" is not up", "`testkit up services_restart`"])]
#[case::shell(&["shell", "init_clutser", "--", "true"], &["there is no cell and no journey \"init_clutser\"", "init_cluster,"])]
#[case::check(&["check", "init_cluster", "membres"], &["there is no check \"membres\"", "the nearest are members"])]
#[case::check_of_none(&["check", "init_cluster"], &["\"init_cluster\" is not up", "`testkit up init_cluster`"])]
#[case::shell_of_none(&["shell", "init_cluster", "--", "true"], &["\"init_cluster\" is not up", "`testkit up init_cluster`"])]
#[case::flag(&["status", "--nosuch"], &["unexpected argument '--nosuch'", "--help"])]
#[case::command(&["nosuch"], &["unrecognized subcommand 'nosuch'", "--help"])]
fn bad_usage_is_refused_with_what_is_known(#[case] args: &[&str], #[case] parts: &[&str]) {
    let world = World::new();
    world.run(args, &[]).refused(parts);
    world.assert_nothing_made();
}

/// A cluster that was up once, as its record says.
fn up_once(world: &World, state: impl FnOnce(&mut State)) {
    let cell = suites::options::matrix().expect("a matrix").find_cell("init_cluster").expect("a cell");
    let mut plan = Plan::draw(&cell, suites::options::OPTIONS, Segments::documentation());
    state(&mut plan.state);
    let (name, version, sha256) = ("microovn".to_owned(), "1".to_owned(), "0".to_owned());
    let product = Product { stand_in: true, name, version, sha256, datapath: None, microcloud: None };
    let settled = Settled { ms: 0, looks: 1, last_ms: 0, unsatisfied: Vec::new() };
    let instances = std::collections::BTreeMap::new();
    let manifest = Manifest {
        product,
        plan,
        steps: Vec::new(),
        instances,
        settled,
        observation: Observation::default(),
        tried: None,
        no_traffic: None,
    };
    fs::create_dir_all(world.out().join("kept")).expect("a folder");
    fs::write(world.out().join("kept/init_cluster.json"), serde_json::to_vec(&manifest).expect("JSON"))
        .expect("written");
}

#[rstest]
#[case::a_slip(&["restart_swich_1"], &["no step \"restart_swich_1\" is possible", "the nearest are restart_switch_1,", "the state: 1 central"])]
#[case::the_second(&["propagate", "restart_snap_9"], &["no step \"restart_snap_9\" is possible", "the nearest are restart_snap_"])]
#[case::of_one_that_is_down(&["restart_snap_3"], &["no step \"restart_snap_3\" is possible", "the nearest are restart_snap_1, restart_snap_2", "3 down"])]
fn a_step_by_hand_that_is_impossible_is_refused_before_lxd_is_asked(#[case] steps: &[&str], #[case] parts: &[&str]) {
    let world = World::new();
    up_once(&world, |state| state.members[2].presence = Presence::Down);
    world.run(&[&["step", "init_cluster"], steps].concat(), &[]).refused(parts);
}

#[test]
fn outside_a_checkout_is_refused() {
    let world = World::new();
    fs::remove_file(world.path().join("Cargo.toml")).expect("there");
    world.run(&["status"], &[]).refused(&["no workspace found at or above", "inside a checkout of the project"]);
}

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
