//! The commands run on this host, as its own and as those of a snap, which are run by a `snap` that is made here.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use rstest::rstest;

use super::*;

/// Stands in for snapd's: it becomes a shell in the surroundings of an app, with what it has inherited.
const SNAP: &str = r#"#!/bin/sh
[ "$1 $2 $3 $4" = "run --shell s.app -c" ] || { echo "error: wrong words: $*" >&2; exit 64; }
[ ! -e "$0.broken" ] || { echo "error: cannot find current revision for snap s" >&2; exit 46; }
[ ! -e "$0.stuck" ] || exec sleep 600
shift 3
SNAP=${0%/*} exec bash "$@"
"#;
/// What of this host plays a program of the snap.
const PROGRAMS: [&str; 10] = ["printf", "sh", "cat", "readlink", "seq", "echo", "sleep", "ls", "rm", "touch"];

/// For what does not end. What ends beside it has that long on a host that is busy with the other tests.
const SHORT: Duration = Duration::from_secs(12);
/// For what ends.
const WHOLE: Duration = Duration::from_secs(120);

/// Of what the commands are.
#[derive(Debug, Clone, Copy)]
enum Of {
    Host,
    Snap,
}

/// What becomes of commands on this host.
fn run_here(of: Of, how: How, commands: &[&[&str]], deadline: Duration) -> Vec<Result<String, String>> {
    let folder = tempfile::tempdir().expect("a folder");
    run_with(folder.path(), of, how, commands, deadline)
}

/// The same, with this folder for the snap.
fn run_with(
    folder: &std::path::Path,
    of: Of,
    how: How,
    commands: &[&[&str]],
    deadline: Duration,
) -> Vec<Result<String, String>> {
    let snap = folder.join("snap");
    fs::write(&snap, SNAP).expect("written");
    fs::set_permissions(&snap, fs::Permissions::from_mode(0o755)).expect("it can be run");
    let path = std::env::var("PATH").expect("a path");
    let found = |name: &str| {
        path.split(':').map(|place| format!("{place}/{name}")).find(|file| fs::exists(file).is_ok_and(|is| is))
    };
    let mut programs = Programs::default();
    if matches!(of, Of::Snap) {
        programs.app = "s.app".to_owned();
        for name in PROGRAMS {
            symlink(found(name).expect("a program"), folder.join(name)).expect("a link");
        }
        let files = PROGRAMS.iter().chain(&["no-such-program"]);
        programs.files = files.map(|name| ((*name).to_owned(), (*name).to_owned())).collect();
    }
    let commands: Vec<Vec<String>> =
        commands.iter().map(|words| words.iter().map(|word| (*word).to_owned()).collect()).collect();
    let argv = argv(how, &programs, &commands, deadline);
    let path = format!("{}:{path}", folder.display());
    let output = Command::new(&argv[0]).args(&argv[1..]).env("PATH", path).output().expect("perl runs");
    let output = ExecOutput {
        exit_code: output.status.code().expect("a code"),
        stdout: output.stdout.into(),
        stderr: output.stderr.into(),
    };
    let outputs = unpack(&output).expect("parts");
    (0..).zip(&commands).map(|(index, command)| outputs.of(index, command, deadline)).collect()
}

#[rstest]
fn each_command_has_its_own_words_output_and_end(#[values(Of::Host, Of::Snap)] of: Of) {
    let outcomes = run_here(
        of,
        How::Together,
        &[
            &["printf", "%s|", "a b", "$HOME", "", "'"],
            &["sh", "-c", "echo out; echo why >&2; exit 3"],
            &["no-such-program"],
            &["printf", "no newline, \\303\\274"],
            &["cat"],
        ],
        WHOLE,
    );
    assert_eq!(outcomes[0].as_deref(), Ok("a b|$HOME||'|"));
    assert_eq!(outcomes[1], Err("`sh -c echo out; echo why >&2; exit 3` exited with 3: why".to_owned()));
    assert!(
        outcomes[2].as_ref().is_err_and(|text| text.starts_with("`no-such-program` exited with 127: ")),
        "{outcomes:?}"
    );
    assert_eq!(outcomes[3].as_deref(), Ok("no newline, ü"));
    assert_eq!(outcomes[4].as_deref(), Ok(""), "there is no input to wait for");
}

#[rstest]
fn a_command_prints_to_pipes(#[values(Of::Host, Of::Snap)] of: Of) {
    // As a command of a snap sees it that AppArmor forbids the files of others.
    let look = ["readlink", "/proc/self/fd/1"];
    let look_err = ["sh", "-c", "readlink /proc/self/fd/2"];
    for how in [How::Together, How::InTurn] {
        for outcome in run_here(of, how, &[&look, &look_err], WHOLE) {
            assert!(outcome.as_deref().is_ok_and(|target| target.starts_with("pipe:[")), "{how:?}: {outcome:?}");
        }
        let input = run_here(of, how, &[&["readlink", "/proc/self/fd/0"]], WHOLE).remove(0);
        assert_eq!(input.as_deref(), Ok("/dev/null\n"), "nor is its input a file");
    }
}

#[rstest]
fn a_command_has_no_pipe_of_another(#[values(Of::Host, Of::Snap)] of: Of) {
    let list: &[&str] = &["sh", "-c", "for fd in /proc/$$/fd/*; do readlink $fd; done; true"];
    for how in [How::Together, How::InTurn] {
        let outcomes = run_here(of, how, &[list, list, list], WHOLE);
        let pipes = |index: usize| -> BTreeSet<&str> {
            outcomes[index].as_deref().expect("a list").lines().filter(|target| target.starts_with("pipe:")).collect()
        };
        // What all have, this test has from who started it.
        let own = [0, 1, 2].map(|index| &pipes(index) - &(&pipes((index + 1) % 3) & &pipes((index + 2) % 3)));
        assert!(own.iter().all(|own| own.len() == 2), "{outcomes:?}");
    }
}

#[rstest]
fn more_than_pipes_hold_arrives_whole(#[values(Of::Host, Of::Snap)] of: Of) {
    let lines: &[&str] = &["seq", "1", "200000"];
    let complaints: &[&str] = &["sh", "-c", "seq 1 200000 >&2; echo end; exit 1"];
    let whole = (1..=200_000).map(|number| format!("{number}\n")).collect::<String>();
    for how in [How::Together, How::InTurn] {
        let outcomes = run_here(of, how, &[lines, complaints, lines, complaints], WHOLE);
        for outcome in [&outcomes[0], &outcomes[2]] {
            assert!(outcome.as_deref() == Ok(&whole), "{how:?}: {:?} bytes", outcome.as_ref().map(String::len));
        }
        for outcome in [&outcomes[1], &outcomes[3]] {
            let complete = outcome.as_ref().is_err_and(|said| said.ends_with(whole.trim_end()));
            assert!(complete, "{how:?}: {:?} bytes", outcome.as_ref().map_err(String::len));
        }
    }
}

#[rstest]
fn what_is_left_behind_with_the_pipes_open_holds_nothing_up(#[values(Of::Host, Of::Snap)] of: Of) {
    let folder = tempfile::tempdir().expect("a folder");
    let left = folder.path().join("left").display().to_string();
    let script = "(trap '' TERM HUP; echo begun; sleep 600 & echo $! >>\"$0\"); seq 1 50000; exit 0";
    let leaves: &[&str] = &["sh", "-c", script, &left];
    for how in [How::Together, How::InTurn] {
        let outcomes = run_here(of, how, &[leaves, &["echo", "done"], leaves], WHOLE);
        let children = fs::read_to_string(&left).expect("children");
        let ended = Command::new("kill").arg("-KILL").args(children.lines()).status().expect("kill runs");
        fs::remove_file(&left).expect("removed");
        for outcome in [&outcomes[0], &outcomes[2]] {
            let said = outcome.as_deref().expect("its output");
            assert!(said.ends_with("\n50000\n") && said.starts_with("begun\n1\n"), "{} bytes", said.len());
        }
        assert_eq!(outcomes[1].as_deref(), Ok("done\n"));
        assert!(children.lines().count() == 2 && ended.success(), "somebody waited for the children: {children}");
    }
}

#[rstest]
fn bytes_that_mean_something_elsewhere_arrive_as_they_are(#[values(Of::Host, Of::Snap)] of: Of) {
    let outcomes = run_here(
        of,
        How::Together,
        &[&["printf", "ovn-northd\\0--ovnnb-db\\0"], &["printf", "\\n\\n"], &["printf", "\\0"]],
        WHOLE,
    );
    assert_eq!(outcomes, ["ovn-northd\0--ovnnb-db\0", "\n\n", "\0"].map(|said| Ok(said.to_owned())));
}

#[rstest]
fn a_command_that_does_not_want_to_end_is_killed(#[values(Of::Host, Of::Snap)] of: Of) {
    let outcomes = run_here(
        of,
        How::Together,
        &[&["sh", "-c", "trap '' TERM; while :; do sleep 1; done"], &["echo", "done"]],
        SHORT,
    );
    assert!(outcomes[0].as_ref().is_err_and(|text| text.contains("was killed, as what")), "{outcomes:?}");
    assert_eq!(outcomes[1].as_deref(), Ok("done\n"));
}

#[rstest]
fn a_command_that_does_not_end_spoils_only_itself(#[values(Of::Host, Of::Snap)] of: Of) {
    for how in [How::Together, How::InTurn] {
        let outcomes = run_here(of, how, &[&["sleep", "600"], &["echo", "done"]], SHORT);
        assert_eq!(outcomes[0], Err("`sleep 600` had not ended after 12 s".to_owned()));
        assert_eq!(outcomes[1].as_deref(), Ok("done\n"));
    }
}

#[rstest]
fn in_turn_a_command_sees_what_those_before_have_done(#[values(Of::Host, Of::Snap)] of: Of) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("made").display().to_string();
    let slow = format!("sleep 0.3; touch {file}");
    let commands: &[&[&str]] = &[&["sh", "-c", &slow], &["ls", &file], &["rm", &file], &["ls", &file]];
    let outcomes = run_here(of, How::InTurn, commands, WHOLE);
    let good: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, true, true, false], "{outcomes:?}");
}

#[rstest]
fn while_good_nothing_runs_behind_what_failed(#[values(Of::Host, Of::Snap)] of: Of) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("made").display().to_string();
    let commands: &[&[&str]] = &[&["echo", "first"], &["ls", &file], &["touch", &file], &["echo", "last"]];
    let outcomes = run_here(of, How::WhileGood, commands, WHOLE);
    assert_eq!(outcomes[0].as_deref(), Ok("first\n"));
    assert!(outcomes[1].as_ref().is_err_and(|said| said.contains("exited with 2")), "{outcomes:?}");
    assert_eq!(outcomes[2], Err(format!("`touch {file}` was not run")));
    assert_eq!(outcomes[3], Err("`echo last` was not run".to_owned()));
    assert!(!folder.path().join("made").exists());
    let good = run_here(of, How::WhileGood, &[&["echo"], &["echo", "last"]], WHOLE);
    assert_eq!(good[1].as_deref(), Ok("last\n"));
}

#[test]
fn what_is_of_another_form_or_cut_is_an_error() {
    let printed = |bytes: &'static [u8]| ExecOutput { exit_code: 0, stdout: bytes.into(), stderr: Default::default() };
    assert!(unpack(&printed(b"0.out 3\nabc0.err 0\n0.code 1\n0")).is_ok());
    for wrong in ["perl: warning", "perl: warning\n", "0.out 4\nabc", "0.out x\nabc", "0.out 3\nabc0.err"] {
        assert!(unpack(&printed(wrong.as_bytes())).is_err(), "{wrong}");
    }
    let output = ExecOutput { exit_code: 1, stdout: Default::default(), stderr: b"no space left"[..].into() };
    assert!(unpack(&output).is_err_and(|error| error == "exit code 1: no space left"));
}

#[test]
fn what_is_no_program_of_the_snap_runs_beside_those_that_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("made").display().to_string();
    let slow = format!("sleep 0.3; touch {file}");
    // `test` is the host's.
    let commands: &[&[&str]] = &[&["sh", "-c", &slow], &["test", "-e", &file], &["rm", &file], &["test", "-e", &file]];
    let outcomes = run_here(Of::Snap, How::InTurn, commands, WHOLE);
    let good: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, true, true, false], "{outcomes:?}");
}

#[rstest]
#[case(How::Together)]
#[case(How::InTurn)]
fn where_there_is_no_snap_its_programs_fail_as_snapd_says_and_no_others(#[case] how: How) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("snap.broken"), "").expect("written");
    let outcomes = run_with(folder.path(), Of::Snap, how, &[&["echo", "in"], &["test", "a"], &["echo", "in"]], WHOLE);
    let said = "`echo in` exited with 46: error: cannot find current revision for snap s";
    assert_eq!(outcomes, [Err(said.to_owned()), Ok(String::new()), Err(said.to_owned())]);
}

#[test]
fn where_snapd_does_not_start_the_shell_nothing_waits_for_ever() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("snap.stuck"), "").expect("written");
    let outcomes = run_with(folder.path(), Of::Snap, How::Together, &[&["echo", "in"], &["test", "a"]], SHORT);
    assert_eq!(outcomes, [Err("`echo in` had not ended after 12 s".to_owned()), Ok(String::new())]);
}

#[test]
fn programs_of_a_snap_are_run_by_one_shell_that_has_ended_by_then() {
    let shells: &[&str] = &["sh", "-c", "ps -o ppid= -p $PPID"];
    let outcomes = run_here(Of::Snap, How::Together, &[shells, shells, shells], WHOLE);
    let shells: BTreeSet<&str> = outcomes.iter().map(|said| said.as_deref().expect("a process").trim()).collect();
    assert_eq!(shells.len(), 1, "{outcomes:?}");
    let shell = shells.first().expect("a process");
    assert!(!fs::exists(format!("/proc/{shell}")).expect("known"), "{shell} is there");
}
