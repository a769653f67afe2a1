use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::*;

/// What the program prints where the journal of the services is `journal` and that of the rest `others`, and a daemon's log
/// file is `log`; given to the parser.
fn health(journal: &str, others: &str, log: &str) -> Health {
    let root = tempfile::tempdir().expect("a folder");
    let at = |name: &str| root.path().join(name);
    for (name, text) in [("journal", journal), ("others", others), ("daemon.log", log)] {
        fs::write(at(name), text).expect("written");
    }
    let folder = root.path().display();
    let journalctl = format!(
        "#!/bin/sh\ncase \"$*\" in *--unit=snap.microovn.*.service) cat {folder}/journal ;; \
         *_TRANSPORT=kernel*) cat {folder}/others ;; esac\n"
    );
    fs::write(at("journalctl"), journalctl).expect("written");
    fs::set_permissions(at("journalctl"), fs::Permissions::from_mode(0o755)).expect("a program");
    let argv = script::argv_at(&folder.to_string());
    let path = format!("{folder}:/usr/local/bin:/usr/bin:/bin");
    let output = Command::new(&argv[0]).args(&argv[1..]).env("PATH", path).output().expect("bash runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    Health::parse(&printed).unwrap_or_else(|error| panic!("{error}\n{printed}"))
}

/// A line of the journal at a second.
fn entry(second: u32, who: &str, text: &str) -> String {
    format!("17643676{second:02}.123456 real-1 {who}[4711]: {text}\n")
}

#[test]
fn units_are_those_of_services_each_once() {
    let chassis =
        "Id=snap.microovn.chassis.service\nNRestarts=2\nResult=success\nActiveState=active\nSubState=running\n";
    let northd = "Id=snap.microovn.ovn-northd.service\nNRestarts=0\nResult=start-limit-hit\nActiveState=failed\n\
                  SubState=failed\n";
    let timer = "Id=snap.microovn.daily.timer\nResult=success\nActiveState=active\nSubState=waiting\n";
    let text = format!("Service Startup Current Notes\n= units\n{northd}\n{timer}\n{chassis}\n{northd}");
    let seen = parse_units(&text).expect("units");
    let unit = |name: &str, active: &str, sub: &str, result: &str, restarts| Unit {
        name: format!("snap.microovn.{name}.service"),
        active: active.to_owned(),
        sub: sub.to_owned(),
        result: result.to_owned(),
        restarts,
    };
    let chassis = unit("chassis", "active", "running", "success", 2);
    assert_eq!(seen, [chassis, unit("ovn-northd", "failed", "failed", "start-limit-hit", 0)]);
    for wrong in [northd.to_owned(), text.replace("NRestarts=2", ""), text.replace("=2", "=some")] {
        assert!(parse_units(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_line_that_tells_of_trouble_is_found_once_with_how_often_it_came() {
    let calm = entry(1, "ovn-controller", "ovs|00001|reconnect|INFO|ssl:10.1.1.11:6642: connected");
    for (kind, who, text) in EXAMPLES {
        let journal = [calm.clone(), entry(2, who, text), entry(3, who, text), calm.clone()].concat();
        let (own, others) =
            if matches!(*who, "kernel" | "audit" | "systemd-coredump") { (&calm, &journal) } else { (&journal, &calm) };
        let seen = health(own, others, "");
        let [trouble] = &seen.troubles[..] else { panic!("{text}: {:?}", seen.troubles) };
        if *kind != Kind::Repeated {
            assert_eq!((trouble.kind, trouble.count, trouble.who.as_str()), (*kind, 2, *who), "{text}");
            assert_eq!(trouble.text, *text);
        }
    }
}

#[test]
fn what_recorded_members_say_when_they_are_well_is_no_trouble() {
    let journal = include_str!("../../../tests/fixtures/recorded/journal-well.txt");
    let seen = health(journal, "", "");
    assert_eq!(seen.troubles, []);
    assert_eq!(seen.lines, 90);
}

#[test]
fn a_flood_is_found_whatever_its_numbers_and_however_long_it_is() {
    let line = |number: u32| {
        let text = format!("ovs|{number:05}|main|INFO|OVNSB commit failed, force recompute next time.");
        entry(10 + number / 1000, "ovn-controller", &text)
    };
    let early = entry(1, "microovn.daemon", "panic: too early to be among the newest lines");
    let flood: String = (0..29_000).map(line).collect();
    let seen = health(&(early + &flood), "", "");
    assert_eq!((seen.lines, seen.left_out), (29_001, 0));
    let kinds: Vec<Kind> = seen.troubles.iter().map(|trouble| trouble.kind).collect();
    assert_eq!(kinds, [Kind::Panic, Kind::Repeated]);
    assert_eq!((seen.troubles[1].count, seen.troubles[1].per_second), (29_000, 1000));

    // Another thing each time, by hexadecimal names, and by what comes behind the beginning.
    let named = |number: u32| {
        let text =
            format!("ovs|{number}|ovsdb_idl|WARN|transaction error: row {:x}-{number:08x}: {number}", number * 77);
        entry(10 + number / 100, "ovn-controller", &text)
    };
    let seen = health(&(0..400).map(named).collect::<String>(), "", "");
    assert_eq!(seen.troubles.len(), 1);
    assert_eq!(seen.troubles[0].kind, Kind::Repeated);

    // As many in as many seconds are no flood.
    let seldom: String = (0..90).map(|number| entry(number, "ovn-controller", "ovs|00001|main|INFO|again")).collect();
    assert_eq!(health(&seldom, "", "").troubles, []);
}

#[test]
fn lines_of_log_files_count_too_and_are_of_the_second_that_they_say() {
    let at = |second: u32, text: &str| format!("2026-11-28T20:08:{second:02}.123Z|00004|{text}\n");
    let calm: String =
        (0..60).flat_map(|second| [at(second, "poll_loop|DBG|wakeup"), at(second, "poll_loop|DBG|wakeup")]).collect();
    assert_eq!(health("", "", &calm).troubles, []);
    let log = calm + &at(30, "util|EMER|../lib/ovsdb-data.c:1: assertion atom failed in x()");
    let seen = health("", "", &log);
    assert_eq!((seen.troubles[0].kind, seen.troubles[0].who.as_str()), (Kind::Assertion, "daemon.log"));
    let flood: String = (0..200).map(|_| at(7, "poll_loop|DBG|wakeup")).collect();
    assert_eq!(health("", "", &flood).troubles[0].per_second, 200);
}

#[test]
fn lines_behind_the_first_of_an_entry_are_read_too() {
    let journal = entry(1, "microovn.daemon", "it went wrong") + "    fatal error: concurrent map writes\n";
    let seen = health(&journal, "", "");
    assert_eq!((seen.troubles[0].kind, seen.troubles[0].who.as_str()), (Kind::Panic, "microovn.daemon"));
}

#[test]
fn of_more_different_lines_than_are_printed_it_is_said_how_many() {
    let different = |number: u32| {
        let letters: String = number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'k')).collect();
        entry(number % 60, "microovn.daemon", &format!("panic: {letters}"))
    };
    let seen = health(&(0..310).map(different).collect::<String>(), "", "");
    assert_eq!((seen.troubles.len(), seen.left_out), (300, 10));
}

#[test]
fn what_is_about_another_program_of_the_host_is_no_trouble_of_the_snap() {
    for text in [
        "audit: type=1400 apparmor=\"DENIED\" operation=\"open\" profile=\"/usr/sbin/cupsd\" name=\"/etc/x\"",
        "firefox[912]: segfault at 8 ip 0 sp 0 error 4 in libxul.so",
        "Out of memory: Killed process 252 (java)",
    ] {
        assert_eq!(Kind::of("kernel", text), None, "{text}");
    }
    assert_eq!(Kind::of("systemd-coredump", "Process 12 (firefox) of user 1000 dumped core."), None);
}

#[test]
fn what_somebody_asked_for_is_no_trouble() {
    for text in [
        "snap.microovn.ovn-northd.service: Deactivated successfully.",
        "snap.microovn.ovn-northd.service: Main process exited, code=killed, status=15/TERM",
        "snap.microovn.ovn-northd.service: Main process exited, code=exited, status=143/n/a",
        "Stopped snap.microovn.ovn-northd.service - Service for snap application microovn.ovn-northd.",
    ] {
        assert_eq!(Kind::of("systemd", text), None, "{text}");
    }
    for text in [
        "ovs|00006|daemon_unix(monitor)|INFO|pid 264 died, exit status 0, exiting",
        "ovs|00006|daemon_unix(monitor)|INFO|pid 264 died, killed (Terminated), exiting",
    ] {
        assert_eq!(Kind::of("ovs-vswitchd", text), None, "{text}");
        assert!(!crate::microovn::says_end(text), "{text}");
    }
    for text in ["ovs|00055|fatal_signal|WARN|terminating with signal 15 (Terminated)", "a non-fatal error: retrying"] {
        assert_eq!(Kind::of("ovn-northd", text), None, "{text}");
    }
}

#[test]
fn secrets_in_a_line_are_not_shown() {
    let key = "-----BEGIN PRIVATE KEY-----MIGHAgEAMBMG-----END PRIVATE KEY-----";
    let journal = entry(1, "microovn.daemon", &format!("panic: no use for {key}"));
    let seen = format!("{:?}", health(&journal, "", ""));
    assert!(seen.contains("panic: no use for [redacted") && !seen.contains("MIGH"), "{seen}");
}
