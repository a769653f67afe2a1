//! What is tried on the cluster, in order, by the commands that a person types.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::config::Config;
use testkit::image::{Interrupted, Progress};
use testkit::record::{self, Record};

use super::ended::{Patience, end_of};
use super::ring::Ring;
use super::{ClusterArgs, Step};

/// How much is kept of what a command said that did not end as it should.
const LAST_LINES: usize = 30;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);
/// For a cell to be on the member that is to be killed, and for LXD to notice that one is away or back.
const PATIENCE: Duration = Duration::from_secs(600);
/// A pool that is defined on one member only.
const HALF: &str = "testkit-half";

/// What is tried, and what came of it.
pub(super) struct Trials<'a, 'b> {
    testkit: &'a Path,
    root: &'a Path,
    args: &'a ClusterArgs,
    interrupted: &'a Interrupted,
    progress: &'a mut Progress<'b>,
    pub(super) steps: Vec<Step>,
}

/// What is worth telling of a step that went well, or what is wrong.
type Tried = Result<String, String>;

impl<'a, 'b> Trials<'a, 'b> {
    pub(super) fn new(
        config: &'a Config,
        testkit: &'a Path,
        args: &'a ClusterArgs,
        interrupted: &'a Interrupted,
        progress: &'a mut Progress<'b>,
    ) -> Self {
        Self { testkit, root: &config.root, args, interrupted, progress, steps: Vec::new() }
    }

    /// Tries everything. What cannot be set up is the end; behind that one look is to find all that is wrong.
    pub(super) fn all(&mut self, ring: &mut Ring) {
        let names: Vec<String> = ring.members.iter().map(|member| member.name.clone()).collect();
        let Some(last) = names.len().checked_sub(1) else { return };
        let set_up = self.step("a cluster of LXDs", ring, |_, ring| text(ring.form()).map(|()| names.join(", ")))
            && self.step("a pool that one member has is refused", ring, |it, ring| it.half_a_pool(ring))
            && self.step("setup", ring, |it, ring| it.good(ring, &["setup"]))
            && self.step("doctor", ring, |it, ring| it.doctor(ring, None))
            && self.step("image", ring, |it, ring| it.image(ring))
            && self.step("the core tier", ring, |it, ring| it.core(ring));
        if set_up {
            self.step("a member is killed in the midst of a tier", ring, |it, ring| it.kill_in_the_midst(ring, last));
            self.step("doctor, while it is away", ring, |it, ring| it.doctor(ring, Some(last)));
            self.step("setup is refused while it is away", ring, |it, ring| it.refused(ring, &["setup"], last));
            self.step("a run is refused while it is away", ring, |it, ring| {
                it.refused(ring, &["run", "init_cluster"], last)
            });
            self.step("sweep, while it is away", ring, |it, ring| it.sweep_without(ring, last));
            self.step("it comes back", ring, |it, ring| it.bring_back(ring, last));
            self.step("sweep", ring, |it, ring| it.good(ring, &["sweep", "--wait"]));
            self.step("nothing stays of the runs", ring, |it, ring| it.nothing_stays(ring));
            self.step("the core tier, after it", ring, |it, ring| it.core(ring));
        }
        // A reaper may still be at work on what the last run made.
        self.step("teardown", ring, |it, ring| {
            it.good(ring, &["sweep", "--wait"]).and_then(|_| it.good(ring, &["teardown"]))
        });
    }

    fn step(&mut self, name: &str, ring: &mut Ring, attempt: impl FnOnce(&Self, &mut Ring) -> Tried) -> bool {
        if self.interrupted.is_set() {
            return false;
        }
        (self.progress)(name);
        let began = Instant::now();
        let tried = attempt(self, ring);
        let seconds = began.elapsed().as_secs_f64();
        let (told, wrong) = match tried {
            Ok(told) => (told, None),
            Err(wrong) => (String::new(), Some(wrong)),
        };
        let came = wrong.as_ref().map_or_else(|| "good".to_owned(), |wrong| format!("WRONG: {wrong}"));
        (self.progress)(&format!("{name}: {came}"));
        let good = wrong.is_none();
        self.steps.push(Step { name: name.to_owned(), seconds, wrong, told });
        good
    }

    /// The command with the first member's LXD, and folders of its own.
    fn command<S: AsRef<OsStr>>(&self, ring: &Ring, args: &[S]) -> Command {
        let mut command = Command::new(self.testkit);
        command
            .args(args)
            .current_dir(self.root)
            .env("TESTKIT_OUT_DIR", out(ring))
            .env("TESTKIT_STATE_DIR", ring.folder().join("state"))
            .env("TESTKIT_PARALLEL", self.args.turns.to_string())
            .stdin(Stdio::null());
        for other in ["TESTKIT_REMOTE", "LXC_REMOTE", "LXD_REMOTE", "LXD_SOCKET", "TESTKIT_POOL", "TESTKIT_PROJECT"] {
            command.env_remove(other);
        }
        if let Some(first) = ring.members.first() {
            command.env("LXD_DIR", first.lxd_dir());
        }
        command
    }

    fn run(&self, ring: &Ring, args: &[&str]) -> Result<Output, String> {
        self.output(&mut self.command(ring, args))
    }

    /// What a command printed, when it has ended. Where this is interrupted, it is, too, and what takes too long is an error.
    fn output(&self, command: &mut Command) -> Result<Output, String> {
        let (mut out, mut err) = (text(tempfile::tempfile())?, text(tempfile::tempfile())?);
        command.stdout(text(out.try_clone())?).stderr(text(err.try_clone())?);
        let ended = self.wait(&mut text(command.spawn())?);
        let mut printed = Output { status: ExitStatus::default(), stdout: Vec::new(), stderr: Vec::new() };
        for (file, into) in [(&mut out, &mut printed.stdout), (&mut err, &mut printed.stderr)] {
            text(file.rewind().and_then(|()| file.read_to_end(into)))?;
        }
        match ended {
            Ok(status) => Ok(Output { status, ..printed }),
            Err(late) => Err(format!("{late}\n{}", last_lines(&words(&printed)))),
        }
    }

    fn wait(&self, child: &mut Child) -> Result<ExitStatus, String> {
        end_of(child, Patience::USUAL, || self.interrupted.is_set())
    }

    fn good(&self, ring: &Ring, args: &[&str]) -> Tried {
        let output = self.run(ring, args)?;
        if output.status.success() { Ok(last_line(&output)) } else { Err(said(&output)) }
    }

    /// One clear error that names the member, and exit code 2.
    fn refused(&self, ring: &Ring, args: &[&str], at: usize) -> Tried {
        self.refused_naming(&self.run(ring, args)?, &format!("\"{}\" is Offline", ring.members[at].name))
    }

    fn refused_naming(&self, output: &Output, named: &str) -> Tried {
        let error = String::from_utf8_lossy(&output.stderr);
        let told = error.lines().rfind(|line| line.starts_with("error: ")).unwrap_or_default();
        match (output.status.code(), told.contains(named)) {
            (Some(2), true) => Ok(told.to_owned()),
            (code, _) => Err(format!("wanted exit code 2 and {named}, seen {code:?}: {}", said(output))),
        }
    }

    fn half_a_pool(&self, ring: &Ring) -> Tried {
        let [first, second, ..] = ring.members.as_slice() else { return Err("there are too few members".to_owned()) };
        text(first.run("lxc", &["storage", "create", HALF, "dir", "--target", &second.name]))?;
        let output = self.output(self.command(ring, &["setup"]).env("TESTKIT_POOL", HALF))?;
        let told = self.refused_naming(&output, &format!("is on the members {}", second.name));
        text(first.run("lxc", &["storage", "delete", HALF]))?;
        let made = text(first.run("lxc", &["project", "list", "--format", "csv"]))?;
        if made.contains("testkit") { Err(format!("something was made: {made}")) } else { told }
    }

    /// Each member is told, with its room or with what is wrong with it.
    fn doctor(&self, ring: &Ring, away: Option<usize>) -> Tried {
        let output = self.run(ring, &["doctor", "--format", "json"])?;
        let findings: Vec<Value> = serde_json::from_slice(&output.stdout).map_err(|_| said(&output))?;
        let of = |what: &str| findings.iter().filter(|it| it["what"] == what).cloned().collect::<Vec<_>>();
        let level = |it: &Value| it["level"].as_str().unwrap_or_default().to_owned();
        for (at, member) in ring.members.iter().enumerate() {
            let found = of("LXD member");
            let found = found.iter().find(|it| it["seen"].as_str().is_some_and(|seen| seen.contains(&member.name)));
            let bad = found.is_some_and(|it| level(it) == "fail");
            if found.is_none() || bad != (Some(at) == away) {
                return Err(format!("of member {} it says {found:?}", member.name));
            }
        }
        let whole = of("LXD cluster").iter().all(|it| level(it) != "fail");
        match (whole, away) {
            (true, None) | (false, Some(_)) => Ok(String::new()),
            _ => Err(format!("of the cluster it says {:?}", of("LXD cluster"))),
        }
    }

    /// Every member has the golden image.
    fn image(&self, ring: &Ring) -> Tried {
        self.good(ring, &["image", "build"])?;
        let output = self.run(ring, &["image", "ls", "--format", "json"])?;
        let images: Vec<Value> = serde_json::from_slice(&output.stdout).map_err(|_| said(&output))?;
        let ready = images.iter().filter(|it| it["kind"] == "golden" && it["about"] == "ready").count();
        if ready == ring.members.len() {
            Ok(format!("a golden image on each of {ready} members"))
        } else {
            Err(format!("{ready} golden images for {} members: {images:?}", ring.members.len()))
        }
    }

    /// Its cells are on more than one member, and all are green.
    fn core(&self, ring: &Ring) -> Tried {
        let before = runs(ring);
        self.good(ring, &["run", "--tier", "core"])?;
        let record = self.record(ring, &before)?;
        let on = members_of(&record);
        if on.len() < 2 {
            Err(format!("all cells were on {on:?}"))
        } else {
            Ok(format!("{} cells, {}", record.cells.len(), told(&on)))
        }
    }

    /// Kills LXD of a member while a cell is being formed on it.
    fn kill_in_the_midst(&self, ring: &mut Ring, at: usize) -> Tried {
        let before = runs(ring);
        let name = ring.members[at].name.clone();
        let log = ring.folder().join("tier.log");
        let file = text(fs::File::create(&log))?;
        let mut command = self.command(ring, &["run", "--tier", &self.args.tier]);
        let mut child = text(command.stdout(text(file.try_clone())?).stderr(file).spawn())?;
        let struck = self.await_cell_on(ring, &before, &name, &mut child);
        let killed = struck.and_then(|cell| text(ring.members[at].kill()).map(|()| cell));
        let ended = self.wait(&mut child).map_err(|late| format!("{late}\n{}", tail(&log)))?;
        let cell = killed.map_err(|why| format!("{why}; {}", tail(&log)))?;
        let record = self.record(ring, &before)?;
        let mut wrong = Vec::new();
        let (mut lost, mut good) = (0, 0);
        for it in &record.cells {
            let there = it.lxd_member.as_deref() == Some(name.as_str());
            match (&it.problem, it.totals().failed) {
                (None, 0) => good += 1,
                (Some(problem), _) if there && problem.contains("went away") => lost += 1,
                (problem, _) => wrong.push(format!(
                    "{} on {}: {}",
                    it.name,
                    it.lxd_member.as_deref().unwrap_or("none"),
                    problem.as_ref().or(it.headline.as_ref()).map_or("", String::as_str)
                )),
            }
        }
        if !record.cells.iter().any(|it| it.name == cell && it.problem.is_some()) {
            wrong.push(format!("{cell}, which was being formed there, did not fail"));
        }
        if ended.code() != Some(3) {
            wrong.push(format!("it ended with {ended}"));
        }
        if lost == 0 || good == 0 || !wrong.is_empty() {
            return Err(format!("{lost} lost, {good} good, and: {}\n{}", wrong.join("\n"), tail(&log)));
        }
        Ok(format!(
            "{lost} cells on {name} failed with that reason, {good} others are green; {}",
            told(&members_of(&record))
        ))
    }

    /// Waits until a cell is being formed on a member; which.
    fn await_cell_on(&self, ring: &Ring, before: &[PathBuf], member: &str, child: &mut Child) -> Tried {
        let began = Instant::now();
        while began.elapsed() < PATIENCE && !self.interrupted.is_set() {
            let cells = runs(ring).into_iter().filter(|run| !before.contains(run)).flat_map(|run| entries(&run));
            for cell in cells {
                let placed: Option<Value> =
                    fs::read(cell.join("placed.json")).ok().and_then(|json| serde_json::from_slice(&json).ok());
                let here = placed.is_some_and(|placed| placed["member"] == member);
                if here && cell.join("plan.json").exists() && !cell.join("manifest.json").exists() {
                    return Ok(cell.file_name().unwrap_or_default().to_string_lossy().into_owned());
                }
            }
            if let Some(status) = text(child.try_wait())? {
                return Err(format!("the run ended, {status}, before a cell was on {member}"));
            }
            std::thread::sleep(LOOK);
        }
        Err(format!("no cell came to {member} within {} s", PATIENCE.as_secs()))
    }

    fn sweep_without(&self, ring: &Ring, at: usize) -> Tried {
        let output = self.run(ring, &["sweep", "--wait"])?;
        let told = format!("\"{}\" is Offline", ring.members[at].name);
        match (output.status.code(), last_line(&output)) {
            (Some(0), line) if line.contains(&told) => Ok(line),
            _ => Err(said(&output)),
        }
    }

    fn bring_back(&self, ring: &mut Ring, at: usize) -> Tried {
        text(ring.members[at].start())?;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let list = text(ring.members[0].run("lxc", &["cluster", "list", "--format", "json"]))?;
            let members: Vec<Value> = serde_json::from_str(&list).map_err(|error| format!("{error}: {list}"))?;
            if members.iter().all(|member| member["status"] == "Online") {
                return Ok(String::new());
            }
            std::thread::sleep(LOOK);
        }
        Err("it is not Online again".to_owned())
    }

    /// Neither an instance nor a bridge of a run, on any member.
    fn nothing_stays(&self, ring: &Ring) -> Tried {
        let status = self.run(ring, &["status", "--format", "json"])?;
        let nodes: Vec<Value> = serde_json::from_slice(&status.stdout).map_err(|_| said(&status))?;
        let mut left: Vec<String> = nodes.iter().map(|it| format!("instance {}", it["instance"])).collect();
        for member in &ring.members {
            let devices = text(member.run("ip", &["-brief", "link"]))?;
            let ours = devices.lines().filter(|line| line.starts_with("tk") && !line.starts_with("tkbr0"));
            left.extend(
                ours.map(|line| format!("{} on {}", line.split_whitespace().next().unwrap_or(line), member.name)),
            );
        }
        if left.is_empty() { Ok(String::new()) } else { Err(left.join(", ")) }
    }

    /// The record of the run with checks that was not there before.
    fn record(&self, ring: &Ring, before: &[PathBuf]) -> Result<Record, String> {
        let new = runs(ring).into_iter().filter(|run| !before.contains(run));
        let records: io::Result<Vec<Record>> = new.map(|run| record::assemble(&run, false)).collect();
        let records = records.map_err(|error| format!("its record cannot be read: {error}"))?;
        records.into_iter().max_by_key(|record| record.cells.len()).ok_or_else(|| "it has no record".to_owned())
    }
}

fn out(ring: &Ring) -> PathBuf {
    ring.folder().join("out")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// The folders of runs that have a record.
fn runs(ring: &Ring) -> Vec<PathBuf> {
    entries(&out(ring)).into_iter().filter(|run| run.join("run.json").exists()).collect()
}

/// How many cells were on each member.
fn members_of(record: &Record) -> std::collections::BTreeMap<String, usize> {
    let mut all = std::collections::BTreeMap::new();
    for member in record.cells.iter().filter_map(|cell| cell.lxd_member.clone()) {
        *all.entry(member).or_default() += 1;
    }
    all
}

fn told(on: &std::collections::BTreeMap<String, usize>) -> String {
    on.iter().map(|(member, cells)| format!("{cells} on {member}")).collect::<Vec<_>>().join(", ")
}

fn text<T>(done: io::Result<T>) -> Result<T, String> {
    done.map_err(|error| error.to_string())
}

fn last_line(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned()
}

/// The last lines that a command said, and how it ended.
fn said(output: &Output) -> String {
    format!("{}\n{}", last_lines(&words(output)), output.status)
}

fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn tail(log: &Path) -> String {
    last_lines(&fs::read_to_string(log).unwrap_or_default())
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}
