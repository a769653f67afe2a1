//! Remotes that there are not, and certificates that are over.

use std::fs;
use std::path::Path;

use crate::bad_input_common::World;

/// A client that knows one remote, `prod`.
fn client(folder: &Path) -> String {
    fs::create_dir_all(folder.join("servercerts")).expect("folders");
    let config = "remotes:\n  prod: {addr: 'https://[::1]:1', protocol: lxd}\n";
    fs::write(folder.join("config.yml"), config).expect("written");
    folder.display().to_string()
}

#[test]
fn a_remote_that_is_not_in_the_configuration_is_told_with_those_that_are() {
    let world = World::new();
    let conf = client(&world.path().join("conf"));
    for variable in ["TESTKIT_REMOTE", "LXC_REMOTE"] {
        let env = |name| {
            [
                ("LXD_SOCKET", ""),
                (variable, name),
                ("LXD_CONF", conf.as_str()),
                ("LXD_GLOBAL_CONF", "/nowhere"),
                ("INCUS_CONF", "/nowhere"),
                ("INCUS_GLOBAL_CONF", "/nowhere"),
            ]
        };
        let unknown = format!("{variable} names the remote \"frankfurt\"");
        world.run(&["run", "init_cluster"], &env("frankfurt")).refused(&[
            &unknown,
            "only prod",
            "`lxc remote add frankfurt",
        ]);
        world.run(&["image", "build"], &env("prdo")).refused(&["none of that name, but \"prod\""]);
    }
    world.assert_nothing_made();
}

#[test]
fn a_certificate_that_has_ended_is_told_by_its_file_and_its_end() {
    let world = World::new();
    let mut parameters = rcgen::CertificateParams::new([]).expect("parameters");
    parameters.not_before = rcgen::date_time_ymd(2019, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = parameters.self_signed(&key).expect("a certificate").pem();
    let conf = world.path().join("conf");
    let folder = client(&conf);
    for (file, text) in [
        ("client.crt", certificate.as_str()),
        ("client.key", &key.serialize_pem()),
        ("servercerts/prod.crt", &certificate),
    ] {
        fs::write(conf.join(file), text).expect("written");
    }
    let path = conf.join("client.crt").display().to_string();
    let (key, server) = (conf.join("client.key"), conf.join("servercerts/prod.crt"));
    let (key, server) = (key.display().to_string(), server.display().to_string());
    let by_name =
        [("LXD_SOCKET", ""), ("TESTKIT_REMOTE", "prod"), ("LXD_CONF", folder.as_str()), ("INCUS_CONF", "/nowhere")];
    let by_files = [
        ("LXD_REMOTE", "https://[::1]:1"),
        ("LXD_CLIENT_CERT", path.as_str()),
        ("LXD_CLIENT_KEY", &key),
        ("LXD_SERVER_CERT", &server),
    ];
    let ended = format!("the client certificate {path} ended on Jan  1 00:00:00 2020");
    for env in [&by_name, &by_files] {
        for args in [&["image", "build"][..], &["setup"], &["status"]] {
            world.run(args, env).refused(&[&ended, "make another", "`lxc config trust add`"]);
        }
    }
    world.assert_nothing_made();
}
