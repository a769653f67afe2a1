//! Who started a test: the runner, among the processes above it.
//!
//! Between the two there may be others: a program that cargo starts tests with (`CARGO_TARGET_<TRIPLE>_RUNNER`, `runner` of
//! its configuration), such as `sudo`, `timeout` or `strace`, and what that starts.

use std::fmt;
use std::fs;
use std::path::Path;

use super::Process;

/// More processes than this are above nobody; a chain that changes while it is read must come to an end.
const MOST: usize = 256;
/// What nextest tells every test, and what is between it and the test.
const RUN_ID: &str = "NEXTEST_RUN_ID";

/// A test whose runner is not known.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// Nobody above this process is a runner. Holds who is, the nearest first.
    #[error(
        "neither cargo-nextest nor cargo is among the processes above this test, which are {0}; the runner has ended, or the \
         test was started without one: start it with `cargo nextest run` or `cargo test`"
    )]
    NoRunner(String),
    /// Nextest is the runner, and what it says of the run is not in the environment.
    #[error(
        "{runner} runs this test, and NEXTEST_RUN_ID, which it sets, did not come through {between}; let the environment \
         through, as `sudo -E` does"
    )]
    NotTold {
        /// The runner.
        runner: String,
        /// The processes between it and the test, the nearest to the test first.
        between: String,
    },
}

/// The runner of this process, of the nextest run of this id where it is in one.
pub(super) fn find(run: Option<&str>) -> Result<Runner, RunnerError> {
    let above = above(run);
    let runner = pick(&above)?;
    match (&runner.kind, run) {
        (Kind::Nextest, None) => {
            let between: Vec<String> = runner.between.iter().map(ToString::to_string).collect();
            Err(RunnerError::NotTold { runner: runner.above.to_string(), between: between.join(", ") })
        }
        _ => {
            let process = runner.above.process.clone();
            Ok(Runner { process, nextest: runner.kind == Kind::Nextest })
        }
    }
}

/// A runner that is at work.
pub(super) struct Runner {
    /// Its process.
    pub(super) process: Process,
    /// Whether it is nextest, so that what nextest tells is of this run; else it is cargo.
    pub(super) nextest: bool,
}

/// A process above this one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Above {
    process: Process,
    /// The file names that it is known by: the kernel's (at most 15 bytes, proc_pid_comm(5)), that of its first argument,
    /// and that of its program, which only its owner may know. A script has its own and its interpreter's.
    names: Vec<String>,
    /// Whether nextest told it of this run, so that it was started by nextest and is not nextest itself, whatever it is
    /// called.
    told: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Nextest,
    Cargo,
}

struct Picked<'a> {
    above: &'a Above,
    kind: Kind,
    between: &'a [Above],
}

/// The nearest that is a runner.
fn pick(above: &[Above]) -> Result<Picked<'_>, RunnerError> {
    let found = above.iter().enumerate().find_map(|(place, it)| Some((place, it, it.kind()?)));
    let (place, runner, kind) = found.ok_or_else(|| {
        let chain: Vec<String> = above.iter().map(ToString::to_string).collect();
        RunnerError::NoRunner(if chain.is_empty() { "none that can be seen".to_owned() } else { chain.join(", ") })
    })?;
    Ok(Picked { above: runner, kind, between: above.get(..place).unwrap_or_default() })
}

impl Above {
    /// What kind of runner it is, if it is one. Neither name is ever cut: both are shorter than the kernel's.
    fn kind(&self) -> Option<Kind> {
        let named = |is: fn(&str) -> bool| self.names.iter().any(|name| is(name));
        if !self.told && named(|name| name.contains("nextest")) {
            return Some(Kind::Nextest);
        }
        // One that a test of nextest started was told too, and is the runner of its own tests all the same.
        named(|name| name == "cargo").then_some(Kind::Cargo)
    }

    fn find(pid: u32, run: Option<&str>) -> Option<(Self, u32)> {
        let process = Process::find(pid)?;
        let parent = parent_of(pid)?;
        let folder = format!("/proc/{pid}");
        let read = |file: &str| fs::read(format!("{folder}/{file}")).unwrap_or_default();
        let file_name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        let first = text(read("cmdline").split(|byte| *byte == 0).next().unwrap_or_default());
        let program = fs::read_link(format!("{folder}/exe")).ok();
        let names = [Some(text(&read("comm"))), file_name(Path::new(&first)), program.as_deref().and_then(file_name)];
        let mut names: Vec<String> = names.into_iter().flatten().filter(|name| !name.is_empty()).collect();
        names.dedup();
        let told = run.map(|run| format!("{RUN_ID}={run}"));
        let told = told.is_some_and(|told| read("environ").split(|byte| *byte == 0).any(|it| it == told.as_bytes()));
        Some((Self { process, names, told }, parent))
    }
}

/// `cargo-nextest (pid 4711)`, by the name that is not cut.
impl fmt::Display for Above {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.names.first().map_or("?", String::as_str);
        let whole = self.names.iter().find(|it| it.len() > name.len() && it.starts_with(name));
        write!(f, "{} (pid {})", whole.map_or(name, String::as_str), self.process.pid)
    }
}

/// The processes above this one, the nearest first.
fn above(run: Option<&str>) -> Vec<Above> {
    let mut pid = std::os::unix::process::parent_id();
    let mut all = Vec::new();
    while pid != 0
        && all.len() < MOST
        && let Some((process, parent)) = Above::find(pid, run)
    {
        all.push(process);
        pid = parent;
    }
    all
}

/// The parent of a process, as its status tells (proc_pid_stat(5), field 4).
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command name is in parentheses and may itself contain them.
    stat.get(stat.rfind(')')? + 1..)?.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(names: &[&[&str]], told: &[usize]) -> Vec<Above> {
        let above = |(place, names): (usize, &&[&str])| Above {
            process: Process { pid: u32::try_from(100 - place).expect("few"), ..Process::current() },
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            told: told.contains(&place),
        };
        names.iter().enumerate().map(above).collect()
    }

    #[test]
    fn the_runner_is_the_nearest_that_is_one() {
        for (names, told, wanted) in [
            (vec![&["cargo-nextest"][..], &["bash"]], vec![], Some((100, Kind::Nextest))),
            (vec![&["sudo"], &["sudo"], &["cargo-nextest"], &["bash"]], vec![0, 1], Some((98, Kind::Nextest))),
            // As others call it: a version in its name, a wrapper of a distribution, cut to fifteen bytes.
            (vec![&["timeout"], &["cargo-nextest-0", "cargo-nextest-0.9.143"]], vec![], Some((99, Kind::Nextest))),
            (vec![&["timeout"], &[".cargo-nextest-"], &["cargo"]], vec![], Some((99, Kind::Nextest))),
            (vec![&["built-by-hand-n", "built-by-hand-nextest"]], vec![], Some((100, Kind::Nextest))),
            // A script between the two that is called like it.
            (vec![&["nextest-wrap.sh", "bash"], &["cargo-nextest"]], vec![0], Some((99, Kind::Nextest))),
            (vec![&["cargo"], &["init-0a1b2c3d4e5"], &["cargo-nextest"]], vec![0, 1], Some((100, Kind::Cargo))),
            (vec![&["strace"], &["cargo"], &["bash"]], vec![], Some((99, Kind::Cargo))),
            (vec![&["cargo-insta"], &["bash"]], vec![], None),
            (vec![&["bash"], &["systemd"]], vec![], None),
            (vec![], vec![], None),
        ] {
            let chain = chain(&names, &told);
            let picked = pick(&chain).ok().map(|picked| (picked.above.process.pid, picked.kind));
            assert_eq!(picked, wanted, "{names:?}");
        }
    }

    #[test]
    fn where_there_is_no_runner_the_chain_is_said() {
        let chain = chain(&[&["init-0a1b2c3d4e5", "init-0a1b2c3d4e5f6789"], &["systemd"]], &[]);
        let Err(error) = pick(&chain) else { panic!("there is none") };
        let error = error.to_string();
        assert!(error.contains("init-0a1b2c3d4e5f6789 (pid 100), systemd (pid 99)"), "{error}");
    }

    #[test]
    fn this_test_has_a_runner() {
        let run = std::env::var("NEXTEST_RUN_ID").ok();
        let runner = find(run.as_deref()).expect("nextest or cargo");
        assert_eq!(runner.process.is_alive(), Some(true));
        assert_eq!(runner.nextest, run.is_some());
    }
}
