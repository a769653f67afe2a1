//! Runs the host's programs: argv only, their words kept for the error.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::Path;
use std::process::Output;
use std::sync::mpsc;
use std::time::Duration;

use super::error::Error;

/// How much of a failing program's standard error is kept.
const LAST_LINES: usize = 12;

/// A program about to be run.
pub(crate) struct Program<'a> {
    /// What for, as the rest of "failed to …".
    pub(crate) attempt: &'a str,
    /// Its name, looked up in the path.
    pub(crate) name: &'a str,
    /// Its arguments.
    pub(crate) args: Vec<OsString>,
}

impl<'a> Program<'a> {
    pub(crate) fn new(attempt: &'a str, name: &'a str) -> Self {
        Self { attempt, name, args: Vec::new() }
    }

    pub(crate) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(crate) fn args<T: Into<OsString>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Runs it without input; its standard output.
    pub(crate) fn run(self) -> Result<Vec<u8>, Error> {
        self.run_with(|expression| expression.stdin_null())
    }

    /// Runs it with a file as its input; its standard output.
    pub(crate) fn run_on(self, input: &Path) -> Result<Vec<u8>, Error> {
        self.run_with(|expression| expression.stdin_path(input))
    }

    /// Runs it as `shape` has it; its standard output.
    pub(crate) fn run_with(self, shape: impl FnOnce(duct::Expression) -> duct::Expression) -> Result<Vec<u8>, Error> {
        let expression = shape(duct::cmd(self.name, &self.args)).stdout_capture().stderr_capture().unchecked();
        let output = expression.run().map_err(|error| self.not_run(&error))?;
        self.judge(&output).map(|()| output.stdout)
    }

    /// Runs it without input and ends it when it has printed more than `most` bytes; then `None`, else its standard
    /// output. A program that has not ended after `patience` is ended too, which is an error.
    pub(crate) fn run_bounded(self, most: u64, patience: Duration) -> Result<Option<Vec<u8>>, Error> {
        let expression = duct::cmd(self.name, &self.args).stdin_null().stderr_capture().unchecked();
        let running = expression.reader().map_err(|error| self.not_run(&error))?;
        let mut printed = Vec::new();
        let (ended, end) = mpsc::channel::<()>();
        let (read, late) = std::thread::scope(|scope| {
            let running = &running;
            let watch = scope.spawn(move || {
                let late = end.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout);
                late.then(|| running.kill()).is_some()
            });
            let mut output = running;
            let read = output.by_ref().take(most + 1).read_to_end(&mut printed);
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
            return Ok(None);
        }
        match running.try_wait() {
            Ok(Some(output)) => self.judge(output).map(|()| Some(printed)),
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
        let error = run("no-such-program-here", &[], 1, patience).unwrap_err();
        assert!(matches!(error, Error::NoProgram { .. }), "{error}");
    }

    #[test]
    fn a_failing_program_is_quoted() {
        let error = Program::new("list", "ls").arg("/no/such/folder").run().unwrap_err().to_string();
        assert!(error.starts_with("failed to list: ls exited with 2; it said last:\n"), "{error}");
        assert!(error.contains("/no/such/folder"), "{error}");
    }
}
