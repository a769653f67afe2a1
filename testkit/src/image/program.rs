//! Runs the host's programs: argv only, their words kept for the error.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::error::Error;

/// How much of a failing program's standard error is kept.
const LAST_LINES: usize = 12;

/// A program about to be run.
pub struct Program<'a> {
    attempt: &'a str,
    name: &'a str,
    args: Vec<OsString>,
    bound: Bound,
    env: Vec<(&'a str, OsString)>,
}

/// What ends with this process.
#[derive(Clone, Copy)]
enum Bound {
    Nothing,
    Itself,
    /// All that it started, and what it mounted.
    Everything,
}

/// The kernel ends the program with the thread that started it, however that ends; see prctl(2), PR_SET_PDEATHSIG.
const TIED: [&str; 3] = ["setpriv", "--pdeathsig", "KILL"];

/// Namespaces of its own: with the first process of a process namespace all others end, and what was mounted in a mount
/// namespace is nowhere else.
const NAMESPACES: [&str; 6] = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// Root of a user namespace, with the ids that the user database gives this user; see subuid(5).
const AS_ROOT: [&str; 3] = ["--user", "--map-root-user", "--map-auto"];

/// What makes a program be root of namespaces of its own. Where the kernel or the user database do not have it, it only
/// ends with this process.
fn container() -> &'static [&'static str] {
    static CONTAINER: OnceLock<Vec<&str>> = OnceLock::new();
    CONTAINER.get_or_init(|| {
        let root = rustix::process::geteuid().is_root();
        let words = [&TIED[..], &NAMESPACES, if root { &[] } else { &AS_ROOT[..] }].concat();
        let tried = duct::cmd(words[0], words[1..].iter().chain(&["true"]));
        let able = tried.stdin_null().stdout_null().stderr_null().unchecked().run();
        if able.is_ok_and(|output| output.status.success()) { words } else { TIED.to_vec() }
    })
}

/// Whether a program that is contained is root of namespaces of its own.
pub(super) fn is_contained_as_root() -> bool {
    container().len() > TIED.len()
}

/// Whether this process was told to end.
#[derive(Debug, Clone, Default)]
pub struct Interrupted(Arc<AtomicBool>);

impl Interrupted {
    /// Whether it was.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// From now on SIGINT, SIGTERM and SIGHUP end the programs that this process runs and not the process itself, so that who
/// waits for a program clears up after it. When that takes too long, or at the second signal, the process ends after all.
/// For a command that does nothing but run programs; to be called within a runtime.
///
/// # Errors
/// When the kernel does not let the signals be caught.
pub fn end_programs_on_signals() -> io::Result<Interrupted> {
    let interrupted = Interrupted::default();
    let told = interrupted.clone();
    let mut signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
        .into_iter()
        .map(signal)
        .collect::<io::Result<Vec<_>>>()?;
    tokio::spawn(async move {
        let mut come = async || {
            let waits: Vec<_> = signals.iter_mut().map(|signal| Box::pin(signal.recv())).collect();
            futures_util::future::select_all(waits).await;
        };
        come().await;
        told.0.store(true, Ordering::SeqCst);
        let end = async {
            // A program may start the next one before it learns of the first.
            for _ in 0..CLEARING.as_millis() / LOOK.as_millis() {
                end_children();
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! { () = end => {}, () = come() => {} }
        std::process::exit(130);
    });
    Ok(interrupted)
}

/// How long the programs of a process that was told to end may take to be cleared up after.
const CLEARING: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);

/// Ends the direct children of this process.
fn end_children() {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    for process in procfs::process::all_processes().into_iter().flatten().flatten() {
        if process.stat().is_ok_and(|stat| stat.ppid == own)
            && let Some(pid) = rustix::process::Pid::from_raw(process.pid)
        {
            // It may have ended just now.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

/// Removes a folder of this user, in which files may belong to the other ids that the user database gives them.
pub(crate) fn remove_tree(folder: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        removed => return removed.map_err(Error::file("remove", folder)),
    }
    let remove = Program::new("remove what a program left", "rm").args(["--recursive", "--force", "--one-file-system"]);
    remove.arg(folder).contained().run().map(drop)
}

impl<'a> Program<'a> {
    /// A program by its name, looked up in the path, and what it is run for, as the rest of "failed to …".
    pub fn new(attempt: &'a str, name: &'a str) -> Self {
        Self { attempt, name, args: Vec::new(), bound: Bound::Nothing, env: Vec::new() }
    }

    /// One more argument.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// More arguments.
    pub fn args<T: Into<OsString>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Makes it, and all that it starts, end with this process, however that ends; nor does it leave anything mounted.
    pub fn contained(mut self) -> Self {
        self.bound = Bound::Everything;
        self
    }

    /// Makes it end with this process, however that ends. What it started is told by nobody.
    pub fn tied(mut self) -> Self {
        self.bound = Bound::Itself;
        self
    }

    /// A variable of its environment.
    pub fn env(mut self, name: &'a str, value: impl Into<OsString>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    /// What is run. A program that is contained is not found by another program, whose word on it is not an error of ours.
    fn expression(&self) -> Result<duct::Expression, Error> {
        let with = |it: duct::Expression| self.env.iter().fold(it, |it, (name, value)| it.env(name, value));
        let prefix = match self.bound {
            Bound::Nothing => return Ok(with(duct::cmd(self.name, &self.args))),
            Bound::Itself => &TIED[..],
            Bound::Everything => container(),
        };
        which::which(self.name).map_err(|_| self.not_run(&io::ErrorKind::NotFound.into()))?;
        let [first, more @ ..] = prefix else { return Ok(with(duct::cmd(self.name, &self.args))) };
        let words = more.iter().map(OsString::from).chain([self.name.into()]).chain(self.args.iter().cloned());
        Ok(with(duct::cmd(*first, words)))
    }

    /// Runs it without input; its standard output.
    ///
    /// # Errors
    /// When it cannot be run, or fails; with the last lines that it said.
    pub fn run(self) -> Result<Vec<u8>, Error> {
        self.run_with(|expression| expression.stdin_null())
    }

    /// Runs it with a file as its input; its standard output.
    pub(crate) fn run_on(self, input: &Path) -> Result<Vec<u8>, Error> {
        self.run_with(|expression| expression.stdin_path(input))
    }

    /// Runs it as `shape` has it; its standard output.
    pub(crate) fn run_with(self, shape: impl FnOnce(duct::Expression) -> duct::Expression) -> Result<Vec<u8>, Error> {
        let expression = shape(self.expression()?).stdout_capture().stderr_capture().unchecked();
        let output = expression.run().map_err(|error| self.not_run(&error))?;
        self.judge(&output).map(|()| output.stdout)
    }

    /// Runs it without input and ends it when it has printed more than `most` bytes; then `None`, else its standard
    /// output. A program that has not ended after `patience` is ended too, which is an error.
    ///
    /// # Errors
    /// As [`Program::run`], and when it is late.
    pub fn run_bounded(self, most: u64, patience: Duration) -> Result<Option<Vec<u8>>, Error> {
        let mut printed = Vec::new();
        Ok(self.run_into(&mut printed, most, patience)?.then_some(printed))
    }

    /// As [`Program::run_bounded`], with its standard output in `printed` however it ends; whether that is all.
    ///
    /// # Errors
    /// The same.
    pub fn run_into(self, printed: &mut Vec<u8>, most: u64, patience: Duration) -> Result<bool, Error> {
        let expression = self.expression()?.stdin_null().stderr_capture().unchecked();
        let running = expression.reader().map_err(|error| self.not_run(&error))?;
        let (ended, end) = mpsc::channel::<()>();
        let (read, late) = std::thread::scope(|scope| {
            let running = &running;
            let watch = scope.spawn(move || {
                let late = end.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout);
                late.then(|| running.kill()).is_some()
            });
            let mut output = running;
            let read = output.by_ref().take(most + 1).read_to_end(printed);
            drop(ended);
            (read, watch.join().unwrap_or(false))
        });
        if late {
            return Err(self.failed(format!("did not end within {} s", patience.as_secs()), String::new()));
        }
        read.map_err(|error| self.not_run(&error))?;
        if printed.len() as u64 > most {
            // Dropping the reader would wait for it; whether it can be ended makes no difference to what is known.
            let _ = running.kill();
            return Ok(false);
        }
        match running.try_wait() {
            Ok(Some(output)) => self.judge(output).map(|()| true),
            Ok(None) => Err(self.failed("closed its output and did not end".to_owned(), String::new())),
            Err(error) => Err(self.not_run(&error)),
        }
    }

    fn judge(&self, output: &Output) -> Result<(), Error> {
        if output.status.success() { Ok(()) } else { Err(self.failed(ended(output), last_lines(&output.stderr))) }
    }

    fn not_run(&self, error: &io::Error) -> Error {
        if error.kind() == io::ErrorKind::NotFound {
            return Error::NoProgram { attempt: self.attempt.to_owned(), program: self.name.to_owned() };
        }
        self.failed("could not be run".to_owned(), error.to_string())
    }

    fn failed(&self, status: String, said: String) -> Error {
        Error::Program { attempt: self.attempt.to_owned(), program: self.name.to_owned(), status, said }
    }
}

fn ended(output: &Output) -> String {
    match output.status.code() {
        Some(code) => format!("exited with {code}"),
        None => "was killed by a signal".to_owned(),
    }
}

fn last_lines(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_its_mend() {
        let error = Program::new("pack", "no-such-program-here").run().unwrap_err().to_string();
        assert_eq!(
            error,
            "failed to pack: the program no-such-program-here is not installed; `make setup` installs it"
        );
    }

    #[test]
    fn a_program_that_prints_or_takes_too_much_is_ended() {
        let patience = Duration::from_secs(30);
        let run =
            |name, args: &[&str], most, patience| Program::new("read", name).args(args).run_bounded(most, patience);
        assert_eq!(run("printf", &["abc"], 3, patience).unwrap(), Some(b"abc".to_vec()));
        assert_eq!(run("printf", &["abc"], 2, patience).unwrap(), None);
        assert_eq!(run("yes", &[], 1 << 16, patience).unwrap(), None);
        let error = run("sleep", &["60"], 1, Duration::ZERO).unwrap_err().to_string();
        assert!(error.starts_with("failed to read: sleep did not end within 0 s"), "{error}");
        let error = run("ls", &["/no/such/folder"], 1, patience).unwrap_err().to_string();
        assert!(error.contains("ls exited with 2") && error.contains("/no/such/folder"), "{error}");
        let mut printed = Vec::new();
        let fails = Program::new("read", "sh").args(["-c", "echo before; exit 3"]);
        assert!(fails.run_into(&mut printed, 100, patience).is_err() && printed == b"before\n");
        let error = run("no-such-program-here", &[], 1, patience).unwrap_err();
        assert!(matches!(error, Error::NoProgram { .. }), "{error}");
    }

    /// A process that runs a contained program until it is killed: the test below starts itself anew for this.
    #[test]
    #[ignore = "the test of contained programs starts it"]
    fn holds_a_program() {
        // A child of the program, so that it is not the direct one that ends.
        let script = "sleep 3000 & echo > \"$1\"; wait";
        let mark = std::env::var_os("TESTKIT_TEST_MARK").unwrap();
        Program::new("wait", "sh").args(["-c", script, "sh"]).arg(mark).contained().run().unwrap();
    }

    #[test]
    fn a_contained_program_ends_with_who_started_it_and_so_does_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("running");
        let mut holder = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "image::program::tests::holds_a_program", "--ignored"])
            .env("TESTKIT_TEST_MARK", &mark)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let until = |what: &str, holds: &dyn Fn() -> bool| {
            let started = std::time::Instant::now();
            while !holds() {
                assert!(started.elapsed() < Duration::from_secs(120), "{what}");
                std::thread::sleep(Duration::from_millis(10));
            }
        };
        until("the program starts", &|| mark.exists());
        let processes = descendants(holder.id());
        assert!(processes.len() >= 2, "{processes:?}");
        // SIGKILL: nothing of this process runs any more.
        holder.kill().unwrap();
        holder.wait().unwrap();
        until("they end", &|| processes.iter().all(|pid| !Path::new(&format!("/proc/{pid}")).exists()));
    }

    /// The processes below this one.
    fn descendants(of: u32) -> Vec<i32> {
        let all: Vec<_> = procfs::process::all_processes().unwrap().filter_map(|it| it.ok()?.stat().ok()).collect();
        let mut found = vec![i32::try_from(of).unwrap()];
        let mut at = 0;
        while let Some(parent) = found.get(at).copied() {
            found.extend(all.iter().filter(|stat| stat.ppid == parent).map(|stat| stat.pid));
            at += 1;
        }
        found.split_off(1)
    }

    #[test]
    fn a_contained_program_that_is_missing_is_named_too() {
        let error = Program::new("pack", "no-such-program-here").contained().run().unwrap_err();
        assert!(matches!(error, Error::NoProgram { .. }), "{error}");
    }

    #[test]
    fn a_failing_program_is_quoted() {
        let error = Program::new("list", "ls").arg("/no/such/folder").run().unwrap_err().to_string();
        assert!(error.starts_with("failed to list: ls exited with 2; it said last:\n"), "{error}");
        assert!(error.contains("/no/such/folder"), "{error}");
    }
}
