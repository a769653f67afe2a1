//! Variables and files of settings.

use std::fs;

use rstest::rstest;

use crate::bad_input_common::World;

#[rstest]
#[case::keep(&[("TESTKIT_KEEP", "x")], &["TESTKIT_KEEP is \"x\"", "never, on-failure, always"])]
#[case::reuse(&[("TESTKIT_REUSE", "2")], &["TESTKIT_REUSE is \"2\"", "1 or 0"])]
#[case::parallel(&[("TESTKIT_PARALLEL", "0")], &["TESTKIT_PARALLEL is \"0\"", "a whole number from 1 to 1000"])]
#[case::too_many(&[("TESTKIT_PARALLEL", "4294967296")], &["TESTKIT_PARALLEL is \"4294967296\"", "a whole number from 1 to 1000"])]
#[case::beyond_any_clock(&[("TESTKIT_SETTLE", "18446744073709551615")], &["TESTKIT_SETTLE is \"18446744073709551615\"", "a whole number from 1 to 86400, of seconds"])]
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
#[case::unknown_key("colour = 1", &["line 1", "there is no key \"colour\"; there are lxd_dir, "])]
#[case::no_toml("pool = ", &["line 1, column 8"])]
#[case::wrong_type("subnet = \"x\"", &["line 1, column 10", "\"x\" is not an IPv4 range such as"])]
#[case::a_slip("exta_snaps = []", &["line 1, column 1", "there is no key \"exta_snaps\"; there are lxd_dir, ", "; the nearest is extra_snaps"])]
#[case::another_kind("snap = 3", &["line 1, column 8", "wanted a text, seen 3"])]
#[case::zero("parallel = 0", &["line 1, column 12", "wanted a whole number from 1 to 1000, seen 0"])]
#[case::beyond_any_clock("settle = 9223372036854775807", &["line 1, column 10", "wanted a whole number from 1 to 86400"])]
#[case::no_product("product = []", &["line 1, column 11", "a value that is empty says nothing"])]
#[case::a_product_without_a_name("[[product]]\nname = \" \"\nsnap = \"x\"", &["line 2, column 8", "a value that is empty says nothing"])]
fn a_bad_file_is_refused_with_the_place_in_it(#[case] text: &str, #[case] parts: &[&str]) {
    let world = World::new();
    fs::write(world.path().join("testkit.toml"), text).expect("a file");
    let file = world.path().join("testkit.toml").display().to_string();
    let parts: Vec<&str> = parts.iter().copied().chain(["failed to parse", &*file]).collect();
    world.run(&["status"], &[]).refused(&parts);
}

#[test]
fn what_is_no_file_of_text_is_refused_and_not_waited_for() {
    let world = World::new();
    let file = world.path().join("testkit.toml");
    let refused = |wrong: &str| {
        world.run(&["status"], &[]).refused(&["failed to read", &file.display().to_string(), wrong]);
    };
    fs::create_dir(&file).expect("a folder");
    refused("it is a folder; put a text file in its place, or remove it");
    fs::remove_dir(&file).expect("removed");
    std::os::unix::fs::symlink("/dev/zero", &file).expect("a link");
    refused("it is no regular file");
    fs::remove_file(&file).expect("removed");
    fs::write(&file, b"pool = \"p\"\nproject = \"\xe4\"\n").expect("written");
    refused("line 2 is not UTF-8; save the file as UTF-8");
}
