//! The scripts run on this host.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::*;
use crate::microovn::{Attempt, Daemon, Listener, Pki, PkiContent, parse_services, parse_units};

#[test]
fn a_daemon_that_is_not_yet_in_the_background_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("ovn-northd");
    fs::copy("/usr/bin/perl", &program).expect("a program of that name");
    // It says which process it is once it runs, and ends when nobody is there to write to it.
    let said = [program.to_str().expect("a path"), "-e", "$| = 1; print \"$$\\n\"; <STDIN>", "--", "--detach"];
    let listed = |by: &[&str]| {
        // Of a session of its own, or of one whose leader is there: what leads the session of the tests may have ended.
        let mut command = Command::new("setsid");
        command.args(by).args(said).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        let mut process = String::new();
        BufReader::new(child.stdout.take().expect("its words")).read_line(&mut process).expect("its process");
        let argv = daemons();
        let output = Command::new(&argv[0]).args(&argv[1..]).output().expect("bash runs");
        let seen = Daemon::parse_all(&String::from_utf8_lossy(&output.stdout)).expect("daemons");
        drop(child.stdin.take());
        child.wait().expect("it ends");
        seen.iter().any(|daemon| daemon.identity.0.to_string() == process.trim())
    };
    assert!(!listed(&["bash", "-c", r#""$@"; true"#, "bash"]), "it is of the session of what started it");
    assert!(listed(&[]), "it has a session of its own");
}

/// What the table of services is on a host with these unit files, whose systemd says this, and whose snapd that.
fn table(units: &[&str], systemd: &str, snapd: &str) -> std::process::Output {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    for unit in units {
        fs::write(at(unit), "").expect("written");
    }
    fs::write(at("said"), systemd).expect("written");
    for (name, does) in [("systemctl", "sed \"s~[$][*]~$*~\" ${0%/*}/said"), ("snap", snapd)] {
        fs::write(at(name), format!("#!/bin/bash\n{does}\n")).expect("written");
        fs::set_permissions(at(name), fs::Permissions::from_mode(0o755)).expect("it can be run");
    }
    let mut argv = services_table();
    *argv.last_mut().expect("the folder") = folder.path().display().to_string();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").expect("a path"));
    Command::new(&argv[0]).args(&argv[1..]).env("PATH", path).output().expect("bash runs")
}

#[test]
fn a_service_is_what_systemd_says_of_its_units() {
    let units = ["chassis.service", "daily.service", "daily.timer", "daemon.service", "switch.service"];
    let units = units.map(|unit| format!("snap.microovn.{unit}"));
    let said = "Id=snap.microovn.chassis.service\nActiveState=inactive\nUnitFileState=disabled\n
Id=snap.microovn.daily.service\nActiveState=inactive\nUnitFileState=static\n
Id=snap.microovn.daily.timer\nActiveState=active\nUnitFileState=disabled\n
Id=snap.microovn.daemon.service\nActiveState=reloading\nUnitFileState=enabled\n
Id=snap.microovn.switch.service\nActiveState=failed\nUnitFileState=enabled\n";
    let output = table(&units.each_ref().map(String::as_str), said, "exit 64");
    let mut rows = parse_services(&String::from_utf8(output.stdout).expect("text")).expect("a table");
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    let rows: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {} {} {}", row.name, row.startup, row.current, row.notes.join(",")))
        .collect();
    let wanted = [
        "chassis disabled inactive ",
        "daemon enabled active ",
        "daily disabled inactive timer-activated",
        "switch enabled inactive ",
    ];
    assert_eq!(rows, wanted);
}

#[test]
fn behind_the_services_are_their_units_and_those_without_a_file() {
    let said = "Id=snap.microovn.gone.service\nActiveState=failed\nSubState=failed\nResult=signal\nNRestarts=3\n\
                UnitFileState=\n";
    let output = table(&["snap.microovn.chassis.service"], &format!("$*\n{said}"), "exit 64");
    let printed = String::from_utf8(output.stdout).expect("text");
    let (_, asked) = printed.split_once("= units\n").expect("units");
    let asked = asked.lines().next().expect("what systemd is asked");
    assert!(asked.ends_with("-- snap.microovn.chassis.service snap.microovn.*.service"), "{asked}");
    let units = parse_units(&printed.replace(asked, "")).expect("units");
    assert_eq!(
        units.iter().map(|unit| (unit.name.as_str(), unit.restarts)).collect::<Vec<_>>(),
        [("snap.microovn.gone.service", 3)]
    );
}

/// What is printed of a snapd that gives this answer, and what it was asked.
fn answered(answer: &'static str) -> (std::process::Output, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("snapd.socket");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let snapd = std::thread::spawn(move || {
        let mut client = BufReader::new(listener.accept().expect("a client").0);
        let mut asked = String::new();
        while !asked.ends_with("\r\n\r\n") {
            client.read_line(&mut asked).expect("a request");
        }
        client.get_mut().write_all(answer.as_bytes()).expect("it listens");
        asked
    });
    let argv = plugs();
    let socket = socket.display().to_string();
    let argv = argv.iter().map(|word| if word == SNAPD { &socket } else { word });
    let output = Command::new("env").args(argv).output().expect("perl runs");
    (output, snapd.join().expect("an answer"))
}

#[test]
fn snapd_is_asked_for_all_connections_of_the_snap() {
    let body = r#"{"result":{"established":[],"plugs":[{"snap":"microovn","plug":"network"}]}}"#;
    let answer = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{\"result\":{\"established\":[],\"plugs\":\
                  [{\"snap\":\"microovn\",\"plug\":\"network\"}]}}";
    let (output, asked) = answered(answer);
    assert_eq!(asked, "GET /v2/connections?select=all&snap=microovn HTTP/1.0\r\n\r\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), body);
}

#[test]
fn a_refusal_of_snapd_is_an_error_that_says_it() {
    let (output, _) = answered("HTTP/1.0 404 Not Found\r\n\r\n{\"result\":{\"message\":\"no such snap\"}}");
    assert!(!output.status.success() && output.stdout.is_empty());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("404 Not Found") && said.contains("no such snap"), "{said}");
}

#[test]
fn where_there_are_no_units_snapd_says_why() {
    let output = table(&["snap.other.daemon.service"], "", "echo \"$*: no such snap\" >&2; exit 1");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "services microovn: no such snap\n");
    assert_eq!(output.status.code(), Some(1));
}

/// What is printed of a folder of keys, where `openssl` is this program.
fn print_pki(folder: &Path, kept: &Path, openssl: &str) -> String {
    let mut argv = pki();
    let [.., keys, of] = argv.as_mut_slice() else { panic!("two folders") };
    (*keys, *of) = (kept.display().to_string(), folder.display().to_string());
    let programs = tempfile::tempdir().expect("a folder");
    let program = which::which(openssl).expect("a program");
    std::os::unix::fs::symlink(program, programs.path().join("openssl")).expect("a link");
    let path = format!("{}:{}", programs.path().display(), std::env::var("PATH").expect("a path"));
    let output = Command::new(&argv[0]).args(&argv[1..]).env("PATH", path).output().expect("bash runs");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_key_is_asked_for_its_public_one_again_when_it_was_written_to() {
    let (folder, kept) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let key = folder.path().join("a-privkey.pem");
    let make = || {
        let mut make = Command::new("openssl");
        make.args("genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -out".split(' ')).arg(&key);
        assert!(make.output().expect("openssl runs").status.success());
    };
    let digest = |openssl: &str| {
        let printed = print_pki(folder.path(), kept.path(), openssl);
        Pki::parse(&printed).expect("the folder").key("a-privkey.pem").map(str::to_owned)
    };
    let files = || fs::read_dir(kept.path()).expect("a folder").count();
    make();
    let first = digest("openssl").expect("a key");
    assert_eq!(files(), 0, "it may be written once more in the same moment");
    let written = || {
        let since = fs::metadata(&key).expect("a file").ctime();
        SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs().cast_signed() - since
    };
    while written() < 3 {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(digest("openssl").as_ref(), Ok(&first));
    assert_eq!((files(), digest("false")), (1, Ok(first.clone())), "nobody is asked");
    make();
    assert!(digest("false").is_err(), "it is another");
    assert!(digest("openssl").is_ok_and(|second| second != first));
}

#[test]
fn of_the_folder_of_keys_only_what_is_public_is_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    let openssl = "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=a -out made.pem -keyout";
    let mut make = Command::new("openssl");
    make.current_dir(&folder).args(openssl.split(' ')).arg("a b-privkey.pem");
    assert!(make.output().expect("openssl runs").status.success());
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("a file");
    let (secret, certificate) = (read("a b-privkey.pem"), read("made.pem"));
    fs::write(folder.path().join("a-cert.pem"), format!("text\n{certificate}{secret}{}", certificate.trim_end()))
        .expect("written");
    fs::write(folder.path().join("b-privkey.pem"), "no key\n").expect("written");
    let kept = tempfile::tempdir().expect("a folder");
    let printed = print_pki(folder.path(), kept.path(), "openssl");
    assert!(secret.lines().all(|line| line.contains("PRIVATE") || !printed.contains(line)), "{printed}");
    assert!(!printed.contains("PRIVATE KEY"), "{printed}");
    let seen = Pki::parse(&printed).expect("the folder");
    let content = |name: &str| &seen.files[name].content;
    assert!(matches!(content("a-cert.pem"), PkiContent::Certificates(all) if all.len() == 2), "{seen:?}");
    assert!(matches!(content("a b-privkey.pem"), PkiContent::Key(_)), "{seen:?}");
    assert!(matches!(content("b-privkey.pem"), PkiContent::Unusable(_)), "{seen:?}");
}

#[test]
fn a_server_whose_last_word_was_not_read_is_asked_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let openssl = folder.path().join("openssl");
    // It has gone before it is written to, twice.
    let script = "#!/bin/bash\necho x >>${0%/*}/tries\n[ $(wc -l <${0%/*}/tries) -gt 2 ] || { echo write:errno=32; exit 1; }\n\
                  echo '40B7:error:0A00045C:SSL routines: SSL alert number 116'\nexit 1\n";
    fs::write(&openssl, script).expect("written");
    fs::set_permissions(&openssl, fs::Permissions::from_mode(0o755)).expect("it can be run");
    let argv = listeners([127, 0, 0, 1].into());
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").expect("a path"));
    let output = Command::new(&argv[0]).args(&argv[1..]).env("PATH", path).output().expect("bash runs");
    let seen = Listener::parse_all(&String::from_utf8_lossy(&output.stdout)).expect("listeners");
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|listener| listener.attempt == Attempt::Refused(116)), "{seen:?}");
}
