//! The `lxc` client's own remotes: who has `lxc list prod:` working names `prod`, and nothing else.
//!
//! Source: LXD's `lxc/config/` (`config.yml`, `client.crt`, `client.key`, `servercerts/NAME.crt`; `LXD_CONF`, and for all users
//! `LXD_GLOBAL_CONF`, where there is no client certificate), and its snap's `commands/lxc`, which keeps them in `~/snap/lxd/common/config`
//! and `/var/snap/lxd/common/global-conf`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{ConfigError, LxdTarget, home};
use crate::nearest::nearest;

/// The variable of this framework that names one, and the client's own.
pub(super) const REMOTE: &str = "TESTKIT_REMOTE";
pub(super) const LXC_REMOTE: &str = "LXC_REMOTE";
/// The name by which the client knows the LXD of its own host.
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
    #[serde(default)]
    addr: String,
    /// `lxd`, or `simplestreams` of a server of images.
    #[serde(default)]
    protocol: String,
    #[serde(default)]
    public: bool,
    /// `tls` or `oidc`.
    #[serde(default)]
    auth_type: String,
}

/// The remote that is named, by this framework's own setting or for the client, and by which variable. A client that is told of its
/// own host, or of a remote whose address is named here, too, says nothing new.
pub(super) fn named(
    own: Option<String>,
    has_address: bool,
    environment: &BTreeMap<String, String>,
) -> Option<(&'static str, String)> {
    let of_client =
        || environment.get(LXC_REMOTE).filter(|name| !has_address && !matches!(name.as_str(), "" | "local" | "local:"));
    own.map(|name| (REMOTE, name)).or_else(|| Some((LXC_REMOTE, of_client()?.clone())))
}

/// The LXD that the client calls `name`, which `variable` says.
///
/// # Errors
/// When the client has no remote of that name, or it is not one that can be used from here; with what to do.
pub(super) fn find(
    variable: &'static str,
    name: &str,
    environment: &BTreeMap<String, String>,
) -> Result<LxdTarget, ConfigError> {
    let name = name.trim_end_matches(':');
    let refused =
        |problem: String, mend: String| ConfigError::Remote { variable, name: name.to_owned(), problem, mend };
    // What the client takes for its own host, nobody can write down otherwise.
    if name == HERE {
        return Ok(LxdTarget::Local { socket: None, dir: None });
    }
    let folders = folders(environment);
    let mut known = Vec::new();
    for folder in &folders {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                let problem = format!("{} cannot be read: {error}", path.display());
                return Err(refused(problem, "let this user read it".to_owned()));
            }
        };
        let client: Client = serde_saphyr::from_str(&text).map_err(|error| {
            let problem = format!("{} does not parse: {error}", path.display());
            refused(problem, "`lxc remote list` has to work first".to_owned())
        })?;
        if let Some(remote) = client.remotes.get(name) {
            let own = folders.iter().find(|folder| folder.join(CLIENT_CERT).is_file()).unwrap_or(folder);
            return remote.target(name, folder, own).map_err(|(problem, mend)| refused(problem, mend));
        }
        known.extend(client.remotes.into_iter().filter(|(_, it)| !it.is_of_images()).map(|(name, _)| name));
    }
    let mut told: Vec<String> = folders.iter().map(|folder| folder.join(FILE).display().to_string()).collect();
    told.dedup();
    let problem = match nearest(name, known.iter().map(String::as_str)) {
        Some(meant) => format!("the lxc client has none of that name, but {meant:?}"),
        None if known.is_empty() => format!("the lxc client has no remotes in {}", told.join(" or ")),
        None => format!("the lxc client has none of that name, only {}", known.join(", ")),
    };
    Err(refused(
        problem,
        format!("add it with `lxc remote add {name} https://HOST:8443`, or name an LXD with LXD_REMOTE"),
    ))
}

/// Where the client's configuration may be, in the order in which it is looked for: the user's, then that of all users.
fn folders(environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let named =
        |name: &str| environment.get(name).filter(|folder| !folder.is_empty()).map(|folder| vec![folder.into()]);
    let home = || home::home(environment);
    let usual = || home().map(|home| [home.join("snap/lxd/common/config"), home.join(".config/lxc")].into());
    let user = named("LXD_CONF").or_else(usual).unwrap_or_default();
    let all = || ["/var/snap/lxd/common/global-conf", "/etc/lxd"].map(PathBuf::from).into();
    [user, named("LXD_GLOBAL_CONF").unwrap_or_else(all)].concat()
}

impl Remote {
    /// Whether it gives images and forms nothing.
    fn is_of_images(&self) -> bool {
        self.public || !matches!(self.protocol.as_str(), "" | "lxd")
    }

    /// Where it is, and by which certificates: its own in the folder that has the remote, the client's in `own`. Or what is wrong with it
    /// and how that is mended.
    fn target(&self, name: &str, folder: &Path, own: &Path) -> Result<LxdTarget, (String, String)> {
        if self.is_of_images() {
            let mend = "name a remote that instances are made in; `lxc remote list` shows them".to_owned();
            return Err((format!("it is a server of images ({})", self.addr), mend));
        }
        if let Some(socket) = self.addr.strip_prefix("unix:") {
            let socket = socket.trim_start_matches("//");
            return Ok(LxdTarget::Local { socket: (!socket.is_empty()).then(|| socket.into()), dir: None });
        }
        if !self.addr.starts_with("https://") {
            let mend = format!("`lxc remote set-url {name} https://HOST:8443`");
            return Err((format!("its address is {:?}", self.addr), mend));
        }
        if !matches!(self.auth_type.as_str(), "" | "tls") {
            let mend = format!("`lxc remote add {name}-tls {} --auth-type=tls`, and name that", self.addr);
            return Err((
                format!("it is used by {}, and certificates are all that is understood here", self.auth_type),
                mend,
            ));
        }
        let file = |path: PathBuf, mend: &str| match path.is_file() {
            true => Ok(path),
            false => Err((format!("there is no {}", path.display()), mend.to_owned())),
        };
        let trust = "`lxc remote add` makes one, and has the server trust it";
        // The client keeps none that an authority of the system has signed.
        let pinned = format!(
            "the server's certificate is pinned here, so put it there: `openssl s_client -connect {} </dev/null | openssl x509`",
            self.addr.trim_start_matches("https://").trim_end_matches('/')
        );
        Ok(LxdTarget::Remote {
            url: self.addr.trim_end_matches('/').to_owned(),
            client_cert: file(own.join(CLIENT_CERT), trust)?,
            client_key: file(own.join("client.key"), trust)?,
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
        let variables = [("HOME", home.path().display().to_string()), ("LXD_GLOBAL_CONF", "/nowhere".to_owned())];
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
        let usual = LxdTarget::Local { socket: None, dir: None };
        assert_eq!((local("local", &environment), local("local:", &BTreeMap::new())), (usual.clone(), usual));
        let socket = Some(PathBuf::from("/srv/lxd/unix.socket"));
        assert_eq!(local("socket", &environment), LxdTarget::Local { socket, dir: None });
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
        assert!(error.starts_with(&format!("TESTKIT_REMOTE names the LXD remote {name:?}: ")), "{error}");
        assert!(error.contains(says), "{error}");
    }
}
