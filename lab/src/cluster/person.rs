//! Whoever types commands at a cluster on this machine, and reads what they leave.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use serde_json::Value;
use testkit::image::Interrupted;
use testkit::record::{self, Record};

use super::ended::{Patience, end_of};
use super::ring::Ring;

/// How much is kept of what a command said that did not end as it should.
const LAST_LINES: usize = 30;
/// What would have it go elsewhere, or do something else.
const OTHERS: [&str; 8] = [
    "TESTKIT_REMOTE",
    "LXC_REMOTE",
    "LXD_REMOTE",
    "LXD_SOCKET",
    "TESTKIT_POOL",
    "TESTKIT_PROJECT",
    "TESTKIT_SPREAD",
    "TESTKIT_UNDERLAY_PARENT",
];

/// Who types.
pub(super) struct Person<'a> {
    pub(super) testkit: &'a Path,
    /// The workspace.
    pub(super) root: &'a Path,
    /// How many cells are to be formed at once on each member.
    pub(super) turns: usize,
    pub(super) interrupted: &'a Interrupted,
}

/// What is worth telling of what went well, or what is wrong.
pub(super) type Tried = Result<String, String>;

impl Person<'_> {
    /// The command with the first member's LXD, and folders of its own.
    pub(super) fn command<S: AsRef<OsStr>>(&self, ring: &Ring, args: &[S]) -> Command {
        self.program(ring, self.testkit, args)
    }

    /// The same of another program of ours.
    pub(super) fn program<S: AsRef<OsStr>>(&self, ring: &Ring, program: &Path, args: &[S]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.root)
            .env("TESTKIT_OUT_DIR", out(ring))
            .env("TESTKIT_STATE_DIR", ring.folder().join("state"))
            .env("TESTKIT_PARALLEL", self.turns.to_string())
            .stdin(Stdio::null());
        for other in OTHERS {
            command.env_remove(other);
        }
        if let Some(first) = ring.members.first() {
            command.env("LXD_DIR", first.lxd_dir());
        }
        command
    }

    pub(super) fn run(&self, ring: &Ring, args: &[&str]) -> Result<Output, String> {
        self.output(&mut self.command(ring, args))
    }

    /// What a command printed, when it has ended. Where this is interrupted, it is, too, and what takes too long is an error.
    pub(super) fn output(&self, command: &mut Command) -> Result<Output, String> {
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

    pub(super) fn wait(&self, child: &mut Child) -> Result<ExitStatus, String> {
        end_of(child, Patience::USUAL, || self.interrupted.is_set())
    }

    pub(super) fn good(&self, ring: &Ring, args: &[&str]) -> Tried {
        let output = self.run(ring, args)?;
        if output.status.success() { Ok(last_line(&output)) } else { Err(said(&output)) }
    }

    /// One clear error that names the member, and exit code 2.
    pub(super) fn refused(&self, ring: &Ring, args: &[&str], at: usize) -> Tried {
        self.refused_naming(&self.run(ring, args)?, &format!("\"{}\" is Offline", ring.members[at].name))
    }

    pub(super) fn refused_naming(&self, output: &Output, named: &str) -> Tried {
        let error = String::from_utf8_lossy(&output.stderr);
        let told = error.lines().rfind(|line| line.starts_with("error: ")).unwrap_or_default();
        match (output.status.code(), told.contains(named)) {
            (Some(2), true) => Ok(told.to_owned()),
            (code, _) => Err(format!("wanted exit code 2 and {named}, seen {code:?}: {}", said(output))),
        }
    }

    /// Neither an instance nor a bridge of a run, on any member.
    pub(super) fn nothing_stays(&self, ring: &Ring) -> Tried {
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
    pub(super) fn record(&self, ring: &Ring, before: &[PathBuf]) -> Result<Record, String> {
        let new = runs(ring).into_iter().filter(|run| !before.contains(run));
        let records: io::Result<Vec<Record>> = new.map(|run| record::assemble(&run, false)).collect();
        let records = records.map_err(|error| format!("its record cannot be read: {error}"))?;
        records.into_iter().max_by_key(|record| record.cells.len()).ok_or_else(|| "it has no record".to_owned())
    }
}

pub(super) fn out(ring: &Ring) -> PathBuf {
    ring.folder().join("out")
}

pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// The folders of runs that have a record.
pub(super) fn runs(ring: &Ring) -> Vec<PathBuf> {
    entries(&out(ring)).into_iter().filter(|run| run.join("run.json").exists()).collect()
}

/// How many cells were on each member.
pub(super) fn members_of(record: &Record) -> std::collections::BTreeMap<String, usize> {
    let mut all = std::collections::BTreeMap::new();
    for member in record.cells.iter().filter_map(|cell| cell.lxd_member.clone()) {
        *all.entry(member).or_default() += 1;
    }
    all
}

pub(super) fn told(on: &std::collections::BTreeMap<String, usize>) -> String {
    on.iter().map(|(member, cells)| format!("{cells} on {member}")).collect::<Vec<_>>().join(", ")
}

pub(super) fn text<T>(done: io::Result<T>) -> Result<T, String> {
    done.map_err(|error| error.to_string())
}

pub(super) fn last_line(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned()
}

/// The last lines that a command said, and how it ended.
pub(super) fn said(output: &Output) -> String {
    format!("{}\n{}", last_lines(&words(output)), output.status)
}

fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub(super) fn tail(log: &Path) -> String {
    last_lines(&fs::read_to_string(log).unwrap_or_default())
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}
