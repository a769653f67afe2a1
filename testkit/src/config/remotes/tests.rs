//! Remotes as clients write them down, and what is wrong with those that cannot be used.

use std::path::PathBuf;

use super::known::FILE;
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
    let variables =
        [("HOME", home.path().display().to_string()), ("LXD_GLOBAL_CONF", nowhere()), ("INCUS_GLOBAL_CONF", nowhere())];
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
fn a_server_of_images_is_the_one_that_a_client_has_under_that_name() {
    let (home, environment) = home_of_both();
    let server = |image: &str| image_server("V", image, &environment).expect("read");
    let plain = |url: &str| Some(ImageServer { url: url.to_owned(), certificate: None });
    assert_eq!(server("images:debian/13"), plain("https://images.example"));
    for image in ["debian/13", "nowhere:24.04", "prod:24.04", "docker:nginx"] {
        assert_eq!(server(image), None, "{image}");
    }
    let certificate = home.path().join(".config/lxc/servercerts/images.crt");
    std::fs::write(&certificate, "PEM").expect("written");
    let pinned = ImageServer { url: "https://images.example".to_owned(), certificate: Some(certificate) };
    assert_eq!(server("images:debian/13"), Some(pinned));
    std::fs::write(home.path().join(".config/lxc/config.yml"), "remotes: [").expect("written");
    let broken = image_server("V", "images:debian/13", &environment).expect_err("refused").to_string();
    assert!(broken.starts_with("V names the remote \"images\": ") && broken.contains("does not parse"), "{broken}");
    assert_eq!(image_server("V", "debian/13", &environment).expect("not looked for"), None);
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
    assert!(slip.contains("the incus client has none of that name, but \"farm\"; add it with `incus remote"), "{slip}");
    let neither = error(REMOTE, "xyz");
    assert!(neither.contains(", socket, and the incus client has none of that name, only farm, "), "{neither}");
    let images = error(REMOTE, "docker");
    assert!(
        images.contains("it is a server of images (https://docker.example)") && images.contains("`incus remote list`"),
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
#[case::not_yaml(
    "prod",
    "remotes: [",
    "config.yml does not parse: line 1 column 10: expected mapping start; `lxc remote list` has to work first"
)]
#[case::no_name(
    "",
    CONFIG,
    "a remote has a name; give one of those that `lxc remote list` shows, or unset TESTKIT_REMOTE"
)]
fn one_that_cannot_be_used_says_why_and_what_to_do(#[case] name: &str, #[case] config: &str, #[case] says: &str) {
    let (_home, environment) = home(".config/lxc", config);
    let error = find(REMOTE, name, &environment).expect_err("refused").to_string();
    assert!(error.starts_with(&format!("TESTKIT_REMOTE names the remote {name:?}: ")), "{error}");
    assert!(error.contains(says), "{error}");
}
