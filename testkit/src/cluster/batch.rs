//! Several commands on a member for the price of one: LXD starts a process of its own for every command, which costs
//! more than most of the commands do.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::time::Duration;

use super::PATH;
use crate::lxd::{Client, Exec, ExecOutput};
use crate::report::chain;

/// Runs commands, each given as the number of its words and the words, and prints what became of them as an archive:
/// `0.out`, `0.err` and `0.code`, `1.out`, … The first argument says whether they run `together` or `in-turn`, the second
/// is the seconds each of them has.
const SCRIPT: &str = r#"
how=$1 limit=$2; shift 2
ended() { wait "${pids[$1]}"; echo "$?" >"$1.code"; }
dir=$(mktemp -d) && cd "$dir" && trap 'rm -rf "$dir"' EXIT || exit
pids=()
while (($#)); do
    timeout "$limit" "${@:2:$1}" >"${#pids[@]}.out" 2>"${#pids[@]}.err" </dev/null &
    shift $(($1 + 1))
    pids+=($!)
    [ "$how" = in-turn ] && ended "$((${#pids[@]} - 1))"
done
[ "$how" = together ] && for i in "${!pids[@]}"; do ended "$i"; done
tar -cf - .
"#;
/// `timeout`'s exit code for a command that it ended, from its manual.
const ENDED: i32 = 124;
/// The most that all commands together may print: that of a member is some tens of kilobytes.
const LIMIT: u64 = 16 << 20;

/// In which way commands run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Together,
    InTurn,
}

/// Runs `commands` on an instance, all at once, each within `deadline`. Returns for each its standard output, or why
/// there is none: in the order in which they were given.
pub(super) async fn together(
    client: &Client,
    instance: &str,
    commands: &[Vec<String>],
    deadline: Duration,
) -> Vec<Result<String, String>> {
    run(client, instance, How::Together, commands, deadline).await
}

/// Runs `commands` on an instance, one after the other whatever became of those before, each within `deadline`. Returns
/// for each its standard output, or why there is none.
pub async fn in_turn(
    client: &Client,
    instance: &str,
    commands: &[Vec<String>],
    deadline: Duration,
) -> Vec<Result<String, String>> {
    run(client, instance, How::InTurn, commands, deadline).await
}

async fn run(
    client: &Client,
    instance: &str,
    how: How,
    commands: &[Vec<String>],
    deadline: Duration,
) -> Vec<Result<String, String>> {
    let longest = match how {
        How::Together => deadline * 2,
        How::InTurn => deadline * u32::try_from(commands.len() + 1).unwrap_or(u32::MAX),
    };
    let exec = Exec::new(argv(how, commands, deadline)).env("PATH", PATH).timeout(longest).output_limit(LIMIT);
    let outcome = match client.exec(instance, &exec).await {
        Ok(output) => unpack(&output).map_err(|error| format!("the commands' output cannot be read: {error}")),
        Err(error) => Err(chain(&error)),
    };
    (0..)
        .zip(commands)
        .map(|(index, command)| outcome.as_ref().map_err(Clone::clone)?.of(index, command, deadline))
        .collect()
}

fn argv(how: How, commands: &[Vec<String>], deadline: Duration) -> Vec<String> {
    let how = match how {
        How::Together => "together",
        How::InTurn => "in-turn",
    };
    let mut argv = ["bash", "-c", SCRIPT, "batch", how].map(str::to_owned).to_vec();
    argv.push(deadline.as_secs().to_string());
    for command in commands {
        argv.push(command.len().to_string());
        argv.extend(command.iter().cloned());
    }
    argv
}

/// What the commands printed, by the names of the archive.
struct Outputs(BTreeMap<String, String>);

fn unpack(output: &ExecOutput) -> io::Result<Outputs> {
    if !output.success() {
        return Err(io::Error::other(format!("exit code {}: {}", output.exit_code, output.stderr_text().trim())));
    }
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(output.stdout.as_ref()).entries()? {
        let mut entry = entry?;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        let name = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
        files.insert(name, String::from_utf8_lossy(&bytes).into_owned());
    }
    Ok(Outputs(files))
}

impl Outputs {
    fn of(&self, index: usize, command: &[String], deadline: Duration) -> Result<String, String> {
        let command = command.join(" ");
        let file = |kind: &str| self.0.get(&format!("{index}.{kind}")).map(String::as_str).unwrap_or_default();
        match file("code").trim().parse() {
            Ok(0) => Ok(file("out").to_owned()),
            Ok(ENDED) => Err(format!("`{command}` had not ended after {} s", deadline.as_secs())),
            Ok(code) => Err(format!("`{command}` exited with {code}: {}", file("err").trim())),
            Err(_) => Err(format!("`{command}` was not run")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What becomes of commands on this host.
    fn run_here(how: How, commands: &[&[&str]], deadline: Duration) -> Vec<Result<String, String>> {
        let commands: Vec<Vec<String>> =
            commands.iter().map(|words| words.iter().map(|word| (*word).to_owned()).collect()).collect();
        let argv = argv(how, &commands, deadline);
        let output = Command::new(&argv[0]).args(&argv[1..]).output().expect("bash runs");
        let output = ExecOutput {
            exit_code: output.status.code().expect("a code"),
            stdout: output.stdout.into(),
            stderr: output.stderr.into(),
        };
        let outputs = unpack(&output).expect("an archive");
        (0..).zip(&commands).map(|(index, command)| outputs.of(index, command, deadline)).collect()
    }

    #[test]
    fn each_command_has_its_own_words_output_and_end() {
        let outcomes = run_here(
            How::Together,
            &[
                &["printf", "%s|", "a b", "$HOME", "", "'"],
                &["sh", "-c", "echo out; echo why >&2; exit 3"],
                &["no-such-program"],
                &["printf", "no newline, \\303\\274"],
                &["cat"],
            ],
            Duration::from_secs(20),
        );
        assert_eq!(outcomes[0].as_deref(), Ok("a b|$HOME||'|"));
        assert_eq!(outcomes[1], Err("`sh -c echo out; echo why >&2; exit 3` exited with 3: why".to_owned()));
        assert!(outcomes[2].as_ref().is_err_and(|text| text.starts_with("`no-such-program` exited with 127: ")));
        assert_eq!(outcomes[3].as_deref(), Ok("no newline, ü"));
        assert_eq!(outcomes[4].as_deref(), Ok(""), "there is no input to wait for");
    }

    #[test]
    fn a_command_that_does_not_end_spoils_only_itself() {
        for how in [How::Together, How::InTurn] {
            let outcomes = run_here(how, &[&["sleep", "60"], &["echo", "done"]], Duration::from_secs(1));
            assert_eq!(outcomes[0], Err("`sleep 60` had not ended after 1 s".to_owned()));
            assert_eq!(outcomes[1].as_deref(), Ok("done\n"));
        }
    }

    #[test]
    fn in_turn_a_command_sees_what_those_before_have_done() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("made").display().to_string();
        let slow = format!("sleep 0.3; touch {file}");
        let commands: &[&[&str]] = &[&["sh", "-c", &slow], &["ls", &file], &["rm", &file], &["ls", &file]];
        let outcomes = run_here(How::InTurn, commands, Duration::from_secs(20));
        let good: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
        assert_eq!(good, [true, true, true, false], "{outcomes:?}");
    }

    #[test]
    fn what_is_no_archive_is_an_error() {
        let output = ExecOutput { exit_code: 0, stdout: b"bash: warning"[..].into(), stderr: Default::default() };
        assert!(unpack(&output).is_err());
        let output = ExecOutput { exit_code: 1, stdout: Default::default(), stderr: b"no space left"[..].into() };
        assert!(unpack(&output).is_err_and(|error| error.to_string() == "exit code 1: no space left"));
    }
}
