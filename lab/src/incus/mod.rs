//! An Incus beside whatever is on this host, and the core suites on it.
//!
//! Its packages are a distribution's, in a root folder of its own; it runs in namespaces of its own, so that its bridges, mounts
//! and processes are in nobody's way and go with it. What is run on it is run as a person would, who has `INCUS_SOCKET` set.

mod daemon;
mod groups;
mod inside;
mod root;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;
use testkit::cli::{Failure, Format, lines};
use testkit::config::Config;
use testkit::image::{self, Cache, Interrupted};

use crate::folder::{Folder, LAB};
use crate::leftovers;
use crate::paper::{Paper, table};
use crate::testkit_command;
use daemon::Running;
pub(crate) use inside::inside;
use root::Recipe;

/// How the names of the folders of such daemons begin, and those of their control groups.
const FOLDER: &str = "testkit-incus-";

/// What is done on it, in order: for a person, the arguments of `testkit`, and how many minutes it may take. What takes back
/// what was made is done whatever came before it.
const STEPS: [(&str, &[&str], u64); 6] = [
    ("setup", &["setup"], 10),
    ("doctor", &["doctor"], 2),
    ("images", &["image", "build"], 20),
    ("core suites", &["run", "--tier", "core", "--forbid-skips"], 40),
    ("nothing stays of the runs", &["sweep", "--wait", "--quiet"], 5),
    ("teardown", &["teardown"], 5),
];
const TEARDOWN: &str = "teardown";

/// For a step that is late to end what it has begun.
const END: Duration = Duration::from_secs(30);
/// How much is shown of what a step said that did not pass.
const LAST_LINES: usize = 40;

/// What there is of a host that a setup changes and a teardown puts back.
const HOST: [&str; 3] = ["kernel/keys/maxkeys", "kernel/keys/maxbytes", "fs/inotify/max_user_instances"];

/// How to run it.
#[derive(Debug, clap::Args)]
pub(super) struct IncusArgs {
    /// The suite of Debian that it is of, instead of the recipe's.
    #[arg(long)]
    suite: Option<String>,
    /// How to show what came of it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// What came of all.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// Of Incus.
    version: String,
    steps: Vec<Step>,
}

/// One thing that was done.
#[derive(Debug, Serialize)]
struct Step {
    /// What, for a person.
    name: String,
    seconds: f64,
    passed: bool,
    /// What it said last, where it did not pass.
    said: String,
}

impl Report {
    /// Whether everything was as it should be. A report of nothing is not.
    fn passed(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| step.passed)
    }
}

/// Starts it, runs everything on it, ends it, and shows what came of it. Nothing of it is left, which is looked at.
pub(super) async fn incus(config: &Config, IncusArgs { suite, format }: IncusArgs) -> Result<ExitCode, Failure> {
    if !rustix::process::geteuid().is_root() {
        let said = "`lab incus` starts a daemon, which only root may: `sudo -E env \"PATH=$PATH\" make check-incus`";
        return Err(Failure::Usage(said.to_owned()));
    }
    let recipe = Recipe::read(&config.root)?.of(suite);
    let testkit = testkit_command()?;
    let interrupted = image::end_programs_on_signals().map_err(Failure::usage)?;
    let before = host();
    let mut progress = lines();
    let cache = Cache::open(&config.cache_dir.join(LAB)).map_err(Failure::provisioning)?;
    let packed = recipe.packed(&cache, &mut progress).map_err(Failure::provisioning)?;
    drop(cache);
    let folder = Folder::make(FOLDER).map_err(Failure::usage)?;
    forget_dead(&mut progress).await?;
    progress("unpacking Incus");
    root::unpack(&packed, &folder.path().join(inside::ROOT)).map_err(Failure::provisioning)?;

    progress("starting Incus");
    let patience = STEPS.iter().map(|(_, _, minutes)| Duration::from_secs(minutes * 60) + 2 * END).sum();
    let (running, version) = Running::start(folder.path(), patience).await?;
    progress(&format!("Incus {version} answers at {}", running.socket().display()));
    let logs = config.root.join("target/lab");
    fs::create_dir_all(&logs).map_err(Failure::usage)?;
    let mut report = Report { version, steps: Vec::new() };
    let tries =
        Tries { testkit, socket: running.socket(), state: folder.path().join("state"), log: logs.join("incus.log") };
    File::create(&tries.log).map_err(Failure::usage)?;
    for (name, args, minutes) in STEPS {
        let failed = !report.steps.iter().all(|step| step.passed) || interrupted.is_set();
        if !failed || name == TEARDOWN {
            progress(name);
            report.steps.push(tries.step(name, args, Duration::from_secs(minutes * 60)).await?);
        }
    }
    progress("stopping Incus");
    let stopped = running.stop().await.map_err(Failure::Provisioning);
    // It is there where Incus came to say something.
    let _ = fs::copy(folder.path().join(inside::LOG), logs.join(inside::LOG));
    let (name, path) = (folder.name(), folder.path().to_owned());
    drop(folder);
    let left = left(&name, &path, &before);
    if !left.is_empty() {
        return Err(Failure::Provisioning(format!("of Incus is left: {}", left.join(", "))));
    }
    end(&interrupted, stopped, &report)?;
    show(&report, format, &config.root.join("target"))
}

fn end(interrupted: &Interrupted, stopped: Result<(), Failure>, report: &Report) -> Result<(), Failure> {
    if interrupted.is_set() {
        return Err(Failure::Provisioning("interrupted; nothing of Incus is left".to_owned()));
    }
    // What failed before says more than how it ended.
    if report.passed() { stopped } else { Ok(()) }
}

/// Removes the control groups of daemons whose process was killed; theirs are named by it.
async fn forget_dead(progress: &mut impl FnMut(&str)) -> Result<(), Failure> {
    for root in leftovers::hierarchies() {
        for entry in fs::read_dir(&root).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(pid) = name.strip_prefix(FOLDER).and_then(|pid| pid.parse::<u32>().ok()) else { continue };
            if !Path::new("/proc").join(pid.to_string()).exists() {
                progress(&format!("removing what was left of {name}"));
                groups::remove(&name).await.map_err(|error| Failure::Provisioning(error.to_string()))?;
            }
        }
    }
    Ok(())
}

/// What a setup changes on the host.
fn host() -> Vec<(String, String)> {
    let read = |name: &str| fs::read_to_string(Path::new("/proc/sys").join(name)).unwrap_or_default();
    HOST.iter().map(|name| (name.replace('/', "."), read(name).trim().to_owned())).collect()
}

/// What is left of it, and what of the host is not as it was.
fn left(name: &str, folder: &Path, before: &[(String, String)]) -> Vec<String> {
    let mut left = leftovers::of(name, folder);
    let changed = before.iter().zip(host()).filter(|(was, is)| *was != is);
    left.extend(changed.map(|((key, was), (_, is))| format!("{key} is {is} and was {was}")));
    left
}

/// What is run on it, and how.
struct Tries {
    testkit: PathBuf,
    socket: PathBuf,
    state: PathBuf,
    log: PathBuf,
}

impl Tries {
    /// Runs `testkit` with these arguments, as somebody who uses this Incus; what it says goes to the log.
    async fn step(&self, name: &str, args: &[&str], deadline: Duration) -> Result<Step, Failure> {
        let begun = Instant::now();
        let failed =
            |error: std::io::Error| Failure::Usage(format!("failed to run testkit {}: {error}", args.join(" ")));
        let log = File::options().append(true).open(&self.log).map_err(failed)?;
        let from = log.metadata().map_err(failed)?.len();
        let mut command = tokio::process::Command::new(&self.testkit);
        for elsewhere in
            ["LXD_SOCKET", "LXD_DIR", "LXD_REMOTE", "LXC_REMOTE", "INCUS_DIR", "INCUS_REMOTE", "TESTKIT_REMOTE"]
        {
            command.env_remove(elsewhere);
        }
        command.args(args).env("INCUS_SOCKET", &self.socket).env("TESTKIT_STATE_DIR", &self.state);
        command.stdin(Stdio::null()).stdout(log.try_clone().map_err(failed)?).stderr(log).kill_on_drop(true);
        let mut child = command.spawn().map_err(failed)?;
        let wrong = match tokio::time::timeout(deadline, child.wait()).await {
            Ok(status) => {
                let status = status.map_err(failed)?;
                (!status.success()).then(|| format!("testkit {} ended with {status}", args.join(" ")))
            }
            Err(_) => {
                // Asked first, so that it takes back what it has begun.
                if let Some(pid) = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
                    let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
                }
                let _ = tokio::time::timeout(END, child.wait()).await;
                Some(format!("testkit {} has not ended in {} s", args.join(" "), deadline.as_secs()))
            }
        };
        let said = wrong.as_ref().map(|wrong| format!("{wrong}:\n{}", last_lines(&self.log, from))).unwrap_or_default();
        Ok(Step { name: name.to_owned(), seconds: begun.elapsed().as_secs_f64(), passed: wrong.is_none(), said })
    }
}

/// The last lines of a file, of those from there on.
fn last_lines(path: &Path, from: u64) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(text.get(usize::try_from(from).unwrap_or(0)..).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

fn show(report: &Report, format: Format, target: &Path) -> Result<ExitCode, Failure> {
    let mut paper = Paper::default();
    paper.text(format!("On Incus {}, which ended and left nothing:", report.version));
    let mut steps = table(&["done".to_owned(), "came of it".to_owned(), "seconds".to_owned()], 2);
    for step in &report.steps {
        let came = if step.passed { "good" } else { "FAILED" };
        steps.add_row([step.name.clone(), came.to_owned(), format!("{:.0}", step.seconds)]);
    }
    paper.table(steps);
    for step in report.steps.iter().filter(|step| !step.passed) {
        paper.text(format!("{}: {}", step.name, step.said));
    }
    paper.publish(report, format, target, "incus")?;
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_nothing_or_of_a_step_that_failed_has_not_passed() {
        let step = |passed| Step { name: "x".to_owned(), seconds: 1.0, passed, said: String::new() };
        let report = |steps| Report { version: "6.0.4".to_owned(), steps };
        assert!(!report(vec![]).passed() && !report(vec![step(true), step(false)]).passed());
        assert!(report(vec![step(true)]).passed());
    }

    #[test]
    fn a_limit_that_is_not_as_it_was_is_left() {
        // Names of this test's own: what other tests run beside it is told of many a folder that is not.
        let name = format!("testkit-incus-of-a-test-{}", std::process::id());
        let folder = tempfile::tempdir().expect("a folder");
        let none = folder.path().join("none");
        assert_eq!(left(&name, &none, &host()), Vec::<String>::new());
        let mut before = host();
        before[0].1 = "1".to_owned();
        let told = left(&name, &none, &before);
        assert!(
            told.len() == 1 && told[0].starts_with("kernel.keys.maxkeys is ") && told[0].ends_with(" and was 1"),
            "{told:?}"
        );
    }

    #[test]
    fn what_a_step_said_is_told_without_what_was_said_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        fs::write(&path, "before\none\ntwo\n").expect("written");
        assert_eq!(last_lines(&path, 7), "one\ntwo");
        assert_eq!(last_lines(&path, 99), "");
    }

    #[tokio::test]
    async fn a_step_that_is_late_or_fails_says_so_with_its_last_words() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        fs::write(&log, "").expect("written");
        let tries = |program: &str| Tries {
            testkit: program.into(),
            socket: "/nowhere/incus".into(),
            state: "/nowhere".into(),
            log: log.clone(),
        };
        let late = tries("sleep").step("x", &["60"], Duration::ZERO).await.expect("a step");
        assert!(!late.passed && late.said.contains("has not ended in 0 s"), "{late:?}");
        let script = "echo $INCUS_SOCKET $LXD_SOCKET; exit 3";
        let failed = tries("sh").step("x", &["-c", script], Duration::from_secs(120)).await.expect("a step");
        assert!(!failed.passed && failed.said.ends_with(":\n/nowhere/incus"), "{failed:?}");
    }
}
