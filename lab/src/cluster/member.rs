//! One member: a process that holds its namespaces, and the LXD in them.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// Has the system's files in a new network namespace be that namespace's, with the control groups as they were, and then waits
/// until nobody holds the other end of its input, as nobody does when who started it has died.
const HOLD: &str = r#"
set -e
mkdir "$1/cgroup"
mount --rbind /sys/fs/cgroup "$1/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$1/cgroup" /sys/fs/cgroup
umount --lazy "$1/cgroup"
rmdir "$1/cgroup"
ip link set lo up
echo ready
exec cat
"#;
/// For the daemon to answer, in seconds.
const ANSWER: &str = "60";

/// A member of the cluster.
pub(super) struct Member {
    /// Its name.
    pub(super) name: String,
    /// Its address on the bridge between members, with the port of LXD.
    pub(super) address: String,
    folder: PathBuf,
    holder: Child,
    daemon: Option<Child>,
}

impl Member {
    /// Makes its namespaces, without a way out of them.
    pub(super) fn make(base: &Path, name: &str, address: &str) -> io::Result<Self> {
        let folder = base.join(name);
        fs::create_dir(&folder)?;
        let mut holder = Command::new("unshare")
            .args(["--mount", "--net", "--propagation", "private", "--", "sh", "-c", HOLD, "holder"])
            .arg(&folder)
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        holder.stdout.take().map(|out| BufReader::new(out).read_line(&mut line)).transpose()?;
        let member = Self { name: name.to_owned(), address: format!("{address}:8443"), folder, holder, daemon: None };
        if line.trim_end() == "ready" { Ok(member) } else { Err(io::Error::other(format!("no namespaces for {name}"))) }
    }

    /// The process whose namespaces they are.
    pub(super) fn holder(&self) -> u32 {
        self.holder.id()
    }

    /// LXD's folder.
    pub(super) fn lxd_dir(&self) -> &Path {
        &self.folder
    }

    pub(super) fn log(&self) -> PathBuf {
        self.folder.with_extension("log")
    }

    /// A command in its namespaces, that finds its LXD.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.holder().to_string(), "--mount", "--net", "--", program])
            .env("LXD_DIR", &self.folder)
            .env("LXD_LXC_TEMPLATE_CONFIG", "/usr/share/lxc/config")
            // What a person has set up for `lxc` is nobody's business here.
            .env("LXC_CONF", self.folder.with_extension("client"))
            .current_dir("/");
        command
    }

    /// Runs a command in its namespaces, and gives what it printed.
    pub(super) fn run(&self, program: &str, args: &[&str]) -> io::Result<String> {
        let output = self.command(program).args(args).stdin(Stdio::null()).output()?;
        printed(&format!("{program} {} on {}", args.first().unwrap_or(&""), self.name), &output)
    }

    /// Starts LXD and waits until it answers.
    pub(super) fn start(&mut self) -> io::Result<()> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut lxd = self.command("lxd");
        lxd.args(["--group", "root"]).process_group(0).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.daemon = Some(lxd.spawn()?);
        self.run("lxd", &["waitready", &format!("--timeout={ANSWER}")]).map(drop)
    }

    /// Kills LXD. Instances go on without it.
    pub(super) fn kill(&mut self) -> io::Result<()> {
        let Some(mut daemon) = self.daemon.take() else { return Ok(()) };
        daemon.kill()?;
        daemon.wait().map(drop)
    }

    /// Joins the cluster by a token, which is passed on standard input and in no list of processes.
    pub(super) fn join(&self, token: &str) -> io::Result<()> {
        let seed = serde_json::json!({"cluster": {
            "enabled": true, "server_address": self.address, "cluster_token": token, "member_config": [],
        }});
        // JSON is YAML, too.
        let mut child =
            self.command("lxd").args(["init", "--preseed"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        if let Some(mut input) = child.stdin.take() {
            io::Write::write_all(&mut input, seed.to_string().as_bytes())?;
        }
        printed(&format!("join as {}", self.name), &child.wait_with_output()?).map(drop)
    }

    /// Ends what is in its namespaces, and so the namespaces.
    pub(super) fn end(&mut self) {
        let _ = self.kill();
        for pid in self.processes() {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        // It ends when its input does.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }

    /// The processes in its namespaces but for their holder, and those that came from them: instances have namespaces of
    /// their own.
    fn processes(&self) -> Vec<rustix::process::Pid> {
        let namespace = |pid: i32| fs::read_link(format!("/proc/{pid}/ns/net")).ok();
        let holder = i32::try_from(self.holder()).unwrap_or_default();
        let Some(own) = namespace(holder) else { return Vec::new() };
        let all: Vec<_> =
            procfs::process::all_processes().into_iter().flatten().flatten().filter_map(|it| it.stat().ok()).collect();
        let mut found: Vec<i32> = all
            .iter()
            .map(|it| it.pid)
            .filter(|pid| *pid != holder && namespace(*pid).as_ref() == Some(&own))
            .collect();
        let mut at = 0;
        while let Some(parent) = found.get(at).copied() {
            let children = all.iter().filter(|it| it.ppid == parent && it.pid != holder).map(|it| it.pid);
            let new: Vec<i32> = children.filter(|pid| !found.contains(pid)).collect();
            found.extend(new);
            at += 1;
        }
        found.into_iter().filter_map(rustix::process::Pid::from_raw).collect()
    }
}

/// What a command printed; where it failed, that it did and what it complained about.
pub(super) fn printed(what: &str, output: &Output) -> io::Result<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("failed to {what}: {}: {}", output.status, said.trim())))
}
