//! A fake LXD whose instances run commands.

use std::sync::Mutex;

use serde_json::Value;

use crate::fake_lxd::release::Release;
use crate::fake_lxd::{Act, FakeLxd, OPERATION, Then, accepted, frame, operation, refusal, sync};

/// What the operations of commands are about.
const INSTANCE: &str = "/1.0/instances/a";

/// How a command ended.
#[derive(Clone, Default)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Well, after printing this.
    pub(crate) fn well(stdout: impl Into<String>) -> Ended {
        Ended { stdout: stdout.into(), ..Ended::default() }
    }
}

impl FakeLxd {
    /// Serves instances with these commands, as LXD 5.0.2 does: `run` gets the instance and the argument vector of each
    /// command, also where several are run at once.
    pub(crate) fn serve_commands(run: impl Fn(&str, &[String]) -> Ended + Send + Sync + 'static) -> FakeLxd {
        Self::serve_commands_of(Release::V5_0_2, run)
    }

    /// The same as this release does: newer ones end each wait once with its time before the command is at its end.
    pub(crate) fn serve_commands_of(
        release: Release,
        run: impl Fn(&str, &[String]) -> Ended + Send + Sync + 'static,
    ) -> FakeLxd {
        let all = Mutex::new(Vec::<Ended>::new());
        Self::serve_bodies(move |line, body, before| {
            let mut all = all.lock().expect("commands");
            if let Some(instance) = line.strip_prefix("POST /1.0/instances/").and_then(|it| it.strip_suffix("/exec")) {
                let body: Value = serde_json::from_slice(body).expect("JSON");
                let argv: Vec<String> = serde_json::from_value(body["command"].clone()).expect("a command");
                all.push(match argv.iter().position(|word| word == "--").filter(|_| argv[0] == "perl") {
                    // How they run, for how long, and in which app's surroundings, comes first.
                    Some(name) => batch(&argv[name + 4..], |argv| run(instance, argv)),
                    None => run(instance, &argv),
                });
                return start(all.len() - 1);
            }
            let id = line.strip_prefix("GET /1.0/operations/").and_then(|rest| rest.get(..8));
            let Some(number) = id.and_then(|id| usize::from_str_radix(id, 16).ok()) else { return refusal(404, line) };
            let Ended { code, stdout, stderr } = &all[number];
            match line.rsplit_once("secret=") {
                Some((_, "s1")) => print(stdout),
                Some((_, "s2")) => print(stderr),
                Some(_) => Act::WebSocket(Vec::new(), Then::Stay),
                None if line.contains("/wait") && before == 0 && release != Release::V5_0_2 => {
                    release.wait_timed_out(number, INSTANCE)
                }
                None if !line.contains("/wait") => {
                    sync(&release.operation(number, INSTANCE, ("Running", 103), "").to_string())
                }
                None => sync(&operation("Success", 200, &format!(r#"{{"return":{code}}}"#), "")),
            }
        })
    }
}

/// What a member prints that was given several commands at once: their outputs and codes. One that is run as a program of the snap
/// has the program's name after `$SNAP/` for its first word.
fn batch(mut words: &[String], run: impl Fn(&[String]) -> Ended) -> Ended {
    let mut printed = String::new();
    let mut index = 0;
    while let Some((count, rest)) = words.split_first() {
        let (program, rest) = rest.split_first().expect("a program of the snap, or none");
        let (argv, rest) = rest.split_at(count.parse().expect("a number of words"));
        let inside = (!program.is_empty()).then(|| format!("$SNAP/{program}"));
        let argv: Vec<String> = inside.iter().chain(argv).cloned().collect();
        let Ended { code, stdout, stderr } = run(&argv);
        for (kind, text) in [("out", stdout), ("err", stderr), ("code", code.to_string())] {
            printed += &format!("{index}.{kind} {}\n{text}", text.len());
        }
        (words, index) = (rest, index + 1);
    }
    Ended::well(printed)
}

/// The acceptance of the command of this number, which its operation is named for.
fn start(number: usize) -> Act {
    match accepted(r#"{"fds":{"0":"s0","1":"s1","2":"s2","control":"sc"}}"#) {
        Act::Answer(status, headers, body) => {
            let name = format!("{number:08x}{}", &OPERATION[8..]);
            Act::Answer(status, headers, body.replace(OPERATION, &name))
        }
        other => other,
    }
}

fn print(text: &str) -> Act {
    Act::WebSocket(vec![frame(2, text.as_bytes()), frame(1, b"")], Then::Stay)
}
