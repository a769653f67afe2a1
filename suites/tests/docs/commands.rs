//! Commands that pages show.
//!
//! - `console` blocks are run, where there is no LXD, and print what is shown. `TRYCMD=overwrite` writes it anew.
//! - `console,ignore` blocks are examples of what needs LXD, `sh` blocks are to be typed, and code in a line speaks of
//!   commands: of all these, the command must exist and take its options.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::pages::{documents, pages, root};

const TESTKIT: &str = env!("CARGO_BIN_EXE_testkit");

/// The page of the command that tries the framework.
const LAB: &str = "docs/reference/lab.md";

/// What no command that is shown may reach.
const NO_LXD: &str = "/nonexistent/lxd.socket";

/// Says that this process has been started without the settings of whoever runs the tests.
const PLAIN: &str = "DOCS_WITHOUT_SETTINGS";

/// `program` without the settings of whoever runs the tests.
fn plain(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    let settings = ["LXD_", "LXC_", "INCUS_", "TESTKIT_", "MICROOVN_", "MICROCLOUD_"];
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| settings.iter().any(|start| name.starts_with(start))) {
            command.env_remove(name);
        }
    }
    command
}

/// The command, as in a fresh shell.
pub(crate) fn testkit() -> Command {
    plain(TESTKIT)
}

#[test]
fn what_is_shown_is_what_is_printed() {
    // trycmd can add to the environment of a command and take nothing out of it, so this test runs in a child.
    if std::env::var_os(PLAIN).is_none() {
        let mut child = plain(std::env::current_exe().expect("a program"));
        child.args(["--exact", "commands::what_is_shown_is_what_is_printed", "--nocapture"]).env(PLAIN, "1");
        assert!(child.status().expect("it runs").success(), "a page shows what is not printed");
        return;
    }
    // A workspace of its own, so that no configuration and no record of this checkout plays a part.
    let world = tempfile::tempdir().expect("a folder");
    fs::write(world.path().join("Cargo.toml"), "[workspace]\n").expect("a manifest");
    std::env::set_current_dir(world.path()).expect("entered");
    let folder = |name: &str| world.path().join(name).display().to_string();

    trycmd::TestCases::new()
        .register_bin("testkit", Path::new(TESTKIT))
        .env("TESTKIT_OUT_DIR", folder("out"))
        .env("TESTKIT_CACHE_DIR", folder("cache"))
        .env("TESTKIT_STATE_DIR", folder("state"))
        .env("LXD_SOCKET", NO_LXD)
        // Help is as wide as the terminal.
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1")
        .case(root().join("README.md"))
        .case(root().join("docs/**/*.md"))
        // Of another command, and held by the tests of that.
        .skip(root().join(LAB))
        .run();
}

/// The words of a command that is shown, from its program on; none where it is not ours.
fn words(line: &str) -> Vec<String> {
    // What follows is the shell's.
    let line = line.split([';', '|', '>', '&']).next().unwrap_or_default();
    let words = line.split_whitespace().take_while(|word| !word.starts_with('#'));
    let words = words.skip_while(|word| word.contains('=') || ["$", "sudo", "-E", "env"].contains(word));
    // What stands behind `--` is another program's.
    words.take_while(|word| *word != "--").map(str::to_owned).collect()
}

/// The targets of the Makefile that can be typed; a pattern as it is written there, `tests/%`.
fn targets() -> BTreeSet<String> {
    let makefile = fs::read_to_string(root().join("Makefile")).expect("a Makefile");
    let heads = makefile.lines().filter_map(|line| line.split_once(':').map(|(head, _)| head));
    heads
        .filter(|head| !head.is_empty() && head.chars().all(|c| c.is_ascii_lowercase() || "-/%".contains(c)))
        .map(str::to_owned)
        .collect()
}

/// What is wrong with a command, if anything is.
fn problem(words: &[String], targets: &BTreeSet<String>) -> Option<String> {
    match words.split_first()? {
        (program, _) if program == "testkit" => {
            // `--help` keeps it from doing anything, and does not keep clap from refusing what stands before it.
            let output = testkit().args(&words[1..]).arg("--help").output().expect("testkit runs");
            (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
        }
        (program, arguments) if program == "make" => {
            let pattern = |word: &str| word.split_once('/').map(|(folder, _)| format!("{folder}/%"));
            let target = |word: &str| targets.contains(word) || pattern(word).is_some_and(|it| targets.contains(&it));
            let unknown = |word: &&String| !word.starts_with('-') && !target(word);
            // Behind the first assignment, which may have blanks in it, no target is named.
            let mut named = arguments.iter().take_while(|word| !word.contains('='));
            named.find(unknown).map(|word| format!("there is no target {word}"))
        }
        _ => None,
    }
}

#[test]
fn every_command_that_is_named_exists() {
    let targets = targets();
    assert!(targets.contains("check-system"), "{targets:?}");
    let mut named: Vec<(String, String)> = Vec::new();
    for page in documents() {
        for block in page.blocks() {
            let lines = block.text.lines();
            match block.info.as_str() {
                "sh" => named.extend(lines.map(|line| (block.place.clone(), line.to_owned()))),
                "console,ignore" => named.extend(
                    lines.filter_map(|line| line.strip_prefix("$ ")).map(|line| (block.place.clone(), line.to_owned())),
                ),
                _ => {}
            }
        }
        named.extend(page.code().into_iter().filter(|(_, code)| !code.contains('…')));
    }
    let mut count = 0;
    let mut wrong = Vec::new();
    for (place, line) in named {
        let words = words(&line);
        count += usize::from(words.first().is_some_and(|word| ["testkit", "make"].contains(&word.as_str())));
        wrong.extend(problem(&words, &targets).map(|problem| format!("{place}: {line}\n{problem}")));
    }
    assert!(count > 100, "only {count} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What trycmd does not understand it takes for something to be left alone, and says nothing.
#[test]
fn every_block_is_run_or_says_that_it_is_not() {
    let known = ["console", "console,ignore", "rust", "sh", "text", "toml"];
    let mut wrong = Vec::new();
    let mut run = 0;
    for page in pages() {
        for block in page.blocks() {
            if !known.contains(&block.info.as_str()) {
                wrong.push(format!("{}: {:?} is none of {known:?}", block.place, block.info));
            }
            if block.info != "console" {
                continue;
            }
            if !block.at_the_margin {
                wrong.push(format!("{}: a block that is indented is not run", block.place));
            }
            let commands: Vec<&str> = block.text.lines().filter(|line| line.starts_with("$ ")).collect();
            run += commands.len();
            if commands.is_empty() {
                wrong.push(format!("{}: there is no command in it", block.place));
            }
            let ours = if page.name == Path::new(LAB) { "lab" } else { "testkit" };
            for line in commands.iter().filter(|line| words(line).first().is_none_or(|program| program != ours)) {
                wrong.push(format!("{}: {line:?} is not run: its program is not {ours}", block.place));
            }
        }
    }
    assert!(run > 40, "only {run} commands are run");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
