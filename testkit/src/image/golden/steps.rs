//! The steps of preparing a golden image, each inside the instance.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::build::read;
use super::super::error::Error;
use super::super::requirements::{NodeSnapd, require};
use super::super::snap::Snap;
use super::Unconnected;
use crate::lxd::{Client, Exec, ExecOutput, FileSpec};
use crate::wait::{self, Pace, Poll, WaitError};

/// Turns re-execution into the snapd snap off, for services; commands get it from the instance's environment.
const NO_REEXEC: (&str, &str) = (
    "/etc/systemd/system.conf.d/20-testkit-no-reexec.conf",
    "# The snapd snap is this node's own snapd: running into it costs time and changes nothing.\n\
     [Manager]\nDefaultEnvironment=SNAP_REEXEC=0\n",
);

/// In place of the times at which a timer of a snap starts something. systemd knows no later year.
const NEVER: &str = "# At what hour a test is run is no part of it: what is started by a clock may meet what a step has stopped.\n\
                     [Timer]\nOnCalendar=\nOnCalendar=2199-01-01\n";
/// Writes it, which is `$0`, for these timers.
const STOP_CLOCKS: &str = r#"
for timer; do
    mkdir -p "/etc/systemd/system/$timer.d" && printf %s "$0" >"/etc/systemd/system/$timer.d/testkit.conf" || exit
done
systemctl daemon-reload
"#;

/// Installing a snap of a hundred megabytes on a busy host.
const INSTALL: Duration = Duration::from_secs(180);

/// Succeeds when the daemon of a snap answers, given the snap's command, its control socket and the seconds it has. Releases
/// of MicroOVN without `waitready` (22.03) are asked for anything at all: any answer is one.
pub const DAEMON_ANSWERS: &str = r#"
said=$("$1" waitready --timeout "$3" 2>&1) && exit
case $said in *'unknown command "waitready"'*)
    exec curl --silent --show-error --output /dev/null --unix-socket "$2" --max-time "$3" http://localhost/ ;;
esac
printf '%s\n' "$said" >&2
exit 1
"#;
/// Everything else.
const STEP: Duration = Duration::from_secs(60);

/// The pause between two looks at something that is not there yet.
const LOOK: Duration = Duration::from_millis(100);

/// What snapd does of its own accord when a snap is new ends within seconds.
const IDLE: Pace = Pace { deadline: STEP, every: LOOK };

/// The instance under preparation.
pub(super) struct Node<'a> {
    pub(super) client: &'a Client,
    pub(super) name: &'a str,
}

impl Node<'_> {
    fn failed(&self, step: &str, problem: impl Into<String>) -> Error {
        Error::Prepare { instance: self.name.to_owned(), step: step.to_owned(), problem: problem.into() }
    }

    /// Runs a command, whatever its exit code.
    pub(super) async fn try_run(&self, argv: &[&str], timeout: Duration) -> Result<ExecOutput, Error> {
        let exec = Exec::new(argv.iter().copied()).timeout(wait::patience(timeout));
        match self.client.exec(self.name, &exec).await {
            Err(error) if error.is_no_command() => Ok(ExecOutput {
                exit_code: 127,
                stdout: bytes::Bytes::new(),
                stderr: bytes::Bytes::from_static(b"the command, or one that it runs, is not there"),
            }),
            output => output.map_err(Error::lxd(format!("run {} in golden image {}", argv.join(" "), self.name))),
        }
    }

    /// Runs a command that must succeed; its standard output.
    pub(super) async fn run(&self, step: &str, argv: &[&str], timeout: Duration) -> Result<String, Error> {
        let output = self.try_run(argv, timeout).await?;
        if output.success() {
            return Ok(output.stdout_text());
        }
        Err(self.failed(step, format!("{} {}", argv.join(" "), ending(&output))))
    }

    /// Runs a command until it succeeds.
    async fn run_until(&self, step: &str, argv: &[&str], timeout: Duration) -> Result<(), Error> {
        self.run_until_as(step, &format!("{} to succeed", argv.join(" ")), argv, timeout).await
    }

    /// Runs a command until it succeeds, which is to be waiting for `what`.
    async fn run_until_as(&self, step: &str, what: &str, argv: &[&str], timeout: Duration) -> Result<(), Error> {
        let succeeded = wait::until(what, Pace { deadline: timeout, every: LOOK }, async || {
            match self.try_run(argv, timeout).await {
                Ok(output) if output.success() => Poll::Ready(()),
                Ok(output) => Poll::NotYet(format!("it {}", ending(&output))),
                Err(error) => Poll::Failed(error),
            }
        });
        succeeded.await.map_err(|error| match error {
            WaitError::Failed { source, .. } => source,
            late => self.failed(step, late.to_string()),
        })
    }

    pub(super) async fn push(&self, path: &str, content: impl Into<bytes::Bytes>, mode: u32) -> Result<(), Error> {
        let pushed = self.client.push_file(self.name, path, &FileSpec::new(content).mode(mode)).await;
        pushed.map_err(Error::lxd(format!("write {path} in golden image {}", self.name)))
    }

    /// Whether snapd is to run into the snapd snap, once the snaps are known to suit it. Not where that is the node's own snapd; otherwise the snap is
    /// there because it is newer, and needed.
    pub(super) async fn decide_reexec(&self, snaps: &[Snap], tested: &Snap) -> Result<bool, Error> {
        let found = self.client.find_file(self.name, "/usr/lib/snapd/info").await;
        let info = found.map_err(Error::lxd(format!("read snapd's version in golden image {}", self.name)))?;
        let Some(info) = info else {
            let problem = "the image has no snapd; give an image that has one, or use the node image built here";
            return Err(self.failed("look for snapd", problem));
        };
        let info = String::from_utf8_lossy(&info.content).into_owned();
        let own = info.lines().find_map(|line| line.strip_prefix("VERSION=")).unwrap_or_default();
        // An image of somebody else's may have bases, and reach a store.
        let this = NodeSnapd { version: Some(own.to_owned()), alone: false };
        require(&snaps.iter().chain([tested]).collect::<Vec<_>>(), &this)?;
        let reexec = snaps.iter().find(|snap| snap.kind == "snapd").is_none_or(|snap| snap.version != own);
        if !reexec {
            self.push(NO_REEXEC.0, NO_REEXEC.1, 0o644).await?;
        }
        Ok(reexec)
    }

    pub(super) async fn wait_seeded(&self) -> Result<(), Error> {
        self.run_until("wait for snapd", &["snap", "wait", "system", "seed.loaded"], STEP).await
    }

    /// Installs a snap from its file.
    pub(super) async fn install(&self, snap: &Snap) -> Result<(), Error> {
        let step = format!("install {}", snap.path.display());
        let inside = format!("/var/tmp/{}.snap", snap.name);
        self.push(&inside, read(&snap.path)?, 0o600).await?;
        let confined = if snap.devmode { &["--devmode"][..] } else { &[] };
        let argv = [&["snap", "install", "--dangerous"], confined, &[&inside]].concat();
        self.run(&step, &argv, INSTALL).await?;
        self.run(&step, &["rm", &inside], STEP).await?;
        Ok(())
    }

    /// Connects each plug that the snap declares; snapd takes no offence where one is. Returns those that cannot be, with
    /// the reason.
    pub(super) async fn connect(&self, snap: &Snap) -> Result<Vec<Unconnected>, Error> {
        let mut unconnected = Vec::new();
        for plug in &snap.plugs {
            let endpoint = format!("{}:{}", snap.name, plug.name);
            let argv = ["snap", "connect", &endpoint];
            let output = once_idle(&argv, IDLE, || self.try_run(&argv, STEP)).await;
            let output = output.map_err(|error| match error {
                WaitError::Failed { source, .. } => source,
                late => self.failed("connect plugs", late.to_string()),
            })?;
            if !output.success() {
                let reason = output.stderr_text().trim().trim_start_matches("error: ").to_owned();
                unconnected.push(Unconnected { plug: plug.name.clone(), reason });
            }
        }
        Ok(unconnected)
    }

    /// Has the timers of these snaps start nothing by themselves; what they would start can be started by hand.
    pub(super) async fn stop_clocks(&self, snaps: impl Iterator<Item = &Snap>) -> Result<(), Error> {
        let timers: BTreeSet<String> = snaps.flat_map(timers).collect();
        let argv: Vec<&str> =
            ["sh", "-c", STOP_CLOCKS, NEVER].into_iter().chain(timers.iter().map(String::as_str)).collect();
        self.run("stop the timers of the snap", &argv, STEP).await.map(drop)
    }

    /// Waits until snapd has nothing left to do and the daemon answers.
    pub(super) async fn wait_answering(&self, snap: &str) -> Result<(), Error> {
        // Exits with 1 when there is no change in progress that could be watched: nothing is left to do.
        let waiting =
            ["sh", "-c", "! snap changes | awk 'NR > 1 && $2 ~ /^(Do|Doing|Undo|Undoing|Wait)$/' | grep -q ."];
        self.run_until("wait for snapd to finish", &waiting, STEP).await?;
        let (command, socket) = (format!("/snap/bin/{snap}"), format!("/var/snap/{snap}/common/state/control.socket"));
        let asking = ["bash", "-c", DAEMON_ANSWERS, "answers", &command, &socket, "30"];
        self.run_until_as("wait for the daemon", "the daemon to answer", &asking, STEP).await
    }

    /// Stops the services and removes what every node has to make for itself.
    pub(super) async fn clean(&self, snap: &str) -> Result<(), Error> {
        let common = format!("/var/snap/{snap}/common");
        self.run("stop services", &["snap", "stop", snap], STEP).await?;
        // Keys, certificates and databases; the folders stay, for hooks of the snap may have made them.
        let own = ["state", "data/switch/db", "data/central/db", "data/pki", "data/env", "logs", "run"];
        for folder in own.map(|folder| format!("{common}/{folder}")) {
            if self.try_run(&["test", "-d", &folder], STEP).await?.success() {
                self.run("remove state", &["find", &folder, "-mindepth", "1", "!", "-type", "d", "-delete"], STEP)
                    .await?;
            }
        }
        let state = format!("{common}/state");
        if self.try_run(&["test", "-d", &state], STEP).await?.success() {
            self.run("remove state", &["find", &state, "-mindepth", "1", "-delete"], STEP).await?;
        }
        self.run("remove logs", &["find", "/var/log", "-type", "f", "-delete"], STEP).await?;
        self.run("write to disk", &["sync", "-f", "/"], STEP).await.map(drop)
    }
}

/// The units of the timers that a snap has, as snapd calls them.
fn timers(snap: &Snap) -> impl Iterator<Item = String> {
    snap.timed.iter().map(|app| format!("snap.{}.{app}.timer", snap.name))
}

/// How a command ended, and what it said.
fn ending(output: &ExecOutput) -> String {
    let said = format!("{}{}", output.stdout_text(), output.stderr_text());
    format!("exited with {}: {}", output.exit_code, said.trim())
}

/// Runs a command of `snap` until snapd does not refuse it for a change that is in progress, as it may have begun one of
/// its own accord: it connects plugs of a new snap itself.
async fn once_idle<Fut>(argv: &[&str], pace: Pace, mut run: impl FnMut() -> Fut) -> Result<ExecOutput, WaitError<Error>>
where
    Fut: Future<Output = Result<ExecOutput, Error>>,
{
    wait::until(format!("snapd to take {}", argv.join(" ")), pace, || {
        let running = run();
        async {
            match running.await {
                Ok(output) if !output.success() && is_busy(&output.stderr_text()) => {
                    Poll::NotYet(output.stderr_text().trim().to_owned())
                }
                Ok(output) => Poll::Ready(output),
                Err(error) => Poll::Failed(error),
            }
        }
    })
    .await
}

/// Whether snapd refuses something because a change of the snap, of another one or of the system is in progress. Source:
/// the texts of its change conflicts.
fn is_busy(said: &str) -> bool {
    said.lines().any(|line| line.contains("change in progress") || line.contains("changes in progress"))
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const FAST: Pace = Pace { deadline: Duration::from_secs(60), every: Duration::from_millis(1) };
    const SHORT: Pace = Pace { deadline: Duration::from_millis(200), every: Duration::from_millis(1) };

    fn output(exit_code: i32, stderr: &str) -> ExecOutput {
        ExecOutput { exit_code, stdout: Default::default(), stderr: stderr.to_owned().into() }
    }

    /// Whether the daemon answers, where `microovn` is this script and `curl` one that ends so.
    fn answers(microovn: &str, curl: i32) -> bool {
        let folder = tempfile::tempdir().expect("a folder");
        let program = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("written");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("made a program");
            path
        };
        program("curl", &format!("exit {curl}"));
        let (path, command) = (std::env::var("PATH").expect("a path"), program("microovn", microovn));
        let output = std::process::Command::new("bash")
            .args(["-c", DAEMON_ANSWERS, "answers"])
            .arg(command)
            .args(["/no/control.socket", "1"])
            .env("PATH", format!("{}:{path}", folder.path().display()))
            .output()
            .expect("bash runs");
        output.status.success()
    }

    #[test]
    fn a_daemon_is_asked_in_the_way_that_its_release_has() {
        assert!(answers("exit 0", 7), "waitready says it all");
        assert!(!answers("echo 'Error: daemon not ready' >&2; exit 1", 0), "waitready is believed");
        let older = r#"echo 'Error: unknown command "waitready" for "microovn"' >&2; exit 1"#;
        assert!(answers(older, 0) && !answers(older, 7), "without it, any answer is one");
    }

    #[tokio::test]
    async fn a_change_in_progress_is_waited_for() {
        for busy in [
            "error: snap \"microovn\" has \"auto-connect\" change in progress\n",
            "error: snap \"microovn\" has \"install-snap\" change in progress\n",
            "error: snap \"microovn\" has changes in progress\n",
            "error: other changes in progress (conflicting change \"x\"), change \"y\" not allowed until they are done\n",
        ] {
            let mut said = vec![output(0, ""), output(1, busy), output(1, busy)];
            let got = once_idle(&["snap"], FAST, || ready(Ok(said.pop().expect("asked too often")))).await;
            assert_eq!(got.expect("in the end").exit_code, 0, "{busy}");
        }
    }

    #[tokio::test]
    async fn another_refusal_is_an_answer_and_one_that_never_ends_is_told() {
        let no_slot = "error: no slot to connect to\n";
        let got = once_idle(&["snap"], FAST, || ready(Ok(output(1, no_slot)))).await.expect("an answer");
        assert_eq!((got.exit_code, got.stderr_text().as_str()), (1, no_slot));
        let busy = "error: snap \"microovn\" has changes in progress";
        let late = once_idle(&["snap", "connect"], SHORT, || ready(Ok(output(1, busy)))).await;
        let late = late.expect_err("too late").to_string();
        assert!(late.contains("snapd to take snap connect") && late.contains("has changes in progress"), "{late}");
    }
}
