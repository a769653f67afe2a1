//! Several commands on a member for the price of one: LXD starts a process of its own for every command, which costs
//! more than most of the commands do.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::lxd::{Client, Exec, ExecOutput};
use crate::report::chain;

/// Where a member's commands are; snaps' are in the last.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";

/// Runs commands, each given as the number of its words and the words, and prints what became of them: for each `0.out`,
/// `0.err` and `0.code`, `1.out`, … with how many bytes it is, and the bytes. The first argument says whether they run
/// `together`, `in-turn` or `while-good`, the second is the seconds each of them has.
///
/// What a command prints goes through pipes, never to a file: on hosts with AppArmor a snap's command has no file of
/// others, and what it prints there is lost without a word. A pipe can be held open by what a command leaves behind, so
/// its end is not waited for, but that of the command, whose own words are in the pipe by then.
///
/// It is one process that reads all pipes: with a shell there are six more for every command, which cost a member more
/// than a command that needs no snap. Nodes have Perl without its modules, so it uses none.
const SCRIPT: &str = r#"
my ($how, $limit) = splice @ARGV, 0, 2;
my $after = 5;
my @commands;
push @commands, [splice @ARGV, 0, shift @ARGV] while @ARGV;
# A process that ends ends a wait.
$SIG{CHLD} = sub { };

# As timeout(1) does, in a group of its own, whose processes are ended with it.
sub start {
    my ($command) = @_;
    pipe(my $out, my $out_end) && pipe(my $err, my $err_end) or die "no pipe: $!\n";
    my $pid = fork // die "no process: $!\n";
    if (!$pid) {
        setpgrp;
        open(STDIN, '<', '/dev/null') && open(STDOUT, '>&', $out_end) && open(STDERR, '>&', $err_end) or exit 126;
        exec { $$command[0] } @$command or print STDERR "cannot run $$command[0]: $!\n";
        exit 127;
    }
    return {pid => $pid, pipes => {out => $out, err => $err}, out => '', err => '', end => time + $limit};
}

# Waits so many seconds until there is something in the pipes of jobs, and takes it. Says whether there was.
sub take {
    my ($wait, @jobs) = @_;
    my $wanted = '';
    for my $job (@jobs) { vec($wanted, fileno $_, 1) = 1 for values %{$$job{pipes}} }
    select(my $ready = $wanted, undef, undef, $wait) > 0 or return 0;
    for my $job (@jobs) {
        for my $name (keys %{$$job{pipes}}) {
            my $pipe = $$job{pipes}{$name};
            vec($ready, fileno $pipe, 1) or next;
            sysread($pipe, $$job{$name}, 65536, length $$job{$name}) or delete $$job{pipes}{$name};
        }
    }
    return 1;
}

my ($next, $good, @jobs, @running) = (0, 1);
while (@running || $next < @commands && $good) {
    while ($next < @commands && ($how eq 'together' || !@running)) {
        push @running, $jobs[$next] = start($commands[$next]);
        $next++;
    }
    # A process that ends just before the wait does not end it.
    take(0.05, @running);
    for my $job (@running) {
        if (waitpid($$job{pid}, 1) > 0) {
            my $signal = $? & 127;
            $$job{code} = $signal == 9 ? 137 : $$job{ended} // ($signal ? 128 + $signal : $? >> 8);
            # As much as a pipe holds where it holds most; what goes on printing is not the command.
            for (1 .. 16) { take(0, $job) or last }
            $$job{pipes} = {};
            $good = 0 if $how eq 'while-good' && $$job{code};
        } elsif (time >= $$job{end}) {
            kill $$job{ended} ? 'KILL' : 'TERM', -$$job{pid};
            $$job{ended} = 124;
            $$job{end} = time + $after;
        }
    }
    @running = grep { !defined $$_{code} } @running;
}
for my $number (0 .. $#jobs) {
    for my $kind ('out', 'err', 'code') {
        my $text = $jobs[$number]{$kind};
        print "$number.$kind ", length $text, "\n", $text;
    }
}
"#;
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

/// Runs `commands` on an instance, one after the other until one fails, each within `deadline`. Returns for each its
/// standard output, or why there is none: those behind one that failed were not run.
pub async fn while_good(
    client: &Client,
    instance: &str,
    commands: &[Vec<String>],
    deadline: Duration,
) -> Vec<Result<String, String>> {
    run(client, instance, How::WhileGood, commands, deadline).await
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
        How::InTurn | How::WhileGood => deadline * u32::try_from(commands.len() + 1).unwrap_or(u32::MAX),
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
        How::WhileGood => "while-good",
    };
    let mut argv = ["perl", "-e", SCRIPT, "--", how].map(str::to_owned).to_vec();
    argv.push(deadline.as_secs().to_string());
    for command in commands {
        argv.push(command.len().to_string());
        argv.extend(command.iter().cloned());
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
mod tests {
    use std::collections::BTreeSet;
    use std::process::Command;

    use super::*;

    /// What becomes of commands on this host.
    fn run_here(how: How, commands: &[&[&str]], deadline: Duration) -> Vec<Result<String, String>> {
        let commands: Vec<Vec<String>> =
            commands.iter().map(|words| words.iter().map(|word| (*word).to_owned()).collect()).collect();
        let argv = argv(how, &commands, deadline);
        let output = Command::new(&argv[0]).args(&argv[1..]).output().expect("perl runs");
        let output = ExecOutput {
            exit_code: output.status.code().expect("a code"),
            stdout: output.stdout.into(),
            stderr: output.stderr.into(),
        };
        let outputs = unpack(&output).expect("parts");
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
    fn a_command_prints_to_pipes() {
        // As a command of a snap sees it that AppArmor forbids the files of others.
        let look = ["readlink", "/proc/self/fd/1"];
        let look_err = ["sh", "-c", "readlink /proc/self/fd/2"];
        for how in [How::Together, How::InTurn] {
            for outcome in run_here(how, &[&look, &look_err], Duration::from_secs(20)) {
                assert!(outcome.as_deref().is_ok_and(|target| target.starts_with("pipe:[")), "{how:?}: {outcome:?}");
            }
            let input = run_here(how, &[&["readlink", "/proc/self/fd/0"]], Duration::from_secs(20)).remove(0);
            assert_eq!(input.as_deref(), Ok("/dev/null\n"), "nor is its input a file");
        }
    }

    #[test]
    fn a_command_has_no_pipe_of_another() {
        let list: &[&str] = &["sh", "-c", "for fd in /proc/$$/fd/*; do readlink $fd; done; true"];
        for how in [How::Together, How::InTurn] {
            let outcomes = run_here(how, &[list, list, list], Duration::from_secs(20));
            let pipes = |index: usize| -> BTreeSet<&str> {
                outcomes[index]
                    .as_deref()
                    .expect("a list")
                    .lines()
                    .filter(|target| target.starts_with("pipe:"))
                    .collect()
            };
            // What all have, this test has from who started it.
            let own = [0, 1, 2].map(|index| &pipes(index) - &(&pipes((index + 1) % 3) & &pipes((index + 2) % 3)));
            assert!(own.iter().all(|own| own.len() == 2), "{outcomes:?}");
        }
    }

    #[test]
    fn more_than_pipes_hold_arrives_whole() {
        let lines: &[&str] = &["seq", "1", "200000"];
        let complaints: &[&str] = &["sh", "-c", "seq 1 200000 >&2; echo end; exit 1"];
        let whole = (1..=200_000).map(|number| format!("{number}\n")).collect::<String>();
        for how in [How::Together, How::InTurn] {
            let outcomes = run_here(how, &[lines, complaints, lines, complaints], Duration::from_secs(60));
            for outcome in [&outcomes[0], &outcomes[2]] {
                assert!(outcome.as_deref() == Ok(&whole), "{how:?}: {:?} bytes", outcome.as_ref().map(String::len));
            }
            for outcome in [&outcomes[1], &outcomes[3]] {
                let complete = outcome.as_ref().is_err_and(|said| said.ends_with(whole.trim_end()));
                assert!(complete, "{how:?}: {:?} bytes", outcome.as_ref().map_err(String::len));
            }
        }
    }

    #[test]
    fn what_is_left_behind_with_the_pipes_open_holds_nothing_up() {
        let leaves: &[&str] = &["sh", "-c", "(trap '' TERM HUP; echo child; exec sleep 30) & seq 1 50000; exit 0"];
        let started = std::time::Instant::now();
        for how in [How::Together, How::InTurn] {
            let outcomes = run_here(how, &[leaves, &["echo", "done"], leaves], Duration::from_secs(20));
            for outcome in [&outcomes[0], &outcomes[2]] {
                let said = outcome.as_deref().expect("its output");
                assert!(said.ends_with("\n50000\n") && said.starts_with(['1', 'c']), "{} bytes", said.len());
            }
            assert_eq!(outcomes[1].as_deref(), Ok("done\n"));
        }
        assert!(started.elapsed() < Duration::from_secs(20), "nobody waited for the children");
    }

    #[test]
    fn bytes_that_mean_something_elsewhere_arrive_as_they_are() {
        let outcomes = run_here(
            How::Together,
            &[&["printf", "ovn-northd\\0--ovnnb-db\\0"], &["printf", "\\n\\n"], &["printf", "\\0"]],
            Duration::from_secs(20),
        );
        assert_eq!(outcomes, ["ovn-northd\0--ovnnb-db\0", "\n\n", "\0"].map(|said| Ok(said.to_owned())));
    }

    /// For what does not end. What does has that long on a host that is busy with the other tests.
    const SHORT: Duration = Duration::from_secs(4);

    #[test]
    fn a_command_that_does_not_want_to_end_is_killed() {
        let outcomes = run_here(
            How::Together,
            &[&["sh", "-c", "trap '' TERM; while :; do sleep 1; done"], &["echo", "done"]],
            SHORT,
        );
        assert!(outcomes[0].as_ref().is_err_and(|text| text.contains("was killed, as what")), "{outcomes:?}");
        assert_eq!(outcomes[1].as_deref(), Ok("done\n"));
    }

    #[test]
    fn a_command_that_does_not_end_spoils_only_itself() {
        for how in [How::Together, How::InTurn] {
            let outcomes = run_here(how, &[&["sleep", "60"], &["echo", "done"]], SHORT);
            assert_eq!(outcomes[0], Err("`sleep 60` had not ended after 4 s".to_owned()));
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
    fn while_good_nothing_runs_behind_what_failed() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("made").display().to_string();
        let commands: &[&[&str]] = &[&["echo", "first"], &["ls", &file], &["touch", &file], &["echo", "last"]];
        let outcomes = run_here(How::WhileGood, commands, Duration::from_secs(20));
        assert_eq!(outcomes[0].as_deref(), Ok("first\n"));
        assert!(outcomes[1].as_ref().is_err_and(|said| said.contains("exited with 2")), "{outcomes:?}");
        assert_eq!(outcomes[2], Err(format!("`touch {file}` was not run")));
        assert_eq!(outcomes[3], Err("`echo last` was not run".to_owned()));
        assert!(!folder.path().join("made").exists());
        let good = run_here(How::WhileGood, &[&["true"], &["echo", "last"]], Duration::from_secs(20));
        assert_eq!(good[1].as_deref(), Ok("last\n"));
    }

    #[test]
    fn what_is_of_another_form_or_cut_is_an_error() {
        let printed =
            |bytes: &'static [u8]| ExecOutput { exit_code: 0, stdout: bytes.into(), stderr: Default::default() };
        assert!(unpack(&printed(b"0.out 3\nabc0.err 0\n0.code 1\n0")).is_ok());
        for wrong in ["perl: warning", "perl: warning\n", "0.out 4\nabc", "0.out x\nabc", "0.out 3\nabc0.err"] {
            assert!(unpack(&printed(wrong.as_bytes())).is_err(), "{wrong}");
        }
        let output = ExecOutput { exit_code: 1, stdout: Default::default(), stderr: b"no space left"[..].into() };
        assert!(unpack(&output).is_err_and(|error| error == "exit code 1: no space left"));
    }
}
