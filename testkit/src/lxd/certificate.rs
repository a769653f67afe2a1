//! LXD's trust store, and the server's own configuration.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::json;

use super::client::Client;
use super::error::Error;
use super::instance::Config;
use super::request::Request;
use super::tls;

#[derive(Serialize)]
struct CertificateBody<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    name: &'a str,
    certificate: String,
}

impl Client {
    /// Has LXD trust a client's certificate, and returns its fingerprint.
    pub async fn trust_certificate(&self, name: &str, certificate_pem: &[u8]) -> Result<String, Error> {
        let attempt = format!("trust certificate {name:?}");
        let der = tls::certificate(certificate_pem, "client").map_err(|fault| Error::new(&attempt, fault))?;
        let body = CertificateBody { kind: "client", name, certificate: STANDARD.encode(&der) };
        self.done(&Request::post(&["certificates"], attempt).json(&body).outside_projects()).await?;
        Ok(tls::fingerprint(&der))
    }

    /// Takes LXD's trust in a certificate away; success when there is none.
    pub async fn delete_certificate(&self, fingerprint: &str) -> Result<(), Error> {
        let request = Request::delete(&["certificates", fingerprint], format!("delete certificate {fingerprint:?}"));
        self.done_or_gone(&request.outside_projects().repeatable()).await
    }

    /// Sets keys of the server's own configuration, such as `core.https_address`. An empty value removes the key.
    pub async fn patch_server_config(&self, config: &Config) -> Result<(), Error> {
        let request = Request::patch(&[], "patch the server's configuration").json(&json!({"config": config}));
        self.done(&request.outside_projects()).await
    }
}
