//! What runs in the host, as its root: brings over what the user needs, and does as that user what a person would do.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Instant;

use serde_json::Value;
use testkit::config::TRAFFIC;

use super::order::{ORDER, Order, PROGRESS, REPORT, Report, Step, USER, Wanted};
use crate::trial::Trial;

/// How much is kept of what a step said that did not pass.
const LAST_LINES: usize = 40;

/// How the end of a command is judged: `None` where it is as it should be, else what is wrong.
type Judge = fn(&Output) -> Option<String>;

/// Something that is tried: for a person, the command, its arguments, and how its end is judged.
type Attempt<'a> = (&'a str, &'a str, Vec<&'a str>, Judge);

/// What is always tried, in order; what somebody wants besides comes before the last [`CLOSING`].
const TRIED: [(&str, &str, &[&str], Judge); 9] = [
    ("doctor, before a setup", "testkit", &["doctor", "--format", "json"], only_setup_is_missing),
    ("setup", "testkit", &["setup"], succeeded),
    ("root's part of it", "testkit", &["setup", "--host"], asks_for_root),
    ("doctor", "testkit", &["doctor"], succeeded),
    ("images from the cache", "testkit", &["image", "build"], succeeded),
    ("two members by dialog", "lab", &["trial", "init_cluster", "--members", "2"], every_check_passed),
    ("three members, custom encapsulation", "lab", &["trial", "init_cluster_custom_encap"], every_check_passed),
    ("nothing stays of the runs", "testkit", &["sweep", "--wait", "--quiet"], succeeded),
    ("doctor, at the end", "testkit", &["doctor"], succeeded),
];

/// How many look at what is left.
const CLOSING: usize = 2;

/// What is tried, in order.
fn all(trials: &[Wanted]) -> Vec<Attempt<'_>> {
    let mut all: Vec<Attempt<'_>> =
        TRIED.map(|(name, command, args, judge)| (name, command, args.to_vec(), judge)).into();
    let closing = all.split_off(all.len() - CLOSING);
    all.extend(trials.iter().map(|it| {
        let judge: Judge = if it.journey { came_to_its_end } else { every_check_passed };
        (it.name.as_str(), "lab", vec!["trial", it.name.as_str()], judge)
    }));
    all.extend(closing);
    all
}

/// Tries everything in the host whose shared folder this is, and leaves the report in it.
pub(crate) fn inside(share: &Path) -> io::Result<()> {
    let mut progress = File::options().create(true).append(true).open(share.join(PROGRESS))?;
    let order: Order = serde_json::from_slice(&fs::read(share.join(ORDER))?)?;
    let mut report = Report { system: settled()?, booted_seconds: since_boot()?, steps: Vec::new() };
    writeln!(progress, "booted in {:.0} s: {}", report.booted_seconds, report.system)?;
    let home = Path::new("/home").join(USER);
    let begun = Instant::now();
    let brought = bring(&order, &home);
    report.steps.push(Step {
        name: "workspace and caches".to_owned(),
        seconds: begun.elapsed().as_secs_f64(),
        passed: brought.is_ok(),
        said: brought.as_ref().err().map(ToString::to_string).unwrap_or_default(),
    });
    if brought.is_ok() {
        let is_journey =
            |args: &[&str]| order.trials.iter().any(|it| it.journey && args == ["trial", it.name.as_str()]);
        let attempt = |command: &str, args: &[&str], judge: Judge| {
            let traffic = order.traffic && !is_journey(args);
            match run(&order, &home, traffic, command, args) {
                Err(error) => Some(format!("failed to run {command}: {error}")),
                Ok(output) if traffic && args.starts_with(&["trial"]) => judge(&output).or_else(|| unsent(&output)),
                Ok(output) => judge(&output),
            }
        };
        try_each(&mut report, &all(&order.trials), attempt, |said, report| {
            writeln!(progress, "{said}")?;
            // Written each time, so that a machine that stands still has told what it got to.
            fs::write(share.join(REPORT), serde_json::to_vec_pretty(report)?)
        })?;
    }
    fs::write(share.join("kernel.log"), duct::cmd!("dmesg").unchecked().read()?)?;
    fs::write(share.join(REPORT), serde_json::to_vec_pretty(&report)?)
}

/// Tries everything, also behind what did not pass: a host takes a quarter of an hour to get here, so one look at it is to
/// find all that is wrong. `attempt` says what is wrong, and `tell` is told before and after each.
fn try_each(
    report: &mut Report,
    all: &[Attempt<'_>],
    mut attempt: impl FnMut(&str, &[&str], Judge) -> Option<String>,
    mut tell: impl FnMut(&str, &Report) -> io::Result<()>,
) -> io::Result<()> {
    for (name, command, args, judge) in all {
        tell(name, report)?;
        let begun = Instant::now();
        let wrong = attempt(command, args, *judge);
        let (seconds, passed) = (begun.elapsed().as_secs_f64(), wrong.is_none());
        report.steps.push(Step { name: (*name).to_owned(), seconds, passed, said: wrong.unwrap_or_default() });
        tell(&format!("{name}: {} after {seconds:.0} s", if passed { "good" } else { "FAILED" }), report)?;
    }
    Ok(())
}

/// What systemd says of the machine when it has booted.
fn settled() -> io::Result<String> {
    let said = duct::cmd!("systemctl", "is-system-running", "--wait").unchecked().read()?;
    if said == "running" {
        return Ok(said);
    }
    let failed = duct::cmd!("systemctl", "--failed", "--plain", "--no-legend").unchecked().read()?;
    Ok(format!("{said}: {}", failed.split_whitespace().next().unwrap_or("no unit has failed")))
}

fn since_boot() -> io::Result<f64> {
    let uptime = fs::read_to_string("/proc/uptime")?;
    uptime.split(' ').next().and_then(|seconds| seconds.parse().ok()).ok_or_else(|| io::Error::other(uptime.clone()))
}

/// Copies the workspace, the commands and the caches to where the user has them.
fn bring(order: &Order, home: &Path) -> io::Result<()> {
    let cache = home.join(".cache/microovn-testkit");
    copy(&order.workspace, &order.entries, &order.workspace)?;
    copy(&order.cache, &order.artifacts, &cache)?;
    copy(&order.commands, &["testkit".to_owned(), "lab".to_owned()], &order.commands)?;
    let nextest = order.nextest.file_name().unwrap_or_default().to_string_lossy().into_owned();
    copy(order.nextest.parent().unwrap_or(Path::new("/")), &[nextest], Path::new("/usr/local/bin"))?;
    duct::cmd!("chown", "--recursive", format!("{USER}:"), &order.workspace, &order.commands, home).run().map(drop)
}

/// Copies some of what is in a folder of the outer host.
fn copy(from: &Path, names: &[String], to: &Path) -> io::Result<()> {
    let seen = Path::new("/mnt/outside");
    fs::create_dir_all(seen)?;
    fs::create_dir_all(to)?;
    duct::cmd!("mount", "-t", "hostfs", "-o", format!("ro,{}", from.display()), "none", seen).run()?;
    let args = ["--recursive", "--preserve=mode,timestamps,links", "--no-dereference", "--target-directory"];
    let mut args: Vec<PathBuf> = args.map(PathBuf::from).into();
    args.push(to.to_owned());
    args.extend(names.iter().map(|name| seen.join(name)));
    let copied = duct::cmd("cp", args).run();
    duct::cmd!("umount", seen).run()?;
    copied.map(drop)
}

/// Runs a command of the framework as the user, for clusters that send packets or for such that do not.
fn run(order: &Order, home: &Path, traffic: bool, command: &str, args: &[&str]) -> io::Result<Output> {
    let command = order.commands.join(command);
    let words =
        ["-u", USER, "--"].map(PathBuf::from).into_iter().chain([command]).chain(args.iter().map(PathBuf::from));
    // By its path: what is looked up is looked up in the user's.
    duct::cmd("/usr/sbin/runuser", words)
        .dir(&order.workspace)
        .env("HOME", home)
        .env("USER", USER)
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env(TRAFFIC, if traffic { "1" } else { "0" })
        // What it is for; else it would be the userspace one, where the kernel's is not there.
        .env("TESTKIT_DATAPATH", if order.traffic { "kernel" } else { "auto" })
        .env_remove("TESTKIT_LAB_SHARE")
        .stdin_null()
        .stdout_capture()
        .stderr_capture()
        .unchecked()
        .run()
}

fn succeeded(output: &Output) -> Option<String> {
    (!output.status.success()).then(|| said(output))
}

/// What only root can do is asked of root by name, with the command for it.
fn asks_for_root(output: &Output) -> Option<String> {
    let error = String::from_utf8_lossy(&output.stderr);
    let asked = error.contains("`sudo /") && error.contains("testkit setup --host`");
    (output.status.code() != Some(2) || !asked).then(|| said(output))
}

/// Before a setup only what any user can set up may be missing, and nothing that is root's may be proposed as the user's.
fn only_setup_is_missing(output: &Output) -> Option<String> {
    let Ok(Value::Array(findings)) = serde_json::from_slice(&output.stdout) else { return Some(said(output)) };
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap_or_default().to_owned();
    let wrong = findings.iter().filter(|finding| {
        let makes = ["project", "bridge", "storage"].contains(&text(finding, "what").as_str());
        text(finding, "level") == "fail" && !makes
    });
    let wrong: Vec<String> =
        wrong.map(|finding| format!("{}: {}", text(finding, "what"), text(finding, "seen"))).collect();
    (findings.is_empty() || !wrong.is_empty()).then(|| wrong.join("\n"))
}

/// A cluster was formed, and every check of it compared something and found it as planned.
fn every_check_passed(output: &Output) -> Option<String> {
    let trial: Trial = match serde_json::from_slice(&output.stdout) {
        Ok(trial) => trial,
        Err(_) => return Some(said(output)),
    };
    let mut wrong = trial.error.unwrap_or_default();
    for verdict in trial.verdicts.iter().filter(|verdict| !verdict.passed()) {
        // Writing to a String cannot fail.
        let _ = write!(wrong, "\n{verdict}");
    }
    if trial.verdicts.is_empty() && wrong.is_empty() {
        wrong.push_str("nothing was judged");
    }
    (!wrong.is_empty()).then_some(wrong)
}

/// A journey was played to its end.
fn came_to_its_end(output: &Output) -> Option<String> {
    let trial: Trial = match serde_json::from_slice(&output.stdout) {
        Ok(trial) => trial,
        Err(_) => return Some(said(output)),
    };
    let mut wrong: Vec<String> = trial.at.iter().map(|station| format!("at {station}")).chain(trial.error).collect();
    wrong.extend(trial.verdicts.iter().filter(|verdict| !verdict.passed()).map(ToString::to_string));
    (!wrong.is_empty()).then(|| wrong.join("\n"))
}

/// A cluster whose members sent each other packets, and were judged by them.
fn unsent(output: &Output) -> Option<String> {
    let trial: Trial = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let sent = trial.verdicts.iter().any(|verdict| verdict.check == "east_west");
    (!sent).then(|| "no packets were sent".to_owned())
}

/// The last lines that a command said, and how it ended.
fn said(output: &Output) -> String {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = text.lines().collect();
    format!("{}\n{}", lines[lines.len().saturating_sub(LAST_LINES)..].join("\n"), output.status)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    fn output(code: i32, stdout: &str) -> Output {
        Output { status: ExitStatus::from_raw(code << 8), stdout: stdout.into(), stderr: Vec::new() }
    }

    #[test]
    fn what_comes_behind_a_step_that_failed_is_tried_too() {
        let mut report = Report::default();
        let mut told = Vec::new();
        let tell = |said: &str, report: &Report| {
            told.push((said.to_owned(), report.steps.len()));
            Ok(())
        };
        let attempt = |_: &str, args: &[&str], _: Judge| (args == ["setup"]).then(|| "no LXD".to_owned());
        try_each(&mut report, &all(&[]), attempt, tell).expect("it is told");
        let passed: Vec<bool> = report.steps.iter().map(|step| step.passed).collect();
        assert_eq!(passed, [true, false, true, true, true, true, true, true, true]);
        assert_eq!((report.steps[1].said.as_str(), report.passed()), ("no LXD", false));
        assert_eq!(told[3], ("setup: FAILED after 0 s".to_owned(), 2));
    }

    #[test]
    fn what_is_wanted_besides_is_tried_before_what_looks_at_what_is_left_and_judged_by_its_kind() {
        let wanted = |name: &str, journey| Wanted { name: name.to_owned(), journey };
        let trials = [wanted("a_journey", true), wanted("a_cell", false)];
        let all = all(&trials);
        let names: Vec<&str> = all.iter().map(|(name, ..)| *name).collect();
        assert_eq!(names[7..10], ["a_journey", "a_cell", "nothing stays of the runs"]);
        let (journey, cell) = (&all[7], &all[8]);
        assert_eq!(journey.2, ["trial", "a_journey"]);
        let nothing = output(0, r#"{"seconds":1.0,"error":null,"verdicts":[]}"#);
        assert_eq!((journey.3(&nothing), cell.3(&nothing).is_some()), (None, true));
        for stopped in [r#""at":"s1_cut","error":null"#, r#""at":null,"error":"no cluster""#] {
            let output = output(0, &format!(r#"{{"seconds":1.0,{stopped},"verdicts":[]}}"#));
            assert!(journey.3(&output).is_some(), "{stopped}");
        }
    }

    #[test]
    fn a_trial_without_a_cluster_without_a_verdict_or_with_a_difference_has_not_passed() {
        let verdict = |compared| format!(r#"{{"check":"members","compared":{compared},"differences":[]}}"#);
        let trial =
            |error: &str, verdicts: &str| format!(r#"{{"seconds":1.0,"error":{error},"verdicts":[{verdicts}]}}"#);
        for (stdout, says) in [
            (trial("null", ""), Some("nothing was judged")),
            (trial("\"no cluster\"", ""), Some("no cluster")),
            (trial("null", &verdict(0)), Some("members: failed: nothing was compared")),
            (trial("null", &verdict(3)), None),
            ("error: no LXD".to_owned(), Some("error: no LXD")),
        ] {
            let wrong = every_check_passed(&output(0, &stdout));
            assert_eq!(wrong.is_some(), says.is_some(), "{stdout}");
            assert!(wrong.unwrap_or_default().contains(says.unwrap_or_default()), "{stdout}");
        }
    }

    #[test]
    fn a_part_that_is_root_s_asks_for_root() {
        let told = |code: i32, stderr: &str| asks_for_root(&Output { stderr: stderr.into(), ..output(code, "") });
        assert_eq!(told(2, "error: …; type `sudo /x/testkit setup --host`"), None);
        assert!(told(0, "type `sudo /x/testkit setup --host`").is_some() && told(2, "error: denied").is_some());
    }

    #[test]
    fn a_cluster_without_packets_has_sent_none() {
        let trial = |check: &str| {
            let verdict = format!(r#"{{"check":"{check}","compared":1,"differences":[]}}"#);
            unsent(&output(0, &format!(r#"{{"seconds":1.0,"error":null,"verdicts":[{verdict}]}}"#)))
        };
        assert_eq!((trial("east_west"), trial("members").as_deref()), (None, Some("no packets were sent")));
    }

    #[test]
    fn before_a_setup_nothing_of_roots_may_be_missing() {
        let finding =
            |what: &str, level: &str| format!(r#"{{"what":"{what}","level":"{level}","seen":"x","mend":null}}"#);
        let doctor = |findings: &[String]| only_setup_is_missing(&output(2, &format!("[{}]", findings.join(","))));
        assert_eq!(doctor(&[finding("project", "fail"), finding("snap store", "warn")]), None);
        assert_eq!(doctor(&[finding("packages", "fail")]), Some("packages: x".to_owned()));
        assert!(doctor(&[]).is_some() && only_setup_is_missing(&output(2, "error: no workspace")).is_some());
    }
}
