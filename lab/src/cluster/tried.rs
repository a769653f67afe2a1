//! What is tried on the cluster, in order, by the commands that a person types.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Child;
use std::time::Instant;

use serde_json::Value;
use testkit::image::Progress;
use testkit::wait::{Pace, Poll};

use super::Step;
use super::person::{Person, Tried, entries, last_line, members_of, runs, said, tail, text, told};
use super::ring::Ring;
use super::waited::{self, until};

/// For a cell to be on the member that is to be killed, and for LXD to notice that one is away or back.
const PATIENCE: Pace = Pace::new(600, 200);
/// A pool that is defined on one member only.
const HALF: &str = "testkit-half";
/// The cell that is formed over all members. Its tunnels end at addresses of their own.
const OVER_ALL: &str = "init_cluster_ipv6_custom_encap";
/// One that what joins the members does not carry.
const TOO_LARGE: &str = "init_cluster_custom_encap_mtu_9000";
/// The NIC that members have between them.
const NIC: &str = "eth0";

/// What is tried, and what came of it.
pub(super) struct Trials<'a, 'b> {
    pub(super) person: Person<'a>,
    progress: &'a mut Progress<'b>,
    pub(super) steps: Vec<Step>,
}

impl<'a, 'b> Trials<'a, 'b> {
    pub(super) fn new(person: Person<'a>, progress: &'a mut Progress<'b>) -> Self {
        Self { person, progress, steps: Vec::new() }
    }

    /// Forms the cluster and prepares it. What cannot be set up is the end.
    pub(super) fn set_up(&mut self, ring: &mut Ring) -> bool {
        let names: Vec<String> = ring.members.iter().map(|member| member.name.clone()).collect();
        self.step("a cluster of LXDs", ring, |_, ring| text(ring.form()).map(|()| names.join(", ")))
            && self.step("a pool that one member has is refused", ring, half_a_pool)
            && self.step("setup", ring, |person, ring| person.good(ring, &["setup"]))
            && self.step("doctor", ring, |person, ring| doctor(person, ring, None))
            && self.step("image", ring, image)
    }

    /// Tries everything, with one tier wholly, and once more while a member is killed. One look is to find all that is wrong.
    pub(super) fn all(&mut self, ring: &mut Ring, whole: &str) {
        let Some(last) = ring.members.len().checked_sub(1) else { return };
        if self.set_up(ring) && self.step("the core tier", ring, |person, ring| tier(person, ring, "core")) {
            self.step("a cell over all members", ring, |person, ring| spread(person, ring, None));
            self.step("a cell over all members, by their NIC", ring, |person, ring| spread(person, ring, Some(NIC)));
            self.step("what does not join members is refused", ring, no_joint);
            self.step(&format!("the {whole} tier"), ring, |person, ring| tier(person, ring, whole));
            self.step("a member is killed in the midst of a tier", ring, |person, ring| {
                kill_in_the_midst(person, ring, last, whole)
            });
            self.step("doctor, while it is away", ring, |person, ring| doctor(person, ring, Some(last)));
            self.step("setup is refused while it is away", ring, |person, ring| person.refused(ring, &["setup"], last));
            self.step("a run is refused while it is away", ring, |person, ring| {
                person.refused(ring, &["run", "init_cluster"], last)
            });
            self.step("sweep, while it is away", ring, |person, ring| sweep_without(person, ring, last));
            self.step("it comes back", ring, |_, ring| bring_back(ring, last));
            self.step("sweep", ring, |person, ring| person.good(ring, &["sweep", "--wait"]));
            self.step("nothing stays of the runs", ring, |person, ring| person.nothing_stays(ring));
            self.step("the core tier, after it", ring, |person, ring| tier(person, ring, "core"));
        }
        self.tear_down(ring);
    }

    /// Kills runs on it instead: so many, and as many of cells over all members.
    pub(super) fn storms(&mut self, ring: &mut Ring, kills: u16) {
        if self.set_up(ring) {
            for (what, spread) in [("runs are killed", false), ("runs of cells over all members are killed", true)] {
                self.step(&format!("{kills} {what}"), ring, |person, ring| storm(person, ring, kills, spread));
                self.step("nothing stays of them", ring, |person, ring| person.nothing_stays(ring));
            }
        }
        self.tear_down(ring);
    }

    pub(super) fn tear_down(&mut self, ring: &mut Ring) {
        // A reaper may still be at work on what the last run made.
        self.step("teardown", ring, |person, ring| {
            person.good(ring, &["sweep", "--wait"]).and_then(|_| person.good(ring, &["teardown"]))
        });
    }

    pub(super) fn step(
        &mut self,
        name: &str,
        ring: &mut Ring,
        attempt: impl FnOnce(&Person<'_>, &mut Ring) -> Tried,
    ) -> bool {
        if self.person.interrupted.is_set() {
            return false;
        }
        (self.progress)(name);
        let began = Instant::now();
        let tried = attempt(&self.person, ring);
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
}

fn half_a_pool(person: &Person<'_>, ring: &mut Ring) -> Tried {
    let [first, second, ..] = ring.members.as_slice() else { return Err("there are too few members".to_owned()) };
    text(first.run("lxc", &["storage", "create", HALF, "dir", "--target", &second.name]))?;
    let output = person.output(person.command(ring, &["setup"]).env("TESTKIT_POOL", HALF))?;
    let told = person.refused_naming(&output, &format!("is on the members {}", second.name));
    text(first.run("lxc", &["storage", "delete", HALF]))?;
    let made = text(first.run("lxc", &["project", "list", "--format", "csv"]))?;
    if made.contains("testkit") { Err(format!("something was made: {made}")) } else { told }
}

/// Each member is told, with its room or with what is wrong with it.
fn doctor(person: &Person<'_>, ring: &mut Ring, away: Option<usize>) -> Tried {
    let output = person.run(ring, &["doctor", "--format", "json"])?;
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
fn image(person: &Person<'_>, ring: &mut Ring) -> Tried {
    person.good(ring, &["image", "build"])?;
    let output = person.run(ring, &["image", "ls", "--format", "json"])?;
    let images: Vec<Value> = serde_json::from_slice(&output.stdout).map_err(|_| said(&output))?;
    let ready = images.iter().filter(|it| it["kind"] == "golden" && it["about"] == "ready").count();
    if ready == ring.members.len() {
        Ok(format!("a golden image on each of {ready} members"))
    } else {
        Err(format!("{ready} golden images for {} members: {images:?}", ring.members.len()))
    }
}

/// Its cells are on more than one member, and all are green.
fn tier(person: &Person<'_>, ring: &mut Ring, tier: &str) -> Tried {
    let before = runs(ring);
    person.good(ring, &["run", "--tier", tier])?;
    let record = person.record(ring, &before)?;
    let on = members_of(&record);
    if on.len() < 2 {
        Err(format!("all cells were on {on:?}"))
    } else {
        Ok(format!("{} cells, {}", record.cells.len(), told(&on)))
    }
}

/// A cell whose members are on all members of the cluster, joined by a NIC where one is given, is green; and that is what the plan
/// said, and the record says.
fn spread(person: &Person<'_>, ring: &mut Ring, nic: Option<&str>) -> Tried {
    let parent = nic.map(|nic| ("TESTKIT_UNDERLAY_PARENT", nic));
    let mut ask = person.command(ring, &["plan", "--tier", "core", "--place", "--spread", "--format", "json"]);
    let planned = person.output(ask.envs(parent))?;
    let planned: Vec<Value> = serde_json::from_slice(&planned.stdout).map_err(|_| said(&planned))?;
    let wide = |it: &&Value| it["lxd_members"].as_object().is_some_and(|members| members.len() > 1);
    if !planned.iter().any(|it| wide(&it)) {
        return Err(format!("no suite is planned over several members: {planned:?}"));
    }
    let before = runs(ring);
    let output = person.output(person.command(ring, &["run", OVER_ALL, "--spread"]).envs(parent))?;
    if !output.status.success() {
        return Err(said(&output));
    }
    let record = person.record(ring, &before)?;
    let cell = record.cells.first().ok_or_else(|| "it has no record".to_owned())?;
    let hosts: BTreeSet<&String> = cell.lxd_members.values().collect();
    match hosts.len() == cell.lxd_members.len().min(ring.members.len()) && hosts.len() > 1 {
        true => {
            Ok(cell.lxd_members.iter().map(|(member, on)| format!("{member} on {on}")).collect::<Vec<_>>().join(", "))
        }
        false => Err(format!("its members were on {:?}", cell.lxd_members)),
    }
}

/// What cannot join members, or does not carry what a cell is about, is said, and nothing is made.
fn no_joint(person: &Person<'_>, ring: &mut Ring) -> Tried {
    let ask = |parent: Option<&str>, cell: &str| {
        let mut command = person.command(ring, &["run", cell, "--spread"]);
        person.output(command.envs(parent.map(|parent| ("TESTKIT_UNDERLAY_PARENT", parent))))
    };
    let told = person.refused_naming(&ask(Some("tknone"), OVER_ALL)?, "TESTKIT_UNDERLAY_PARENT is \"tknone\"")?;
    let large = ask(None, TOO_LARGE)?;
    let skipped = String::from_utf8_lossy(&large.stdout).contains("MTU 9000 between hosts");
    if large.status.code() != Some(2) || !skipped {
        return Err(format!("wanted it skipped for its MTU: {}", said(&large)));
    }
    // A reaper may still be at work on what an earlier run made.
    person.good(ring, &["sweep", "--wait"])?;
    person.nothing_stays(ring).map(|_| told)
}

/// Kills runs on the cluster at random moments, in every way.
fn storm(person: &Person<'_>, ring: &mut Ring, kills: u16, spread: bool) -> Tried {
    let lab = text(std::env::current_exe())?;
    let kills = kills.to_string();
    let kept = if spread { "storm-cluster-spread" } else { "storm-cluster" };
    let mut command = person.program(ring, &lab, &["storm", "--kills", &kills, "--format", "json", "--kept-as", kept]);
    let output = person.output(command.env("TESTKIT_SPREAD", if spread { "1" } else { "0" }))?;
    let tally: Value = serde_json::from_slice(&output.stdout).map_err(|_| said(&output))?;
    let leaks = tally["leaks"].as_array().map_or(0, Vec::len);
    match output.status.success() {
        true => Ok(format!("{} runs attacked, {leaks} leaks", tally["runs"])),
        false => Err(format!("{} runs attacked, {leaks} leaks: {}", tally["runs"], tally["leaks"])),
    }
}

/// Kills LXD of a member while a cell is being formed on it.
fn kill_in_the_midst(person: &Person<'_>, ring: &mut Ring, at: usize, tier: &str) -> Tried {
    let before = runs(ring);
    let name = ring.members[at].name.clone();
    let log = ring.folder().join("tier.log");
    let file = text(fs::File::create(&log))?;
    let mut command = person.command(ring, &["run", "--tier", tier]);
    let mut child = text(command.stdout(text(file.try_clone())?).stderr(file).spawn())?;
    let struck = await_cell_on(person, ring, &before, &name, &mut child);
    let killed = struck.and_then(|cell| text(ring.members[at].kill()).map(|()| cell));
    let ended = person.wait(&mut child).map_err(|late| format!("{late}\n{}", tail(&log)))?;
    let cell = killed.map_err(|why| format!("{why}; {}", tail(&log)))?;
    let record = person.record(ring, &before)?;
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
        "of the cells on {name} so many failed, with that reason: {lost}; green are the other {good}; {}",
        told(&members_of(&record))
    ))
}

/// Waits until a cell is being formed on a member; which.
fn await_cell_on(person: &Person<'_>, ring: &Ring, before: &[PathBuf], member: &str, child: &mut Child) -> Tried {
    let come = until(&format!("a cell on {member}"), PATIENCE, || {
        let cells = runs(ring).into_iter().filter(|run| !before.contains(run)).flat_map(|run| entries(&run));
        let mut elsewhere = Vec::new();
        for cell in cells {
            let name = cell.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let placed: Option<Value> =
                fs::read(cell.join("placed.json")).ok().and_then(|json| serde_json::from_slice(&json).ok());
            let Some(placed) = placed else { continue };
            let forming = cell.join("plan.json").exists() && !cell.join("manifest.json").exists();
            if placed["member"] == member && forming {
                return Poll::Ready(name);
            }
            elsewhere.push(format!("{name} on {}", placed["member"]));
        }
        match child.try_wait() {
            Ok(None) if person.interrupted.is_set() => Poll::Failed(io::Error::other("interrupted")),
            Ok(None) => Poll::NotYet(format!("placed so far: {}", elsewhere.join(", "))),
            Ok(Some(status)) => Poll::Failed(io::Error::other(format!("the run ended, {status}, before that"))),
            Err(error) => Poll::Failed(error),
        }
    });
    come.map_err(|error| waited::told(&error))
}

fn sweep_without(person: &Person<'_>, ring: &mut Ring, at: usize) -> Tried {
    let output = person.run(ring, &["sweep", "--wait"])?;
    let told = format!("\"{}\" is Offline", ring.members[at].name);
    match (output.status.code(), last_line(&output)) {
        (Some(0), line) if line.contains(&told) => Ok(line),
        _ => Err(said(&output)),
    }
}

fn bring_back(ring: &mut Ring, at: usize) -> Tried {
    text(ring.members[at].start())?;
    let asked = &ring.members[0];
    let back = until("every member to be Online", PATIENCE, || {
        let list = match asked.run("lxc", &["cluster", "list", "--format", "json"]) {
            Ok(list) => list,
            Err(error) => return Poll::Failed(error),
        };
        match serde_json::from_str::<Vec<Value>>(&list) {
            Ok(members) if members.iter().all(|member| member["status"] == "Online") => Poll::Ready(String::new()),
            Ok(members) => {
                let told = members.iter().map(|it| format!("{} {}", it["server_name"], it["status"]));
                Poll::NotYet(told.collect::<Vec<_>>().join(", "))
            }
            Err(error) => Poll::Failed(io::Error::other(format!("{error}: {list}"))),
        }
    });
    back.map_err(|error| waited::told(&error))
}
