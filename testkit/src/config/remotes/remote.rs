//! One remote, and how it is reached from here.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::config::LxdTarget;
use crate::daemon::Daemon;

pub(super) const CLIENT_CERT: &str = "client.crt";

/// Where images are fetched from by the simplestreams protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageServer {
    /// Its URL.
    pub url: String,
    /// A file with the certificate that it must have, where no authority vouches for it.
    pub certificate: Option<PathBuf>,
}

/// What is read of it; the rest is the client's.
#[derive(Debug, Deserialize)]
pub(super) struct Remote {
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

/// Where a client keeps the certificate of a server that no authority vouches for.
fn certificate_of(folder: &Path, name: &str) -> PathBuf {
    folder.join("servercerts").join(format!("{name}.crt"))
}

impl Remote {
    /// Whether it gives images and forms nothing.
    pub(super) fn is_of_images(&self, daemon: Daemon) -> bool {
        let own = match daemon {
            Daemon::Lxd => "lxd",
            Daemon::Incus => "incus",
        };
        self.public || !self.protocol.is_empty() && self.protocol != own
    }

    /// The server, if it is one of images by the simplestreams protocol; `folder` has the remote.
    pub(super) fn image_server(&self, name: &str, folder: &Path) -> Option<ImageServer> {
        let certificate = Some(certificate_of(folder, name)).filter(|file| file.is_file());
        let url = self.address().trim_end_matches('/').to_owned();
        (self.protocol == "simplestreams").then_some(ImageServer { url, certificate })
    }

    /// The address that is used.
    fn address(&self) -> &str {
        let mut addresses = self.addr.split(',').map(str::trim).filter(|it| !it.is_empty());
        let first = addresses.clone().next().unwrap_or_default();
        addresses.find(|it| *it == self.last_working_address).unwrap_or(first)
    }

    /// Where it is, and by which certificates: its own in the folder that has the remote, the client's in `own`. Or what is wrong with it
    /// and how that is mended.
    pub(super) fn target(
        &self,
        daemon: Daemon,
        name: &str,
        folder: &Path,
        own: &Path,
    ) -> Result<LxdTarget, (String, String)> {
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
            server_cert: file(certificate_of(folder, name), &pinned)?,
        })
    }
}
