//! The parsers of what others write, each as a function of bytes that holds what must be so whatever the bytes are.
//!
//! Used by the fuzz targets in `testkit/fuzz/` and by a test that needs no nightly compiler; not part of the library's
//! surface. A function panics when a promise is broken: beyond not panicking themselves, parsers say what they saw in
//! a text of bounded length, and show no secret.

use crate::image::Description;
use crate::lxd;
use crate::microovn::dialog::{Dialog, Step};
use crate::microovn::{
    Api, CertificateList, Daemon, Health, JoinToken, Listener, Pki, Status, parse_control, parse_devices,
    parse_members, parse_snap_version,
};
use crate::ovn::{Connections, ParseError, RaftStatus, Southbound, Switch, parse_tables};
use crate::plan::{Answer, Reply};

/// A parser under a name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 6] = [
    ("ovsdb_json", ovsdb_json),
    ("lxd_envelope", lxd_envelope),
    ("dialog_stream", dialog_stream),
    ("snap_yaml", snap_yaml),
    ("appctl", appctl),
    ("health", health),
];

/// The most bytes of an error: a few quotations of a few hundred characters, each of which may be escaped.
const LONGEST_ERROR: usize = 16 << 10;

/// `ovs-vsctl` and `ovn-sbctl` with `--format=json`, and the other JSON that members print.
pub fn ovsdb_json(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(tables) = short(parse_tables(&text)) {
        for table in &tables {
            for row in table.rows() {
                for column in ["_uuid", "name", "options", "encaps", "external_ids"] {
                    short(row.get_text(column));
                    short(row.get_uuid(column));
                    short(row.get_uuids(column));
                    short(row.get_map(column));
                }
            }
        }
    }
    short(Switch::parse(&text));
    short(Southbound::parse(&text));
    short(parse_members(&text));
    short(parse_devices(&text));
    short(CertificateList::parse(&text));
    let _ = parse_control(&text);
}

/// Replies of LXD's REST API.
pub fn lxd_envelope(data: &[u8]) {
    for error in lxd::read_as_everything(data) {
        assert!(error.len() < LONGEST_ERROR, "an error of {} bytes", error.len());
    }
}

/// What `microovn init` prints, on a terminal and on pipes, to a member that bootstraps and to one that joins.
pub fn dialog_stream(data: &[u8]) {
    let whole = data.len().max(1);
    for answers in [bootstrap_answers(), join_answers()] {
        let piped = hold(data, &answers, false, whole);
        assert_eq!(piped, hold(data, &answers, false, 7), "where a piece ends made a difference");
        hold(data, &answers, true, whole);
    }
}

/// `meta/snap.yaml`.
pub fn snap_yaml(data: &[u8]) {
    if let Err(error) = Description::parse(data) {
        assert!(error.len() < LONGEST_ERROR && !error.contains('\n'), "{error}");
    }
}

/// `ovn-appctl … cluster/status`, connection strings, and what the scripts print that look at a member's files and
/// processes.
pub fn appctl(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(status) = short(RaftStatus::parse(&text)) {
        let _ = status.find_leader();
        for server in &status.servers {
            assert_eq!(server.address.to_string().parse(), Ok(server.address.clone()));
        }
    }
    short(Pki::parse(&text));
    short(Status::parse(&text));
    short(parse_snap_version(&text));
    short(Listener::parse_all(&text));
    short(Api::parse(&text));
    short(CertificateList::parse_text(&text));
    for daemon in short(Daemon::parse_all(&text)).into_iter().flatten() {
        daemon.arguments();
    }
    if let Some(connections) = short(text.parse::<Connections>()) {
        assert_eq!(connections.to_string().parse(), Ok(connections));
    }
}

/// The summary of a member's journal.
pub fn health(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(health) = short(Health::parse(&text)) {
        assert!(health.troubles.len() <= text.lines().count(), "more troubles than lines");
        let said = format!("{health:?}");
        assert!(!said.contains(TOKEN), "the join token is shown");
    }
}

fn short<T>(read: Result<T, ParseError>) -> Option<T> {
    match read {
        Ok(read) => Some(read),
        Err(error) => {
            let said = error.to_string();
            assert!(said.len() < LONGEST_ERROR, "an error of {} bytes", said.len());
            None
        }
    }
}

/// Holds a dialog over `data` in pieces of a size; what was said of it.
fn hold(data: &[u8], answers: &[Answer], terminal: bool, size: usize) -> String {
    let token: Option<JoinToken> = TOKEN.parse().ok();
    let mut dialog = Dialog::new(answers, token);
    if terminal {
        dialog = dialog.on_terminal();
    }
    let mut said = String::new();
    for piece in data.chunks(size) {
        for step in dialog.feed(piece) {
            match step {
                Step::Write(typed) => said.push_str(&format!("{typed:?}\n")),
                Step::Fail(error) => said.push_str(&error.to_string()),
            }
        }
    }
    let waiting = dialog.find_unanswered();
    if let Err(error) = dialog.on_eof() {
        said.push_str(&error.to_string());
    }
    said.push_str(&format!("{waiting:?} {dialog:?} {}", dialog.transcript()));
    assert!(!said.contains(TOKEN), "the join token is shown");
    said
}

/// The token of the recorded dialogs: a secret of zeros.
pub const TOKEN: &str = "eyJzZWNyZXQiOiIwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw\
    IiwiZmluZ2VycHJpbnQiOiJmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZm\
    ZmZmZmZmIiwiam9pbl9hZGRyZXNzZXMiOlsiMTAuNzcuMC4xMDE6NjY4NiJdfQ==";

/// What the member that bootstraps is told.
pub fn bootstrap_answers() -> Vec<Answer> {
    let replies = vec![
        Reply::IssueToken("real-2".to_owned()),
        Reply::IssueToken("real-3".to_owned()),
        Reply::Text(String::new()),
    ];
    let mut answers = common_answers("yes");
    answers.push(Answer::text("role", "Would you like to add additional servers to the cluster?", "yes"));
    answers.push(Answer {
        option: "role".to_owned(),
        prompt: "What's the name of the new MicroOVN server?".to_owned(),
        replies,
    });
    answers
}

/// What a member that joins is told.
pub fn join_answers() -> Vec<Answer> {
    let mut answers = common_answers("no");
    answers.push(Answer {
        option: "role".to_owned(),
        prompt: "Please enter your join token".to_owned(),
        replies: vec![Reply::JoinToken],
    });
    answers
}

fn common_answers(create: &str) -> Vec<Answer> {
    vec![
        Answer::text("address", "Please choose the address MicroOVN will be listening on", ""),
        Answer::text("role", "Would you like to create a new MicroOVN cluster?", create),
        Answer::text("services", "Please select comma-separated list services", ""),
        Answer::text("member_name", "Please choose a name for this system", ""),
        Answer::text("encap", "Would you like to define a custom encapsulation IP address", "yes"),
        Answer::text("encap", "Please enter the custom encapsulation IP address", "10.88.0.11"),
        Answer::text("user_ca", "Would you like to provide your own CA certificate", ""),
    ]
}
