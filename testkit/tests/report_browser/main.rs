//! The report in a real browser: what a person sees, with and without scripts, by keyboard and for a screen reader.
//!
//! Needs Chromium and axe-core: `make browser-tools` installs both. Pictures of every state are left in
//! `target/report-browser/`, to be looked at by a person.

mod browser;
#[path = "../runs/mod.rs"]
mod runs;

use std::path::{Path, PathBuf};

use browser::Browser;
use rstest::rstest;
use runs::{STATES, fixture};
use serde_json::{Value, json};
use testkit::record::{assemble, html};

/// Where pictures and pages are left.
fn out() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "../target".into(), PathBuf::from);
    Path::new(env!("CARGO_MANIFEST_DIR")).join(target).join("report-browser")
}

/// The page of a recorded run.
fn page(state: &str) -> PathBuf {
    page_of(&fixture(state), state)
}

/// The page of the run in this folder.
fn page_of(run: &Path, state: &str) -> PathBuf {
    let record = assemble(run, false).expect("a record");
    let html = html::render(&record, run).expect("a page");
    let path = out().join(format!("{state}.html"));
    std::fs::create_dir_all(out()).expect("a folder");
    // Tests of the same state are processes that run side by side.
    let mut file = tempfile::NamedTempFile::new_in(out()).expect("a file");
    std::io::Write::write_all(&mut file, html.as_bytes()).expect("written");
    file.persist(&path).expect("in place");
    path.canonicalize().expect("there")
}

/// axe-core's script.
fn axe() -> String {
    // Where the Makefile puts it, wherever cargo builds.
    let lib = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/browser-tools/lib");
    let pythons = std::fs::read_dir(&lib).into_iter().flatten().flatten();
    let mut scripts = pythons.map(|it| it.path().join("site-packages/axe_playwright_python/axe.min.js"));
    let path =
        scripts.find(|path| path.exists()).expect("axe-core under target/browser-tools: run `make browser-tools`");
    std::fs::read_to_string(path).expect("read")
}

/// Fails if the page complained of anything or asked for anything but itself.
fn assert_quiet(browser: &Browser) {
    for kind in ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"] {
        assert!(browser.events(kind).is_empty(), "{kind}: {:?}", browser.events(kind));
    }
    let asked = browser.events("Network.requestWillBeSent");
    let urls: Vec<&str> = asked.iter().filter_map(|it| it["request"]["url"].as_str()).collect();
    assert!(matches!(urls.as_slice(), [url] if url.starts_with("file://")), "{urls:?}");
}

#[rstest]
fn every_state_is_accessible_and_quiet_in_light_and_dark(#[values("light", "dark")] scheme: &str) {
    let axe = axe();
    let mut browser = Browser::start();
    browser.width(1280);
    browser.prefer(scheme);
    for state in STATES {
        browser.open(&page(state));
        browser.picture(&out().join(format!("{state}-{scheme}.png")));
        // What is closed is not looked at otherwise.
        browser.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })");
        browser.picture(&out().join(format!("{state}-{scheme}-open.png")));
        assert_quiet(&browser);
        browser.evaluate(&format!("{axe};0"));
        let found = browser.evaluate("axe.run().then((found) => found.violations)");
        let said = |violation: &Value| {
            let nodes: Vec<String> =
                violation["nodes"].as_array().into_iter().flatten().take(3).map(|it| it["html"].to_string()).collect();
            format!("{state}: {}: {}\n    {}", violation["id"], violation["help"], nodes.join("\n    "))
        };
        let violations: Vec<String> = found.as_array().expect("a list").iter().map(said).collect();
        assert!(violations.is_empty(), "{}", violations.join("\n"));
    }
}

#[test]
fn the_cause_of_a_failure_is_at_the_top() {
    let mut browser = Browser::start();
    browser.open(&page("failing"));
    let first = browser.text("document.querySelector('main section h2').textContent");
    assert_eq!(first, "Failures");
    let failure = browser.text("document.querySelector('.failure').innerText");
    for part in [
        "init_cluster_custom_encap",
        "encap=ipv4",
        "ovs_encap_ip",
        "microovn-init-cluster-custom-encap-2",
        "external_ids:ovn-encap-ip",
        "the default address: the custom one was ignored",
        "TESTKIT_FAULTS='encap-ignored-on-join' testkit up init_cluster_custom_encap",
        "testkit shell init_cluster_custom_encap:2 -- microovn.ovs-vsctl",
    ] {
        assert!(failure.contains(part), "no {part:?} in {failure}");
    }
    // The likely cause is the one that is shown; what follows from it is only named.
    assert!(failure.find("ovs_encap_ip").expect("there") < failure.find("sb_encap").expect("there"), "{failure}");
    let picture = browser.text("document.getElementById('init_cluster_custom_encap-picture-text').textContent");
    assert!(picture.contains("microovn-init-cluster-custom-encap-2: tunnel endpoint wanted "), "{picture}");
    let wrong = browser.evaluate("document.querySelectorAll('svg.topology .tunnel.wrong').length");
    assert_eq!(wrong, 3, "both that joined, and each other");
}

#[test]
fn a_question_that_nobody_answers_is_shown_where_the_dialog_stopped() {
    let mut browser = Browser::start();
    browser.open(&page("unformed"));
    let failure = browser.text("document.querySelector('.failure .lead').innerText");
    assert!(failure.contains("no option answers the question") && failure.contains("telemetry"), "{failure}");
    let last = browser.text("document.querySelector('.transcript li:last-child').innerText");
    assert!(last.contains("telemetry") && last.contains("no option answers this"), "{last}");
    let card = browser.text("document.querySelector('svg.topology .bad').textContent");
    assert_eq!(card, "✗ failed here");
}

const SHOWN: &str = "[...document.querySelectorAll('.grid tbody tr')].filter((row) => row.checkVisibility())\
                     .map((row) => row.dataset.cell).join(' ')";

#[test]
fn cells_are_searched_and_filtered_by_keyboard() {
    let mut browser = Browser::start();
    browser.open(&page("skipped"));
    assert_eq!(browser.text(SHOWN), "init_cluster init_cluster_services_named_user_ca_rsa");
    browser.press("/");
    "rsa".chars().for_each(|c| browser.press(&c.to_string()));
    assert_eq!(browser.text(SHOWN), "init_cluster_services_named_user_ca_rsa");
    assert_eq!(browser.text("document.getElementById('shown').textContent"), "1 of 2 cells shown");
    let sections = "[...document.querySelectorAll('details.cell')].filter((it) => it.checkVisibility()).length";
    assert_eq!(browser.evaluate(sections), 1);
    browser.press("Escape");
    assert_eq!(browser.text(SHOWN), "init_cluster init_cluster_services_named_user_ca_rsa");
    let choose = "document.getElementById('status').value = 'passed'; \
                  document.getElementById('status').dispatchEvent(new Event('change'))";
    browser.evaluate(choose);
    assert_eq!(browser.text(SHOWN), "init_cluster");
    assert_quiet(&browser);
}

#[test]
fn a_failure_goes_with_its_cells_and_a_link_brings_one_back() {
    let mut browser = Browser::start();
    browser.open(&page("failing"));
    let failure = "document.querySelector('.failure').checkVisibility()";
    assert_eq!(browser.evaluate(failure), true);
    browser.press("/");
    "rest".chars().for_each(|c| browser.press(&c.to_string()));
    assert_eq!(browser.evaluate(failure), false);
    let linked = "document.getElementById('init_cluster_custom_encap-tunnels').checkVisibility()";
    assert_eq!(browser.evaluate(linked), false);
    browser.evaluate("location.hash = 'init_cluster_custom_encap-tunnels'");
    // The event comes after the script that caused it.
    browser.evaluate("new Promise((done) => setTimeout(done))");
    assert_eq!(browser.evaluate(linked), true);
}

#[test]
fn the_first_tab_stop_skips_to_the_results() {
    let mut browser = Browser::start();
    browser.open(&page("failing"));
    browser.press("Tab");
    assert_eq!(browser.text("document.activeElement.textContent"), "Skip to the results");
    browser.press("Enter");
    assert_eq!(browser.text("document.activeElement.id"), "main");
}

#[test]
fn without_scripts_everything_is_there_and_nothing_promises_what_needs_them() {
    let mut browser = Browser::start();
    browser.call("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    browser.width(1280);
    browser.open(&page("failing"));
    browser.picture(&out().join("failing-without-scripts.png"));
    let visible = |browser: &mut Browser, selector: &str| {
        browser.evaluate(&format!("[...document.querySelectorAll({selector:?})].some((it) => it.checkVisibility())"))
    };
    assert_eq!(visible(&mut browser, "#filter"), false);
    for selector in [".failure", ".grid tbody tr", "svg.topology", ".time .bar", ".checks .failed .differences"] {
        assert_eq!(visible(&mut browser, selector), true, "{selector}");
    }
    // A closed section opens without scripts too.
    browser.evaluate("document.querySelector('details.cell[open] .transcripts summary').click()");
    assert_eq!(visible(&mut browser, ".transcript li"), true);
    assert_quiet(&browser);
}

#[test]
fn it_fits_a_narrow_window_and_paper() {
    let mut browser = Browser::start();
    browser.width(400);
    browser.open(&page("failing"));
    browser.picture(&out().join("failing-narrow.png"));
    assert_eq!(browser.evaluate("document.documentElement.scrollWidth"), 400, "only tables scroll sideways");
    browser.width(1040);
    browser.medium("print");
    browser.picture(&out().join("failing-print.png"));
    assert_eq!(browser.evaluate("document.getElementById('filter').checkVisibility()"), false);
    assert_eq!(browser.evaluate("document.querySelector('.failure').checkVisibility()"), true);
    // Printing brings its own medium.
    browser.medium("");
    assert!(browser.print(&out().join("failing.pdf")) > 10_000);
}

#[test]
fn a_journey_is_a_line_of_stations_that_leads_to_each() {
    let copied = tempfile::tempdir().expect("a folder");
    let run = copied.path().join("run");
    let cp = std::process::Command::new("cp").arg("-r").arg(fixture("journey")).arg(&run).status();
    assert!(cp.expect("cp").success());
    runs::stop_at_a_red_station(&run);
    let page = page_of(&run, "journey-red");
    let mut browser = Browser::start();
    browser.width(1280);
    browser.open(&page);
    browser.picture(&out().join("journey-red.png"));
    let line = "[...document.querySelectorAll('.journeys .line li')].map((it) => it.className).join(' ')";
    assert_eq!(browser.text(line), "passed passed failed unfinished");
    let failure = browser.text("document.querySelector('.failure').innerText");
    assert!(failure.contains("s2_restart_chassis_1") && failure.contains("microovn-services-restart-2"), "{failure}");
    let acts = "document.getElementById('services_restart-s1_restart_switch_1').closest('details')\
                .querySelector('.acts').checkVisibility()";
    assert_eq!(browser.evaluate(acts), false);
    browser.evaluate("document.querySelectorAll('.journeys .line a')[1].click()");
    browser.evaluate("new Promise((done) => setTimeout(done))");
    assert_eq!(browser.evaluate(acts), true, "a link opens its station");
    browser.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })");
    browser.picture(&out().join("journey-red-open.png"));
    browser.evaluate(&format!("{};0", axe()));
    let found = browser.evaluate("axe.run().then((found) => found.violations.map((it) => it.id).join(' '))");
    assert_eq!(found, "");
    browser.width(400);
    assert_eq!(browser.evaluate("document.documentElement.scrollWidth"), 400, "only tables scroll sideways");
    assert_quiet(&browser);
}
