//! Running `testkit` on bad input, and what every refusal has in common.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// How the names of variables begin that say something to a command.
const SETTINGS: [&str; 7] = ["LXD_", "LXC_", "INCUS_", "TESTKIT_", "MICROOVN_", "MICROCLOUD_", "NEXTEST_"];

/// A workspace of its own, so that no configuration and no record of this checkout plays a part.
pub(crate) struct World(tempfile::TempDir);

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended(pub(crate) Output);

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("Cargo.toml"), "[workspace]\n").expect("a manifest");
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).expect("for everybody");
        Self(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    fn cache(&self) -> PathBuf {
        self.path().join("cache")
    }

    /// Where its runs are.
    pub(crate) fn out(&self) -> PathBuf {
        self.path().join("out")
    }

    /// `program` as `testkit`, in this world, where LXD is at a socket that does not exist.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars() {
            if SETTINGS.iter().any(|beginning| name.starts_with(beginning)) {
                command.env_remove(name);
            }
        }
        command
            .current_dir(self.path())
            .env("TESTKIT_CACHE_DIR", self.cache())
            .env("TESTKIT_OUT_DIR", self.out())
            .env("LXD_SOCKET", "/nonexistent/lxd.socket");
        command
    }

    pub(crate) fn run(&self, args: &[&str], env: &[(&str, &str)]) -> Ended {
        let mut command = self.command(env!("CARGO_BIN_EXE_testkit"));
        Ended(command.args(args).envs(env.iter().copied()).output().expect("testkit runs"))
    }

    /// As a user who owns nothing. Only root can become one; anybody else is kept out by permissions already.
    pub(crate) fn run_as_nobody(&self, args: &[&str], env: &[(&str, &str)]) -> Ended {
        if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) != 0) {
            return self.run(args, env);
        }
        // Where this was built may be closed to others.
        let program = self.path().join("testkit");
        fs::copy(env!("CARGO_BIN_EXE_testkit"), &program).expect("a copy");
        let mut command = self.command("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program).args(args);
        Ended(command.envs(env.iter().copied()).output().expect("setpriv runs"))
    }

    /// Fails if a command left something in the cache or among the runs.
    pub(crate) fn assert_nothing_made(&self) {
        for folder in [self.cache(), self.out()] {
            let left: Vec<_> = fs::read_dir(&folder).into_iter().flatten().flatten().map(|it| it.path()).collect();
            assert!(left.is_empty(), "{left:?}");
        }
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self(output)
    }
}

impl Ended {
    /// Fails unless this is one clear error with exit code 2 that says each of `parts`, and nothing twice.
    #[track_caller]
    pub(crate) fn refused(&self, parts: &[&str]) {
        let stderr = String::from_utf8_lossy(&self.0.stderr);
        assert_eq!(self.0.status.code(), Some(2), "{stderr}");
        assert_eq!(String::from_utf8_lossy(&self.0.stdout), "");
        // Lines of progress come before it.
        let message = stderr.split_once("error: ").expect("an error").1;
        assert!(!message.contains("error: "), "{stderr}");
        for part in parts {
            assert!(message.contains(part), "no {part:?} in: {stderr}");
        }
        let fragment = message.split([' ', '=']).next().unwrap_or_default();
        let name = fragment.chars().all(|c| !c.is_lowercase());
        assert!(name || !fragment.starts_with(char::is_uppercase), "no lowercase fragment: {message}");
        let mut said: Vec<&str> = Vec::new();
        for line in message.lines().map(|line| line.trim().trim_start_matches("caused by: ")) {
            assert!(
                line.len() < 4 || said.iter().all(|before| !before.contains(line)),
                "said twice: {line:?} in {stderr}"
            );
            said.push(line);
        }
    }
}
