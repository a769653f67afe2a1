//! From the configuration to a client for the framework's project in LXD.

use std::fs;
use std::path::Path;

use ipnet::IpNet;
use x509_parser::time::ASN1Time;

use super::error::Error;
use super::subnet::parse_routes;
use super::{BRIDGE, SetupOptions, bridge, connect_usable, owned, search};
use crate::config::{Config, LxdTarget};
use crate::image::Program;
use crate::lxd::{Client, Endpoint};

/// What the configuration says about the host.
///
/// # Errors
/// When a certificate of a remote LXD cannot be read.
pub fn options(config: &Config) -> Result<SetupOptions, Error> {
    let read = |what, path: &Path, label| {
        let pem = fs::read(path).map_err(|source| Error::Certificate { what, path: path.to_owned(), source })?;
        has_pem(&pem, label).then_some(pem).ok_or_else(|| Error::NoPem { what, path: path.to_owned(), label })
    };
    let endpoint = match &config.lxd {
        LxdTarget::Local { socket, .. } => socket.clone().map(Endpoint::Unix),
        LxdTarget::Remote { url, client_cert, client_key, server_cert } => {
            let client_cert_pem =
                read("client certificate (LXD_CLIENT_CERT, or the client's own)", client_cert, CERTIFICATE)?;
            require_valid(client_cert, &client_cert_pem)?;
            Some(Endpoint::Https {
                url: url.clone(),
                client_cert_pem,
                client_key_pem: read("client key (LXD_CLIENT_KEY, or the client's own)", client_key, KEY)?,
                server_cert_pem: read(
                    "server certificate (LXD_SERVER_CERT, or the one that the client pins)",
                    server_cert,
                    CERTIFICATE,
                )?,
            })
        }
    };
    let lxd_dir = match &config.lxd {
        LxdTarget::Local { dir, .. } => dir.clone(),
        LxdTarget::Remote { .. } => None,
    };
    let daemon = match &config.lxd {
        LxdTarget::Local { daemon, .. } => *daemon,
        LxdTarget::Remote { .. } => None,
    };
    Ok(SetupOptions {
        endpoint,
        lxd_dir,
        daemon,
        cache_dir: Some(config.cache_dir.clone()),
        for_user: config.for_user.clone(),
        state_dir: config.state_dir.clone(),
        project: config.project.clone(),
        pool: config.pool.clone(),
        subnet: config.subnet,
        compiles: config.dist.is_none(),
        ..SetupOptions::default()
    })
}

/// How the labels of PEM blocks end.
const CERTIFICATE: &str = "CERTIFICATE";
const KEY: &str = "PRIVATE KEY";

/// Whether there is a block of this kind. The client would say that there is none, and not where.
fn has_pem(pem: &[u8], label: &str) -> bool {
    x509_parser::pem::Pem::iter_from_buffer(pem).flatten().any(|block| block.label.ends_with(label))
}

/// Refuses a client certificate that has ended: LXD would only say that it does not trust it. One that cannot be read is for the
/// connection to refuse.
fn require_valid(path: &Path, pem: &[u8]) -> Result<(), Error> {
    let Ok((_, pem)) = x509_parser::pem::parse_x509_pem(pem) else { return Ok(()) };
    let Ok(certificate) = pem.parse_x509() else { return Ok(()) };
    let end = certificate.validity().not_after;
    if end >= ASN1Time::now() {
        return Ok(());
    }
    Err(Error::CertificateEnded { path: path.to_owned(), end: end.to_string() })
}

/// Connects to LXD, in the framework's project.
///
/// # Errors
/// When no LXD answers, it refuses, or the host was not set up; each says what to do.
pub async fn connect(config: &Config) -> Result<Client, Error> {
    let missing = |problem: &str| Error::Host { problem: problem.to_owned(), mend: "run `make setup`".to_owned() };
    let options = options(config)?;
    let endpoint = search::find_lxd(&options).await?.ok_or_else(|| missing(search::none_answers(&options)))?;
    let client = connect_usable(&endpoint, &options).await?;
    let found = client.find_project(&config.project).await.map_err(|source| Error::Lxd {
        attempt: format!("look for project {:?}", config.project),
        mend: "run `make setup`".to_owned(),
        source: Box::new(source),
    })?;
    let Some(found) = found else {
        return Err(missing(&format!("{} has no project {:?}", client.server().daemon(), config.project)));
    };
    // What is made in a project that is somebody else's would be in their way, and no teardown would find it.
    owned::check_ours(&found.value.config, "project", &config.project)?;
    if let Some(wanted) = config.subnet {
        bridge::check_subnet(&client, BRIDGE, wanted).await?;
    }
    Ok(client.with_project(&config.project))
}

/// The IPv4 networks that this host has routes to, without its default route. Empty where `ip` does not answer: then
/// the ranges of LXD's own networks have to do.
pub fn routes() -> Vec<IpNet> {
    let listed = Program::new("list the host's routes", "ip").args(["-json", "route", "show", "table", "all"]).run();
    let routes = listed.ok().and_then(|json| parse_routes(&json).ok()).unwrap_or_default();
    routes.into_iter().map(|taken| taken.net.into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_or_key_that_is_something_else_is_told_by_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let made = rcgen::generate_simple_self_signed(["lxd".to_owned()]).expect("a certificate");
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        std::fs::write(folder.path().join("Cargo.toml"), "[workspace]\n").expect("a manifest");
        let told = |client: &str, its_key: &str, server: &str| {
            for (file, text) in [("client.crt", client), ("client.key", its_key), ("server.crt", server)] {
                fs::write(folder.path().join(file), text).expect("written");
            }
            let settings = [
                ("LXD_REMOTE", "https://[::1]:1"),
                ("LXD_CLIENT_CERT", "client.crt"),
                ("LXD_CLIENT_KEY", "client.key"),
                ("LXD_SERVER_CERT", "server.crt"),
            ];
            let environment = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            let layer = crate::config::Layer::default();
            let config = Config::resolve_from(layer, &environment, folder.path()).expect("resolves");
            options(&config).map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(told(&certificate, &key, &certificate), Ok(()));
        let path = |file| folder.path().join(file).display().to_string();
        for (found, file, what) in [
            (told("garbage", &key, &certificate), "client.crt", "client certificate (LXD_CLIENT_CERT"),
            (told(&certificate, &certificate, &certificate), "client.key", "client key (LXD_CLIENT_KEY"),
            (told(&certificate, &key, ""), "server.crt", "server certificate (LXD_SERVER_CERT"),
        ] {
            let said = found.expect_err("refused");
            assert!(said.starts_with(&format!("{}, the {what}", path(file))), "{said}");
            assert!(said.ends_with("name the file that has, or have `lxc remote add` write it again"), "{said}");
        }
    }
}
