//! What the server is: version, API extensions, storage drivers.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::dialect;
use super::envelope;
use super::error::Fault;
use super::kind::ErrorKind;
use super::request::Request;
use super::transport::Transport;
use crate::daemon::Daemon;

/// The answer to `GET /1.0`.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Server {
    /// `trusted`, or else the client may do next to nothing.
    pub auth: String,
    /// Names from LXD's `doc/api-extensions.md`.
    pub api_extensions: Vec<String>,
    /// The server's own configuration; empty for clients that may not see it.
    #[serde(default, deserialize_with = "envelope::null_as_default")]
    pub config: BTreeMap<String, serde_json::Value>,
    /// Where it runs and what it can do. LXD withholds it from clients that it does not trust.
    #[serde(default)]
    pub environment: Environment,
}

/// Where the server runs and what it can do.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Environment {
    /// `lxd` or `incus`.
    pub server: String,
    /// Such as `5.0.2`.
    pub server_version: String,
    /// The cluster member's or host's name.
    pub server_name: String,
    /// Whether it is a member of an LXD cluster.
    pub server_clustered: bool,
    /// The addresses it listens on for HTTPS, with ports.
    pub addresses: Vec<String>,
    /// The architectures it runs, the native one first, such as `x86_64`.
    pub architectures: Vec<String>,
    /// The server's certificate as PEM, for pinning.
    pub certificate: String,
    /// The SHA-256 fingerprint of the certificate in hexadecimal.
    pub certificate_fingerprint: String,
    /// The running kernel.
    pub kernel_version: String,
    /// The distribution's name, such as `Ubuntu`.
    pub os_name: String,
    /// The distribution's version.
    pub os_version: String,
    /// The storage drivers that this host can use (API extension `server_supported_storage_drivers`).
    pub storage_supported_drivers: Vec<StorageDriver>,
}

/// A storage driver that the host can use.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct StorageDriver {
    /// Such as `btrfs`.
    #[serde(rename = "Name")]
    pub name: String,
    /// The version of the tools behind it.
    #[serde(rename = "Version", default)]
    pub version: String,
    /// Whether the storage is shared by a cluster's members.
    #[serde(rename = "Remote", default)]
    pub remote: bool,
}

impl Server {
    /// Which of the two it is.
    pub fn daemon(&self) -> Daemon {
        dialect::daemon(&self.environment.server)
    }

    /// Its version, such as `5.0.2`; of Incus with the name.
    pub fn release(&self) -> String {
        let version = &self.environment.server_version;
        match self.daemon() {
            Daemon::Lxd => version.clone(),
            incus @ Daemon::Incus => format!("{incus} {version}"),
        }
    }

    /// Whether the server has the API extension.
    pub fn has_extension(&self, name: &str) -> bool {
        self.api_extensions.iter().any(|extension| extension == name)
    }

    /// Whether the host can use the storage driver.
    pub fn has_storage_driver(&self, name: &str) -> bool {
        self.environment.storage_supported_drivers.iter().any(|driver| driver.name == name)
    }

    pub(crate) fn require_extensions(&self, names: &[&str]) -> Result<(), Fault> {
        let missing: Vec<String> =
            names.iter().filter(|name| !self.has_extension(name)).map(ToString::to_string).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let server_version = self.environment.server_version.clone();
        let advice = match self.daemon() {
            Daemon::Lxd => "use a newer LXD, for example the snap's channel 5.0/stable",
            Daemon::Incus => "use Incus 6.0 or later",
        };
        Err(Fault::new(ErrorKind::MissingExtensions { missing, server_version }).with_advice(advice))
    }

    pub(crate) async fn fetch(transport: &Transport) -> Result<Server, Fault> {
        let request = Request::get(&[], "connect");
        let answer = transport.send(&request, None, request.deadline).await?;
        let server: Server = envelope::decode(answer.status, &answer.body)?.into_sync()?;
        match server.auth.as_str() {
            "trusted" => Ok(server),
            other => {
                // It says no more of itself to whom it does not trust.
                let daemon = transport.daemon();
                let trust = format!("`{} config trust add`", daemon.client());
                Err(Fault::new(ErrorKind::Forbidden)
                    .with_text(format!("auth is {other:?}"))
                    .with_advice(format!("have {daemon} trust the client's certificate with {trust}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        serde_json::from_str(
            r#"{"config":null,"api_extensions":["etag","projects"],"api_status":"stable","auth":"trusted",
            "environment":{"server_version":"5.0.2","server_clustered":false,"architectures":["x86_64","i686"],
            "storage_supported_drivers":[{"Name":"btrfs","Version":"6.2","Remote":false}]}}"#,
        )
        .expect("parsed")
    }

    #[test]
    fn missing_extensions_are_named_with_the_servers_version() {
        assert!(server().require_extensions(&["etag"]).is_ok());
        let fault = server().require_extensions(&["etag", "instances", "warnings"]).expect_err("missing");
        assert!(fault.to_string().starts_with("LXD 5.0.2 lacks the API extensions instances, warnings"), "{fault}");
    }

    #[test]
    fn the_release_of_an_incus_has_its_name() {
        assert_eq!((server().daemon(), server().release().as_str()), (Daemon::Lxd, "5.0.2"));
        let mut incus = server();
        incus.environment.server = "incus".to_owned();
        incus.environment.server_version = "6.0.4".to_owned();
        assert_eq!((incus.daemon(), incus.release().as_str()), (Daemon::Incus, "Incus 6.0.4"));
        let fault = incus.require_extensions(&["warnings"]).expect_err("missing").of(Daemon::Incus).to_string();
        assert!(fault.starts_with("Incus 6.0.4 lacks") && fault.ends_with("use Incus 6.0 or later"), "{fault}");
    }

    #[test]
    fn storage_drivers_are_found_by_name() {
        assert!(server().has_storage_driver("btrfs"));
        assert!(!server().has_storage_driver("zfs"));
    }
}
