//! MicroOVN's surfaces against what the real one printed.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::net::IpAddr;

use expect_test::expect;
use testkit::microovn::{
    Activity, Api, Attempt, CertificateList, Daemon, JoinToken, Listener, Northd, OvnEnv, Pki, PkiContent, Route,
    Startup, commands, parse_devices, parse_members, parse_services, planned_services, redact,
};
use testkit::ovn::{Connections, parse_host};
use testkit::plan::{Release, Service};

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("fixtures/recorded/", $name))
    };
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn members_are_read() {
    let members = parse_members(recorded!("cluster-list.json")).unwrap();
    assert_eq!(members.len(), 3);
    assert_eq!((members[1].name.as_str(), members[1].status.as_str()), ("real-2", "ONLINE"));
    assert_eq!(members[1].address, "10.77.0.102:6686".parse().unwrap());
    assert_eq!(members[1].fingerprint, None, "the recorded certificates were cut");
    let row = r#"{"name":"a","address":"[fd42:77::101]:6686","role":"voter","status":"ONLINE","secret":"hush"}"#;
    assert!(parse_members(&format!("[{row}]")).unwrap()[0].address.is_ipv6());
    let error = parse_members(&format!("[{row},{row}]")).unwrap_err().to_string();
    assert!(error.contains("member \"a\" is there twice") && !error.contains("hush"), "{error}");
    assert!(parse_members(&row.replace("[fd42:77::101]:6686", "fd42:77::101")).is_err());
    assert!(parse_members("Error: Database is not yet initialized").is_err());
}

#[test]
fn a_certificate_has_a_fingerprint() {
    // `printf abc | base64`, and `printf abc | sha256sum`.
    let row = r#"[{"name":"a","address":"10.0.0.1:6686","role":"voter","status":"ONLINE",
        "certificate":"-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n"}]"#;
    let fingerprint = parse_members(row).unwrap().remove(0).fingerprint.unwrap();
    assert_eq!(fingerprint, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn planned_services_are_the_recorded_ones() {
    use Service::{Central, Chassis, Switch};
    for (text, services) in [
        (recorded!("snap-services.txt"), BTreeSet::from([Central, Chassis, Switch])),
        (recorded!("snap-services-no-central.txt"), BTreeSet::from([Chassis, Switch])),
        (recorded!("snap-services-before-init.txt"), BTreeSet::new()),
    ] {
        let seen = parse_services(text).unwrap();
        let states = seen.iter().map(|service| (service.name.as_str(), (service.startup, service.current))).collect();
        assert_eq!(planned_services(&Release::default(), &services), states);
        let timed: Vec<_> = seen.iter().filter(|service| !service.notes.is_empty()).collect();
        assert_eq!((timed.len(), timed[0].notes[0].as_str()), (1, "timer-activated"));
        assert_eq!((timed[0].startup, timed[0].current), (Startup::Enabled, Activity::Inactive));
    }
    let header = "Service Startup Current Notes\n";
    for wrong in ["", "microovn.daemon enabled active -", "error: snap \"microovn\" not found"] {
        assert!(parse_services(wrong).is_err(), "{wrong:?}");
    }
    for row in ["microovn.daemon enabled active", "microovn.daemon enabled running -", "daemon enabled active -"] {
        assert!(parse_services(&format!("{header}{row}\n")).is_err(), "{row:?}");
    }
}

#[test]
fn ovn_env_is_read() {
    let env = OvnEnv::parse(recorded!("ovn-env.txt")).unwrap();
    assert_eq!(env.find("OVN_LOCAL_IP"), Some("10.77.0.102"));
    assert_eq!(env.find("OVN_NB_CONNECT").unwrap().parse::<Connections>().unwrap().0.len(), 3);
    let env = OvnEnv::parse(recorded!("ovn-env-ipv6.txt")).unwrap();
    assert_eq!(parse_host(env.find("OVN_LOCAL_IP").unwrap()).unwrap(), ip("fd42:77::102"));
    assert_eq!(OvnEnv::parse("# A=1\n\nB=bare\nC=''\n").unwrap().find("C"), Some(""));
    for wrong in ["A", "A=\"x", "A=x\"", "=x", "A B=1", "A=1\nA=1"] {
        assert!(OvnEnv::parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn northd_is_read_in_both_forms_of_options() {
    let wanted = Northd { northbound: "ssl:10.0.0.1:6641".into(), southbound: "ssl:10.0.0.1:6642".into() };
    let daemons = |lines: &[&str]| -> Vec<Daemon> {
        let daemon = |line: &&str| {
            let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
            Daemon { program: argv[0].clone(), argv, identity: (1, 1) }
        };
        lines.iter().map(daemon).collect()
    };
    for args in [
        "ovn-northd -vfile:off --ovnnb-db=ssl:10.0.0.1:6641 --ovnsb-db=ssl:10.0.0.1:6642 --no-chdir",
        "ovn-northd --ovnsb-db ssl:10.0.0.1:6642 --ovnnb-db ssl:10.0.0.1:6641",
    ] {
        assert_eq!(Northd::find(&daemons(&["ovn-controller", args])).unwrap(), wanted);
    }
    for wrong in [
        "ovn-controller",
        "ovn-northd --ovnnb-db=a",
        "ovn-northd --ovnnb-db=a --ovnsb-db",
        "ovn-northd --ovnnb-db=a --ovnsb-db=b --ovnsb-db=c",
    ] {
        assert!(Northd::find(&daemons(&[wrong])).is_err(), "{wrong:?}");
    }
    let line = "ovn-northd --ovnnb-db=a --ovnsb-db=b";
    assert!(Northd::find(&daemons(&[line, line])).is_err(), "two of them");
}

#[test]
fn addresses_and_routes_are_read() {
    let text = r#"[{"ifindex":4,"link":"eth0","ifname":"eth0","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],
        "mtu":1400,"operstate":"UP","address":"02:fc:00:00:00:01","addr_info":[
        {"family":"inet","local":"192.0.2.2","prefixlen":24,"scope":"global","label":"eth0"},
        {"family":"inet6","local":"fd00::2","prefixlen":64,"scope":"global","nodad":true}]},{},
        {"ifname":"ifb0","flags":["BROADCAST","NOARP"],"mtu":1500,"operstate":"DOWN","addr_info":[]}]"#;
    let devices = parse_devices(text).unwrap();
    assert_eq!(devices.iter().map(|device| device.is_up()).collect::<Vec<_>>(), [true, false]);
    assert_eq!(devices.iter().map(|device| device.mtu).collect::<Vec<_>>(), [Some(1400), Some(1500)]);
    assert_eq!(devices[0].addresses, ["192.0.2.2/24".parse().unwrap(), "fd00::2/64".parse().unwrap()]);
    assert!(parse_devices(&text.replace("24", "33")).is_err());
    assert!(parse_devices(&text.replace("ifname", "name")).is_err());

    let route = |text: &str| Route::parse(text);
    let ipv4 =
        r#"[{"dst":"8.8.8.8","gateway":"192.0.2.1","dev":"eth0","prefsrc":"192.0.2.2","flags":[],"uid":0,"cache":[]}]"#;
    assert_eq!(route(ipv4).unwrap().gateway, Some(ip("192.0.2.1")));
    let ipv6 =
        r#"[{"dst":"fd00::3","from":"::","dev":"eth0","prefsrc":"fd00::2","metric":256,"flags":[],"pref":"medium"}]"#;
    let seen = route(ipv6).unwrap();
    assert_eq!((seen.dev.as_str(), seen.prefsrc, seen.gateway), ("eth0", Some(ip("fd00::2")), None));
    assert!(route("[]").is_err() && route("[{}]").is_err() && route("RTNETLINK answers").is_err());
}

#[test]
fn the_list_of_certificates_is_read_as_releases_print_it() {
    let list = CertificateList::parse(recorded!("certificates-list.json")).unwrap();
    assert_eq!((list.ca.auto_renew, list.services.len()), (Some(true), 5));
    let client = list.services["client"].as_ref().unwrap();
    assert_eq!(client.key, "/var/snap/microovn/common/data/pki/client-privkey.pem");
    assert_eq!(client.expiration_date.as_deref(), Some("2028-11-20 06:09:44 +0000 UTC"));
    let list = CertificateList::parse(recorded!("certificates-list-chassis.json")).unwrap();
    let present = list.services.iter().filter(|(_, listed)| listed.is_some()).map(|(name, _)| name.as_str());
    assert_eq!(present.collect::<Vec<_>>(), ["client", "ovn-controller"]);
    // Both ways to print it say the same.
    let text = CertificateList::parse_text(recorded!("certificates-list-chassis.txt")).unwrap();
    assert_eq!(text, list);
    let text = CertificateList::parse_text(recorded!("certificates-list.txt")).unwrap();
    assert_eq!(text, CertificateList::parse(recorded!("certificates-list.json")).unwrap());
    // A file that is not there does not pass for one that is.
    let lost =
        recorded!("certificates-list.txt").replacen("ovnsb-cert.pem (OK: Present)", "ovnsb-cert.pem (Missing)", 1);
    let lost = CertificateList::parse_text(&lost).unwrap();
    assert!(lost.services["ovnsb"].as_ref().unwrap().cert.ends_with("ovnsb-cert.pem (Missing)"));
    // As the documentation shows them, without dates.
    let older = "[OVN CA]\n/ca (OK: Present)\n\n[OVN Northbound Service]\n/a (OK: Present)\n/b (OK: Present)\n";
    let older = CertificateList::parse_text(older).unwrap();
    assert_eq!((older.ca.auto_renew, older.services["ovnnb"].as_ref().unwrap().key.as_str()), (None, "/b"));
    // 24.03 has no dates, 22.03 no more than files.
    let list = CertificateList::parse(r#"{"ca":{"cert":"/a","auto_renew":false},"client":{"cert":"/b","key":"/c"}}"#);
    let list = list.unwrap();
    assert_eq!((list.ca.auto_renew, list.ca.expiration_date), (Some(false), None));
    let list = CertificateList::parse(r#"{"ca":"/a","ovnnb":null,"client":{"cert":"/b","key":"/c"}}"#).unwrap();
    assert_eq!((list.ca.cert.as_str(), list.ca.auto_renew), ("/a", None));
}

#[test]
fn a_refusal_is_told_from_everything_else() {
    let attempts = |text: &str| -> Vec<Attempt> {
        Listener::parse_all(text).unwrap().into_iter().map(|listener| listener.attempt).collect()
    };
    // TLS 1.2, as recorded.
    let recorded = recorded!("tls-ports-nocert.txt").replace("== port", "port");
    let of_servers = recorded.split("tls1 ").next().unwrap();
    assert_eq!(attempts(of_servers), [Attempt::Refused(40), Attempt::Refused(40)]);
    let said = "verify return:1\n40B7:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate \
                required:../ssl/record/rec_layer_s3.c:1601:SSL alert number 116\n";
    assert_eq!(attempts(&format!("port 6641\n{said}\nport 6644\n{said}")), [const { Attempt::Refused(116) }; 2]);
    for said in [
        "verify return:1\n{\"id\":0,\"result\":[\"OVN_Northbound\"],\"error\":null}\n",
        "{\"id\":0}\n40B7:error:0A00045C: SSL alert number 116\n",
    ] {
        assert_eq!(attempts(&format!("port 6641\n{said}")), [Attempt::Answered], "{said}");
    }
    for said in [
        "",
        "verify return:1\n",
        "connect:errno=111",
        "error:0A00010B:SSL routines:ssl3_get_record:wrong version number",
        "error:0A00042E:SSL routines:tlsv1 alert protocol version: SSL alert number 70",
        "bash: line 4: openssl: command not found",
    ] {
        let [Attempt::Other(_)] = &attempts(&format!("port 6641\n{said}"))[..] else { panic!("{said}") };
    }
}

#[test]
fn what_servers_show_is_read_among_what_openssl_says() {
    let own = rcgen::generate_simple_self_signed([]).unwrap().cert.pem();
    let pem = own.replace("\r\n", "\n");
    let said =
        format!("CONNECTED(00000003)\n---\nCertificate chain\n 0 s:O = LXD\n{pem} 1 s:O = LXD\n{pem}---\nDONE\n");
    let alert = "40B7:error:0A00045C:SSL routines: SSL alert number 116";
    let listeners = Listener::parse_all(&format!("port 6641\n{said}{alert}\n")).unwrap();
    assert_eq!((listeners[0].shown.len(), &listeners[0].attempt), (2, &Attempt::Refused(116)));
    let nobody = "40B7:error:8000006F:system library:BIO_connect:Connection refused\nconnect:errno=111\n";
    let other =
        "40B7:error:0A00010B:SSL routines::wrong version number\nCONNECTED\n---\nno peer certificate available\n---\n";
    let listeners = Listener::parse_all(&format!("port 6641\n{nobody}\nport 6642\n{other}")).unwrap();
    assert!(listeners.iter().all(|it| it.shown.is_empty()), "{listeners:?}");
    assert_eq!(listeners[0].attempt, Attempt::Other("connect:errno=111".to_owned()));
    assert!(matches!(&listeners[1].attempt, Attempt::Other(said) if said.ends_with("wrong version number")));
    let api = Api::parse(&format!("own\n{pem}\nshown\n{said}")).unwrap();
    assert_eq!((api.shown.len(), api.shown.first() == api.own.first(), api.said), (2, true, None));
    let api = Api::parse(&format!("own\n\nshown\n{nobody}")).unwrap();
    assert_eq!((api.own.len(), api.said.as_deref()), (0, Some("connect:errno=111")));
}

#[test]
fn arguments_are_taken_apart_as_daemons_do() {
    let argv = ["ovn-northd", "-p", "/k", "-C/", "--ovnnb-db=a", "--certificate", "/c", "-vsyslog:info", "--no-chdir"];
    let argv = [&argv[..], &["a\nb c d"]].concat();
    let arguments: String = argv.iter().map(|argument| format!("{}:{argument}\n", argument.len())).collect();
    let text = format!("ovn-northd {} 7 90\n{arguments}", argv.len());
    let [daemon] = &Daemon::parse_all(&text).unwrap()[..] else { panic!("{text}") };
    assert_eq!(daemon.identity, (7, 90));
    let arguments = daemon.arguments();
    assert_eq!(arguments.values("private-key"), ["/k"]);
    assert_eq!(arguments.values("ca-cert"), ["/"]);
    assert_eq!(arguments.values("ovnnb-db"), ["a"]);
    assert_eq!(arguments.values("certificate"), ["/c"]);
    assert_eq!(arguments.values("v"), ["syslog:info"]);
    assert_eq!(arguments.values("no-chdir"), [""]);
    assert_eq!(arguments.words, ["a\nb c d"]);
    let watching = "ovsdb-server: monitoring pid 1007 (healthy)";
    let text = format!("ovsdb-server 1 7 90\n{}:{watching}\novsdb-server 1 8 91\n12:ovsdb-server\n", watching.len());
    assert_eq!(Daemon::parse_all(&text).unwrap().len(), 1, "who watches over a daemon is none");
    assert_eq!(Daemon::parse_all("").unwrap(), []);
}

#[test]
fn of_a_folder_of_keys_no_key_is_read() {
    let secret = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----\n";
    let text = format!("now 10\n== 600 root:root 9 client-privkey.pem\n{secret}== 644 a:b 8 cacert.pem\n{secret}");
    let pki = Pki::parse(&text).unwrap();
    assert_eq!(
        (pki.now, pki.files["cacert.pem"].mode.as_str(), pki.files["client-privkey.pem"].written),
        (10, "644", 9)
    );
    for name in ["client-privkey.pem", "cacert.pem"] {
        assert_eq!(pki.files[name].content, PkiContent::Unusable("[redacted private key]".to_owned()));
    }
    assert!(!serde_json::to_string(&pki).unwrap().contains("MHc"));
}

#[test]
fn tokens_are_recognised_and_never_shown() {
    let text = include_str!("fixtures/dialog/create.pty").lines().find(|line| line.starts_with("eyJ")).unwrap();
    let token: JoinToken = text.parse().unwrap();
    assert_eq!(token.expose(), text.trim());
    assert_eq!(format!("{token} {token:?}"), "[redacted join token] [redacted join token]");
    for wrong in ["", "badtoken", "eyJ", "eyJhIjoxfQ==", "eyJ!"] {
        let error = wrong.parse::<JoinToken>().unwrap_err();
        assert!(wrong.is_empty() || !format!("{error} {error:?}").contains(wrong));
    }
    let log = format!("join {text}, \"{text}\" and {} again", &text[..20]);
    assert_eq!(redact(&log), "join [redacted join token], \"[redacted join token]\" and [redacted join token] again");
    let key =
        "a\n-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----\nb -----BEGIN PRIVATE KEY-----\\nMHc";
    assert_eq!(redact(key), "a\n[redacted private key]\nb [redacted private key]");
    assert_eq!(redact(r#"{"secret":"hush","secret": ""}"#), r#"{"secret":"[redacted]","secret": ""}"#);
    // In a text that quotes the JSON, and in one that quotes that.
    for quoted in [r#"{\"secret\": \"hush\"}"#, r#"{\\\"secret\\\":\\\"hush\\\"}"#, r#"{"secret":"hus"#] {
        assert!(!redact(quoted).contains("hus"), "{quoted}");
    }
    assert_eq!(redact("-----BEGIN CERTIFICATE-----"), "-----BEGIN CERTIFICATE-----");
}

#[test]
fn commands_are_argv() {
    let line = |argv: Vec<String>| argv.join(" ");
    expect![[r#"
        microovn.ovs-vsctl --format=json --columns=external_ids list Open_vSwitch -- --columns=name,type,options list Interface -- --columns=name,datapath_type,datapath_id list Bridge
        microovn.ovn-sbctl --format=json --columns=_uuid,name,hostname,encaps list Chassis -- --columns=_uuid,chassis_name,ip,type,options list Encap
        microovn.ovn-appctl -t /var/snap/microovn/common/run/ovn/ovnnb_db.ctl cluster/status OVN_Northbound
        microovn.ovn-appctl -t /var/snap/microovn/common/run/ovn/ovnsb_db.ctl cluster/status OVN_Southbound
        microovn cluster list --format json
        snap services microovn
        cat /var/snap/microovn/common/data/env/ovn.env
        ip -j address show
        ip -j route get fd42::1
    "#]].assert_eq(
        &[
            commands::switch(),
            commands::southbound(),
            commands::northbound_raft(),
            commands::southbound_raft(),
            commands::members(),
            commands::services(),
            commands::ovn_env(),
            commands::addresses(),
            commands::route(ip("fd42::1")),
        ]
        .map(|argv| line(argv) + "\n")
        .concat(),
    );
}
