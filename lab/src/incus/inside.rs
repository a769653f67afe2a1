//! What runs in the namespaces of its own, as their first process: the root folder becomes the root, and Incus is started in
//! it. All that is in them ends with this process; no mount, network device or process is left.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive, unmount};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, pivot_root, wait};

use super::groups;
use crate::leftovers::hierarchies;

/// In the folder: the root, what says by its end that it is to stop, and Incus's own words.
pub(super) const ROOT: &str = "root";
pub(super) const ALIVE: &str = "alive";
pub(super) const LOG: &str = "incusd.log";

/// Debian's.
const INCUSD: &str = "/usr/libexec/incus/incusd";
const PATH: &str = "/usr/libexec/incus:/usr/sbin:/usr/bin:/sbin:/bin";
const LXCFS: &str = "/var/lib/lxcfs";
/// So many ids belong to instances, where its package could not say so.
const IDS: &str = "root:1000000:1000000000\n";

/// How long it may take to stop.
const STOP: Duration = Duration::from_secs(30);

/// Runs Incus with the root that is in `folder`, until the writer of its pipe ends or Incus does.
///
/// # Errors
/// When the kernel does not let it be set up.
pub(crate) fn inside(folder: &Path) -> io::Result<ExitCode> {
    groups::enter(&folder.file_name().unwrap_or_default().to_string_lossy())?;
    let log = File::options().create(true).append(true).open(folder.join(LOG))?;
    let alive = File::open(folder.join(ALIVE))?;
    let root = folder.join(ROOT);
    for ids in ["etc/subuid", "etc/subgid"] {
        fs::write(root.join(ids), IDS)?;
    }
    enter(&root)?;
    run(&log, "ip", &["link", "set", "dev", "lo", "up"])?;
    fs::create_dir_all(LXCFS)?;
    // It ends with the namespaces.
    let _lxcfs = start(&log, "lxcfs", &[LXCFS])?;
    let incusd = start(&log, INCUSD, &["--group", "incus-admin"])?;
    let pid = Pid::from_child(&incusd);
    std::thread::spawn(move || stop_with(alive, pid));
    loop {
        // As its first process it also waits for those that nobody else does.
        match wait(WaitOptions::empty()) {
            Ok(Some((ended, status))) if ended == pid => {
                let good =
                    status.exit_status() == Some(0) || status.terminating_signal() == Some(Signal::TERM.as_raw());
                return Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits for the end of a pipe, and has Incus stop then, in good time.
fn stop_with(mut alive: File, incusd: Pid) {
    let _ = alive.read_to_end(&mut Vec::new());
    let _ = kill_process(incusd, Signal::TERM);
    std::thread::sleep(STOP);
    std::process::exit(1);
}

/// Makes a folder the root, with the kernel's file systems in it and nothing else of the host.
fn enter(root: &Path) -> io::Result<()> {
    let at = |path: &str| root.join(path);
    for folder in ["proc", "sys", "dev", "run"] {
        fs::create_dir_all(at(folder))?;
    }
    mount_bind(root, root)?;
    let (none, nothing) = (MountFlags::empty(), None::<&std::ffi::CStr>);
    mount("proc", at("proc"), "proc", none, nothing)?;
    // Of its own network namespace.
    mount("sysfs", at("sys"), "sysfs", none, nothing)?;
    match &hierarchies()[..] {
        // Incus 7 knows no other.
        [unified] => mount_bind(unified, at("sys/fs/cgroup"))?,
        _ => mount_bind_recursive("/sys/fs/cgroup", at("sys/fs/cgroup"))?,
    }
    // Profiles are the host's own: LXC is not to look for any.
    let apparmor = at("sys/module/apparmor");
    if apparmor.exists() {
        mount("none", apparmor, "tmpfs", none, nothing)?;
    }
    mount_bind("/dev", at("dev"))?;
    mount(
        "devpts",
        at("dev/pts"),
        "devpts",
        MountFlags::NOSUID | MountFlags::NOEXEC,
        Some(c"ptmxmode=0666,mode=0620,gid=5"),
    )?;
    mount("shm", at("dev/shm"), "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, nothing)?;
    mount("run", at("run"), "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, nothing)?;
    std::env::set_current_dir(root)?;
    // Stacked on each other, so that the old one can be let go of; see pivot_root(2).
    pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    std::env::set_current_dir("/")
}

fn command(log: &File, program: &str, args: &[&str]) -> io::Result<Command> {
    let mut command = Command::new(program);
    command.args(args).env_clear().env("PATH", PATH).current_dir("/");
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log.try_clone()?);
    Ok(command)
}

fn start(log: &File, program: &str, args: &[&str]) -> io::Result<Child> {
    command(log, program, args)?.spawn().map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))
}

fn run(log: &File, program: &str, args: &[&str]) -> io::Result<()> {
    let status = start(log, program, args)?.wait()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("{program} {} ended with {status}", args.join(" "))))
    }
}
