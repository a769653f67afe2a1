//! A second LXD in a folder of its own: for tests that set one up, kill it or tear it down. The LXD of the host, and what
//! it has, stays as it is: every name carries the process id.
//!
//! Where no second LXD can be started such a test fails and says why: a test that tested nothing is not green. Such a
//! host leaves them out by name, `make check ARGS="-E 'not binary(/^host/)'"`, and the runner counts them as skipped.

use std::fs;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::{Path, PathBuf};

use futures_util::FutureExt;
use testkit::host::{Error, SetupOptions, teardown};
use testkit::lxd::{Client, Endpoint};

/// What the folder of a test is called, before its process id.
const FOLDER: &str = "testkit-host-";

/// Runs a test that is given the setup of a second LXD, and ends with its teardown. What a test that fails has left is
/// removed, what one that passes has left is a failure.
pub(crate) async fn with<F: Future<Output = ()>>(test: impl FnOnce(SetupOptions) -> F) {
    if let Some(obstacle) = find_obstacle() {
        panic!("nothing is tested: {obstacle}; to leave this out, run with -E 'not binary(/^host/)'");
    }
    remove_abandoned().await;
    let pid = std::process::id();
    let folder = std::env::temp_dir().canonicalize().expect("folder").join(format!("{FOLDER}{pid}"));
    fs::create_dir(&folder).expect("folder");
    let options = options(&folder, pid);
    let outcome = AssertUnwindSafe(test(options.clone())).catch_unwind().await;
    if let Err(panic) = outcome {
        let log = fs::read_to_string(options.state_dir.join("lxd.log")).unwrap_or_default();
        eprintln!("LXD said:\n{log}");
        match undo(&options).await {
            Ok(()) if mounts(&folder).is_empty() => fs::remove_dir_all(&folder).expect("removed"),
            Ok(()) => eprintln!("mounts are left: {:?}", mounts(&folder)),
            Err(error) => eprintln!("left running: {}", words(&error)),
        }
        resume_unwind(panic);
    }
    assert_eq!(mounts(&folder), Vec::<PathBuf>::new());
    assert_eq!(processes(&folder), Vec::<String>::new());
    fs::remove_dir_all(&folder).expect("removed");
}

/// Everything mounted below a folder.
fn mounts(folder: &Path) -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/mounts").expect("mounts");
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(1)).map(PathBuf::from);
    points.filter(|point| point.starts_with(folder)).collect()
}

/// Processes that name something in a folder on their command line.
fn processes(folder: &Path) -> Vec<String> {
    let folder = format!("{}/", folder.display());
    let entries = fs::read_dir("/proc").expect("proc").flatten();
    let commands = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let commands = commands.map(|command| String::from_utf8_lossy(&command).replace('\0', " "));
    commands.filter(|command| command.contains(&folder)).collect()
}

/// The setup of the test with this process id. A bridge's name has at most 15 characters.
fn options(folder: &Path, pid: u32) -> SetupOptions {
    SetupOptions {
        lxd_dir: Some(folder.join("lxd")),
        state_dir: folder.join("state"),
        project: format!("tk-host-{pid}"),
        pool: format!("tkhost{pid}"),
        pool_size: Some(1 << 30),
        bridge: format!("tkh{pid}"),
        install: false,
        ..SetupOptions::default()
    }
}

/// Ends what a test that failed or was killed left: first what a teardown rightly leaves alone, then the rest.
async fn undo(options: &SetupOptions) -> Result<(), Error> {
    let socket = options.lxd_dir.iter().map(|folder| folder.join("unix.socket")).next().expect("a folder of its own");
    if let Ok(client) = Client::connect(&Endpoint::Unix(socket)).await {
        let networks = client.list_networks().await.expect("networks");
        for network in networks.iter().filter(|network| network.managed && network.name != options.bridge) {
            client.delete_network(&network.name).await.expect("network");
        }
    }
    let removal = teardown(options, &mut |text| eprintln!("{text}")).await?;
    eprintln!("{removal:?}");
    Ok(())
}

/// Tears down what tests that were killed left running.
async fn remove_abandoned() {
    for entry in fs::read_dir(std::env::temp_dir()).expect("folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(pid) = name.strip_prefix(FOLDER).and_then(|pid| pid.parse().ok()) else { continue };
        if !Path::new(&format!("/proc/{pid}")).exists() {
            eprintln!("{name} was left");
            undo(&options(&entry.path(), pid)).await.unwrap_or_else(|error| panic!("{}", words(&error)));
            fs::remove_dir_all(entry.path()).expect("removed");
        }
    }
}

/// Why no second LXD can be started on this host, if so.
fn find_obstacle() -> Option<&'static str> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root starts LXD");
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let lxd = std::env::split_paths(&path).map(|folder| folder.join("lxd")).find(|program| program.exists());
    match lxd.and_then(|program| program.canonicalize().ok()) {
        None => Some("LXD is not installed on this host"),
        // Whatever LXD_DIR says, a snap of LXD works in the folder of the snap.
        Some(program) if program.ends_with("snap") => Some("LXD is a snap here, and there is one of a snap"),
        Some(_) => None,
    }
}

pub(crate) fn words(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}
