//! What reads the inputs of the corpus, by name.

use std::fmt::Display;

use testkit::expect::Noise;
use testkit::fuzzing::{TOKEN, bootstrap_answers, join_answers};
use testkit::microovn::dialog::{Dialog, Step};
use testkit::microovn::{
    Api, Certificate, CertificateList, Daemon, Health, JoinToken, Listener, Northd, OvnEnv, Pki, Plugs, Route,
    parse_control, parse_devices, parse_members, parse_services, parse_units,
};
use testkit::ovn::{Connections, RaftStatus, Southbound, Switch, parse_host, parse_tables};
use testkit::report::chain;
use toml::Table;

use crate::{lxd, matrix, settings, snap};

/// Takes an input and what it is told besides. An error is the text that a person would read, with its causes.
pub(crate) type Reader = fn(&[u8], &mut Table) -> Result<(), String>;

const READERS: &[(&str, Reader)] = &[
    // What members print.
    ("tables", |input, _| said(parse_tables(&text(input)))),
    ("switch", |input, _| said(Switch::parse(&text(input)))),
    ("southbound", |input, _| said(Southbound::parse(&text(input)))),
    ("raft", |input, _| said(RaftStatus::parse(&text(input)))),
    ("connections", |input, _| said(text(input).parse::<Connections>())),
    ("host", |input, _| said(parse_host(&text(input)))),
    ("members", |input, _| said(parse_members(&text(input)))),
    ("services", |input, _| said(parse_services(&text(input)))),
    ("control", |input, _| said(parse_control(&text(input)))),
    ("ovn_env", |input, _| said(OvnEnv::parse(&text(input)))),
    ("northd", |input, _| said(Daemon::parse_all(&text(input)).and_then(|all| Northd::find(&all)))),
    ("units", |input, _| said(parse_units(&text(input)))),
    ("plugs", |input, _| said(Plugs::parse(&text(input)))),
    ("devices", |input, _| said(parse_devices(&text(input)))),
    ("route", |input, _| said(Route::parse(&text(input)))),
    ("token", |input, _| said(text(input).parse::<JoinToken>())),
    ("api", |input, _| said(Api::parse(&text(input)))),
    ("certificate_text", |input, _| said(CertificateList::parse_text(&text(input)))),
    ("certificate_list", |input, _| said(CertificateList::parse(&text(input)))),
    ("pki", |input, _| said(Pki::parse(&text(input)))),
    ("listeners", |input, _| said(Listener::parse_all(&text(input)))),
    ("daemons", |input, _| said(Daemon::parse_all(&text(input)))),
    ("health", |input, _| said(Health::parse(&text(input)))),
    ("certificate", |input, _| said(Certificate::parse(&text(input)))),
    ("dialog", dialog),
    // What LXD answers.
    ("lxd", lxd::answer),
    ("lxd_connect", lxd::connect),
    ("lxd_endpoint", lxd::endpoint),
    ("image_name", lxd::image_name),
    // What people give.
    ("noise", |input, _| said(Noise::parse("noise.toml", &text(input)))),
    ("snap_yaml", snap::description),
    ("snap", snap::squashfs),
    ("node_recipe", settings::node_recipe),
    ("snaps_recipe", settings::snaps_recipe),
    ("config_file", settings::file),
    ("environment", settings::environment),
    ("matrix", matrix::declared),
];

pub(crate) fn find(name: &str) -> Reader {
    let found = READERS.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("nothing reads {name:?}; add a reader, or use one of those there are")).1
}

fn text(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}

/// The error as a person would read it.
pub(crate) fn said<T, E: std::error::Error + 'static>(read: Result<T, E>) -> Result<(), String> {
    read.map(drop).map_err(|error| chain(&error))
}

/// Takes a setting of an entry.
pub(crate) fn take<T: serde::de::DeserializeOwned>(with: &mut Table, name: &str) -> Option<T> {
    Some(with.remove(name)?.try_into().unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// Fails where an entry has a setting that its reader does not know.
pub(crate) fn nothing_else(with: &Table) {
    assert!(with.is_empty(), "settings that the reader does not know: {with}");
}

/// A stream of `microovn init` for a member that bootstraps or, with `joins`, joins, on pipes or on a `terminal`, that
/// ends or, with `silent`, falls silent. A refusal shows no token.
fn dialog(input: &[u8], with: &mut Table) -> Result<(), String> {
    let answers = if take(with, "joins").unwrap_or(false) { join_answers() } else { bootstrap_answers() };
    let token = take(with, "token").unwrap_or(true).then(|| TOKEN.parse().expect("a token"));
    let mut dialog = Dialog::new(&answers, token);
    if take(with, "terminal").unwrap_or(false) {
        dialog = dialog.on_terminal();
    }
    let silent: bool = take(with, "silent").unwrap_or(false);
    nothing_else(with);
    let shown = |error: &dyn Display| {
        let said = error.to_string();
        assert!(!said.contains("eyJ"), "a token is shown: {said}");
        // What was asked before is the same in all of them.
        said.split("\nthe dialog so far:").next().unwrap_or_default().to_owned()
    };
    for step in dialog.feed(input) {
        if let Step::Fail(error) = step {
            return Err(shown(&error));
        }
    }
    if silent {
        return Err(shown(&dialog.on_silence()));
    }
    dialog.on_eof().map_err(|error| shown(&error))
}
