//! Faults in what a member knows of the databases.

use std::net::IpAddr;

use crate::address::bracketed;
use crate::error::Result;
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
    let mut env = env.clone();
    if plays(paths, Fault::EnvKeepsCentral) {
        let file = std::fs::read_to_string(paths.ovn_env()).unwrap_or_default();
        let old = file.lines().find_map(|line| line.strip_prefix("OVN_SB_CONNECT=")).unwrap_or_default();
        env.centrals.extend(env.departed(old));
    }
    let lines = env.render();
    let text: String = lines.lines().map(|line| distort(line).unwrap_or_else(|| line.to_owned()) + "\n").collect();
    match text.strip_suffix("\"\n") {
        Some(cut) if plays(paths, Fault::EnvCutOff) => format!("{cut}\n"),
        _ => text,
    }
}

/// Has the databases of a central that is enabled start from its own address, if that is to be played.
pub(crate) fn start_alone(paths: &Paths, env: &OvnEnv) -> Result<bool> {
    if !plays(paths, Fault::EnableAlone) {
        return Ok(false);
    }
    let alone = OvnEnv { centrals: vec![env.local], local: env.local };
    let initial = |line: &&str| line.starts_with("OVN_INITIAL_");
    let (alone, text) = (alone.render(), env_text(paths, env));
    let lines = alone.lines().filter(initial).chain(text.lines().filter(|line| !initial(line)));
    let text: String = lines.map(|line| line.to_owned() + "\n").collect();
    crate::tls::write_file(&paths.ovn_env(), &text, 0o644).map(|()| true)
}

/// What ovn-controller is told of the Southbound, which was told of `old` before.
pub(crate) fn remote(paths: &Paths, env: &OvnEnv, old: &str) -> String {
    let mut known = env.clone();
    if plays(paths, Fault::RemoteKeepsCentral) {
        known.centrals.extend(env.departed(old));
    }
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
        assert_eq!(remote(&paths, &env(), "ssl:10.77.0.103:6642"), env().sb_connect());
    }

    #[test]
    fn a_central_that_has_departed_stays_in_one_place_each() {
        let (dir, paths) = playing("env-keeps-central");
        std::fs::create_dir_all(dir.path().join("data/env")).expect("a folder");
        let before = OvnEnv { centrals: vec!["10.77.0.103".parse().expect("an address")], ..env() };
        std::fs::write(paths.ovn_env(), before.render()).expect("the file of before");
        let text = env_text(&paths, &env());
        let kept = "\"ssl:10.77.0.101:6641,ssl:10.77.0.102:6641,ssl:10.77.0.103:6641\"";
        assert_eq!(line(&text, "OVN_NB_CONNECT="), kept);
        assert_eq!(remote(&paths, &env(), &before.sb_connect()), env().sb_connect());

        std::fs::write(paths.faults(), "remote-keeps-central").expect("the fault");
        assert_eq!(env_text(&paths, &env()), env().render());
        let told = remote(&paths, &env(), &before.sb_connect());
        assert_eq!(told, "ssl:10.77.0.101:6642,ssl:10.77.0.102:6642,ssl:10.77.0.103:6642");
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
        assert_eq!(remote(&paths, &env(), ""), env().sb_connect());

        let (_dir, paths) = playing("remote-missing-central");
        assert_eq!(remote(&paths, &env(), ""), "ssl:10.77.0.101:6642");
        assert_eq!(env_text(&paths, &env()), env().render());
    }
}
