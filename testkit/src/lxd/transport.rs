//! Moves requests to LXD and replies back, over its Unix socket or mutual TLS; every request has a deadline.

use std::error::Error as StdError;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, Url};
use reqwest_websocket::Upgrade;
use tokio_util::task::AbortOnDropHandle;

use super::envelope;
use super::error::Fault;
use super::kind::ErrorKind;
use super::request::{Body, Request};
use super::tls;
use super::websocket::{self, WebSocket};
use crate::daemon::Daemon;

/// The API version that all paths begin with.
const API: &str = "1.0";

/// How long connecting over the network may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// The socket of `incus-user`, which gives a user one project.
const OF_A_USER: &str = "unix.socket.user";

/// Where LXD listens.
#[derive(Clone)]
pub enum Endpoint {
    /// A Unix socket, such as `/var/snap/lxd/common/lxd/unix.socket`. Who may open it is trusted.
    Unix(PathBuf),
    /// An address with mutual TLS.
    Https {
        /// Scheme, host and port, such as `https://10.0.0.1:8443`.
        url: String,
        /// The client's certificate, which LXD must have in its trust store.
        client_cert_pem: Vec<u8>,
        /// The private key of the client's certificate.
        client_key_pem: Vec<u8>,
        /// The server's certificate. A server that presents any other is refused.
        server_cert_pem: Vec<u8>,
    },
}

impl std::fmt::Debug for Endpoint {
    /// Shows where, never the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Endpoint::Unix(path) => f.debug_tuple("Unix").field(path).finish(),
            Endpoint::Https { url, .. } => f.debug_struct("Https").field("url", url).finish_non_exhaustive(),
        }
    }
}

/// A connection pool to one LXD.
#[derive(Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    base: Url,
    /// The endpoint in words, for messages.
    place: String,
    daemon: Daemon,
}

/// A whole HTTP answer, not yet judged.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Transport {
    /// The connections to the `daemon` at an endpoint, which messages name.
    pub(crate) fn new(endpoint: &Endpoint, daemon: Daemon) -> Result<Transport, Fault> {
        // LXD neither redirects nor sits behind the proxies of the environment. Connections are not kept: LXD 5.0.2 holds
        // an instance's file session open as long as the connection that read a file, and cannot stop the instance while
        // it does (canonical/lxd#11539); nor can a request that must not be repeated then meet a connection gone stale.
        let builder = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_DEADLINE)
            .user_agent(concat!("testkit/", env!("CARGO_PKG_VERSION")));
        let (builder, base, place) = match endpoint {
            Endpoint::Unix(path) => {
                // reqwest builds a TLS stack in any case; the provider is named so that it need not be installed globally.
                let roots = rustls::RootCertStore::empty();
                let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
                let unused = rustls::ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()
                    .map_err(|source| Fault::invalid("no TLS provider").with_source(source))?
                    .with_root_certificates(roots)
                    .with_no_client_auth();
                let builder = builder.unix_socket(path.clone()).tls_backend_preconfigured(unused);
                (builder, server_url("http://lxd", "http")?, path.display().to_string())
            }
            Endpoint::Https { url, client_cert_pem, client_key_pem, server_cert_pem } => {
                let base = server_url(url, "https")?;
                let config = tls::config(client_cert_pem, client_key_pem, server_cert_pem)?;
                (builder.tls_backend_preconfigured(config).https_only(true), base, url.clone())
            }
        };
        let http =
            builder.build().map_err(|source| Fault::invalid("the HTTP client does not start").with_source(source))?;
        Ok(Transport { http, base, place, daemon })
    }

    /// Who is thought to answer.
    pub(crate) fn daemon(&self) -> Daemon {
        self.daemon
    }

    /// Sends a request, again on a lost connection if that is harmless, and reads the whole answer within `deadline`.
    pub(crate) async fn send(
        &self,
        request: &Request,
        project: Option<&str>,
        deadline: Duration,
    ) -> Result<Answer, Fault> {
        let begun = Instant::now();
        let retries = if request.repeatable { 4 } else { 0 };
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(1))
            .with_max_times(retries)
            .with_jitter();
        let send = || self.send_once(request, project);
        let retried = send.retry(backoff).when(|fault: &Fault| *fault.kind() == ErrorKind::Unreachable);
        match tokio::time::timeout(deadline, retried).await {
            Ok(result) => result,
            Err(_) => Err(Fault::timeout(begun.elapsed(), format!("no complete answer from {}", self.place))),
        }
    }

    /// Opens a WebSocket within the request's deadline.
    pub(crate) async fn websocket(&self, request: &Request, project: Option<&str>) -> Result<WebSocket, Fault> {
        let open = async {
            let upgrade = apart(self.builder(request, project).upgrade().send()).await;
            let response = upgrade.map_err(|source| match source {
                reqwest_websocket::Error::Reqwest(source) => self.lost(source),
                other => Fault::protocol("no WebSocket", "").with_source(other),
            })?;
            if response.status() == reqwest::StatusCode::SWITCHING_PROTOCOLS {
                // Who answers is known by its socket or its certificate; the handshake's nonce would add nothing.
                let upgraded = response.into_inner().upgrade().await.map_err(|source| self.lost(source))?;
                return Ok(websocket::speak(upgraded).await);
            }
            let answer = self.read(response.into_inner(), request.reply_limit).await?;
            // LXD says in an error reply why there is none.
            envelope::decode(answer.status, &answer.body)?;
            Err(Fault::protocol("no WebSocket", &String::from_utf8_lossy(&answer.body)).with_code(answer.status))
        };
        match tokio::time::timeout(request.deadline, open).await {
            Ok(result) => result,
            Err(_) => Err(Fault::timeout(request.deadline, format!("no WebSocket from {}", self.place))),
        }
    }

    async fn send_once(&self, request: &Request, project: Option<&str>) -> Result<Answer, Fault> {
        let response = apart(self.builder(request, project).send()).await.map_err(|source| self.lost(source))?;
        let answer = self.read(response, request.reply_limit).await?;
        if answer.status == 503 {
            // LXD answers so while it starts; as a fault here it is retried like a lost connection.
            envelope::decode(answer.status, &answer.body)?;
        }
        Ok(answer)
    }

    async fn read(&self, mut response: reqwest::Response, limit: u64) -> Result<Answer, Fault> {
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|source| self.lost(source))? {
            if (body.len() + chunk.len()) as u64 > limit {
                return Err(Fault::new(ErrorKind::Truncated { limit }));
            }
            body.extend_from_slice(&chunk);
        }
        let status = response.status().as_u16();
        Ok(Answer { status, headers: std::mem::take(response.headers_mut()), body: body.freeze() })
    }

    fn builder(&self, request: &Request, project: Option<&str>) -> RequestBuilder {
        let mut builder = self.http.request(request.method.clone(), self.url(request, project));
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        match &request.body {
            Body::Empty => builder,
            Body::Bytes(bytes) => builder.body(bytes.clone()),
            Body::Stream(make) => builder.body(make()),
        }
    }

    fn url(&self, request: &Request, project: Option<&str>) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(API).extend(&request.segments);
        }
        let project = project.filter(|_| request.in_project).map(|project| ("project", project));
        let pairs = request.query.iter().map(|(name, value)| (*name, value.as_str())).chain(project);
        for (name, value) in pairs {
            url.query_pairs_mut().append_pair(name, value);
        }
        url
    }

    /// Judges a request that got no answer, or only the beginning of one.
    fn lost(&self, source: reqwest::Error) -> Fault {
        let source = source.without_url();
        if source.is_builder() {
            return Fault::invalid("the request cannot be built").with_source(source);
        }
        if causes(&source).any(|cause| cause.is::<tls::Mismatch>()) {
            return Fault::new(ErrorKind::UntrustedServer).with_text(self.place.clone()).with_source(source);
        }
        let kind = causes(&source).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
        let fault = match kind {
            Some(io::ErrorKind::PermissionDenied) => Fault::new(ErrorKind::Forbidden).with_advice(format!(
                "run this as root or as a member of the group that owns the socket (`sudo usermod -aG {} $USER`, then \
                 log in again)",
                self.daemon.group()
            )),
            Some(io::ErrorKind::NotFound) => Fault::new(ErrorKind::Unreachable).with_advice(no_socket(self.daemon)),
            // What mends this host does nothing for another.
            Some(io::ErrorKind::ConnectionRefused) if self.base.scheme() == "https" => {
                Fault::new(ErrorKind::Unreachable).with_advice(format!(
                    "nothing listens there: start {} on that host and have it listen (`{} config set core.https_address :8443`), \
                     or name another address",
                    self.daemon,
                    self.daemon.client()
                ))
            }
            Some(io::ErrorKind::ConnectionRefused) => Fault::new(ErrorKind::Unreachable)
                .with_advice(format!("nothing listens there: start {}, or run `make setup`", self.daemon)),
            _ => Fault::new(ErrorKind::Unreachable),
        };
        let fault = fault.of(self.daemon).with_text(self.place.clone());
        // What lies between says only that a request was sent, which the attempt says.
        let code = causes(&source).find_map(|cause| cause.downcast_ref::<io::Error>()?.raw_os_error());
        match code {
            Some(code) => fault.with_source(io::Error::from_raw_os_error(code)),
            None => fault.with_source(source),
        }
    }
}

/// Connects and sends as a task of its own, which ends with its caller.
///
/// LXD waits for the first bytes of a connection before it takes the next one (canonical/lxd#18705, mended by #18819 in
/// July 2026). As a part of the caller's task, a request would lie between its connecting and its sending
/// for as long as anything joined with it holds the task up, and nobody on the host would get an answer meanwhile.
async fn apart<T: Send + 'static>(sending: impl Future<Output = T> + Send + 'static) -> T {
    match AbortOnDropHandle::new(tokio::spawn(sending)).await {
        Ok(sent) => sent,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that shuts down ends a task whose caller still waits for it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// The URL of a server, which is spoken to in one way only.
fn server_url(url: &str, scheme: &str) -> Result<Url, Fault> {
    let wanted = || Fault::invalid(format!("{url:?} is not {scheme}://host:port"));
    let parsed = Url::parse(url).map_err(|source| wanted().with_source(source))?;
    if parsed.scheme() == scheme && parsed.has_host() { Ok(parsed) } else { Err(wanted()) }
}

/// What to do about a socket that does not exist.
fn no_socket(daemon: Daemon) -> String {
    format!("there is no such socket: install and start {daemon}, or run `make setup`")
}

/// Fails if there is no socket of this daemon at `path`, or one that is no use.
pub(crate) async fn check_socket(path: &Path, daemon: Daemon) -> Result<(), Fault> {
    let fault = || Fault::new(ErrorKind::Unreachable).of(daemon);
    if path.file_name().is_some_and(|name| name == OF_A_USER) {
        let advice = format!(
            "incus-user gives each user one project, in which no bridge can be made: use unix.socket beside it, as root or as \
             a member of the group {}",
            Daemon::Incus.group()
        );
        return Err(Fault::new(ErrorKind::Forbidden).with_advice(advice));
    }
    match tokio::fs::metadata(path).await {
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            Err(fault().with_advice(no_socket(daemon)).with_source(source))
        }
        Ok(found) if !found.file_type().is_socket() => {
            let what = if found.is_dir() { "a folder" } else { "a file" };
            Err(fault()
                .with_advice(format!("that is {what} and no socket: name {daemon}'s own, unix.socket in its folder")))
        }
        // Anything else is judged by connecting.
        _ => Ok(()),
    }
}

/// The error and all that is below it. An `io::Error` hides what it wraps from `source`, so that is looked into.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error: &&'a (dyn StdError + 'static)| {
        if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            return Some(inner as &(dyn StdError + 'static));
        }
        if let Some(rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other))) = error.downcast_ref() {
            return Some(&*other.0 as &(dyn StdError + 'static));
        }
        error.source()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_and_the_project_is_added_where_it_applies() {
        let transport = Transport::new(&Endpoint::Unix("/nowhere".into()), Daemon::Lxd).expect("transport");
        let request = Request::get(&["instances", "a b/c?d"], "try").query("path", "/etc/a&b");
        let url = transport.url(&request, Some("p q"));
        assert_eq!(url.as_str(), "http://lxd/1.0/instances/a%20b%2Fc%3Fd?path=%2Fetc%2Fa%26b&project=p+q");
        let request = Request::get(&["projects"], "try").outside_projects();
        assert_eq!(transport.url(&request, Some("p")).as_str(), "http://lxd/1.0/projects");
    }

    #[tokio::test]
    async fn of_a_remote_that_does_not_answer_it_is_not_said_what_mends_this_host() {
        let made = rcgen::generate_simple_self_signed(["lxd".to_owned()]).expect("a certificate");
        let (certificate, key) = (made.cert.pem().into_bytes(), made.signing_key.serialize_pem().into_bytes());
        // Nobody listens there, and nobody else gets it meanwhile.
        let taken = tokio::net::TcpSocket::new_v4().expect("a socket");
        taken.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
        let port = taken.local_addr().expect("an address").port();
        let endpoint = Endpoint::Https {
            url: format!("https://127.0.0.1:{port}"),
            client_cert_pem: certificate.clone(),
            client_key_pem: key,
            server_cert_pem: certificate,
        };
        let error = crate::lxd::Client::connect_as(&endpoint, None).await.expect_err("nobody answers").to_string();
        let advice = "nothing listens there: start LXD on that host and have it listen (`lxc config set core.https_address :8443`), \
                      or name another address";
        assert!(error.contains(advice) && !error.contains("make setup"), "{error}");
    }

    #[test]
    fn the_endpoint_does_not_show_its_key() {
        let endpoint = Endpoint::Https {
            url: "https://h:8443".to_owned(),
            client_cert_pem: Vec::new(),
            client_key_pem: b"SECRET".to_vec(),
            server_cert_pem: Vec::new(),
        };
        assert_eq!(format!("{endpoint:?}"), "Https { url: \"https://h:8443\", .. }");
    }
}
