//! The remotes of the `lxc` and the `incus` client: who has `lxc list prod:` working names `prod`, and nothing else.
//!
//! Source: LXD's `lxc/config/` (`config.yml`, `client.crt`, `client.key`, `servercerts/NAME.crt`; `LXD_CONF`, and for all users
//! `LXD_GLOBAL_CONF`, where there is no client certificate), and its snap's `commands/lxc`, which keeps them in `~/snap/lxd/common/config`
//! and `/var/snap/lxd/common/global-conf`. Incus's `shared/cliconfig/`: the same files, by `INCUS_CONF` and `INCUS_GLOBAL_CONF`, in
//! `~/.config/incus`, from 7 on in `XDG_CONFIG_HOME`; there a remote may have several addresses.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{ConfigError, LxdTarget, home};
use crate::daemon::Daemon;
use crate::nearest::nearest;

/// The variable of this framework that names one, and the clients' own.
pub(super) const REMOTE: &str = "TESTKIT_REMOTE";
pub(super) const LXC_REMOTE: &str = "LXC_REMOTE";
const INCUS_REMOTE: &str = "INCUS_REMOTE";
/// The name by which a client knows the daemon of its own host.
const HERE: &str = "local";
const FILE: &str = "config.yml";
const CLIENT_CERT: &str = "client.crt";

/// What is read of `config.yml`; the rest is the client's.
#[derive(Debug, Deserialize)]
struct Client {
    #[serde(default)]
    remotes: BTreeMap<String, Remote>,
}

#[derive(Debug, Deserialize)]
struct Remote {
    /// One address, or several with commas between them.
    #[serde(default)]
    addr: String,
    /// The one of several that answered last.
    #[serde(default)]
    last_working_address: String,
    /// `lxd` or `incus`, or `simplestreams` and the like of a server of images.
    #[serde(default)]
    protocol: String,
    #[serde(default)]
    public: bool,
    /// `tls` or `oidc`.
    #[serde(default)]
    auth_type: String,
}

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

/// What is wrong with a name that no client knows, and what to do.
fn unknown(name: &str, clients: &[Known]) -> (String, String) {
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

/// What one of the two clients knows.
struct Known {
    daemon: Daemon,
    /// Where its configuration may be, in the order in which it is looked for: the user's, then that of all users.
    folders: Vec<PathBuf>,
    /// Those of each folder that has any.
    remotes: Vec<(PathBuf, BTreeMap<String, Remote>)>,
}

impl Known {
    /// Reads what there is, until there is one of this name. Or what is wrong with it, and what to do.
    fn read(daemon: Daemon, name: &str, environment: &BTreeMap<String, String>) -> Result<Self, (String, String)> {
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
                let problem = format!("{} does not parse: {error}", path.display());
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
    fn find(&self, name: &str) -> Option<(&Path, &Remote)> {
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

    /// Where the remote of this name is, which there is.
    fn target(&self, name: &str) -> Result<LxdTarget, (String, String)> {
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

impl Remote {
    /// Whether it gives images and forms nothing.
    fn is_of_images(&self, daemon: Daemon) -> bool {
        let own = match daemon {
            Daemon::Lxd => "lxd",
            Daemon::Incus => "incus",
        };
        self.public || !self.protocol.is_empty() && self.protocol != own
    }

    /// The address that is used.
    fn address(&self) -> &str {
        let mut addresses = self.addr.split(',').map(str::trim).filter(|it| !it.is_empty());
        let first = addresses.clone().next().unwrap_or_default();
        addresses.find(|it| *it == self.last_working_address).unwrap_or(first)
    }

    /// Where it is, and by which certificates: its own in the folder that has the remote, the client's in `own`. Or what is wrong with it
    /// and how that is mended.
    fn target(&self, daemon: Daemon, name: &str, folder: &Path, own: &Path) -> Result<LxdTarget, (String, String)> {
        let (client, address) = (daemon.client(), self.address());
        if self.is_of_images(daemon) {
            let mend = format!("name a remote that instances are made in; `{client} remote list` shows them");
            return Err((format!("it is a server of images ({address})"), mend));
        }
        if let Some(socket) = address.strip_prefix("unix:") {
            let socket = socket.trim_start_matches("//");
            let socket = (!socket.is_empty()).then(|| socket.into());
            return Ok(LxdTarget::Local { socket, dir: None, daemon: Some(daemon) });
        }
        if !address.starts_with("https://") {
            let mend = format!("`{client} remote set-url {name} https://HOST:8443`");
            return Err((format!("its address is {address:?}"), mend));
        }
        if !matches!(self.auth_type.as_str(), "" | "tls") {
            let mend = format!("`{client} remote add {name}-tls {address} --auth-type=tls`, and name that");
            return Err((
                format!("it is used by {}, and certificates are all that is understood here", self.auth_type),
                mend,
            ));
        }
        let file = |path: PathBuf, mend: &str| match path.is_file() {
            true => Ok(path),
            false => Err((format!("there is no {}", path.display()), mend.to_owned())),
        };
        let trust = format!("`{client} remote add` makes one, and has the server trust it");
        // The client keeps none that an authority of the system has signed.
        let pinned = format!(
            "the server's certificate is pinned here, so put it there: `openssl s_client -connect {} </dev/null | openssl x509`",
            address.trim_start_matches("https://").trim_end_matches('/')
        );
        Ok(LxdTarget::Remote {
            url: address.trim_end_matches('/').to_owned(),
            client_cert: file(own.join(CLIENT_CERT), &trust)?,
            client_key: file(own.join("client.key"), &trust)?,
            server_cert: file(folder.join("servercerts").join(format!("{name}.crt")), &pinned)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "default-remote: prod
remotes:
  images: {addr: https://images.example, protocol: simplestreams, public: true}
  local: {addr: 'unix://', public: false}
  socket: {addr: 'unix:///srv/lxd/unix.socket'}
  prod: {addr: 'https://10.0.0.5:8443', auth_type: tls, project: mine, protocol: lxd, public: false}
  bare: {addr: 'https://10.0.0.6:8443', protocol: lxd}
  people: {addr: 'https://10.0.0.7:8443', auth_type: oidc, protocol: lxd}
  odd: {addr: '10.0.0.8', protocol: lxd}
aliases: {}
";

    /// A home whose client is of the snap or not.
    fn home(below: &str, config: &str) -> (tempfile::TempDir, BTreeMap<String, String>) {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join(below);
        std::fs::create_dir_all(folder.join("servercerts")).expect("folders");
        std::fs::write(folder.join(FILE), config).expect("written");
        for name in ["client.crt", "client.key", "servercerts/prod.crt"] {
            std::fs::write(folder.join(name), "PEM").expect("written");
        }
        let nowhere = || "/nowhere".to_owned();
        let variables = [
            ("HOME", home.path().display().to_string()),
            ("LXD_GLOBAL_CONF", nowhere()),
            ("INCUS_GLOBAL_CONF", nowhere()),
        ];
        let environment = variables.map(|(name, value)| (name.to_owned(), value)).into();
        (home, environment)
    }

    #[rstest::rstest]
    #[case::package(".config/lxc")]
    #[case::snap("snap/lxd/common/config")]
    fn a_remote_is_found_with_its_certificates(#[case] below: &str) {
        let (home, environment) = home(below, CONFIG);
        let folder = home.path().join(below);
        let wanted = LxdTarget::Remote {
            url: "https://10.0.0.5:8443".to_owned(),
            client_cert: folder.join("client.crt"),
            client_key: folder.join("client.key"),
            server_cert: folder.join("servercerts/prod.crt"),
        };
        for name in ["prod", "prod:"] {
            assert_eq!(find(REMOTE, name, &environment).expect("found"), wanted);
        }
        let named = BTreeMap::from([("LXD_CONF".to_owned(), folder.display().to_string())]);
        assert_eq!(find(LXC_REMOTE, "prod", &named).expect("found"), wanted);
    }

    #[test]
    fn one_of_all_users_is_reached_with_the_users_own_certificate() {
        let (own, _) = home(".config/lxc", "remotes: {}");
        let (all, _) = home("global", CONFIG);
        let variables = [("HOME", own.path().to_owned()), ("LXD_GLOBAL_CONF", all.path().join("global"))];
        let environment = variables.map(|(name, path)| (name.to_owned(), path.display().to_string())).into();
        let wanted = LxdTarget::Remote {
            url: "https://10.0.0.5:8443".to_owned(),
            client_cert: own.path().join(".config/lxc/client.crt"),
            client_key: own.path().join(".config/lxc/client.key"),
            server_cert: all.path().join("global/servercerts/prod.crt"),
        };
        assert_eq!(find(REMOTE, "prod", &environment).expect("found"), wanted);
    }

    #[test]
    fn one_on_this_host_is_local() {
        let (_home, environment) = home(".config/lxc", CONFIG);
        let local = |name: &str, environment: &BTreeMap<_, _>| find(LXC_REMOTE, name, environment).expect("found");
        let usual = LxdTarget::Local { socket: None, dir: None, daemon: None };
        assert_eq!((local("local", &environment), local("local:", &BTreeMap::new())), (usual.clone(), usual));
        let socket = Some(PathBuf::from("/srv/lxd/unix.socket"));
        let daemon = Some(Daemon::Lxd);
        assert_eq!(local("socket", &environment), LxdTarget::Local { socket, dir: None, daemon });
    }

    const OF_INCUS: &str = "remotes:
  images: {addr: 'https://images.example', protocol: simplestreams, public: true}
  docker: {addr: 'https://docker.example', protocol: oci}
  here: {addr: 'unix://'}
  prod: {addr: 'https://10.0.0.5:8443'}
  farm: {addr: 'https://10.0.0.6:8443, https://10.0.0.7:8443', last_working_address: 'https://10.0.0.7:8443', protocol: incus}
";

    /// A home with the configurations of both clients.
    fn home_of_both() -> (tempfile::TempDir, BTreeMap<String, String>) {
        let (home, environment) = home(".config/lxc", CONFIG);
        let folder = home.path().join(".config/incus");
        std::fs::create_dir_all(folder.join("servercerts")).expect("folders");
        std::fs::write(folder.join(FILE), OF_INCUS).expect("written");
        for name in ["client.crt", "client.key", "servercerts/farm.crt", "servercerts/prod.crt"] {
            std::fs::write(folder.join(name), "PEM").expect("written");
        }
        (home, environment)
    }

    #[test]
    fn one_of_incus_is_found_by_its_address_that_answered_last_and_its_own_certificates() {
        let (home, mut environment) = home_of_both();
        let folder = home.path().join(".config/incus");
        let wanted = LxdTarget::Remote {
            url: "https://10.0.0.7:8443".to_owned(),
            client_cert: folder.join("client.crt"),
            client_key: folder.join("client.key"),
            server_cert: folder.join("servercerts/farm.crt"),
        };
        assert_eq!(find(REMOTE, "farm", &environment).expect("found"), wanted);
        let here = LxdTarget::Local { socket: None, dir: None, daemon: Some(Daemon::Incus) };
        assert_eq!(find(REMOTE, "here", &environment).expect("found"), here);
        // Wherever the client was told to keep them.
        environment.insert("HOME".to_owned(), "/nowhere".to_owned());
        environment.insert("INCUS_CONF".to_owned(), folder.display().to_string());
        assert_eq!(find(INCUS_REMOTE, "farm", &environment).expect("found"), wanted);
        environment.remove("INCUS_CONF");
        environment.insert("XDG_CONFIG_HOME".to_owned(), home.path().join(".config").display().to_string());
        assert_eq!(find(REMOTE, "farm", &environment).expect("found"), wanted);
    }

    #[test]
    fn a_client_is_asked_for_its_own_remotes_and_both_for_what_nobody_says_whose_it_is() {
        let (home, environment) = home_of_both();
        let error = |variable, name: &str| find(variable, name, &environment).expect_err("refused").to_string();
        let both = error(REMOTE, "prod");
        assert!(
            both.ends_with(
                "the lxc and the incus client each have one of that name; say which with LXC_REMOTE or INCUS_REMOTE"
            ),
            "{both}"
        );
        let of = |variable| match find(variable, "prod", &environment).expect("found") {
            LxdTarget::Remote { client_cert, .. } => client_cert,
            other => panic!("{other:?}"),
        };
        assert_eq!(of(LXC_REMOTE), home.path().join(".config/lxc/client.crt"));
        assert_eq!(of(INCUS_REMOTE), home.path().join(".config/incus/client.crt"));
        let unknown = error(INCUS_REMOTE, "xyz");
        assert!(
            unknown.contains(
                "the incus client has none of that name, only farm, here, prod; add it with `incus remote add xyz"
            ),
            "{unknown}"
        );
        let slip = error(REMOTE, "fram");
        assert!(
            slip.contains("the incus client has none of that name, but \"farm\"; add it with `incus remote"),
            "{slip}"
        );
        let neither = error(REMOTE, "xyz");
        assert!(neither.contains(", socket, and the incus client has none of that name, only farm, "), "{neither}");
        let images = error(REMOTE, "docker");
        assert!(
            images.contains("it is a server of images (https://docker.example)")
                && images.contains("`incus remote list`"),
            "{images}"
        );
    }

    #[rstest::rstest]
    #[case::a_slip("prdo", CONFIG, "has none of that name, but \"prod\"; add it")]
    #[case::nothing_like_it(
        "frankfurt",
        CONFIG,
        "none of that name, only bare, local, odd, people, prod, socket; add it with"
    )]
    #[case::images("images", CONFIG, "it is a server of images (https://images.example)")]
    #[case::no_certificate(
        "bare",
        CONFIG,
        "servercerts/bare.crt; the server's certificate is pinned here, so put it there: `openssl s_client -connect 10.0.0.6:8443 "
    )]
    #[case::oidc("people", CONFIG, "it is used by oidc")]
    #[case::no_scheme("odd", CONFIG, "its address is \"10.0.0.8\"; `lxc remote set-url odd")]
    #[case::no_remotes("prod", "aliases: {}", "the lxc client has no remotes in ")]
    #[case::not_yaml("prod", "remotes: [", "config.yml does not parse: ")]
    fn one_that_cannot_be_used_says_why_and_what_to_do(#[case] name: &str, #[case] config: &str, #[case] says: &str) {
        let (_home, environment) = home(".config/lxc", config);
        let error = find(REMOTE, name, &environment).expect_err("refused").to_string();
        assert!(error.starts_with(&format!("TESTKIT_REMOTE names the remote {name:?}: ")), "{error}");
        assert!(error.contains(says), "{error}");
    }
}
