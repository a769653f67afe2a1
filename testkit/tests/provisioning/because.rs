//! Why there is no cluster, in the words of the product's services.

use std::sync::{Arc, Mutex};

use serde_json::json;
use testkit::cluster::{Begun, ClusterError, collect, explain};
use testkit::report::{Evidence, chain};

use crate::commands::Ended;
use crate::fake_lxd::FakeLxd;
use crate::{common, instances};

/// What a service of a member says, as its journal prints it.
fn said(service: &str, at: u64, text: &str) -> String {
    let unit = format!("snap.microovn.{service}.service");
    json!({"_TRANSPORT": "stdout", "_SYSTEMD_UNIT": unit, "__REALTIME_TIMESTAMP": at.to_string(), "MESSAGE": text})
        .to_string()
}

/// A join of the second member that failed like this.
fn failed(tail: &str) -> ClusterError {
    let member = common::plan(false, false).state.members[1].name.clone();
    ClusterError::Command { command: "microovn cluster join".to_owned(), member, code: 1, tail: tail.to_owned() }
}

/// The text of an error once it was looked into on members with these journals and log files.
async fn explained(error: ClusterError, journals: &[&str], logs: &[&str]) -> (String, Vec<String>) {
    let plan = common::plan(false, false);
    let names: Vec<String> = plan.state.members.iter().map(|member| member.name.clone()).collect();
    let text = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let (journals, logs, asked) = (text(journals), text(logs), Arc::new(Mutex::new(Vec::new())));
    let noted = Arc::clone(&asked);
    let lxd = FakeLxd::serve_commands(move |instance, argv| {
        let number = names.iter().position(|name| name == instance).expect("a member");
        noted.lock().expect("notes").push(argv.join(" "));
        let printed = if argv[0] == "grep" { &logs } else { &journals };
        Ended::well(printed.get(number).cloned().unwrap_or_default())
    });
    let begun = Begun::default();
    begun.note(&plan.state.members[0].name, "1795903664.000100".to_owned());
    let error = explain(&lxd.client().await, &instances(&plan), &begun, error).await;
    let asked = asked.lock().expect("notes").clone();
    (chain(&error), asked)
}

#[tokio::test]
async fn the_first_end_of_a_service_is_told_whichever_member_it_was_on() {
    let [first, second, ..] = &common::plan(false, false).state.members[..] else { panic!("four members") };
    let early = said("ovn-ovsdb-server-nb", 7, "ovsdb-tool: ssl:fd42::b:6643: syntax error in address");
    let late = [said("daemon", 3, "Error: a complaint"), said("daemon", 9, "panic: no")].join("\n");
    let (text, asked) = explained(failed("Error: EOF"), &[&early, &late], &[]).await;
    assert_eq!(
        text,
        format!(
            "`microovn cluster join` on {:?} failed because of microovn.ovn-ovsdb-server-nb on {:?}: ovsdb-tool: \
             ssl:fd42::b:6643: syntax error in address\n  seen as: `microovn cluster join` on {:?} exited with 1: Error: EOF",
            second.name, first.name, second.name
        )
    );
    // From the moment in which the member was ready; one that never was, from its boot on.
    assert!(asked.iter().any(|line| line.ends_with(" @1795903664.000100")), "{asked:?}");
    assert!(asked.iter().any(|line| line.ends_with(" @0")), "{asked:?}");
}

#[tokio::test]
async fn a_complaint_is_told_where_the_command_gave_no_reason() {
    let complaint = said("daemon", 7, "time=\"x\" level=error msg=\"Failed to open the database\"");
    let (text, _) = explained(failed("Error: context deadline exceeded"), &[&complaint], &[]).await;
    assert!(text.contains(" failed because of microovn.daemon on ") && text.contains(": Failed to open the"), "{text}");
    let reason = "Error: join attempts were unsuccessful: SAN mismatch";
    let (text, _) = explained(failed(reason), &[&complaint], &[]).await;
    assert!(text.ends_with(reason) && !text.contains("because"), "{text}");
}

#[tokio::test]
async fn the_log_files_are_told_where_the_journal_has_nothing() {
    let log = "/var/snap/microovn/common/backup_17/logs/ovn-northd.log:2026-11-28T22:07:45Z|00004|ovn_northd|EMER|no such database";
    let (text, _) = explained(failed("Error: EOF"), &[], &[log]).await;
    assert!(text.contains("because of microovn.ovn-northd on "), "{text}");
    // What was before the attempt is not of it.
    let (text, _) = explained(failed("Error: EOF"), &[], &[&log.replace("T22:", "T21:")]).await;
    assert!(!text.contains("because"), "{text}");
}

#[tokio::test]
async fn what_was_moved_to_a_backup_is_evidence() {
    let plan = common::plan(false, false);
    let lxd = FakeLxd::serve_commands(|_, argv| match argv {
        [find, common, ..] if find == "find" && common == "/var/snap/microovn/common" => {
            Ended::well("# /var/snap/microovn/common/backup_17/data/env/ovn.env\nOVN_LOCAL_IP=\"fd42::b\"\n")
        }
        _ => Ended::default(),
    });
    let dir = tempfile::tempdir().expect("a folder");
    collect(&lxd.client().await, &instances(&plan), &Evidence::new(dir.path())).await;
    let env = std::fs::read_to_string(dir.path().join(&plan.state.members[0].name).join("ovn.env")).expect("evidence");
    assert!(env.contains("backup_17") && env.contains("OVN_LOCAL_IP=\"fd42::b\""), "{env}");
}

#[tokio::test]
async fn what_is_nothing_of_the_products_is_not_looked_into() {
    let panic = said("daemon", 7, "panic: no");
    let (text, asked) = explained(ClusterError::NoSubnet, &[&panic], &[]).await;
    assert!(text.starts_with("found no free address range") && asked.is_empty(), "{text}, {asked:?}");
}
