//! When faults of a cluster's life are played, and on whom.

use std::net::SocketAddr;

use super::super::tests::playing;
use super::*;

fn member(name: &str, ready: bool) -> Member {
    Member {
        name: name.to_owned(),
        address: SocketAddr::from(([10, 77, 0, 101], 6686)),
        certificate: String::new(),
        role: "voter".to_owned(),
        last_heartbeat: None,
        services: ["chassis", "switch"].map(str::to_owned).to_vec(),
        ready,
    }
}

fn cluster(names: &[&str]) -> Cluster {
    Cluster { members: names.iter().map(|name| member(name, true)).collect(), ..Cluster::default() }
}

#[test]
fn a_cluster_that_is_being_formed_has_no_later_members() {
    let (three, four, five) =
        (cluster(&["a", "b", "c"]), cluster(&["a", "b", "c", "d"]), cluster(&["a", "b", "c", "d", "e"]));
    for (before, after, own, later, expected) in [
        (&three, &four, "a", 5, false),
        (&three, &four, "a", 4, true),
        (&four, &five, "a", 5, true),
        // The one that joins is not the one that sees it.
        (&four, &five, "e", 5, false),
        (&five, &five, "a", 5, false),
        (&five, &four, "a", 1, false),
    ] {
        assert_eq!(has_joined_later(before, after, own, later), expected, "{later}");
    }
    let mut joining = five.clone();
    joining.members[4].ready = false;
    assert!(!has_joined_later(&four, &joining, "a", 5));
    assert!(has_joined_later(&joining, &five, "a", 5));
}

#[test]
fn who_was_a_member_before_comes_later_whatever_the_number() {
    let before = cluster(&["a", "c"]);
    let after = Cluster { departed: vec![member("b", true)], ..cluster(&["a", "c", "b"]) };
    assert!(has_joined_later(&before, &after, "a", 5));
}

#[test]
fn another_member_is_acted_on_where_there_is_something_to_do() {
    let mut three = cluster(&["a", "b", "c"]);
    three.members[0].services.clear();
    let target = |faults: &str, on| {
        let (_dir, paths) = playing(faults);
        other_target(&paths, &three, "b", "chassis", on)
    };
    assert_eq!(target("", false), None);
    assert_eq!(target("node-other", false).as_deref(), Some("c"));
    assert_eq!(target("node-other", true).as_deref(), Some("a"));
    assert_eq!(target("node-other b", true).as_deref(), Some("b"));
}

#[test]
fn who_has_left_is_listed_only_if_that_is_played_and_only_while_away() {
    let mut cluster = Cluster { departed: vec![member("b", true)], ..cluster(&["a"]) };
    let names = |faults: &str, cluster: &Cluster| -> String {
        let (_dir, paths) = playing(faults);
        listed(&paths, cluster).iter().map(|member| member.name.as_str()).collect()
    };
    assert_eq!(names("", &cluster), "a");
    assert_eq!(names("removed-still-listed", &cluster), "ab");
    cluster.members.push(member("b", true));
    assert_eq!(names("removed-still-listed", &cluster), "ab");
}

#[test]
fn a_server_stays_in_its_own_database_only() {
    for (faults, nb, sb) in [("", false, false), ("raft-left-nb", true, false), ("raft-left-sb", false, true)] {
        let (_dir, paths) = playing(faults);
        assert_eq!(
            (stays_in_raft(&paths, Db::Northbound), stays_in_raft(&paths, Db::Southbound)),
            (nb, sb),
            "{faults}"
        );
    }
}

#[test]
fn a_backup_tells_who_was_a_member() {
    let (dir, paths) = playing("");
    assert!(!was_member(&paths));
    std::fs::create_dir(dir.path().join("backup_1795895780")).expect("a folder");
    assert!(was_member(&paths));
}

/// What the snap's scripts make of `faults`: `then` is shell that uses their functions.
fn in_a_script(faults: &str, then: &str) -> String {
    let (dir, _) = playing(faults);
    let script = format!(". commands/env.sh; {then}");
    let output = std::process::Command::new("sh")
        .args(["-euc", &script])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/snap"))
        .env("SNAP", "/nowhere")
        .env("SNAP_COMMON", dir.path())
        .output()
        .expect("a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_scripts_read_the_faults_as_the_daemon_does() {
    let say = "if plays restart-loops; then echo \"played ${value}.\"; else echo not; fi";
    for (faults, said) in [
        ("", "not\n"),
        ("# restart-loops\nrestart-loops-not\nrestart-offline", "not\n"),
        ("restart-loops", "played .\n"),
        ("restart-offline\n  restart-loops  ovn-ovsdb-server-nb \nrestart-enables", "played ovn-ovsdb-server-nb.\n"),
    ] {
        assert_eq!(in_a_script(faults, say), said, "{faults}");
    }
}

#[test]
fn a_daemon_that_loops_has_run_once() {
    // What is started makes its log file and ends.
    let start = r#"
        sleep() { :; }
        run() { (launch chassis sh -c ': >"${0#--log-file=}"' "--log-file=$1") 2>/dev/null && echo ran || echo ended; }
        run "${SNAP_COMMON}/log"
        run "${SNAP_COMMON}/log""#;
    assert_eq!(in_a_script("", start), "ran\nran\n");
    assert_eq!(in_a_script("restart-loops", start), "ran\nended\n");
    assert_eq!(in_a_script("restart-loops switch", start), "ran\nran\n");
}
