//! The daemons that run on a member, and what each was started with.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ovn::ParseError;
use crate::plan::Process;

const WHAT: &str = "daemons";

/// Options that take a value, which may be the next word. Of the others that do, the value is in the same word:
/// `--log-file[=FILE]`, `--pidfile[=FILE]`, `-v[SPEC]` (ovsdb-server(1), ovn-northd(8), ovn-controller(8)).
const VALUED: [&str; 18] = [
    "bootstrap-ca-cert",
    "ca-cert",
    "certificate",
    "config-file",
    "n-threads",
    "ovnnb-db",
    "ovnsb-db",
    "peer-ca-cert",
    "private-key",
    "remote",
    "ssl-ciphers",
    "ssl-ciphersuites",
    "ssl-protocols",
    "state-dir",
    "sync-from",
    "syslog-method",
    "unixctl",
    "user",
];
/// The short forms of those that have one.
const SHORT: [(&str, &str); 3] = [("-p", "private-key"), ("-c", "certificate"), ("-C", "ca-cert")];

/// One process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Daemon {
    /// The program, as the kernel calls it: `ovsdb-server`.
    pub program: String,
    /// Its arguments, the program among them.
    pub argv: Vec<String>,
    /// Its process id and when it was started, in the kernel's ticks since the host booted: together nobody else's.
    #[serde(default)]
    pub identity: (u32, u64),
}

/// An argument vector taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arguments {
    /// Options in their order, without dashes, each with its value if it has one.
    pub options: Vec<(String, Option<String>)>,
    /// What is no option.
    pub words: Vec<String>,
}

impl Daemon {
    /// Reads what [`commands::daemons`](super::commands::daemons) prints: for every process `NAME COUNT PID STARTED`, then so many
    /// arguments as `LENGTH:ARGUMENT`. Processes that only watch over another, `ovsdb-server: monitoring pid …`, are
    /// left out.
    ///
    /// # Errors
    /// When the text is of another form.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, ParseError> {
        let mut rest = text;
        let mut daemons = Vec::new();
        while !rest.is_empty() {
            let wrong = |at: &str| ParseError::expected(WHAT, "NAME COUNT PID STARTED, then LENGTH:ARGUMENT", at);
            let (head, mut after) = rest.split_once('\n').ok_or_else(|| wrong(rest))?;
            let [program, numbers @ ..] = &*head.split(' ').collect::<Vec<_>>() else { return Err(wrong(head)) };
            let &[count, pid, started] = numbers else { return Err(wrong(head)) };
            let count: usize = count.parse().map_err(|_| wrong(head))?;
            let identity = (pid.parse().map_err(|_| wrong(head))?, started.parse().map_err(|_| wrong(head))?);
            let mut argv = Vec::new();
            for _ in 0..count {
                let (length, argument) = after.split_once(':').ok_or_else(|| wrong(after))?;
                let length = length.parse().map_err(|_| wrong(after))?;
                let (argument, next) = argument.split_at_checked(length).ok_or_else(|| wrong(after))?;
                after = next.strip_prefix('\n').ok_or_else(|| wrong(next))?;
                argv.push(argument.to_owned());
            }
            if !argv.first().is_some_and(|name| name.contains(": monitoring pid ")) {
                daemons.push(Self { program: (*program).to_owned(), argv, identity });
            }
            rest = after;
        }
        Ok(daemons)
    }

    /// Which of MicroOVN's it is; `None` where it is none of them. Of database servers by what most arguments are about, so
    /// that one that is wrong makes no other server of it.
    pub fn process(&self) -> Option<Process> {
        Some(match self.program.as_str() {
            "microovnd" => Process::Daemon,
            "ovs-vswitchd" => Process::Switch,
            "ovn-controller" => Process::Controller,
            "ovn-northd" => Process::Northd,
            "ovsdb-server" => {
                let about = |marks: [&str; 2]| {
                    let marked = |argument: &&String| marks.iter().any(|mark| argument.contains(mark));
                    self.argv.iter().filter(marked).count()
                };
                let all = [
                    (about(["ovnnb", "OVN_Northbound"]), Process::Northbound),
                    (about(["ovnsb", "OVN_Southbound"]), Process::Southbound),
                    (about(["/switch/", "Open_vSwitch"]), Process::SwitchDatabase),
                ];
                all.into_iter().filter(|(marks, _)| *marks > 0).max_by_key(|(marks, _)| *marks)?.1
            }
            _ => return None,
        })
    }

    /// Its arguments, taken apart as getopt_long(3) does: `--option=value` and `--option value` are the same.
    pub fn arguments(&self) -> Arguments {
        let mut arguments = Arguments::default();
        let mut words = self.argv.iter().skip(1).map(String::as_str);
        while let Some(word) = words.next() {
            if word == "--" {
                arguments.words.extend(words.by_ref().map(str::to_owned));
            } else if let Some(option) = word.strip_prefix("--") {
                let (name, value) = match option.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None if VALUED.contains(&option) => (option, words.next().map(str::to_owned)),
                    None => (option, None),
                };
                arguments.options.push((name.to_owned(), value));
            } else if let Some((short, name)) = SHORT.iter().find(|(short, _)| word.starts_with(short)) {
                let value = match word.strip_prefix(short) {
                    Some("") | None => words.next().map(str::to_owned),
                    attached => attached.map(str::to_owned),
                };
                arguments.options.push(((*name).to_owned(), value));
            } else if let Some((name, value)) = word.strip_prefix('-').and_then(|rest| rest.split_at_checked(1)) {
                // `-vsyslog:info`
                arguments.options.push((name.to_owned(), Some(value.to_owned()).filter(|value| !value.is_empty())));
            } else {
                arguments.words.push(word.to_owned());
            }
        }
        arguments
    }
}

impl Arguments {
    /// The values of an option, sorted; one without a value is an empty text.
    pub fn values(&self, name: &str) -> Vec<String> {
        let given = self.options.iter().filter(|(option, _)| option == name);
        let mut values: Vec<String> = given.map(|(_, value)| value.clone().unwrap_or_default()).collect();
        values.sort();
        values
    }

    /// The names of the options that are given.
    pub fn names(&self) -> BTreeSet<&str> {
        self.options.iter().map(|(name, _)| name.as_str()).collect()
    }
}
