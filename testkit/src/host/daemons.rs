//! Finds LXD or Incus, and starts one where it is installed and nothing runs it.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::SetupOptions;
use super::error::Error;
use super::limits::is_root;
use super::packages::{has_program, incusd};
use super::state::{Daemon, State};
use crate::daemon::Daemon as Kind;
use crate::image::{Program, Progress};
use crate::lxd::{Client, Endpoint};
use crate::wait::{self, Pace, Poll, WaitError};

/// Where LXD's folder is: of the snap, of a distribution's package.
const LXD_DIRS: [&str; 2] = ["/var/snap/lxd/common/lxd", "/var/lib/lxd"];

/// Incus's: the newer place of its socket, and the folder of distributions' packages. Source: Incus's `client/connection.go`.
const INCUS_DIRS: [&str; 2] = ["/run/incus", "/var/lib/incus"];

/// Where lxcfs is mounted: LXD looks there.
const LXCFS: &str = "/var/lib/lxcfs";

/// LXD's first start makes its database and certificates.
const START: Duration = Duration::from_secs(60);

/// Where the words of one that is managed are.
fn journal(daemon: Kind) -> &'static str {
    match daemon {
        Kind::Lxd => "see `journalctl -u lxd -u snap.lxd.daemon`",
        Kind::Incus => "see `journalctl -u incus`",
    }
}

const STOP: Duration = Duration::from_secs(15);

const LOOK: Duration = Duration::from_millis(100);

/// The LXD that answers, or the Incus, if one does: LXD where both do. One that refuses this user is an error where no other
/// answers.
pub(super) async fn find_lxd(options: &SetupOptions) -> Result<Option<Endpoint>, Error> {
    if let Some(endpoint) = &options.endpoint {
        return Ok(Some(endpoint.clone()));
    }
    first_answering(folders(options), options.daemon).await
}

/// The first of these folders in which one answers, of the two the `wanted` one.
async fn first_answering(folders: Vec<PathBuf>, wanted: Option<Kind>) -> Result<Option<Endpoint>, Error> {
    let mut refused = None;
    for dir in folders {
        let socket = dir.join("unix.socket");
        match fs::metadata(&socket) {
            Ok(metadata) if metadata.file_type().is_socket() => {}
            _ => continue,
        }
        let endpoint = Endpoint::Unix(socket);
        match Client::connect_as(&endpoint, wanted).await {
            Ok(_) => return Ok(Some(endpoint)),
            // A socket that nobody listens on was left by a daemon that died.
            Err(error) if error.is_unreachable() => {}
            Err(source) => refused = refused.or(Some(source)),
        }
    }
    refused.map_or(Ok(None), |source| Err(Error::Unusable(Box::new(source))))
}

/// The folders that one may be in, in the order in which they are preferred.
fn folders(options: &SetupOptions) -> Vec<PathBuf> {
    if let Some(dir) = &options.lxd_dir {
        return vec![dir.clone()];
    }
    let of = |daemon| options.daemon.is_none_or(|wanted| wanted == daemon);
    let (lxd, incus) = (LXD_DIRS.iter().filter(|_| of(Kind::Lxd)), INCUS_DIRS.iter().filter(|_| of(Kind::Incus)));
    lxd.chain(incus).map(PathBuf::from).collect()
}

/// That none answers which might.
pub(super) fn none_answers(options: &SetupOptions) -> &'static str {
    match options.daemon {
        Some(Kind::Incus) => "no Incus answers",
        Some(Kind::Lxd) => "no LXD answers",
        None => "no LXD answers, nor an Incus",
    }
}

/// Which one is started where none runs: the one that is named, or else the one that is installed, LXD where both are or
/// none is.
pub(super) fn to_start(options: &SetupOptions) -> Kind {
    let lxd = || has_program("lxd") || Path::new("/snap/bin/lxd").exists();
    options.daemon.unwrap_or_else(|| if !lxd() && incusd().is_some() { Kind::Incus } else { Kind::Lxd })
}

/// What root types to start one that something manages; `None` where nothing does.
pub(super) fn start_command(daemon: Kind) -> Option<&'static [&'static str]> {
    if !Path::new("/run/systemd/system").exists() {
        return None;
    }
    Some(match daemon {
        Kind::Lxd if Path::new("/snap/bin/lxd").exists() => &["snap", "start", "lxd"],
        Kind::Lxd => &["systemctl", "start", "lxcfs.service", "lxd.socket", "lxd.service"],
        Kind::Incus => &["systemctl", "start", "incus.socket", "incus.service"],
    })
}

/// Starts one of the two, through whatever manages daemons here; where nothing does, detached, together with lxcfs.
pub(super) async fn start(
    daemon: Kind,
    options: &SetupOptions,
    state: &mut State,
    changes: &mut Vec<String>,
    progress: &mut Progress<'_>,
) -> Result<Endpoint, Error> {
    if !is_root() {
        let start = start_command(daemon).map_or_else(|| "make setup".to_owned(), |start| start.join(" "));
        let mend = format!("root must start it: `sudo {start}`");
        return Err(Error::Host { problem: format!("{daemon} is not running"), mend });
    }
    progress(&format!("starting {daemon}"));
    let managed = start_command(daemon).filter(|_| options.lxd_dir.is_none());
    let usual = match daemon {
        Kind::Lxd => LXD_DIRS[1],
        Kind::Incus => INCUS_DIRS[1],
    };
    let (dir, name) = if let Some([program, args @ ..]) = managed {
        run(&format!("start {daemon}"), program, args, journal(daemon))?;
        (PathBuf::from(if *program == "snap" { LXD_DIRS[0] } else { usual }), "")
    } else {
        check_cgroups()?;
        let dir = options.lxd_dir.clone().unwrap_or_else(|| PathBuf::from(usual));
        let dir = std::path::absolute(&dir).map_err(Error::file("find", &dir))?;
        start_lxcfs(state)?;
        fs::create_dir_all(&dir).map_err(Error::file("create", &dir))?;
        // Who is in the group may use it; the distribution's package makes one.
        let groups = fs::read_to_string("/etc/group").unwrap_or_default();
        let has_group = groups.lines().any(|line| line.split(':').next() == Some(daemon.group()));
        let args = ["--group", if has_group { daemon.group() } else { "root" }];
        let (name, program, template) = match daemon {
            Kind::Lxd => ("lxd", PathBuf::from("lxd"), "LXD_LXC_TEMPLATE_CONFIG"),
            Kind::Incus => ("incusd", incusd().unwrap_or_else(|| PathBuf::from("incusd")), "INCUS_LXC_TEMPLATE_CONFIG"),
        };
        let env = [(template, "/usr/share/lxc/config".as_ref()), (daemon.folder_variable(), dir.as_os_str())];
        detach(state, name, program.as_os_str(), &args, &env, Some(&dir))?;
        (dir, name)
    };
    let endpoint = Endpoint::Unix(dir.join("unix.socket"));
    let answering = wait::until(format!("{daemon} to answer"), Pace { deadline: START, every: LOOK }, async || {
        match Client::connect(&endpoint).await {
            Ok(_) => Poll::Ready(()),
            Err(error) => Poll::<_, Infallible>::NotYet(error.to_string()),
        }
    });
    let log = log_path(state, name);
    let mend = || match managed {
        Some(_) => journal(daemon).to_owned(),
        None => format!("read what it said in {}", log.display()),
    };
    let late = |late| Error::Host { problem: format!("{daemon} does not start: {late}"), mend: mend() };
    answering.await.map_err(late)?;
    changes.push(format!("started {daemon} in {}", dir.display()));
    Ok(endpoint)
}

/// Stops what [`start`] started and nothing managed, last first.
pub(super) async fn stop(state: &mut State, changes: &mut Vec<String>) -> Result<(), Error> {
    while let Some(daemon) = state.daemons.last().cloned() {
        if !has_ended(&daemon) {
            signal(&daemon, Signal::TERM);
            if ended_within(&daemon, STOP).await {
                changes.push(format!("stopped {}", daemon.name));
            } else {
                // LXD may wait minutes for connections that nobody holds any more. What was ours in it is gone by
                // now, and its database survives a kill.
                signal(&daemon, Signal::KILL);
                if !ended_within(&daemon, STOP).await {
                    let problem = format!("{} (process {}) does not stop", daemon.name, daemon.pid);
                    return Err(Error::Host {
                        problem,
                        mend: "look for what holds it with `ps` and `dmesg`".to_owned(),
                    });
                }
                changes.push(format!("killed {}, which did not stop in {} s", daemon.name, STOP.as_secs()));
            }
        }
        if let Some(folder) = &daemon.folder {
            unmount_below(folder).await?;
        }
        state.daemons.pop();
        state.save()?;
    }
    Ok(())
}

fn has_ended(daemon: &Daemon) -> bool {
    start_time(daemon.pid) != Some(daemon.started) || is_zombie(daemon.pid)
}

fn signal(daemon: &Daemon, signal: Signal) {
    if let Some(pid) = Pid::from_raw(daemon.pid) {
        // It may have ended just now.
        let _ = kill_process(pid, signal);
    }
}

async fn ended_within(daemon: &Daemon, deadline: Duration) -> bool {
    let ended = wait::until(format!("{} to stop", daemon.name), Pace { deadline, every: LOOK }, async || {
        if has_ended(daemon) { Poll::Ready(()) } else { Poll::<_, Infallible>::NotYet("it runs".to_owned()) }
    });
    ended.await.is_ok()
}

/// Unmounts what LXD mounted for itself below its folder and leaves mounted when it ends. Not while anything works
/// there: a person's instances outlive LXD, and go on with it when it is started again.
async fn unmount_below(folder: &Path) -> Result<(), Error> {
    // The kernel lists mounts by the path without links.
    let Ok(folder) = folder.canonicalize() else { return Ok(()) };
    if is_worked_in(&folder) {
        return Ok(());
    }
    let mounts = fs::read_to_string("/proc/mounts").map_err(Error::file("read", "/proc/mounts"))?;
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(1)).map(Path::new);
    let points: Vec<&Path> = points.filter(|point| point.starts_with(&folder) && *point != folder).collect();
    // The last mount may be on top of an earlier one.
    for point in points.into_iter().rev() {
        unmount(point).await?;
    }
    Ok(())
}

async fn unmount(point: &Path) -> Result<(), Error> {
    let what = format!("{} to be let go of", point.display());
    let unmounted = wait::until(what, Pace { deadline: STOP, every: LOOK }, async || {
        match rustix::mount::unmount(point, rustix::mount::UnmountFlags::empty()) {
            Ok(()) => Poll::Ready(()),
            // The last threads of a daemon that ended may still be using it.
            Err(error @ rustix::io::Errno::BUSY) => Poll::NotYet(error.to_string()),
            Err(error) => Poll::Failed(io::Error::from(error)),
        }
    });
    unmounted.await.map_err(|error| match error {
        WaitError::Failed { source, .. } => Error::file("unmount", point)(source),
        late => Error::file("unmount", point)(io::Error::other(late)),
    })
}

/// Whether a process names something below the folder on its command line, as an instance's monitor and a bridge's
/// DHCP server do.
fn is_worked_in(folder: &Path) -> bool {
    let mut below = folder.as_os_str().as_bytes().to_vec();
    below.push(b'/');
    let commands = fs::read_dir("/proc").into_iter().flatten().flatten();
    commands
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .any(|command| command.windows(below.len()).any(|part| part == below))
}

/// Unmounts what an lxcfs that was killed has left mounted: dpkg cannot install there, and another lxcfs not start.
pub(super) async fn unmount_dead_lxcfs(changes: &mut Vec<String>) -> Result<(), Error> {
    let dead = matches!(rustix::fs::stat(LXCFS), Err(rustix::io::Errno::NOTCONN));
    if dead && is_root() {
        unmount(Path::new(LXCFS)).await?;
        changes.push(format!("unmounted {LXCFS}, whose lxcfs has died"));
    }
    Ok(())
}

fn start_lxcfs(state: &mut State) -> Result<(), Error> {
    let mounts = fs::read_to_string("/proc/mounts").map_err(Error::file("read", "/proc/mounts"))?;
    let mounted = |line: &str| line.split(' ').nth(1) == Some(LXCFS);
    if mounts.lines().any(mounted) || !has_program("lxcfs") {
        return Ok(());
    }
    fs::create_dir_all(LXCFS).map_err(Error::file("create", LXCFS))?;
    detach(state, "lxcfs", "lxcfs".as_ref(), &[LXCFS], &[], None)
}

/// Without control groups LXC fails on each instance with a message about something else.
fn check_cgroups() -> Result<(), Error> {
    let mounts = fs::read_to_string("/proc/mounts").map_err(Error::file("read", "/proc/mounts"))?;
    if mounts.lines().any(|line| matches!(line.split(' ').nth(2), Some("cgroup" | "cgroup2"))) {
        return Ok(());
    }
    Err(Error::Host {
        problem: "no control groups are mounted".to_owned(),
        mend: "mount them: `mount -t cgroup2 none /sys/fs/cgroup`".to_owned(),
    })
}

/// Starts a program in a session of its own, so that it outlives this process and its terminal, and writes it down.
fn detach(
    state: &mut State,
    name: &str,
    program: &OsStr,
    args: &[&str],
    env: &[(&str, &OsStr)],
    folder: Option<&Path>,
) -> Result<(), Error> {
    let path = log_path(state, name);
    fs::create_dir_all(state.folder()).map_err(Error::file("create", state.folder()))?;
    let log = File::options().create(true).append(true).open(&path).map_err(Error::file("open", &path))?;
    let also = log.try_clone().map_err(Error::file("open", &path))?;
    // duct would wait for it. setsid(1) becomes the program it is given, so that the process id stays.
    let child = Command::new("setsid")
        .arg(program)
        .args(args)
        .envs(env.iter().copied())
        // Once the folder that this was called in is gone, the daemon's own programs (rsync) fail there.
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(also)
        .spawn()
        .map_err(Error::file("run", name))?;
    let pid = i32::try_from(child.id()).unwrap_or_default();
    let started = start_time(pid).unwrap_or_default();
    state.daemons.push(Daemon { name: name.to_owned(), pid, started, folder: folder.map(Path::to_owned) });
    state.save()
}

fn log_path(state: &State, name: &str) -> PathBuf {
    state.folder().join(format!("{name}.log"))
}

/// When a process started, in clock ticks since boot; `None` when there is no such process. Source: proc(5), `stat`.
fn start_time(pid: i32) -> Option<u64> {
    stat_field(pid, 22)?.parse().ok()
}

/// A child of this process that ended stays until it is waited for.
fn is_zombie(pid: i32) -> bool {
    stat_field(pid, 3).is_some_and(|state| state == "Z")
}

fn stat_field(pid: i32, number: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the command in parentheses and may hold spaces.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(number - 3).map(str::to_owned)
}

fn run(attempt: &str, program: &str, args: &[&str], mend: &str) -> Result<(), Error> {
    let failed =
        |source| Error::Program { attempt: attempt.to_owned(), mend: mend.to_owned(), source: Box::new(source) };
    Program::new(attempt, program).args(args).run().map(drop).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_looked_for_and_lxd_first_where_none_is_named() {
        let looked = |options: &SetupOptions| -> Vec<String> {
            folders(options).iter().map(|folder| folder.display().to_string()).collect()
        };
        let options = SetupOptions::default();
        let all = ["/var/snap/lxd/common/lxd", "/var/lib/lxd", "/run/incus", "/var/lib/incus"];
        assert_eq!(looked(&options), all);
        assert_eq!(looked(&SetupOptions { daemon: Some(Kind::Incus), ..options.clone() }), all[2..]);
        assert_eq!(looked(&SetupOptions { daemon: Some(Kind::Lxd), ..options.clone() }), all[..2]);
        let named = SetupOptions { daemon: Some(Kind::Incus), lxd_dir: Some("/srv/i".into()), ..options };
        assert_eq!((looked(&named), to_start(&named)), (vec!["/srv/i".to_owned()], Kind::Incus));
    }

    /// Has `server` answer in a folder of this name, for as long as the test runs.
    fn serve(root: &Path, name: &str, metadata: &'static str) -> PathBuf {
        let folder = root.join(name);
        fs::create_dir(&folder).unwrap();
        let listener = std::os::unix::net::UnixListener::bind(folder.join("unix.socket")).unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let body = format!(r#"{{"type":"sync","status_code":200,"metadata":{metadata}}}"#);
                let head = io::BufRead::lines(io::BufReader::new(stream.try_clone().unwrap()));
                head.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                io::Write::write_all(&mut stream, answer.as_bytes()).unwrap();
            }
        });
        folder
    }

    const LXD: &str =
        r#"{"auth":"trusted","api_extensions":[],"environment":{"server":"lxd","server_version":"5.0.2"}}"#;
    const INCUS: &str =
        r#"{"auth":"trusted","api_extensions":[],"environment":{"server":"incus","server_version":"6.0.4"}}"#;
    const UNTRUSTED: &str = r#"{"auth":"untrusted","api_extensions":[]}"#;

    #[tokio::test]
    async fn the_first_that_answers_and_lets_this_user_in_is_found() {
        let root = tempfile::tempdir().unwrap();
        // One that died leaves its socket.
        let dead = root.path().join("dead");
        fs::create_dir(&dead).unwrap();
        drop(std::os::unix::net::UnixListener::bind(dead.join("unix.socket")).unwrap());
        let (lxd, incus) = (serve(root.path(), "lxd", LXD), serve(root.path(), "incus", INCUS));
        let closed = serve(root.path(), "closed", UNTRUSTED);
        let found = async |folders: &[&PathBuf], wanted| {
            let found = first_answering(folders.iter().map(|folder| (*folder).clone()).collect(), wanted).await;
            found.map(|found| match found {
                Some(Endpoint::Unix(socket)) => socket.parent().map(Path::to_owned),
                _ => None,
            })
        };
        assert_eq!(found(&[&dead, &lxd, &incus], None).await.unwrap(), Some(lxd.clone()));
        assert_eq!(found(&[&dead, &closed, &incus], None).await.unwrap(), Some(incus.clone()));
        assert_eq!(found(&[&dead], None).await.unwrap(), None);
        let refused = found(&[&closed, &dead], None).await.unwrap_err();
        assert!(refused.to_string().contains("auth is \"untrusted\""), "{refused}");
        let other = found(&[&lxd], Some(Kind::Incus)).await.unwrap_err();
        assert!(other.to_string().contains("LXD 5.0.2 answers there"), "{other}");
    }

    #[test]
    fn a_process_is_known_by_when_it_started() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(start_time(own).unwrap() > 0);
        assert_eq!(start_time(own), start_time(own));
        assert_eq!(start_time(i32::MAX), None);
        assert!(!is_zombie(own));
    }

    #[tokio::test]
    async fn a_process_that_only_has_the_number_of_ours_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let mut state = State::load(folder.path()).unwrap();
        let daemon = |started| Daemon { name: "lxd".to_owned(), pid, started, folder: None };
        let mut changes = Vec::new();

        state.daemons.push(daemon(start_time(pid).unwrap() + 1));
        stop(&mut state, &mut changes).await.unwrap();
        assert_eq!(child.try_wait().unwrap(), None, "stopped another's process");
        assert!(changes.is_empty());

        state.daemons.push(daemon(start_time(pid).unwrap()));
        stop(&mut state, &mut changes).await.unwrap();
        assert!(!child.wait().unwrap().success());
        assert_eq!(changes, ["stopped lxd"]);
        assert!(State::load(folder.path()).unwrap().daemons.is_empty());
    }
}
