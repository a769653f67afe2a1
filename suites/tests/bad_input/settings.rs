//! Variables and files of settings.

use std::fs;

use rstest::rstest;

use crate::bad_input_common::World;

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
