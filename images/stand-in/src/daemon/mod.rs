//! The daemon: `microovnd --state-dir DIR`.

mod bgp;
mod certificates;
pub(crate) mod cluster;
mod control;
mod departure;
mod formation;
mod heartbeat;
mod log;
mod node;
mod peers;
mod request;
mod schemas;
mod server;
mod sql;
mod switching;
mod token;

use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Arg, ArgAction, Command};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use crate::address;
use crate::error::{Context, Error, Result};
use crate::faults::{self, Fault};
use crate::ovn::raft::Db;
use crate::ovn::services;
use crate::paths::Paths;
use crate::tls::Identity;

use cluster::Cluster;
use node::{Membership, Node};

/// Runs the daemon until it is told to end.
pub(crate) fn main(args: &[String]) -> ExitCode {
    let command = Command::new("microovnd")
        .about("Daemon of the MicroOVN stand-in")
        .arg(Arg::new("verbose").long("verbose").short('v').action(ArgAction::SetTrue).help("Accepted and ignored"))
        .arg(Arg::new("debug").long("debug").short('d').action(ArgAction::SetTrue).help("Accepted and ignored"))
        .arg(
            Arg::new("disable-security-logging")
                .long("disable-security-logging")
                .action(ArgAction::SetTrue)
                .help("Says nothing of what concerns security"),
        )
        .arg(
            Arg::new("state-dir")
                .long("state-dir")
                .value_parser(clap::value_parser!(PathBuf))
                .help("Where the state is kept"),
        );
    let matches = match command.try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => error.exit(),
    };
    let paths = Paths::new(matches.get_one::<PathBuf>("state-dir").map(PathBuf::as_path));
    if matches.get_flag("disable-security-logging") && !faults::plays(&paths, Fault::SecurityLogStays) {
        log::silence_security();
    }
    // One thread: the daemon waits for others nearly all the time, and a node has little to spare.
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::from)
        .and_then(|runtime| LocalSet::new().block_on(&runtime, run(paths)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(paths: Paths) -> Result<()> {
    prepare(&paths)?;
    let (certificate, key) = (paths.state.join("server.crt"), paths.state.join("server.key"));
    if !certificate.exists() || !key.exists() {
        Identity::generate(&address::hostname())?.store(&certificate, &key)?;
    }
    let node = Arc::new(Node::new(paths.clone(), Identity::load(&certificate, &key)?));
    if paths.database().exists() {
        let membership = load(&paths)?;
        node.set_restarted();
        tokio::task::spawn_local(resume(Arc::clone(&node), membership));
    } else {
        // What a failed attempt has left behind.
        let _ = std::fs::remove_file(paths.daemon_yaml());
    }

    let socket = paths.control_socket();
    let listener = bind_private(&socket).context(socket.display())?;
    let serving = tokio::task::spawn_local(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            let node = Arc::clone(&node);
            tokio::task::spawn_local(async move {
                server::serve(stream, async move |call| control::handle_own(&node, call).await).await;
            });
        }
    });

    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    serving.abort();
    faults::counts::leave(&paths);
    // systemd has ended us; the socket would only mislead.
    let _ = std::fs::remove_file(socket);
    Ok(())
}

/// Says that a member's daemon starts, as MicroOVN does whenever it becomes or is one.
fn say_started(paths: &Paths, name: &str) {
    if !faults::plays(paths, Fault::SecurityLogIncomplete) {
        log::say_system("sys_startup", &format!("MicroOVN daemon starting on '{name}'"), name);
    }
}

fn prepare(paths: &Paths) -> Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o711).create(&paths.state).context(paths.state.display())?;
    std::fs::set_permissions(&paths.state, std::fs::Permissions::from_mode(0o711))?;
    for directory in ["certificates", "database", "truststore"] {
        let directory = paths.state.join(directory);
        services::make_private(&directory)?;
    }
    for directory in ["data", "data/bird", "run", "run/bird"] {
        services::make_private(&paths.common.join(directory))?;
    }
    Ok(())
}

/// Binds the control socket: for the owner and the group, before anybody can connect.
fn bind_private(socket: &Path) -> Result<UnixListener> {
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let temporary = socket.with_extension("new");
    let _ = std::fs::remove_file(&temporary);
    let listener = UnixListener::bind(&temporary)?;
    std::fs::set_permissions(&temporary, std::fs::Permissions::from_mode(0o660))?;
    std::fs::rename(&temporary, socket)?;
    Ok(listener)
}

fn load(paths: &Paths) -> Result<Arc<Membership>> {
    let text = std::fs::read_to_string(paths.database()).context("failed to read the database")?;
    let cluster: Cluster = serde_json::from_str(&text).context("failed to read the database")?;
    let shared = Identity::load(&paths.state.join("cluster.crt"), &paths.state.join("cluster.key"))?;
    let yaml = std::fs::read_to_string(paths.daemon_yaml()).context("failed to read daemon.yaml")?;
    let name = yaml.lines().find_map(|line| line.strip_prefix("name: "));
    let name = name.ok_or_else(|| Error::internal("daemon.yaml names no member"))?;
    Ok(Arc::new(Membership::new(name.to_owned(), shared, cluster)))
}

/// Acts as a member again after a start; a network that is not up yet is waited for.
async fn resume(node: Arc<Node>, membership: Arc<Membership>) {
    // Before anybody sees the member again, so that nobody finds all well first.
    let turned = faults::life::restarted(&node.paths).await;
    let mut reported = String::new();
    loop {
        let attempt = async {
            let listener = TcpListener::bind(membership.own()?.address).await?;
            formation::act(&node, &membership, listener)
        };
        match attempt.await {
            Ok(()) => break,
            Err(error) if error.message != reported => {
                complain!("failed to listen: {error}; trying again until it works");
                reported = error.message;
            }
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    tokio::task::spawn_local(certificates::renew(Arc::clone(&node)));
    say_started(&node.paths, &membership.name);
    for db in Db::ALL {
        tokio::task::spawn_local(schemas::hold_back(Arc::clone(&node), Arc::clone(&membership), db));
    }
    let _guard = node.working.lock().await;
    if let Ok(own) = membership.own()
        && own.ready
        && !turned
        && let Err(error) = services::ensure_enabled(&own.services).await
    {
        complain!("failed to enable the services of this member: {error}");
    }
}
