//! Several commands on a member for the price of one: LXD starts a process of its own for every command, which costs
//! more than most of the commands do.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::lxd::{Client, Exec, ExecOutput};
use crate::plan::Programs;
use crate::report::chain;

/// Where a member's commands are; snaps' are in the last.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";

/// Runs the commands on a member; the file says how it is told what, and what it prints.
const SCRIPT: &str = include_str!("run.pl");
/// The exit code of a command that was ended, as timeout(1) has it.
const ENDED: i32 = 124;
/// The exit code of a command that had to be killed, because being asked to end was not enough.
const KILLED: i32 = 137;
/// The most that all commands together may print: that of a member is some tens of kilobytes.
const LIMIT: u64 = 16 << 20;

/// In which way commands run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Together,
    InTurn,
    WhileGood,
}

/// A member that commands are run on.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// LXD.
    pub client: &'a Client,
    /// The member's instance.
    pub instance: &'a str,
    /// The programs of the snap that is there.
    pub programs: &'a Programs,
    /// How long each command has.
    pub deadline: Duration,
}

impl Batch<'_> {
    /// Runs `commands` all at once. Returns for each its standard output, or why there is none: in the order in which they
    /// were given.
    pub async fn together(self, commands: &[Vec<String>]) -> Vec<Result<String, String>> {
        self.run(How::Together, commands).await
    }

    /// Runs `commands` one after the other whatever became of those before. Returns for each its standard output, or why
    /// there is none.
    pub async fn in_turn(self, commands: &[Vec<String>]) -> Vec<Result<String, String>> {
        self.run(How::InTurn, commands).await
    }

    /// Runs `commands` one after the other until one fails. Returns for each its standard output, or why there is none:
    /// those behind one that failed were not run.
    pub async fn while_good(self, commands: &[Vec<String>]) -> Vec<Result<String, String>> {
        self.run(How::WhileGood, commands).await
    }

    async fn run(self, how: How, commands: &[Vec<String>]) -> Vec<Result<String, String>> {
        let deadline = self.deadline;
        let longest = match how {
            How::Together => deadline * 2,
            How::InTurn | How::WhileGood => deadline * u32::try_from(commands.len() + 1).unwrap_or(u32::MAX),
        };
        let argv = argv(how, self.programs, commands, deadline);
        let exec = Exec::new(argv).env("PATH", PATH).timeout(longest).output_limit(LIMIT);
        let outcome = match self.client.exec(self.instance, &exec).await {
            Ok(output) => unpack(&output).map_err(|error| format!("the commands' output cannot be read: {error}")),
            Err(error) => Err(chain(&error)),
        };
        (0..)
            .zip(commands)
            .map(|(index, command)| outcome.as_ref().map_err(Clone::clone)?.of(index, command, deadline))
            .collect()
    }
}

fn argv(how: How, programs: &Programs, commands: &[Vec<String>], deadline: Duration) -> Vec<String> {
    let how = match how {
        How::Together => "together",
        How::InTurn => "in-turn",
        How::WhileGood => "while-good",
    };
    let mut argv = ["perl", "-e", SCRIPT, "--", how].map(str::to_owned).to_vec();
    argv.extend([deadline.as_secs().to_string(), programs.app.clone()]);
    for command in commands {
        let program = command.first().and_then(|name| programs.files.get(name));
        let words = if program.is_some() { &command[1..] } else { command };
        argv.extend([words.len().to_string(), program.cloned().unwrap_or_default()]);
        argv.extend(words.iter().cloned());
    }
    argv
}

/// What the commands printed, by the names of its parts.
struct Outputs(BTreeMap<String, String>);

fn unpack(output: &ExecOutput) -> Result<Outputs, String> {
    if !output.success() {
        return Err(format!("exit code {}: {}", output.exit_code, output.stderr_text().trim()));
    }
    let mut parts = BTreeMap::new();
    let mut rest = output.stdout.as_ref();
    while !rest.is_empty() {
        let (name, bytes, behind) = part(rest).ok_or_else(|| {
            let seen: String = String::from_utf8_lossy(rest).chars().take(80).collect();
            format!("wanted `NAME LENGTH` and so many bytes, seen {seen:?}")
        })?;
        parts.insert(name, String::from_utf8_lossy(bytes).into_owned());
        rest = behind;
    }
    Ok(Outputs(parts))
}

/// The name and the bytes of the first part, and what is behind it.
fn part(bytes: &[u8]) -> Option<(String, &[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (name, length) = std::str::from_utf8(&bytes[..end]).ok()?.split_once(' ')?;
    let (text, behind) = bytes[end + 1..].split_at_checked(length.parse().ok()?)?;
    Some((name.to_owned(), text, behind))
}

impl Outputs {
    fn of(&self, index: usize, command: &[String], deadline: Duration) -> Result<String, String> {
        let command = command.join(" ");
        let file = |kind: &str| self.0.get(&format!("{index}.{kind}")).map(String::as_str).unwrap_or_default();
        match file("code").trim().parse() {
            Ok(0) => Ok(file("out").to_owned()),
            Ok(ENDED) => Err(format!("`{command}` had not ended after {} s", deadline.as_secs())),
            Ok(KILLED) => {
                let said = file("err").trim();
                Err(format!("`{command}` was killed, as what has not ended after {} s is: {said}", deadline.as_secs()))
            }
            Ok(code) => Err(format!("`{command}` exited with {code}: {}", file("err").trim())),
            Err(_) => Err(format!("`{command}` was not run")),
        }
    }
}

#[cfg(test)]
mod tests;
