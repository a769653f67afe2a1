//! What one of the two clients has written down of remotes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::remote::{CLIENT_CERT, ImageServer, Remote};
use crate::config::{LxdTarget, home};
use crate::daemon::Daemon;
use crate::headline;
use crate::nearest::nearest;

pub(super) const FILE: &str = "config.yml";

/// What is read of `config.yml`; the rest is the client's.
#[derive(Debug, Deserialize)]
struct Client {
    #[serde(default)]
    remotes: BTreeMap<String, Remote>,
}

/// What one of the two clients knows.
pub(super) struct Known {
    daemon: Daemon,
    /// Where its configuration may be, in the order in which it is looked for: the user's, then that of all users.
    folders: Vec<PathBuf>,
    /// Those of each folder that has any.
    remotes: Vec<(PathBuf, BTreeMap<String, Remote>)>,
}

impl Known {
    /// Reads what there is, until there is one of this name. Or what is wrong with it, and what to do.
    pub(super) fn read(
        daemon: Daemon,
        name: &str,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, (String, String)> {
        let folders = folders(daemon, environment);
        let mut remotes = Vec::new();
        for folder in &folders {
            let path = folder.join(FILE);
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => {
                    let problem = format!("{} cannot be read: {error}", path.display());
                    return Err((problem, "let this user read it".to_owned()));
                }
            };
            let client: Client = serde_saphyr::from_str(&text).map_err(|error| {
                let problem = format!("{} does not parse: {}", path.display(), headline::of_yaml(&error));
                (problem, format!("`{} remote list` has to work first", daemon.client()))
            })?;
            remotes.push((folder.clone(), client.remotes));
            if remotes.iter().any(|(_, remotes)| remotes.contains_key(name)) {
                break;
            }
        }
        Ok(Self { daemon, folders, remotes })
    }

    /// The remote of this name, and the folder that has it.
    pub(super) fn find(&self, name: &str) -> Option<(&Path, &Remote)> {
        self.remotes.iter().find_map(|(folder, remotes)| Some((folder.as_path(), remotes.get(name)?)))
    }

    /// The names of those that are no servers of images.
    fn servers(&self) -> impl Iterator<Item = &str> + Clone {
        let daemon = self.daemon;
        let all = self.remotes.iter().flat_map(|(_, remotes)| remotes);
        all.filter(move |(_, remote)| !remote.is_of_images(daemon)).map(|(name, _)| name.as_str())
    }

    /// Which there are, for who asked for another.
    fn told(&self) -> String {
        let (client, known) = (self.daemon.client(), self.servers().collect::<Vec<_>>());
        if !known.is_empty() {
            return format!("the {client} client has none of that name, only {}", known.join(", "));
        }
        let mut told: Vec<String> = self.folders.iter().map(|folder| folder.join(FILE).display().to_string()).collect();
        told.dedup();
        format!("the {client} client has no remotes in {}", told.join(" or "))
    }

    /// The server of images of this name.
    pub(super) fn image_server(&self, name: &str) -> Option<ImageServer> {
        let (folder, remote) = self.find(name)?;
        remote.image_server(name, folder)
    }

    /// Where the remote of this name is, which there is.
    pub(super) fn target(&self, name: &str) -> Result<LxdTarget, (String, String)> {
        let Some((folder, remote)) = self.find(name) else { return Err(unknown(name, std::slice::from_ref(self))) };
        let own = self.folders.iter().find(|folder| folder.join(CLIENT_CERT).is_file());
        remote.target(self.daemon, name, folder, own.map_or(folder, PathBuf::as_path))
    }
}

fn folders(daemon: Daemon, environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let named =
        |name: &str| environment.get(name).filter(|folder| !folder.is_empty()).map(|folder| vec![folder.into()]);
    let home = || home::home(environment);
    match daemon {
        Daemon::Lxd => {
            let usual = || home().map(|home| [home.join("snap/lxd/common/config"), home.join(".config/lxc")].into());
            let user = named("LXD_CONF").or_else(usual).unwrap_or_default();
            let all = || ["/var/snap/lxd/common/global-conf", "/etc/lxd"].map(PathBuf::from).into();
            [user, named("LXD_GLOBAL_CONF").unwrap_or_else(all)].concat()
        }
        Daemon::Incus => {
            let usual = || {
                let newer = home::config(environment).into_iter();
                newer.chain(home().map(|home| home.join(".config"))).map(|folder| folder.join("incus")).collect()
            };
            let user: Vec<PathBuf> = named("INCUS_CONF").unwrap_or_else(usual);
            let all = || vec![PathBuf::from("/etc/incus")];
            let mut folders = [user, named("INCUS_GLOBAL_CONF").unwrap_or_else(all)].concat();
            folders.dedup();
            folders
        }
    }
}

/// What is wrong with a name that no client knows, and what to do.
pub(super) fn unknown(name: &str, clients: &[Known]) -> (String, String) {
    let of_all = clients.iter().flat_map(|client| client.servers().map(move |known| (known, client)));
    let meant = nearest(name, of_all.clone().map(|(known, _)| known));
    let meant = meant.and_then(|meant| of_all.clone().find(|(known, _)| *known == meant));
    // Of a client that nobody uses nothing is told, where there is another.
    let used: Vec<&Known> = clients.iter().filter(|client| client.servers().next().is_some()).collect();
    let told = if used.is_empty() { clients.iter().collect() } else { used };
    let problem = match meant {
        Some((meant, client)) => format!("the {} client has none of that name, but {meant:?}", client.daemon.client()),
        None => told.iter().map(|client| client.told()).collect::<Vec<_>>().join(", and "),
    };
    let client = meant.map_or_else(|| told.first().copied(), |(_, client)| Some(client));
    let client = client.map_or("lxc", |client| client.daemon.client());
    let mend = format!("add it with `{client} remote add {name} https://HOST:8443`, or name an LXD with LXD_REMOTE");
    (problem, mend)
}
