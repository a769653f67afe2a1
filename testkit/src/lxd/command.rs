//! A command to run in an instance, and what it left behind.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use super::exec_session::ExecBody;
use super::request::Request;

/// How long a command may run unless it is told otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// How much a command may print unless it is told otherwise, in bytes.
const DEFAULT_OUTPUT_LIMIT: u64 = 64 * 1024 * 1024;

/// A command to run in an instance: an argument vector, never a shell's line.
#[derive(Clone)]
pub struct Exec {
    pub(crate) argv: Vec<String>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) cwd: Option<String>,
    pub(crate) user: u32,
    pub(crate) group: u32,
    pub(crate) stdin: Bytes,
    pub(crate) timeout: Duration,
    pub(crate) output_limit: u64,
}

/// What a command that ended left behind, whatever its exit code.
#[derive(Clone)]
pub struct ExecOutput {
    /// The exit code; 128 and the signal's number for a command that a signal ended.
    pub exit_code: i32,
    /// What it printed.
    pub stdout: Bytes,
    /// What it complained about.
    pub stderr: Bytes,
}

impl Exec {
    /// A command and its arguments, run as root in LXD's default directory, ended after 60 s, without input.
    pub fn new<I>(argv: I) -> Exec
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Exec {
            argv: argv.into_iter().map(Into::into).collect(),
            env: BTreeMap::new(),
            cwd: None,
            user: 0,
            group: 0,
            stdin: Bytes::new(),
            timeout: DEFAULT_TIMEOUT,
            output_limit: DEFAULT_OUTPUT_LIMIT,
        }
    }

    /// Sets an environment variable.
    pub fn env(mut self, key: impl Into<String>, value: impl Into<String>) -> Exec {
        self.env.insert(key.into(), value.into());
        self
    }

    /// Sets what the command reads; it reads nothing otherwise.
    pub fn stdin(mut self, bytes: impl Into<Bytes>) -> Exec {
        self.stdin = bytes.into();
        self
    }

    /// Sets how long it may run before it is killed.
    pub fn timeout(mut self, timeout: Duration) -> Exec {
        self.timeout = timeout;
        self
    }

    /// Sets the directory it starts in.
    pub fn cwd(mut self, directory: impl Into<String>) -> Exec {
        self.cwd = Some(directory.into());
        self
    }

    /// Sets the numeric user and group it runs as.
    pub fn user(mut self, user: u32, group: u32) -> Exec {
        (self.user, self.group) = (user, group);
        self
    }

    /// Sets how many bytes it may print on stdout and stderr together. A command that prints more is killed, and the
    /// error is `Truncated`: part of an output is never taken for all of it.
    pub fn output_limit(mut self, bytes: u64) -> Exec {
        self.output_limit = bytes;
        self
    }

    /// The command's name, for messages. The arguments may be secret.
    pub(crate) fn program(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }

    pub(crate) fn attempt(&self, instance: &str) -> String {
        format!("run {:?} in instance {instance:?}", self.program())
    }

    pub(crate) fn body(&self) -> ExecBody<'_> {
        ExecBody {
            command: &self.argv,
            environment: &self.env,
            interactive: false,
            wait_for_websocket: false,
            record_output: false,
            width: 0,
            height: 0,
            user: self.user,
            group: self.group,
            cwd: self.cwd.as_deref(),
        }
    }

    pub(crate) fn request(&self, instance: &str, body: &ExecBody<'_>) -> Request {
        Request::post(&["instances", instance, "exec"], self.attempt(instance)).json(body)
    }
}

impl fmt::Debug for Exec {
    /// Shows the command's name only: arguments, environment and input may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exec")
            .field("program", &self.program())
            .field("arguments", &self.argv.len().saturating_sub(1))
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl ExecOutput {
    /// Whether the exit code is 0.
    pub fn success(&self) -> bool {
        self.exit_code == 0
    }

    /// Stdout as text, with what is no UTF-8 replaced.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Stderr as text, with what is no UTF-8 replaced.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

impl fmt::Debug for ExecOutput {
    /// Shows how much there is, not what: output may be secret, such as a join token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecOutput")
            .field("exit_code", &self.exit_code)
            .field("stdout_bytes", &self.stdout.len())
            .field("stderr_bytes", &self.stderr.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_secret_is_not_shown() {
        let exec = Exec::new(["cat", "TOKEN"]).env("KEY", "TOKEN").stdin("TOKEN");
        let output = ExecOutput { exit_code: 0, stdout: "TOKEN".into(), stderr: "TOKEN".into() };
        for shown in [format!("{exec:?}"), exec.attempt("a"), format!("{output:?}")] {
            assert!(!shown.contains("TOKEN"), "{shown}");
        }
        assert_eq!(exec.attempt("a"), "run \"cat\" in instance \"a\"");
    }
}
