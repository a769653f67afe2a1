//! Commands and names that there are not, and steps that are not possible.

use std::fs;

use rstest::rstest;
use testkit::cluster::{Manifest, Product, Settled};
use testkit::expect::Observation;
use testkit::plan::{Plan, Presence, Segments, State};

use crate::bad_input_common::{Ended, World};

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
#[case::until_nowhere(&["up", "services_restart", "--until", "99"], &["there is no station \"99\" in services_restart; they are 0 to 16\n"])]
#[case::until_of_a_cell(&["up", "init_cluster", "--until", "3"], &["init_cluster is a cell", "name a journey"])]
#[case::members_of_a_journey(&["up", "services_restart", "--members", "3"], &["services_restart says itself how many members"])]
#[case::pause_before_a_slip(&["up", "services_restart", "--pause-before", "restart_swich_1"], &["there is no station \"restart_swich_1\"", "the nearest are s1_restart_switch_1,"])]
#[case::pause_before_nothing(&["up", "services_restart", "--pause-before", "formed"], &["s0_formed of services_restart is no step"])]
#[case::run_to_a_slip(&["run", "services_restart", "--pause-before", "restart_swich_1"], &["there is no station \"restart_swich_1\""])]
#[case::run_to_a_number(&["run", "--tier", "life", "--pause-before", "99"], &["none of the journeys that are chosen has a step \"99\""])]
#[case::run_several_to_a_slip(&["run", "tls", "services_restart", "--pause-before", "restart_swich_1"], &["none of the journeys that are chosen has a step \"restart_swich_1\"; the nearest are s1_restart_switch_1,"])]
#[case::down_a_slip(&["down", "init_clutser"], &["there is no cell and no journey \"init_clutser\"", "init_cluster,"])]
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

#[rstest]
#[case::run_on_a_slip(&["run", "services_restart"], &[("TESTKIT_ON", "init_clutser")], &["there is no cell \"init_clutser\"", "init_cluster,"])]
#[case::up_on_a_slip(&["up", "services_restart"], &[("TESTKIT_ON", "init_clutser")], &["there is no cell \"init_clutser\"", "init_cluster,"])]
#[case::explain_on_a_slip(&["plan", "--explain", "services_restart"], &[("TESTKIT_ON", "init_clutser")], &["there is no cell \"init_clutser\""])]
#[case::life_on_a_slip(&["plan", "--tier", "life"], &[("TESTKIT_ON", "init_clutser")], &["there is no cell \"init_clutser\"", "init_cluster,"])]
#[case::place_on_a_slip(&["plan", "--tier", "life", "--place"], &[("TESTKIT_ON", "init_clutser")], &["there is no cell \"init_clutser\""])]
#[case::steps_on_a_slip(&["plan", "--steps", "services_restart"], &[("TESTKIT_ON", "init_clutser")], &["there is no cell \"init_clutser\""])]
#[case::bisect_on_a_slip(&["bisect", "services_restart", "/a.snap", "/b.snap"], &[("TESTKIT_ON", "init_clutser")], &["there is no cell \"init_clutser\""])]
#[case::run_to_a_slip(&["run", "services_restart"], &[("TESTKIT_PAUSE_BEFORE", "restart_swich_1")], &["there is no station \"restart_swich_1\""])]
#[case::up_to_a_slip(&["up", "services_restart"], &[("TESTKIT_PAUSE_BEFORE", "restart_swich_1")], &["there is no station \"restart_swich_1\""])]
#[case::no_setting(&["plan", "--explain", "init_cluster"], &[("TESTKIT_KEP", "1")], &["TESTKIT_KEP", "did you mean TESTKIT_KEEP?"])]
#[case::no_setting_of_a_tier(&["plan", "--tier", "life"], &[("TESTKIT_KEP", "1")], &["TESTKIT_KEP", "did you mean TESTKIT_KEEP?"])]
#[case::steps_as_json(&["plan", "--steps", "init_cluster", "--format", "json"], &[], &["--steps is shown as a table"])]
#[case::explain_for_a_workflow(&["plan", "--explain", "init_cluster", "--format", "github"], &[], &["--explain is shown as a table or as JSON"])]
#[case::coverage_in_markdown(&["plan", "--coverage", "--format", "markdown"], &[], &["--coverage is shown as a table or as JSON"])]
#[case::jobs_of_a_table(&["plan", "--jobs", "7"], &[], &["--jobs is of --format github"])]
fn what_the_settings_say_is_checked_by_every_command(
    #[case] args: &[&str],
    #[case] env: &[(&str, &str)],
    #[case] parts: &[&str],
) {
    let world = World::new();
    world.run(args, env).refused(parts);
    world.assert_nothing_made();
}

#[test]
fn a_profile_that_the_runner_lacks_is_refused_before_anything_is_made() {
    let world = World::new();
    fs::create_dir(world.path().join(".config")).expect("a folder");
    fs::write(world.path().join(".config/nextest.toml"), "[profile.ci]\n").expect("a configuration");
    let parts = [
        "NEXTEST_PROFILE names the profile \"cii\"",
        "/.config/nextest.toml",
        "ci, default, default-miri; did you mean \"ci\"?",
    ];
    for args in [&["run", "init_cluster"][..], &["bisect", "init_cluster", "/a.snap", "/b.snap"]] {
        world.run(args, &[("NEXTEST_PROFILE", "cii")]).refused(&parts);
        world.assert_nothing_made();
    }
}

#[rstest]
#[case::on(&["--on", "init_cluster_ipv6"], "--on <CELL>", &["tier", "coverage", "steps", "upstream", "compare", "place"])]
#[case::traffic(&["--traffic"], "--traffic", &["tier", "coverage", "steps", "upstream", "compare", "place"])]
#[case::spread(&["--spread"], "--spread", &["coverage", "explain", "steps", "upstream", "compare"])]
#[case::ask(&["--ask"], "--ask", &["coverage", "explain", "steps", "upstream", "place"])]
fn what_says_nothing_of_what_is_shown_is_refused_and_not_ignored(
    #[case] args: &[&str],
    #[case] named: &str,
    #[case] shown: &[&str],
) {
    let world = World::new();
    for what in shown {
        let what: &[&str] = match *what {
            "tier" => &["--tier", "life"],
            "coverage" => &["--coverage"],
            "explain" => &["--explain", "services_restart"],
            "steps" => &["--steps", "services_restart"],
            "upstream" => &["--upstream", "tls_cluster"],
            "compare" => &["--compare", "a.snap", "b.snap"],
            _ => &["--place"],
        };
        for args in [[args, what].concat(), [what, args].concat()] {
            let ended = world.run(&[&["plan"], &*args].concat(), &[]);
            ended.refused(&["cannot be used with", named, what[0], "--help"]);
        }
    }
}

#[test]
fn a_command_that_nobody_listens_to_ends_as_it_would_have_ended() {
    let full = || fs::File::options().write(true).open("/dev/full").expect("a device");
    let world = World::new();
    let mut command = world.command(env!("CARGO_BIN_EXE_testkit"));
    let status = command.args(["up", "init_clutser"]).stdout(full()).stderr(full()).status().expect("testkit runs");
    assert_eq!(status.code(), Some(2));
}

#[test]
fn a_distribution_without_a_runner_is_refused_before_anything_is_made() {
    let world = World::new();
    for runner in ["/nonexistent", "/", "/dev/null"] {
        let args = ["dist", "--unoptimized", "--out", "packed", "--runner", runner];
        world.run(&args, &[]).refused(&[&format!("there is no file {runner}; --runner is a cargo-nextest")]);
    }
    assert!(!world.path().join("packed").exists());
}

#[test]
fn what_cannot_be_printed_is_told_with_what_was_attempted() {
    let world = World::new();
    for args in [&["plan"][..], &["plan", "--explain", "init_cluster"], &["completions", "bash"], &["man"]] {
        let full = fs::File::options().write(true).open("/dev/full").expect("a device");
        let mut command = world.command(env!("CARGO_BIN_EXE_testkit"));
        let ended = Ended(command.args(args).stdout(full).output().expect("testkit runs"));
        ended.refused(&["failed to write to standard output", "have it go where there is room", "No space left"]);
    }
}

#[test]
fn a_cluster_whose_record_is_damaged_is_told_with_what_removes_it() {
    let world = World::new();
    let kept = world.out().join("kept");
    fs::create_dir_all(&kept).expect("a folder");
    let file = kept.join("init_cluster.json");
    fs::write(&file, "{").expect("written");
    let file = file.display().to_string();
    let parts = ["failed to read ", &*file, "`testkit down init_cluster` removes the cluster"];
    for args in [
        &["up", "init_cluster"][..],
        &["step", "init_cluster", "propagate"],
        &["check", "init_cluster"],
        &["shell", "init_cluster", "--", "true"],
        &["logs", "init_cluster"],
        &["capture", "init_cluster"],
    ] {
        world.run(args, &[]).refused(&parts);
    }
    // That goes on to LXD, which is not there.
    world.run(&["down", "init_cluster"], &[]).refused(&["failed to connect to LXD"]);
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
