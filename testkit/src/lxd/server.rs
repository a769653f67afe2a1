//! What the server is: version, API extensions, storage drivers.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::envelope;
use super::error::Fault;
use super::kind::ErrorKind;
use super::request::Request;
use super::transport::Transport;

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
        Err(Fault::new(ErrorKind::MissingExtensions { missing, server_version })
            .with_advice("use a newer LXD, for example the snap's channel 5.0/stable"))
    }

    pub(crate) async fn fetch(transport: &Transport) -> Result<Server, Fault> {
        let request = Request::get(&[], "connect");
        let answer = transport.send(&request, None, request.deadline).await?;
        let server: Server = envelope::decode(answer.status, &answer.body)?.into_sync()?;
        match server.auth.as_str() {
            "trusted" => Ok(server),
            other => Err(Fault::new(ErrorKind::Forbidden)
                .with_text(format!("auth is {other:?}"))
                .with_advice("have LXD trust the client's certificate with `lxc config trust add`")),
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
    fn storage_drivers_are_found_by_name() {
        assert!(server().has_storage_driver("btrfs"));
        assert!(!server().has_storage_driver("zfs"));
    }
}
