//! MicroOVN's services on this member: starting them, stopping them, keeping them informed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Context, Result};
use crate::faults::{self, Fault};
use crate::paths::Paths;

use super::env::OvnEnv;
use super::pki::{self, Ca};
use super::raft::{self, Db};
use super::{databases, snapctl, tools};

/// How long a database or a switch may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a database server may take to leave its cluster: longer than its election timer.
const LEAVING: Duration = Duration::from_secs(40);

/// The snap services behind `central`, in the order they are stopped.
const CENTRAL: [&str; 3] = ["ovn-northd", "ovn-ovsdb-server-nb", "ovn-ovsdb-server-sb"];

/// What a member needs to know to start its services.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// The member's name: the chassis name, too.
    pub(crate) name: &'a str,
    /// The services to start: `central`, `chassis`, `switch`.
    pub(crate) services: &'a [String],
    /// Where the databases are.
    pub(crate) env: &'a OvnEnv,
    /// The tunnel endpoint of this member; `None` leaves it unset.
    pub(crate) encap_ip: Option<&'a str>,
    /// Who signs the certificates.
    pub(crate) ca: &'a Ca,
}

/// Makes the directories the services use.
pub(crate) fn make_directories(paths: &Paths) -> Result<()> {
    for directory in ["data/bird", "data/central/db", "data/env", "data/pki", "data/switch/db"] {
        make_private(&paths.common.join(directory))?;
    }
    make_private(&paths.common.join("logs"))?;
    for directory in ["run/bird", "run/ovn", "run/switch"] {
        make_private(&paths.common.join(directory))?;
    }
    Ok(())
}

/// Makes a directory and what is missing above it, all for the owner only.
pub(crate) fn make_private(path: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).context(path.display())
}

/// What the services were last told.
static TOLD: Mutex<Option<OvnEnv>> = Mutex::new(None);

/// Writes `ovn.env`; says whether there is news in it for the services.
pub(crate) fn write_env(paths: &Paths, env: &OvnEnv) -> Result<bool> {
    let told = TOLD.lock().unwrap_or_else(PoisonError::into_inner).replace(env.clone());
    let (file, text) = (paths.ovn_env(), faults::central::env_text(paths, env));
    if std::fs::read_to_string(&file).is_ok_and(|old| old == text) {
        // A fault may leave the file as it was.
        return Ok(told.is_some_and(|told| told != *env));
    }
    crate::tls::write_file(&file, &text, 0o644)?;
    Ok(true)
}

/// Writes everything the services need and starts them; returns when OVN answers.
pub(crate) async fn form(paths: &Paths, plan: &Plan<'_>) -> Result<()> {
    make_directories(paths)?;
    pki::write(paths, plan.ca, plan.name, plan.services)?;
    faults::arguments::prepare(paths)?;
    write_env(paths, plan.env)?;

    let ran = paths.run_switch().join("db.sock").exists() && faults::plays(paths, Fault::SwitchFirstForgotten);
    let has = |service: &str| plan.services.iter().any(|wanted| wanted == service);
    let (central, switch, chassis) = (has("central"), has("switch"), has("chassis"));
    let mut first = Vec::new();
    if switch || chassis {
        first.push("switch");
    }
    if central {
        first.extend(&CENTRAL[1..]);
    }
    snapctl::start(&first).await?;

    let databases = async {
        if central {
            open_databases(paths, plan.env, false).await?;
        }
        Result::Ok(())
    };
    let openvswitch = async {
        if (switch || chassis) && !ran {
            configure_switch(paths, plan, chassis).await?;
        }
        Result::Ok(())
    };
    tokio::try_join!(databases, openvswitch)?;

    let mut second = Vec::new();
    if chassis {
        second.push("chassis");
    }
    if central {
        pace_northd().await;
        second.push(CENTRAL[0]);
    }
    snapctl::start(&second).await
}

/// Waits for the local databases; the member that created them also lets clients in.
async fn open_databases(paths: &Paths, env: &OvnEnv, alone: bool) -> Result<()> {
    let first = alone || env.centrals.iter().all(|ip| *ip == env.local);
    let open = async |db: Db| {
        raft::wait_member(paths, db, PATIENCE).await?;
        if first || faults::central::is_alone(paths, db) {
            let tool = format!("ovn-{}ctl", db.short());
            let socket = format!("--db=unix:{}", paths.run_ovn().join(format!("ovn{}_db.sock", db.short())).display());
            let connection = format!("pssl:{}:[::]", db.port());
            tools::run(paths, &tool, &["--timeout=20", &socket, "--", "init", "--", "set-connection", &connection])
                .await?;
        }
        Ok(())
    };
    tokio::try_join!(open(Db::Northbound), open(Db::Southbound)).map(drop)
}

async fn configure_switch(paths: &Paths, plan: &Plan<'_>, chassis: bool) -> Result<()> {
    tools::wait_socket(&paths.run_switch().join("db.sock"), PATIENCE).await?;
    let mut ids = BTreeMap::from([("system-id".to_owned(), plan.name.to_owned())]);
    if chassis {
        ids.insert("ovn-encap-type".to_owned(), "geneve".to_owned());
        let remote = faults::central::remote(paths, plan.env, "");
        if !remote.is_empty() {
            ids.insert("ovn-remote".to_owned(), remote);
        }
        if let Some(ip) = plan.encap_ip {
            ids.insert("ovn-encap-ip".to_owned(), ip.to_owned());
        }
    }
    faults::chassis::distort(paths, plan.name, &mut ids);
    let settings: Vec<String> =
        ids.iter().map(|(key, value)| format!("external-ids:{key}={}", quoted(value))).collect();
    let mut args = vec!["--timeout=20", "--no-wait", "set", "Open_vSwitch", "."];
    args.extend(settings.iter().map(String::as_str));
    tools::run(paths, "ovs-vsctl", &args).await.map(drop)
}

/// A value as OVSDB tools take it whatever is in it.
fn quoted(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

/// Tells the running services that the central members have changed. As MicroOVN does it, ovn-northd is started again also
/// where only other members came or `moved` away.
pub(crate) async fn follow(paths: &Paths, services: &[String], env: &OvnEnv, moved: bool) -> Result<()> {
    let plays = |fault| faults::plays(paths, fault);
    if plays(Fault::EnvNotUpdated) {
        return Ok(());
    }
    let changed = write_env(paths, env)?;
    if !changed && !moved {
        return Ok(());
    }
    if changed {
        tell_switch(paths, services, env).await?;
    }
    let stays = plays(Fault::NorthdNotUpdated)
        || faults::aftermath::keeps_down(paths, CENTRAL[0])
        || faults::life::keeps_northd(paths, env);
    if services.iter().any(|running| running == "central") && !stays {
        // ovn-northd learns where the databases are from its command line only.
        pace_northd().await;
        snapctl::restart(&CENTRAL[..1]).await?;
    }
    Ok(())
}

/// systemd refuses a sixth start within ten seconds, and a service that was refused one stays down. Members of the stand-in
/// join faster than those of MicroOVN, of which that is a known fault, so before a sixth it waits.
async fn pace_northd() {
    const STARTS: usize = 5;
    const INTERVAL: Duration = Duration::from_millis(10_500);
    static LAST: Mutex<VecDeque<Instant>> = Mutex::new(VecDeque::new());
    let wait = {
        let last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        last.get(last.len().wrapping_sub(STARTS)).map(|start| INTERVAL.saturating_sub(start.elapsed()))
    };
    tokio::time::sleep(wait.unwrap_or_default()).await;
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    last.push_back(Instant::now());
    while last.len() > STARTS {
        last.pop_front();
    }
}

/// Tells ovn-controller, through the switch, where the Southbound is.
async fn tell_switch(paths: &Paths, services: &[String], env: &OvnEnv) -> Result<()> {
    let has = |service: &str| services.iter().any(|running| running == service);
    // As MicroOVN does it: wherever there is a switch, and gone where there is no central.
    if !has("switch") || faults::plays(paths, Fault::RemoteNotUpdated) {
        return Ok(());
    }
    let vsctl = async |args: &[&str]| tools::run(paths, "ovs-vsctl", &[&["--timeout=20"], args].concat()).await;
    let old = vsctl(&["--if-exists", "get", "Open_vSwitch", ".", "external_ids:ovn-remote"]).await?;
    let remote = faults::central::remote(paths, env, old.trim());
    let setting = format!("external-ids:ovn-remote={}", quoted(&remote));
    let change = match remote.as_str() {
        "" => ["--no-wait", "remove", "Open_vSwitch", ".", "external_ids", "ovn-remote"].as_slice(),
        _ => &["--no-wait", "set", "Open_vSwitch", ".", &setting],
    };
    vsctl(change).await?;
    if remote.is_empty() && has("chassis") {
        // The databases that come next start from the beginning, which a controller that remembers takes for stale.
        control_controller(paths, "sb-cluster-state-reset").await;
    }
    Ok(())
}

/// Enables what should run and is disabled: `snap disable` and `snap enable` leave a snap's services that way.
pub(crate) async fn ensure_enabled(services: &[String]) -> Result<()> {
    let has = |service: &str| services.iter().any(|wanted| wanted == service);
    let mut wanted = Vec::new();
    // A controller whose switch was disabled goes on without it.
    if has("switch") {
        wanted.push("switch");
    }
    if has("central") {
        wanted.extend([CENTRAL[1], CENTRAL[2], CENTRAL[0]]);
    }
    if has("chassis") {
        wanted.push("chassis");
    }
    let disabled = snapctl::list_disabled().await?;
    wanted.retain(|service| disabled.iter().any(|name| name == service));
    snapctl::start(&wanted).await
}

/// Starts one service more.
pub(crate) async fn enable(paths: &Paths, service: &str, plan: &Plan<'_>) -> Result<()> {
    write_env(paths, plan.env)?;
    // New ones, whatever is left from when it was enabled before.
    pki::brought_by(service).iter().try_for_each(|stem| pki::issue(paths, plan.ca, plan.name, stem))?;
    let has_chassis = plan.services.iter().any(|running| running == "chassis");
    match service {
        "central" => {
            let alone = faults::central::start_alone(paths, plan.env)?;
            snapctl::start(&CENTRAL[1..]).await?;
            open_databases(paths, plan.env, alone).await?;
            tell_switch(paths, plan.services, plan.env).await?;
            pace_northd().await;
            snapctl::start(&CENTRAL[..1]).await
        }
        "chassis" => {
            snapctl::start(&["switch"]).await?;
            configure_switch(paths, plan, true).await?;
            snapctl::start(&["chassis"]).await
        }
        _ => {
            snapctl::start(&["switch"]).await?;
            configure_switch(paths, plan, has_chassis).await
        }
    }
}

/// Stops a service in order: a controller removes its chassis, a database server leaves its cluster.
pub(crate) async fn disable(paths: &Paths, service: &str, last_central: bool) -> Result<()> {
    match service {
        "central" => {
            snapctl::stop(&CENTRAL[..1]).await?;
            if !last_central {
                let leave = async |db| match faults::life::stays_in_raft(paths, db) {
                    true => Ok(()),
                    false => raft::leave(paths, db, LEAVING).await,
                };
                tokio::try_join!(leave(Db::Northbound), leave(Db::Southbound))?;
            }
            snapctl::stop(&CENTRAL[1..]).await?;
            databases::set_aside(paths, jiff::Timestamp::now())
        }
        "chassis" => {
            if !faults::plays(paths, Fault::RemovedChassisStays) {
                stop_controller(paths).await;
            }
            snapctl::stop(&["chassis"]).await
        }
        _ => {
            stop_switch(paths).await;
            snapctl::stop(&["switch"]).await
        }
    }
}

/// Has ovn-controller do something, if it runs; its control socket, if it does.
async fn control_controller(paths: &Paths, command: &str) -> Option<std::path::PathBuf> {
    let pid = std::fs::read_to_string(paths.run_ovn().join("ovn-controller.pid")).ok()?;
    let ctl = paths.run_ovn().join(format!("ovn-controller.{}.ctl", pid.trim()));
    raft::appctl(&ctl, command, &[]).await.ok().map(|_| ctl)
}

/// Has ovn-controller remove its chassis from the Southbound database, if it runs.
pub(crate) async fn stop_controller(paths: &Paths) {
    let Some(ctl) = control_controller(paths, "exit").await else {
        return;
    };
    // It answers before it is gone; being stopped meanwhile would leave the chassis behind. Failing to see it go is
    // no reason not to stop it.
    let gone = tools::wait_until("ovn-controller to end", Duration::from_secs(5), async || {
        if ctl.exists() { Err(crate::error::Error::internal("it still runs")) } else { Ok(()) }
    });
    let _ = gone.await;
}

/// Has the switch take its interfaces away, if it runs.
async fn stop_switch(paths: &Paths) {
    let Ok(pid) = std::fs::read_to_string(paths.run_switch().join("ovs-vswitchd.pid")) else { return };
    let ctl = paths.run_switch().join(format!("ovs-vswitchd.{}.ctl", pid.trim()));
    if raft::appctl(&ctl, "exit", &["--cleanup"]).await.is_ok() {
        let gone = tools::wait_until("ovs-vswitchd to end", Duration::from_secs(5), async || {
            if ctl.exists() { Err(crate::error::Error::internal("it still runs")) } else { Ok(()) }
        });
        let _ = gone.await;
    }
}

/// Stops and disables everything but the daemon.
pub(crate) async fn stop_all() -> Result<()> {
    snapctl::stop(&["chassis", CENTRAL[0], CENTRAL[1], CENTRAL[2], "switch"]).await
}
