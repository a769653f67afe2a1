//! A server of images by the simplestreams protocol, on this host, over TLS.
//!
//! LXD tries each file without TLS first, on the same port: such a connection is dropped, and LXD then asks properly. Source: LXD's
//! `client/simplestreams_images.go`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use testkit::image::of_file;

/// The name of the one image, and what it is an image of.
pub(crate) const ALIAS: &str = "24.04";

/// What is wrong with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Its index is the beginning of one.
    BrokenIndex,
    /// Its root file system is another one than it says.
    OtherContent,
    /// It takes a request for its index, and says nothing.
    Hangs,
}

/// The two parts of an image.
pub(crate) struct Parts {
    pub(crate) metadata: PathBuf,
    pub(crate) rootfs: PathBuf,
}

/// A server, for as long as the test runs.
pub(crate) struct Server {
    pub(crate) url: String,
    /// Its certificate, which nobody else vouches for.
    pub(crate) certificate: String,
}

impl Server {
    /// Serves an image of these parts.
    pub(crate) fn start(parts: &Parts, fault: Fault) -> Self {
        let names = ["127.0.0.1".to_owned(), "testkit".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a certificate and its key");
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let url = format!("https://{}", listener.local_addr().expect("an address"));
        let served = Arc::new(Served::of(parts, fault));
        let tls = Arc::new(tls);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tls, served) = (Arc::clone(&tls), Arc::clone(&served));
                // A client that leaves in the midst of it is its own business.
                std::thread::spawn(move || drop(served.answer(stream, tls)));
            }
        });
        Self { url, certificate: made.cert.pem() }
    }

    /// Has a client's configuration in `folder` call it by this name.
    pub(crate) fn named(&self, name: &str, folder: &Path) {
        let certificates = folder.join("servercerts");
        fs::create_dir_all(&certificates).expect("a folder");
        fs::write(certificates.join(format!("{name}.crt")), &self.certificate).expect("written");
        let config = json!({"remotes": {name: {"addr": self.url, "protocol": "simplestreams", "public": true}}});
        // JSON is YAML.
        fs::write(folder.join("config.yml"), config.to_string()).expect("written");
    }
}

struct Served {
    index: String,
    products: String,
    metadata: PathBuf,
    rootfs: PathBuf,
    fault: Fault,
}

impl Served {
    fn of(parts: &Parts, fault: Fault) -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let product = format!("testkit:{ALIAS}:{architecture}");
        let item = |kind: &str, path: &str, file: &Path| {
            let size = fs::metadata(file).expect("a file").len();
            json!({"ftype": kind, "path": path, "size": size, "sha256": of_file(file).expect("a hash").as_str()})
        };
        let mut metadata = item("lxd.tar.xz", "images/metadata.tar", &parts.metadata);
        metadata["combined_squashfs_sha256"] = json!(together(parts));
        let mut rootfs = item("squashfs", "images/rootfs.squashfs", &parts.rootfs);
        if fault == Fault::OtherContent {
            rootfs["sha256"] = json!("0".repeat(64));
        }
        let version = json!({"items": {"metadata": metadata, "rootfs": rootfs}});
        let products = json!({"format": "products:1.0", "datatype": "image-downloads", "content_id": "images", "products": {
            &product: {"aliases": ALIAS, "arch": architecture, "os": "testkit", "release": ALIAS, "release_title": ALIAS,
                       "versions": {"20260101_0000": version}}}});
        let list: Value = json!({"datatype": "image-downloads", "format": "products:1.0", "path": "streams/v1/images.json",
                                 "products": [product]});
        let index = json!({"format": "index:1.0", "index": {"images": list}}).to_string();
        let index = if fault == Fault::BrokenIndex { index[..index.len() / 2].to_owned() } else { index };
        let (metadata, rootfs) = (parts.metadata.clone(), parts.rootfs.clone());
        Self { index, products: products.to_string(), metadata, rootfs, fault }
    }

    fn answer(&self, stream: TcpStream, tls: Arc<ServerConfig>) -> std::io::Result<()> {
        let connection = ServerConnection::new(tls).map_err(std::io::Error::other)?;
        let mut stream = BufReader::new(StreamOwned::new(connection, stream));
        let mut first = String::new();
        stream.read_line(&mut first)?;
        let mut line = String::new();
        while stream.read_line(&mut line)? > 2 {
            line.clear();
        }
        let path = first.split(' ').nth(1).unwrap_or_default();
        let (status, file, text) = match path {
            // The connection stays open for as long as the test runs.
            "/streams/v1/index.json" if self.fault == Fault::Hangs => loop {
                std::thread::park();
            },
            "/streams/v1/index.json" => ("200 OK", None, self.index.as_str()),
            "/streams/v1/images.json" => ("200 OK", None, self.products.as_str()),
            "/images/metadata.tar" => ("200 OK", Some(fs::File::open(&self.metadata)?), ""),
            "/images/rootfs.squashfs" => ("200 OK", Some(fs::File::open(&self.rootfs)?), ""),
            _ => ("404 Not Found", None, ""),
        };
        let length = match &file {
            Some(file) => file.metadata()?.len(),
            None => text.len() as u64,
        };
        let stream = stream.get_mut();
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}")?;
        if let Some(mut file) = file {
            std::io::copy(&mut file, stream)?;
        }
        stream.conn.send_close_notify();
        stream.flush()
    }
}

/// What LXD calls an image of these parts.
fn together(parts: &Parts) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole");
    let mut into = fs::File::create(&whole).expect("a file");
    for part in [&parts.metadata, &parts.rootfs] {
        std::io::copy(&mut fs::File::open(part).expect("a part"), &mut into).expect("copied");
    }
    of_file(&whole).expect("a hash").as_str().to_owned()
}
