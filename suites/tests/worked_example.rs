//! The worked examples of docs/ on options, steps and journeys are true: their files and their lines, added to a copy of this
//! crate, give what the pages say.
//!
//! The copy and what is built of it stay under the target folder, so that only the first run builds everything.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use testkit::matrix::Cell;
use testkit::microovn::dialog::Dialog;
use testkit::plan::{Need, Plan, Segment, Segments};

const PAGE: &str = include_str!("../../docs/adding-an-init-option.md");
const STEP: &str = include_str!("../../docs/how-to/write-a-step.md");
const JOURNEY: &str = include_str!("../../docs/how-to/write-a-journey.md");
/// What each page adds: a file, and a line to a list.
const EXAMPLES: [Example; 3] = [
    Example { page: PAGE, file: "suites/src/options/bgp.rs", list: "suites/src/options/mod.rs", of: "options!" },
    Example { page: STEP, file: "suites/src/steps/waitready.rs", list: "suites/src/steps/mod.rs", of: "steps!" },
    Example {
        page: JOURNEY,
        file: "suites/src/journeys/patience.rs",
        list: "suites/src/journeys/mod.rs",
        of: "journeys!",
    },
];

/// A page whose first block of Rust is a file, and whose second is a line of a list.
struct Example {
    page: &'static str,
    file: &'static str,
    list: &'static str,
    of: &'static str,
}

/// The code blocks of a page that start with this fence, in order.
fn blocks_of(page: &'static str, fence: &str) -> Vec<&'static str> {
    let fence = format!("\n```{fence}\n");
    let opened = page.split(&fence).skip(1);
    opened.map(|rest| rest.split_once("\n```").expect("a closed fence").0).collect()
}

/// Those of the page on init options.
fn blocks(fence: &str) -> Vec<&'static str> {
    blocks_of(PAGE, fence)
}

impl Example {
    /// Its file and its line.
    fn parts(&self) -> (String, String) {
        let [file, line] = blocks_of(self.page, "rust")[..] else { panic!("one file and one line, and no other Rust") };
        (format!("{file}\n"), format!("{line}\n"))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The workspace with nothing but this crate, which uses the real library, and with the example. One test at a time has
/// it.
struct Copy {
    root: PathBuf,
    _lock: File,
}

impl Copy {
    fn open() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("worked-example");
        fs::create_dir_all(&folder).expect("a folder");
        let lock = File::create(folder.join("lock")).expect("a lock file");
        lock.lock().expect("locked");
        let copy = Self { root: folder, _lock: lock };
        copy.restore();
        copy
    }

    /// Makes the copy what it should be. A file that is so already stays as it is, and is not compiled again.
    fn restore(&self) {
        let mut wanted = BTreeMap::new();
        for name in [
            "suites/Cargo.toml",
            "suites/known.toml",
            "suites/parity.toml",
            "docs/migrating-from-bats.md",
            "Cargo.lock",
        ] {
            wanted.insert(PathBuf::from(name), fs::read_to_string(root().join(name)).expect("readable"));
        }
        for path in ["suites/src", "suites/tests"].iter().flat_map(|folder| files(&root().join(folder))) {
            let name = path.strip_prefix(root()).expect("below").to_owned();
            wanted.insert(name, fs::read_to_string(&path).expect("readable"));
        }
        let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("readable");
        let members = manifest.lines().find(|line| line.starts_with("members = ")).expect("members");
        let library = format!("path = {:?}", root().join("testkit").display().to_string());
        let manifest = manifest.replace(members, "members = [\"suites\"]").replace("path = \"testkit\"", &library);
        wanted.insert("Cargo.toml".into(), manifest);

        for example in EXAMPLES {
            let Example { file: name, list, of, .. } = example;
            let (file, line) = example.parts();
            assert!(wanted.insert(name.into(), file).is_none(), "{name} is in the crate itself");
            let list = wanted.get_mut(Path::new(list)).expect("the list");
            let (before, after) = list.split_once(&format!("\n{of} {{\n")).expect("the list");
            let (items, after) = after.split_once("\n}\n").expect("its end");
            *list = format!("{before}\n{of} {{\n{items}\n{line}}}\n{after}");
        }

        for path in files(&self.root.join("suites")) {
            if !wanted.contains_key(path.strip_prefix(&self.root).expect("below")) {
                fs::remove_file(path).expect("removed");
            }
        }
        for (name, text) in wanted {
            let path = self.root.join(name);
            if fs::read_to_string(&path).ok().as_ref() != Some(&text) {
                fs::create_dir_all(path.parent().expect("a folder")).expect("made");
                fs::write(path, text).expect("written");
            }
        }
    }

    /// A program in the copy, without the settings of this run.
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars() {
            let settings = ["LXD_", "LXC_", "INCUS_", "TESTKIT_", "MICROOVN_", "MICROCLOUD_", "NEXTEST_"];
            if settings.iter().any(|beginning| name.starts_with(beginning)) {
                command.env_remove(name);
            }
        }
        command.current_dir(&self.root);
        command
    }

    fn cargo(&self, args: &[&str]) -> Output {
        self.command(env!("CARGO"))
            .args(args)
            // Its own, so that neither waits for the other.
            .env("CARGO_TARGET_DIR", self.root.join("target"))
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            // Everything it needs is there since this test was built.
            .env("CARGO_NET_OFFLINE", "true")
            .output()
            .expect("cargo runs")
    }

    /// `testkit` of the copy. Built with tests, as those of the options are: without, cargo would build the library twice.
    fn testkit(&self, args: &[&str]) -> Output {
        shown(&self.cargo(&["build", "--quiet", "--package", "suites", "--bin", "testkit", "--test", "generated"]));
        self.command(self.root.join("target/debug/testkit")).args(args).output().expect("testkit runs")
    }

    #[track_caller]
    fn shown(&self, args: &[&str]) -> String {
        shown(&self.testkit(args))
    }
}

#[track_caller]
fn shown(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// The cells of `testkit plan --format json`: choices by id.
fn cells(json: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let plan: Value = serde_json::from_str(json).expect("JSON");
    let cells = plan["cells"].as_array().expect("cells").iter();
    cells
        .map(|cell| {
            let choices = serde_json::from_value(cell["choices"].clone()).expect("choices");
            (cell["id"].as_str().expect("an id").to_owned(), choices)
        })
        .collect()
}

/// The cells of a tier without the example.
fn known(tier: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_testkit")).args(["plan", "--format", "json", "--tier", tier]).output();
    cells(&shown(&output.expect("testkit runs")))
}

#[test]
fn its_cells_are_planned_in_pairs_with_every_value_that_the_constraint_allows() {
    let copy = Copy::open();
    let planned = cells(&copy.shown(&["plan", "--tier", "pairwise", "--format", "json"]));
    let new: Vec<_> = planned.iter().filter(|(_, choices)| choices["bgp"] == "announced").collect();
    assert!(new.iter().all(|(id, _)| id.ends_with("_bgp")), "{new:?}");
    let pairs = |cells: &mut dyn Iterator<Item = &BTreeMap<String, String>>| -> BTreeSet<(String, String)> {
        let pairs = cells.flat_map(|choices| choices.clone());
        pairs.filter(|(option, value)| option != "bgp" && value != "cli").collect()
    };
    let wanted = pairs(&mut known("full").values());
    assert_eq!(pairs(&mut new.iter().map(|(_, choices)| *choices)), wanted);
    assert!(new.iter().all(|(_, choices)| choices["formation"] != "cli"), "{new:?}");
}

#[test]
fn it_renames_no_cell_and_leaves_the_core_as_it_is() {
    let copy = Copy::open();
    for tier in ["core", "full"] {
        let mut now = cells(&copy.shown(&["plan", "--tier", tier, "--format", "json"]));
        now.retain(|_, choices| choices.remove("bgp").as_deref() == Some("off"));
        assert_eq!(now, known(tier), "{tier}");
    }
}

#[test]
fn its_prompts_and_answers_are_explained_as_the_page_shows() {
    let copy = Copy::open();
    let explained = copy.shown(&["plan", "--explain", "init_cluster_bgp"]);
    let excerpt = blocks("text").into_iter().find(|block| block.contains("answered")).expect("an excerpt");
    let mut rest = explained.as_str();
    for line in excerpt.lines().filter(|line| !line.contains('…')) {
        let at =
            rest.find(&format!("{line}\n")).unwrap_or_else(|| panic!("no {line:?}, in this order, in:\n{explained}"));
        rest = &rest[at + line.len()..];
    }
    let explained = copy.shown(&["plan", "--explain", "init_cluster_rest_bgp"]);
    assert!(explained.contains("told         config ovn-bgp-router-id = 198.18.1.1\n"), "{explained}");
    assert!(explained.contains("needs the API extension \"bgp_router_id\"\n"), "{explained}");
    let refused = copy.testkit(&["plan", "--explain", "init_cluster_cli_bgp"]);
    assert_eq!(refused.status.code(), Some(2), "the constraint allows no such cell");
    let coverage = copy.shown(&["plan", "--tier", "pairwise", "--coverage"]);
    assert!(coverage.contains("`cluster bootstrap` and `cluster join` take no router ID"), "{coverage}");
}

#[test]
fn the_journey_is_planned_as_the_page_says() {
    let copy = Copy::open();
    let explained = copy.shown(&["plan", "--explain", "patience"]);
    for wanted in ["s2_waitready_2", "microovn waitready", "snap restart microovn.daemon"] {
        assert!(explained.contains(wanted), "no {wanted:?} in:\n{explained}");
    }
}

#[test]
fn the_lists_of_suites_are_stale_until_they_are_generated() {
    let copy = Copy::open();
    let stale = copy.testkit(&["generate", "--check"]);
    let said = String::from_utf8_lossy(&stale.stderr);
    assert_eq!(stale.status.code(), Some(1), "{said}");
    for list in ["pairwise", "t3", "full", "life"] {
        let wanted = format!("tests/{list}/cells.rs is not what it is generated from; run `testkit generate`");
        assert!(said.contains(&wanted), "no {wanted:?} in: {said}");
    }
    assert!(!said.contains("tests/init/cells.rs"), "{said}");
    copy.shown(&["generate"]);
    copy.shown(&["generate", "--check"]);
    let list = fs::read_to_string(copy.root.join("suites/tests/full/cells.rs")).expect("a list");
    assert!(list.contains("_bgp,\n"), "its cells are in the lists");
    let journeys = fs::read_to_string(copy.root.join("suites/tests/life/cells.rs")).expect("a list");
    let shown = blocks_of(JOURNEY, "text")[0];
    assert!(journeys.contains(&format!("\n{shown}\n")), "the page does not show what is in: {journeys}");
}

#[test]
fn unit_tests_pass_and_so_do_those_of_every_option_step_and_journey() {
    let copy = Copy::open();
    let output = copy.cargo(&["test", "--package", "suites", "--lib", "--", "options::", "steps::", "journeys::"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        said.contains("options::bgp::tests::every_member_has_a_router_id_of_its_own_and_is_told_it ... ok"),
        "{said}"
    );
    assert!(said.contains("options::tests::every_answer_names_its_option"), "{said}");
}

#[test]
fn the_files_are_formatted() {
    let copy = Copy::open();
    let config = root().join("rustfmt.toml");
    let rustfmt = Path::new(env!("CARGO")).with_file_name("rustfmt");
    let output = Command::new(rustfmt)
        .args(["--check", "--edition", "2024", "--config-path"])
        .arg(config)
        .args(EXAMPLES.map(|example| copy.root.join(example.file)))
        .output()
        .expect("rustfmt runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_question_that_nobody_answers_is_refused_in_the_words_of_the_page() {
    let segment = |n: u8| Segment {
        ipv4: format!("10.{n}.0.0/24").parse().expect("a net"),
        ipv6: format!("fd42:{n}::/64").parse().expect("a net"),
    };
    let cell: Cell = suites::options::matrix().expect("a matrix").cell(&[]).expect("a cell");
    let segments = Segments { management: segment(77), underlay: segment(88) };
    let plan = Plan::draw(&cell, suites::options::OPTIONS, segments);
    let question = blocks("text")[0].lines().next().expect("a question");
    let mut dialog = Dialog::new(&plan.recipe(&plan.state.members[0]).answers, None);
    assert_eq!(dialog.feed(format!("{question} ").as_bytes()), [], "nothing is typed into it");
    let said = dialog.on_silence().to_string();
    let said = said.lines().next().expect("a line");
    assert!(blocks("text").contains(&said), "the page does not say: {said}");
}

#[test]
fn a_skip_is_said_in_the_words_of_the_page() {
    let question = "Would you like to announce this member over BGP?";
    let said = format!("SKIPPED init_cluster_bgp: the product lacks {}", Need::Prompt(question.to_owned()));
    assert!(blocks("text").contains(&said.as_str()), "the page does not say: {said}");
}
