//! Bad input for what is shown, run or formed of the matrix: one error that names the nearest, exit code 2, and nothing
//! made. What is wrong in the declarations themselves is the library's to refuse.

#[expect(dead_code, reason = "running as nobody is for what is not about the matrix")]
mod bad_input_common;

use bad_input_common::World;
use rstest::rstest;

#[rstest]
#[case::plan(&["plan", "--tier", "pairwize"], &["unknown tier \"pairwize\"", "core, pairwise, t3, full, microcloud", "did you mean pairwise?"])]
#[case::run(&["run", "--tier", "ful"], &["unknown tier \"ful\"", "did you mean full?"])]
#[case::far_off(&["plan", "--tier", "banana"], &["unknown tier \"banana\"; the tiers are core, pairwise, t3, full, microcloud, life"])]
fn an_unknown_tier_is_answered_with_the_tiers_and_the_nearest(#[case] args: &[&str], #[case] parts: &[&str]) {
    refused(args, parts);
}

#[rstest]
#[case::table("tabel", "'table'")]
#[case::json("jsn", "'json'")]
#[case::github("git-hub", "'github'")]
#[case::markdown("markdwon", "'markdown'")]
fn an_unknown_format_is_answered_with_the_formats_and_the_nearest(#[case] given: &str, #[case] nearest: &str) {
    let said = format!("invalid value '{given}' for '--format <FORMAT>'");
    let tip = format!("a similar value exists: {nearest}");
    refused(&["plan", "--format", given], &[&said, "[possible values: table, json, github, markdown]", &tip]);
}

#[rstest]
#[case::a_slip(&["plan", "--explain", "init_cluster_ip6"], "init_cluster_ip6", "init_cluster_ipv6")]
#[case::dashes(&["plan", "--explain", "init-cluster-ipv6"], "init-cluster-ipv6", "init_cluster_ipv6")]
#[case::another_order(&["plan", "--explain", "init_cluster_rest_ipv6"], "init_cluster_rest_ipv6", "init_cluster_")]
#[case::run(&["run", "init_cluster_servces"], "init_cluster_servces", "init_cluster_services")]
#[case::run_of_many(&["run", "init_cluster", "init_cluster_cil"], "init_cluster_cil", "init_cluster_cli")]
#[case::up(&["up", "init_cluster_rset"], "init_cluster_rset", "init_cluster_rest")]
fn an_unknown_cell_is_answered_with_the_nearest(#[case] args: &[&str], #[case] given: &str, #[case] nearest: &str) {
    refused(args, &["there is no cell", &format!("{given:?}; the nearest are "), nearest]);
}

#[rstest]
#[case::run(&["run", "--upstream", "tls_clutser"], &["upstream has no suite \"tls_clutser\"; the nearest are tls_cluster, "])]
#[case::run_of_several(&["run", "--upstream", "tls_cluster,scaleup_clutser"], &["upstream has no suite \"scaleup_clutser\"; the nearest are scaleup_cluster, "])]
#[case::plan(&["plan", "--upstream", "tests/sclaeup_cluster.bats"], &["no suite \"sclaeup_cluster\"; the nearest are scaleup_cluster, "])]
#[case::with_names(&["run", "--upstream", "tls_cluster", "init_cluster"], &["'--upstream <SUITE>'", "'[SUITES]...'"])]
#[case::with_a_tier(&["plan", "--upstream", "tls_cluster", "--tier", "full"], &["'--upstream <SUITE>'", "'--tier <TIER>'"])]
fn a_suite_of_upstream_that_cannot_be_run_is_refused(#[case] args: &[&str], #[case] parts: &[&str]) {
    refused(args, parts);
}

#[test]
fn a_cell_that_the_constraints_forbid_is_no_cell() {
    refused(
        &["plan", "--explain", "init_cluster_ipv6_cli"],
        &["there is no cell and no journey \"init_cluster_ipv6_cli\""],
    );
}

#[rstest]
#[case::explain_and_tier(&["plan", "--explain", "init_cluster", "--tier", "core"], &["'--tier <TIER>'", "'--explain <SUITE>'"])]
#[case::explain_and_coverage(&["plan", "--explain", "init_cluster", "--coverage"], &["'--coverage'", "'--explain <SUITE>'"])]
#[case::cells_and_tier(&["run", "--tier", "core", "init_cluster"], &["'--tier <TIER>'", "'[SUITES]...'"])]
fn what_contradicts_itself_is_refused(#[case] args: &[&str], #[case] parts: &[&str]) {
    refused(args, &[parts, &["cannot be used with"]].concat());
}

#[rstest]
#[case::none("0")]
#[case::no_number("many")]
fn a_number_of_jobs_must_be_one(#[case] jobs: &str) {
    refused(&["plan", "--format", "github", "--jobs", jobs], &[&format!("invalid value '{jobs}' for '--jobs <JOBS>'")]);
}

#[test]
fn a_summary_of_nothing_names_the_file() {
    let world = World::new();
    world
        .run(&["summary"], &[])
        .refused(&["the runner's profile \"default\" writes no JUnit file", ".config/nextest.toml"]);
    std::fs::create_dir(world.path().join(".config")).expect("a folder");
    let ours = "[profile.default.junit]\npath = \"junit.xml\"\n";
    std::fs::write(world.path().join(".config/nextest.toml"), ours).expect("a configuration");
    // Wherever cargo compiles to.
    let elsewhere = [("CARGO_TARGET_DIR", "/elsewhere")];
    world.run(&["summary"], &elsewhere).refused(&[
        "failed to read",
        "target/nextest/default/junit.xml",
        "No such file",
    ]);
    std::fs::write(world.path().join("x.xml"), "<html>").expect("a file");
    world.run(&["summary", "x.xml"], &[]).refused(&["failed to read x.xml", "give the file that a run"]);
}

#[track_caller]
fn refused(args: &[&str], parts: &[&str]) {
    let world = World::new();
    world.run(args, &[]).refused(parts);
    world.assert_nothing_made();
}
