//! The real server: what it says of itself, its operations and its TLS.

use testkit::lxd::{Client, Config, Endpoint, ErrorKind};

use crate::world::{LONG, World, chain, connect, in_world};

#[tokio::test]
async fn the_server_says_what_it_is() {
    let client = connect().await;
    let server = client.server();
    assert!(!server.environment.server_version.is_empty());
    assert!(server.has_storage_driver("dir"));
    client.require_extensions(&["etag", "projects", "instances"]).expect("known extensions");
    let error = client.require_extensions(&["etag", "no_such_thing"]).expect_err("missing");
    assert!(error.to_string().contains("no_such_thing") && !error.to_string().contains("etag"), "{error}");
}

#[tokio::test]
async fn an_operation_that_there_is_not_is_lost() {
    in_world("operations", |world: World| async move {
        world.client.list_operations().await.expect("listed");
        let gone = "/1.0/operations/7d44ba33-54b1-4f4c-8d5e-4ae38b9b3fd1";
        let error = world.client.wait_operation(gone, LONG).await.expect_err("unknown");
        assert_eq!(*error.kind(), ErrorKind::OperationLost, "{}", chain(&error));
    })
    .await;
}

#[tokio::test]
async fn https_takes_the_pinned_certificate_and_refuses_another() {
    let root = connect().await;
    let address =
        root.server().config.get("core.https_address").and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    let (listen, mine) = match address.strip_prefix(':').map(|port| format!("127.0.0.1:{port}")) {
        Some(local) => (local, false),
        None if address.is_empty() => {
            let free = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
            (free.local_addr().expect("address").to_string(), true)
        }
        None => (address, false),
    };
    let set = |value: &str| Config::from([("core.https_address".to_owned(), value.to_owned())]);
    let made = rcgen::generate_simple_self_signed(["testkit".to_owned()]).expect("certificate");
    let (cert, key) = (made.cert.pem().into_bytes(), made.signing_key.serialize_pem().into_bytes());
    let server_cert = root.server().environment.certificate.clone().into_bytes();
    let endpoint = |server_cert_pem: Vec<u8>| Endpoint::Https {
        url: format!("https://{listen}"),
        client_cert_pem: cert.clone(),
        client_key_pem: key.clone(),
        server_cert_pem,
    };
    if mine {
        root.patch_server_config(&set(&listen)).await.expect("listening");
    }
    let untrusted = Client::connect(&endpoint(server_cert.clone())).await;
    let trusted = root.trust_certificate(&format!("testkit-client-{}", std::process::id()), &cert).await;
    let right = Client::connect(&endpoint(server_cert)).await;
    let wrong = Client::connect(&endpoint(cert.clone())).await;
    // Everything is put back before anything is judged.
    if let Ok(fingerprint) = &trusted {
        root.delete_certificate(fingerprint).await.expect("no longer trusted");
    }
    if mine {
        root.patch_server_config(&set("")).await.expect("no longer listening");
    }

    assert_eq!(*untrusted.expect_err("untrusted").kind(), ErrorKind::Forbidden);
    let right = right.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(right.server().environment.server_version, root.server().environment.server_version);
    let wrong = wrong.expect_err("refused");
    assert_eq!(*wrong.kind(), ErrorKind::UntrustedServer, "{}", chain(&wrong));
    assert!(chain(&wrong).contains(&root.server().environment.certificate_fingerprint), "{}", chain(&wrong));
}
