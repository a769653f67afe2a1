//! What `testkit plan --compare` and `testkit bisect` say of snaps without LXD.

#[expect(dead_code, reason = "a part of it is used here")]
mod bad_input_common;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use bad_input_common::World;
use rstest::rstest;
use serde_json::Value;

/// What every release of today asks, has and answers.
const WORDS: [&str; 4] = [
    "Would you like to define a custom encapsulation IP address for this member?",
    "Would you like to provide your own CA certificate and private key",
    "custom_encapsulation_ip",
    "core/control",
];
const SELECT: &str = "Please select comma-separated list services you would like to enable";

/// A snap of MicroOVN of this version, with this service beside the daemon, whose program has these words in it.
fn snap(world: &World, name: &str, version: &str, service: &str, words: &[&str]) -> String {
    let tree = world.path().join(format!("{name}.tree"));
    let yaml = format!(
        "name: microovn\nversion: {version:?}\nbase: none\napps:\n  microovn: {{command: x}}\n  \
         daemon: {{command: x, daemon: simple}}\n  {service}: {{command: x, daemon: simple}}\n"
    );
    for (path, text) in [("meta/snap.yaml", yaml), ("bin/microovn", format!("\u{1}{}\u{2}", words.join("\u{3}")))] {
        let path = tree.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a tree");
        fs::write(path, text).expect("written");
    }
    let file = world.path().join(name);
    let packed = Command::new("mksquashfs").args([&tree, &file]).args(["-quiet", "-no-progress", "-noappend"]).output();
    assert!(packed.expect("mksquashfs is installed").status.success());
    file.display().to_string()
}

fn all_words() -> Vec<&'static str> {
    WORDS.into_iter().chain([SELECT]).collect()
}

fn said(world: &World, args: &[&str], env: &[(&str, &str)]) -> String {
    let ended = world.run(args, env);
    assert!(ended.0.status.success(), "{}", String::from_utf8_lossy(&ended.0.stderr));
    world.assert_nothing_made();
    String::from_utf8_lossy(&ended.0.stdout).into_owned()
}

#[test]
fn what_one_of_two_releases_lacks_is_read_from_its_files() {
    let world = World::new();
    let older = snap(&world, "older.snap", "24.03.1", "switch", &WORDS);
    let newer = snap(&world, "newer.snap", "26.03.0", "bird", &all_words());
    let compare = ["plan", "--compare", &older, &newer, "--tier", "pairwise"];
    let text = said(&world, &compare, &[]);
    for part in [
        "only B, because A lacks `microovn init` asking \"Please select comma-separated",
        "  init_cluster_",
        "neither, because both lack an older snap to come from, which MICROOVN_UPGRADE_FROM names:",
        "  version: 24.03.1 in A, 26.03.0 in B\n",
        "  services only in A: switch\n  services only in B: bird\n",
        "as their files say; --ask asks the products themselves:",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    assert!(!text.contains("only A"), "{text}");
    let json: Value =
        serde_json::from_str(&said(&world, &[&compare[..], &["--format", "json"]].concat(), &[])).expect("JSON");
    let suites = json["suites"].as_array().expect("suites");
    let lacks = |name: &str| suites.iter().find(|suite| suite["suite"] == name).expect("a suite")["lacks"].clone();
    assert_eq!(lacks("init_cluster"), serde_json::json!([[], []]));
    let [a, b] = [0, 1]
        .map(|side| lacks("init_cluster_services_central_only_user_ca_rsa")[side].as_array().expect("a list").len());
    assert_eq!((a, b), (1, 0));
    // An upgrade is formed of the older of the two, and to that there is none.
    let text = said(&world, &compare, &[("MICROOVN_UPGRADE_FROM", &newer)]);
    assert!(
        text.contains("only B, because A lacks an older snap to come from: that of MICROOVN_UPGRADE_FROM is 26.03.0"),
        "{text}"
    );
}

#[test]
fn two_of_a_kind_differ_in_nothing() {
    let world = World::new();
    let one = snap(&world, "one.snap", "26.03.0", "bird", &all_words());
    // Copied, for the time it is packed at is in a snap.
    let other = world.path().join("other.snap").display().to_string();
    fs::copy(&one, &other).expect("copied");
    let compare = ["plan", "--compare", &one, &other, "--tier", "life"];
    world.run(&compare, &[]).refused(&["are the same snap"]);
    // What is behind a snap in its file is no part of it.
    fs::OpenOptions::new().append(true).open(&other).and_then(|mut file| file.write_all(b"\n")).expect("written");
    let text = said(&world, &compare, &[]);
    assert!(text.contains("no suite can be run by one of them only"), "{text}");
    assert!(text.contains("nothing that they say of themselves"), "{text}");
}

#[test]
fn what_is_no_snap_is_not_compared() {
    let world = World::new();
    let good = snap(&world, "good.snap", "26.03.0", "bird", &all_words());
    let refused = |args: &[&str], parts: &[&str]| world.run(args, &[]).refused(parts);
    refused(&["plan", "--compare", &good, "/nowhere.snap"], &["/nowhere.snap is not a usable snap", "no such file"]);
    refused(&["plan", "--compare", &good, &good, "--format", "github"], &["--compare is shown as a table or as JSON"]);
    world.assert_nothing_made();
}

#[rstest]
#[case::a_slip(&["init_clutser", "GOOD", "LATER"], &[], &["there is no cell and no journey \"init_clutser\"", "the nearest are init_cluster,"])]
#[case::no_snap(&["init_cluster", "GOOD", "/nowhere.snap"], &[], &["/nowhere.snap is not a usable snap", "there is no such file"])]
#[case::a_folder(&["init_cluster", "GOOD", "/tmp"], &[], &["/tmp is not a usable snap", "it is a folder"])]
#[case::the_same(&["init_cluster", "GOOD", "LATER", "GOOD"], &[], &["good.snap and ", "are the same snap"])]
#[case::a_colon(&["init_cluster", "GOOD", "/a:b.snap"], &[], &["the path /a:b.snap cannot be handed on", "colon"])]
#[case::on_nothing(&["init_cluster", "--on", "init_cluster_ipv6", "GOOD", "LATER"], &[], &["--on init_cluster_ipv6 says where a journey starts"])]
#[case::with_faults(&["init_cluster", "GOOD", "LATER"], &[("TESTKIT_FAULTS", "encap-other")], &["TESTKIT_FAULTS is set"])]
#[case::kept(&["init_cluster", "GOOD", "LATER"], &[("TESTKIT_KEEP", "always")], &["every snap needs clusters of its own"])]
#[case::upgraded_from_a_newer(&["upgrade", "GOOD", "LATER"], &[("MICROOVN_UPGRADE_FROM", "LATER")], &["of version 26.03.1, which is newer than the 26.03.0"])]
#[case::one(&["init_cluster", "GOOD"], &[], &["2 values required"])]
fn a_search_that_cannot_begin_is_refused_before_anything_is_made(
    #[case] args: &[&str],
    #[case] env: &[(&str, &str)],
    #[case] parts: &[&str],
) {
    let world = World::new();
    let good = snap(&world, "good.snap", "26.03.0", "bird", &all_words());
    let later = snap(&world, "later.snap", "26.03.1", "bird", &all_words());
    let file = |word: &str| match word {
        "GOOD" => good.clone(),
        "LATER" => later.clone(),
        other => other.to_owned(),
    };
    let args: Vec<String> = ["bisect"].iter().chain(args).map(|word| file(word)).collect();
    let env: Vec<(&str, String)> = env.iter().map(|(name, value)| (*name, file(value))).collect();
    // What members have is not known without making their image.
    let env =
        env.iter().map(|(name, value)| (*name, value.as_str())).chain([("MICROOVN_TEST_CONTAINER_IMAGE", "whatever")]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    world.run(&args, &env.collect::<Vec<_>>()).refused(parts);
    assert!(!Path::new(&world.out()).exists(), "there is a run");
}
