//! What the services say is found where a person looks for it, and more of it where that is asked for.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Member, Process, Service, State};

use super::{find, not_online, numbers};

pub(super) const KIND: StepKind = StepKind {
    name: "logs",
    about: "what the services of a member say is in the journal, and in a file where a module is told to debug",
    possible: |state| {
        let ways = [Log::Read, Log::Files, Log::Debug(Process::Switch), Log::Debug(Process::Controller)];
        StepKind::of(state, numbers(state).flat_map(|member| ways.map(|what| Logs { member, what })))
    },
};

/// What the services of a member say is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Logs {
    /// The member's number.
    pub member: usize,
    /// Where, and how much.
    pub what: Log,
}

/// Where it is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// In the journal, as it was and as it comes.
    Read,
    /// In the files, which are there and empty.
    Files,
    /// In the file of ovs-vswitchd or of ovn-controller, of which a module is told to debug, until it is told otherwise.
    Debug(Process),
}

/// The folder of the files.
const LOGS: &str = "/var/snap/microovn/common/logs";

/// Reads as it comes what the command that is given says, has ovn-controller do what is given second, and ends with the line that
/// has the text that is given first.
const FOLLOW: &str = r#"exec 3< <(exec timeout 60 "${@:3}"); follower=$!
read -r line <&3 || exit 1
microovn.ovn-appctl "$2" || exit 1
while read -r line <&3; do
    case "$line" in *"$1"*) kill "$follower"; printf '%s\n' "$line"; exit 0 ;; esac
done
exit 1"#;

/// The logs that the services of a member have.
fn files(member: &Member) -> Vec<&'static str> {
    let of = |service| -> &[&'static str] {
        match service {
            Service::Bgp => &[],
            Service::Central => &["ovn-northd.log", "ovsdb-server-nb.log", "ovsdb-server-sb.log"],
            Service::Chassis => &["ovn-controller.log"],
            Service::Switch => &["ovs-vswitchd.log", "ovsdb-server.log"],
        }
    };
    member.services.iter().flat_map(|service| of(*service).iter().copied()).collect()
}

/// The files are there, and but for one of them nothing is in them.
fn empty(member: &Member, but: Option<&str>) -> Act {
    let find = ["find", LOGS, "-name", "*.log", "-printf", "%f %s\\n"];
    let said = |act: Act, file: &&str| act.says(format!("{file} 0"));
    files(member).iter().filter(|file| Some(**file) != but).fold(Act::run(&member.name, find), said)
}

/// The journal of ovn-controller, by both commands, as it was and as it comes.
fn read(member: &Member) -> Vec<Act> {
    let run = |words: &[&str]| Act::run(&member.name, words.iter().copied());
    let (snap, unit) = ("microovn.chassis", "snap.microovn.chassis");
    let started = format!("… systemd[1]: Started {unit}.service …");
    let of_controller = "… ovn-controller[…]: ovs|…|INFO|…";
    let follow = |text: &str, does: &str, words: &[&str]| {
        run(&[&["bash", "-c", FOLLOW, "follow", text, does], words].concat()).says(format!("…{text}…"))
    };
    vec![
        run(&["snap", "logs", snap]).says(of_controller),
        run(&["journalctl", "-u", unit]).says(started).says(of_controller),
        // Two things that it says nothing of before they are done.
        follow("User triggered force recompute", "inc-engine/recompute", &["snap", "logs", "-f", snap]),
        follow("User triggered lflow cache flush", "lflow-cache/flush", &["journalctl", "-f", "-u", unit]),
    ]
}

/// A module is told to debug, which is seen in the file and nowhere else, and no longer.
fn debug(member: &Member, process: Process) -> Vec<Act> {
    let run = |words: &[&str]| Act::run(&member.name, words.iter().copied());
    let (program, target, file, modules): (_, _, _, &[&str]) = match process {
        // Recorded: the module of the page has nothing to say, and another has.
        Process::Switch => ("microovn.ovs-appctl", "ovs-vswitchd", "ovs-vswitchd.log", &["vswitchd", "jsonrpc"]),
        _ => ("microovn.ovn-appctl", "ovn-controller", "ovn-controller.log", &["reconnect"]),
    };
    let path = format!("{LOGS}/{file}");
    let list = |level: &str| {
        let all = run(&[program, "vlog/list"]);
        modules.iter().fold(all, |act, module| act.says(format!("{module} …INFO … {level}")))
    };
    let set = |level: &'static str| modules.iter().map(move |module| format!("{module}:file:{level}"));
    let tell = |words: String| run(&[program, "vlog/set", &words]);
    let mut acts = vec![list("OFF")];
    acts.extend(set("dbg").map(tell));
    acts.push(list("DBG"));
    let module = modules.last().copied().unwrap_or_default();
    acts.push(Act::wait(&member.name, ["tail", "-n", "20", &path]).says(format!("…|{module}|DBG|…")));
    acts.push(empty(member, Some(file)));
    acts.push(
        tell("nosuch:file:dbg".to_owned()).refused(format!("{}: {target}: server returned an error", short(program))),
    );
    acts.extend(set("off").map(tell));
    acts.push(list("OFF"));
    acts.push(run(&["truncate", "--size=0", &path]));
    acts.push(empty(member, None));
    acts
}

/// The program within the snap.
fn short(program: &str) -> &str {
    program.trim_start_matches("microovn.")
}

impl Step for Logs {
    fn words(&self) -> String {
        let member = self.member;
        match self.what {
            Log::Read => format!("read_logs_{member}"),
            Log::Files => format!("log_files_{member}"),
            Log::Debug(process) => format!("debug_{}_{member}", process.word()),
        }
    }

    fn about(&self) -> String {
        let member = self.member;
        match self.what {
            Log::Read => format!("the journal of ovn-controller on member {member} is read, as it was and as it comes"),
            Log::Files => format!("the log files of member {member} are there, and nothing is in them"),
            Log::Debug(process) => {
                format!("{process} on member {member} debugs into its file, until it is told otherwise")
            }
        }
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let needs = |process: Process| {
            let lives = find(state, self.member).is_some_and(|it| it.lives(process) && it.runs(Service::Switch));
            (!lives).then(|| format!("{process} does not run there, or nothing that it could talk to"))
        };
        not_online(state, self.member).or_else(|| match self.what {
            Log::Read => needs(Process::Controller),
            Log::Files => None,
            // A connection that is used has nothing to say of itself.
            Log::Debug(Process::Controller) => needs(Process::Controller).or_else(|| super::no_quorum(state)),
            Log::Debug(process) => needs(process),
        })
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let Some(member) = find(state, self.member) else { return Vec::new() };
        match self.what {
            Log::Read => read(member),
            Log::Files => vec![empty(member, None)],
            Log::Debug(process) => debug(member, process),
        }
    }

    fn effect(&self, _state: &mut State) {}
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Command, Output};

    use super::*;

    /// Follows what this shell command says, for the text, where ovn-controller says what it was told.
    fn follow(text: &str, says: &str) -> Output {
        let folder = tempfile::tempdir().expect("a folder");
        let (program, told) = (folder.path().join("microovn.ovn-appctl"), folder.path().join("told"));
        std::fs::write(&program, format!("#!/bin/sh\necho \"$1\" >> {}\n", told.display())).expect("written");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("a program");
        let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("bash");
        command.env("PATH", path).env("TOLD", &told);
        command.args(["-c", FOLLOW, "follow", text, "vlog/reopen", "sh", "-c", says]).output().expect("it runs")
    }

    #[test]
    fn what_comes_is_waited_for_and_who_tells_of_it_is_ended() {
        let live = "echo before; until [ -s \"$TOLD\" ]; do :; done; cat \"$TOLD\"; exec sleep 1000";
        let output = follow("vlog/reopen", live);
        assert_eq!((output.status.code(), output.stdout), (Some(0), b"vlog/reopen\n".to_vec()));
        let output = follow("vlog/reopen", "echo before; echo behind");
        assert_eq!((output.status.code(), output.stdout), (Some(1), Vec::new()));
    }
}
