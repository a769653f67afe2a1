//! Runs the host's programs: argv only, their words kept for the error.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Output;

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
        match expression.run() {
            Ok(output) if output.status.success() => Ok(output.stdout),
            Ok(output) => Err(Error::Program {
                attempt: self.attempt.to_owned(),
                program: self.name.to_owned(),
                status: ended(&output),
                said: last_lines(&output.stderr),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Error::NoProgram { attempt: self.attempt.to_owned(), program: self.name.to_owned() })
            }
            Err(error) => Err(Error::Program {
                attempt: self.attempt.to_owned(),
                program: self.name.to_owned(),
                status: "could not be run".to_owned(),
                said: error.to_string(),
            }),
        }
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
    fn a_failing_program_is_quoted() {
        let error = Program::new("list", "ls").arg("/no/such/folder").run().unwrap_err().to_string();
        assert!(error.starts_with("failed to list: ls exited with 2; it said last:\n"), "{error}");
        assert!(error.contains("/no/such/folder"), "{error}");
    }
}
