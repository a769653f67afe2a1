//! The remotes of the `lxc` and the `incus` client: who has `lxc list prod:` working names `prod`, and nothing else.
//!
//! Source: LXD's `lxc/config/` (`config.yml`, `client.crt`, `client.key`, `servercerts/NAME.crt`; `LXD_CONF`, and for all users
//! `LXD_GLOBAL_CONF`, where there is no client certificate), and its snap's `commands/lxc`, which keeps them in `~/snap/lxd/common/config`
//! and `/var/snap/lxd/common/global-conf`. Incus's `shared/cliconfig/`: the same files, by `INCUS_CONF` and `INCUS_GLOBAL_CONF`, in
//! `~/.config/incus`, from 7 on in `XDG_CONFIG_HOME`; there a remote may have several addresses.

mod images;
mod known;
mod remote;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::{ConfigError, LxdTarget};
use crate::daemon::Daemon;
pub(super) use images::image_server;
use known::{Known, unknown};
pub use remote::ImageServer;

/// The variable of this framework that names one, and the clients' own.
pub(super) const REMOTE: &str = "TESTKIT_REMOTE";
pub(super) const LXC_REMOTE: &str = "LXC_REMOTE";
const INCUS_REMOTE: &str = "INCUS_REMOTE";
/// The name by which a client knows the daemon of its own host.
const HERE: &str = "local";

/// The remotes that are named, each by which variable: by this framework's own setting, or for the clients. A client that is told of its
/// own host says nothing new.
pub(super) fn named(own: Option<String>, environment: &BTreeMap<String, String>) -> Vec<(&'static str, String)> {
    let of_client = |variable: &'static str| {
        let name = environment.get(variable).filter(|name| !matches!(name.as_str(), "" | "local" | "local:"))?;
        Some((variable, name.clone()))
    };
    match own {
        Some(name) => vec![(REMOTE, name)],
        None => [LXC_REMOTE, INCUS_REMOTE].into_iter().filter_map(of_client).collect(),
    }
}

/// What a client calls `name`, which `variable` says.
///
/// # Errors
/// When no client has a remote of that name, both have, or it is not one that can be used from here; with what to do.
pub(super) fn find(
    variable: &'static str,
    name: &str,
    environment: &BTreeMap<String, String>,
) -> Result<LxdTarget, ConfigError> {
    let name = name.trim_end_matches(':');
    let refused =
        |(problem, mend): (String, String)| ConfigError::Remote { variable, name: name.to_owned(), problem, mend };
    if name.is_empty() {
        let mend = format!("give one of those that `lxc remote list` shows, or unset {variable}");
        return Err(refused(("a remote has a name".to_owned(), mend)));
    }
    // What a client takes for its own host, nobody can write down otherwise.
    if name == HERE {
        return Ok(LxdTarget::Local { socket: None, dir: None, daemon: None });
    }
    let daemons: &[Daemon] = match variable {
        LXC_REMOTE => &[Daemon::Lxd],
        INCUS_REMOTE => &[Daemon::Incus],
        _ => &[Daemon::Lxd, Daemon::Incus],
    };
    let read = |daemon: &Daemon| Known::read(*daemon, name, environment);
    let clients = daemons.iter().map(read).collect::<Result<Vec<_>, _>>().map_err(refused)?;
    let having: Vec<&Known> = clients.iter().filter(|client| client.find(name).is_some()).collect();
    match having[..] {
        [] => Err(refused(unknown(name, &clients))),
        [client] => client.target(name).map_err(refused),
        _ => {
            let problem = "the lxc and the incus client each have one of that name".to_owned();
            Err(refused((problem, format!("say which with {LXC_REMOTE} or {INCUS_REMOTE}"))))
        }
    }
}
