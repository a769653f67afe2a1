//! Faults in what a member knows of the databases.

use std::net::IpAddr;

use crate::address::bracketed;
use crate::ovn::env::OvnEnv;
use crate::ovn::raft::Db;
use crate::paths::Paths;

use super::{Fault, NOBODY, Release, find_or, plays};

/// Whether a database of this member is to be a cluster of its own.
pub(crate) fn is_alone(paths: &Paths, db: Db) -> bool {
    let only = match db {
        Db::Northbound => Fault::NbAlone,
        Db::Southbound => Fault::SbAlone,
    };
    plays(paths, Fault::RaftAlone) || plays(paths, only)
}

/// The text of `ovn.env` as the faults leave it.
pub(crate) fn env_text(paths: &Paths, env: &OvnEnv) -> String {
    let stranger = find_or(paths, Fault::EnvExtraCentral, NOBODY).and_then(|ip| ip.parse::<IpAddr>().ok());
    let distort = |line: &str| {
        let (key, value) = line.split_once('=')?;
        if key == "OVN_LOCAL_IP" && plays(paths, Fault::AddressUnbracketed) {
            return Some(format!("{key}=\"{}\"", env.local));
        }
        let db = Db::ALL.into_iter().find(|db| key.contains(&format!("_{}", db.short().to_uppercase())))?;
        if key.starts_with("OVN_INITIAL_") && is_alone(paths, db) {
            // A database that starts from its own address creates a cluster.
            return Some(format!("{key}=\"{}\"", bracketed(env.local)));
        }
        if let Some(initial) = Release::played(paths).initial(env).filter(|_| key.starts_with("OVN_INITIAL_")) {
            return Some(format!("{key}=\"{initial}\""));
        }
        let ip = stranger.filter(|_| key.ends_with("_CONNECT"))?;
        Some(format!("{key}=\"{},ssl:{}:{}\"", value.trim_matches('"'), bracketed(ip), db.port()))
    };
    let lines = env.render();
    let text: String = lines.lines().map(|line| distort(line).unwrap_or_else(|| line.to_owned()) + "\n").collect();
    match text.strip_suffix("\"\n") {
        Some(cut) if plays(paths, Fault::EnvCutOff) => format!("{cut}\n"),
        _ => text,
    }
}

/// What ovn-controller is told of the Southbound.
pub(crate) fn remote(paths: &Paths, env: &OvnEnv) -> String {
    let mut known = env.clone();
    if plays(paths, Fault::RemoteMissingCentral) && known.centrals.len() > 1 {
        known.centrals.pop();
    }
    known.sb_connect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::playing;
    use super::*;

    fn env() -> OvnEnv {
        let ip = |last| IpAddr::from([10, 77, 0, last]);
        OvnEnv { centrals: vec![ip(101), ip(102)], local: ip(102) }
    }

    fn line<'a>(text: &'a str, key: &str) -> &'a str {
        text.lines().find_map(|line| line.strip_prefix(key)).expect(key)
    }

    #[test]
    fn the_environment_is_untouched_without_a_fault() {
        let (_dir, paths) = playing("");
        assert_eq!(env_text(&paths, &env()), env().render());
        assert_eq!(remote(&paths, &env()), env().sb_connect());
    }

    #[test]
    fn a_database_alone_starts_from_its_own_address_and_knows_the_others() {
        for (faults, nb, sb) in [
            ("nb-alone", "\"10.77.0.102\"", "\"10.77.0.101\""),
            ("sb-alone", "\"10.77.0.101\"", "\"10.77.0.102\""),
            ("raft-alone", "\"10.77.0.102\"", "\"10.77.0.102\""),
        ] {
            let (_dir, paths) = playing(faults);
            let text = env_text(&paths, &env());
            assert_eq!((line(&text, "OVN_INITIAL_NB="), line(&text, "OVN_INITIAL_SB=")), (nb, sb), "{faults}");
            assert_eq!(line(&text, "OVN_NB_CONNECT="), line(&env().render(), "OVN_NB_CONNECT="));
        }
    }

    #[test]
    fn in_the_first_release_the_first_central_names_itself() {
        let (_dir, paths) = playing("plays-release 22.03");
        let first = OvnEnv { local: [10, 77, 0, 101].into(), ..env() };
        let text = env_text(&paths, &first);
        assert_eq!(line(&text, "OVN_INITIAL_NB="), "\"10.77.0.101\"");
        assert_eq!(line(&first.render(), "OVN_INITIAL_NB="), "\"10.77.0.102\"");
        assert_eq!(line(&text, "OVN_NB_CONNECT="), line(&first.render(), "OVN_NB_CONNECT="));
    }

    #[test]
    fn an_address_without_brackets_and_an_end_in_the_middle_are_what_services_stumble_over() {
        let v6 = OvnEnv { local: "fd42:77::102".parse().expect("an address"), ..env() };
        let (_dir, paths) = playing("address-unbracketed");
        assert_eq!(line(&env_text(&paths, &v6), "OVN_LOCAL_IP="), "\"fd42:77::102\"");
        assert_eq!(env_text(&paths, &env()), env().render());

        let (_dir, paths) = playing("env-cut-off");
        assert_eq!(line(&env_text(&paths, &env()), "OVN_LOCAL_IP="), "\"10.77.0.102");
    }

    #[test]
    fn a_central_too_many_and_one_too_few_are_seen_in_one_place_each() {
        let (_dir, paths) = playing("env-extra-central fd42::9");
        let text = env_text(&paths, &env());
        assert_eq!(line(&text, "OVN_SB_CONNECT="), "\"ssl:10.77.0.101:6642,ssl:10.77.0.102:6642,ssl:[fd42::9]:6642\"");
        assert_eq!(line(&text, "OVN_INITIAL_SB="), "\"10.77.0.101\"");
        assert_eq!(remote(&paths, &env()), env().sb_connect());

        let (_dir, paths) = playing("remote-missing-central");
        assert_eq!(remote(&paths, &env()), "ssl:10.77.0.101:6642");
        assert_eq!(env_text(&paths, &env()), env().render());
    }
}
