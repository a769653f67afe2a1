//! What the environment sets. It is handed in: only the module above reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::layer::{Parallel, SUBNET, Settle};
use super::remotes::{LXC_REMOTE, REMOTE};
use super::{ConfigError, Faults, Layer, product};
use crate::nearest::nearest;

/// How the names of the settings begin.
const MEANT_FOR_US: [&str; 5] = [OWN, "MICROOVN_", "MICROCLOUD_", "LXD_", "INCUS_"];

/// How the names of those variables begin that are nobody else's.
const OWN: &str = "TESTKIT_";

/// The variables that this framework reads and whose names begin like nobody else's.
const OWN_VARIABLES: [&str; 22] = [
    "TESTKIT_CACHE_DIR",
    "TESTKIT_DATAPATH",
    "TESTKIT_FAULTS",
    "TESTKIT_KEEP",
    "TESTKIT_KNOWN",
    "TESTKIT_MTUS",
    "TESTKIT_ON",
    "TESTKIT_OUT_DIR",
    "TESTKIT_PARALLEL",
    "TESTKIT_PAUSE_BEFORE",
    "TESTKIT_POOL",
    "TESTKIT_PRODUCT",
    "TESTKIT_PROJECT",
    "TESTKIT_REMOTE",
    "TESTKIT_REUSE",
    "TESTKIT_SETTLE",
    "TESTKIT_SPREAD",
    "TESTKIT_STAND_IN",
    "TESTKIT_STATE_DIR",
    "TESTKIT_SUBNET",
    "TESTKIT_TRAFFIC",
    "TESTKIT_UNDERLAY_PARENT",
];

/// The variables that are paths, several with colons between them among it.
pub(super) const PATHS: [&str; 20] = [
    "INCUS_CONF",
    "INCUS_DIR",
    "INCUS_GLOBAL_CONF",
    "INCUS_SOCKET",
    "LXD_CLIENT_CERT",
    "LXD_CLIENT_KEY",
    "LXD_CONF",
    "LXD_DIR",
    "LXD_GLOBAL_CONF",
    "LXD_SERVER_CERT",
    "LXD_SNAP_PATH",
    "LXD_SOCKET",
    "MICROCLOUD_SNAP_PATH",
    "MICROOVN_COVERAGE_DST",
    "MICROOVN_EXTRA_SNAPS",
    "MICROOVN_SNAP_PATH",
    "MICROOVN_UPGRADE_FROM",
    "TESTKIT_CACHE_DIR",
    "TESTKIT_OUT_DIR",
    "TESTKIT_STATE_DIR",
];

/// Those of the environment's paths that are from this folder, as they are from anywhere. An upgrade may also be from a channel,
/// which is no file there.
pub(super) fn rebased(environment: &BTreeMap<String, String>, folder: &Path) -> BTreeMap<String, String> {
    let whole = |name: &str, path: &str| {
        let there = folder.join(path);
        let is_path = !path.is_empty() && (name != "MICROOVN_UPGRADE_FROM" || there.exists());
        if is_path { there.display().to_string() } else { path.to_owned() }
    };
    let paths = PATHS.into_iter().filter_map(|name| Some((name, environment.get(name)?)));
    let all = paths.map(|(name, value)| {
        let paths: Vec<String> = value.split(':').map(|path| whole(name, path)).collect();
        (name.to_owned(), paths.join(":"))
    });
    all.filter(|(name, value)| environment.get(name) != Some(value)).collect()
}

/// Where the lxc and the incus client have their configuration.
const CLIENTS: [&str; 4] = ["INCUS_CONF", "INCUS_GLOBAL_CONF", "LXD_CONF", "LXD_GLOBAL_CONF"];

/// The environment with those of its paths from the root that are clients' configuration, as other paths are: the command and the
/// tests work in different folders.
pub(super) fn with_clients_from(environment: &BTreeMap<String, String>, root: &Path) -> BTreeMap<String, String> {
    let mut environment = environment.clone();
    for (_, path) in environment.iter_mut().filter(|(name, path)| CLIENTS.contains(&name.as_str()) && !path.is_empty())
    {
        *path = root.join(&*path).display().to_string();
    }
    environment
}

/// What else is of use to a process that outlives the job that started it: to find programs and files, and to log.
const LASTING: [&str; 9] = [
    "HOME",
    LXC_REMOTE,
    "LD_LIBRARY_PATH",
    "PATH",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
];

/// Of these variables, those for a process that is to outlive the job that started it: the settings of this framework, and
/// little else. Many CI systems mark what a job starts by a variable (`RUNNER_TRACKING_ID`, `JENKINS_NODE_COOKIE`, ...) and end
/// whatever has it when the job ends; those marks have no names of a kind, so it is not they that are left out.
pub(super) fn lasting(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<(OsString, OsString)> {
    let lasts = |name: &OsString| {
        name.to_str().is_some_and(|name| MEANT_FOR_US.iter().any(|it| name.starts_with(it)) || LASTING.contains(&name))
    };
    variables.into_iter().filter(|(name, _)| lasts(name)).collect()
}

/// The environment as text. What is no text is an error where it is meant for this framework, and left out otherwise.
pub(super) fn texts(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut texts = BTreeMap::new();
    for (name, value) in variables {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => drop(texts.insert(name, value)),
            Err(value) if MEANT_FOR_US.iter().any(|start| name.starts_with(start)) => {
                return Err(ConfigError::NotText { name, value });
            }
            Err(_) => {}
        }
    }
    Ok(texts)
}

/// The variable that was probably meant.
fn meant(name: &str) -> Option<String> {
    let own = |name| str::trim_start_matches(name, OWN);
    nearest(own(name), OWN_VARIABLES.into_iter().map(own)).map(|nearest| format!("{OWN}{nearest}"))
}

/// The settings of the environment. An empty variable counts as not set, as CI systems pass them.
pub(super) fn environment_layer(environment: &BTreeMap<String, String>) -> Result<Layer, ConfigError> {
    // A misspelt setting would be ignored, and its mistake be seen, if at all, in what is left of a run.
    let unknown = |name: &&String| name.starts_with(OWN) && !OWN_VARIABLES.contains(&name.as_str());
    if let Some(name) = environment.keys().find(unknown) {
        return Err(ConfigError::UnknownVariable { name: name.clone(), meant: meant(name) });
    }
    let text = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
    let path = |name: &str| text(name).map(PathBuf::from);
    let (snap, product) = match paths(environment, "MICROOVN_SNAP_PATH")? {
        Some(several) if several.len() > 1 => (None, Some(product::of_paths(&several))),
        one => (one.and_then(|one| one.into_iter().next()), None),
    };
    Ok(Layer {
        lxd_dir: path("LXD_DIR"),
        lxd_socket: path("LXD_SOCKET"),
        incus_dir: path("INCUS_DIR"),
        incus_socket: path("INCUS_SOCKET"),
        remote: text(REMOTE),
        lxd_remote: text("LXD_REMOTE"),
        lxd_client_cert: path("LXD_CLIENT_CERT"),
        lxd_client_key: path("LXD_CLIENT_KEY"),
        lxd_server_cert: path("LXD_SERVER_CERT"),
        snap,
        product,
        upgrade_from: text("MICROOVN_UPGRADE_FROM").map(Into::into),
        microcloud_snap: path("MICROCLOUD_SNAP_PATH"),
        lxd_snap: path("LXD_SNAP_PATH"),
        extra_snaps: paths(environment, "MICROOVN_EXTRA_SNAPS")?,
        node_image: text(super::NODE_IMAGE),
        project: text("TESTKIT_PROJECT"),
        pool: text("TESTKIT_POOL"),
        cache_dir: path("TESTKIT_CACHE_DIR"),
        out_dir: path("TESTKIT_OUT_DIR"),
        state_dir: path("TESTKIT_STATE_DIR"),
        coverage: yes_or_no(environment, "MICROOVN_COVERAGE_ENABLED")?,
        coverage_dir: path("MICROOVN_COVERAGE_DST"),
        keep: parse(environment, "TESTKIT_KEEP", "one of never, on-failure, always")?,
        reuse: switch(environment, "TESTKIT_REUSE")?,
        traffic: switch(environment, "TESTKIT_TRAFFIC")?,
        spread: switch(environment, "TESTKIT_SPREAD")?,
        underlay_parent: text("TESTKIT_UNDERLAY_PARENT"),
        parallel: parse(environment, "TESTKIT_PARALLEL", Parallel::wanted())?,
        faults: faults(environment)?,
        stand_in: choice(environment, "TESTKIT_STAND_IN")?,
        datapath: choice(environment, "TESTKIT_DATAPATH")?,
        settle: parse(environment, "TESTKIT_SETTLE", format_args!("{}, of seconds", Settle::wanted()))?,
        subnet: parse(environment, "TESTKIT_SUBNET", SUBNET)?,
    })
}

fn parse<T: FromStr>(
    environment: &BTreeMap<String, String>,
    name: &'static str,
    wanted: impl fmt::Display,
) -> Result<Option<T>, ConfigError> {
    match environment.get(name).filter(|value| !value.is_empty()) {
        None => Ok(None),
        Some(value) => value.parse().map(Some).map_err(|_| ConfigError::Environment {
            name,
            value: value.clone(),
            wanted: wanted.to_string(),
        }),
    }
}

/// A variable that is several paths with colons between them. An empty one among them is none that somebody meant: mostly a
/// variable in it is not set, and one snap would be tested where two were to be compared.
fn paths(environment: &BTreeMap<String, String>, name: &'static str) -> Result<Option<Vec<PathBuf>>, ConfigError> {
    let Some(value) = environment.get(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    if value.split(':').any(str::is_empty) {
        let wanted =
            "a path, or paths with one colon between each two: one of them is empty; name it, or leave its colon out";
        return Err(ConfigError::Environment { name, value: value.clone(), wanted: wanted.to_owned() });
    }
    Ok(Some(value.split(':').map(PathBuf::from).collect()))
}

/// A variable that is one of some words.
fn choice<T: FromStr<Err = String>>(
    environment: &BTreeMap<String, String>,
    name: &'static str,
) -> Result<Option<T>, ConfigError> {
    match environment.get(name).filter(|value| !value.is_empty()) {
        None => Ok(None),
        Some(value) => {
            let refused = |wanted| ConfigError::Environment { name, value: value.clone(), wanted };
            value.parse().map(Some).map_err(refused)
        }
    }
}

fn faults(environment: &BTreeMap<String, String>) -> Result<Option<Faults>, ConfigError> {
    let given = environment.get("TESTKIT_FAULTS").filter(|text| !text.is_empty());
    given.map(|text| text.parse().map_err(ConfigError::Faults)).transpose()
}

/// A variable that is `yes` or not, as MicroOVN's own are.
fn yes_or_no(environment: &BTreeMap<String, String>, name: &'static str) -> Result<Option<bool>, ConfigError> {
    match environment.get(name).map(String::as_str) {
        None | Some("") => Ok(None),
        Some("yes") => Ok(Some(true)),
        Some("no") => Ok(Some(false)),
        Some(value) => Err(ConfigError::Environment { name, value: value.to_owned(), wanted: "yes or no".to_owned() }),
    }
}

/// A variable that is on or off.
pub(super) fn switch(environment: &BTreeMap<String, String>, name: &'static str) -> Result<Option<bool>, ConfigError> {
    match environment.get(name).map(String::as_str) {
        None | Some("") => Ok(None),
        Some("1" | "true" | "yes") => Ok(Some(true)),
        Some("0" | "false" | "no") => Ok(Some(false)),
        Some(value) => Err(ConfigError::Environment { name, value: value.to_owned(), wanted: "1 or 0".to_owned() }),
    }
}

/// Pairs of MTUs, commas between the pairs and a dash within each.
pub(super) fn mtus(
    environment: &BTreeMap<String, String>,
    name: &'static str,
) -> Result<BTreeSet<[u16; 2]>, ConfigError> {
    let text = environment.get(name).map(String::as_str).unwrap_or_default();
    let pair = |text: &str| {
        let (management, underlay) = text.split_once('-')?;
        Some([management.parse().ok()?, underlay.parse().ok()?])
    };
    let pairs = text.split(',').filter(|text| !text.is_empty()).map(pair).collect::<Option<_>>();
    let wanted = || "pairs of MTUs, such as 1500-1500,1500-9000".to_owned();
    pairs.ok_or_else(|| ConfigError::Environment { name, value: text.to_owned(), wanted: wanted() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mtus_are_pairs_and_anything_else_is_refused() {
        let read = |text: &str| mtus(&[("TESTKIT_MTUS".to_owned(), text.to_owned())].into(), "TESTKIT_MTUS");
        assert_eq!(read("1500-1500,1500-9000").expect("pairs"), [[1500, 1500], [1500, 9000]].into());
        assert!(read("").expect("none").is_empty() && mtus(&BTreeMap::new(), "TESTKIT_MTUS").expect("none").is_empty());
        for wrong in ["1500", "1500-x", "1500-70000", "1500-1500;1500-9000"] {
            let said = read(wrong).expect_err("no pairs").to_string();
            assert!(said.contains(wrong) && said.contains("1500-1500,1500-9000"), "{said}");
        }
    }

    #[test]
    fn what_outlives_a_job_carries_none_of_its_marks() {
        let names = [
            "LXD_SOCKET",
            "LXC_REMOTE",
            "INCUS_SOCKET",
            "TESTKIT_POOL",
            "MICROOVN_SNAP_PATH",
            "HOME",
            "PATH",
            "XDG_CONFIG_HOME",
        ];
        let marks = ["RUNNER_TRACKING_ID", "BUILD_ID", "JENKINS_NODE_COOKIE", "VSTS_PROCESS_LOOKUP_ID", "A_NEW_ONE"];
        let all = names.iter().chain(&marks).map(|name| (OsString::from(name), OsString::from("x")));
        let kept: Vec<_> = lasting(all).into_iter().map(|(name, _)| name).collect();
        assert_eq!(kept, names);
    }

    #[test]
    fn a_setting_that_is_no_text_is_refused_and_others_are_nobodys_business() {
        use std::os::unix::ffi::OsStringExt;
        let binary = || OsString::from_vec(vec![b'a', 0xff]);
        let known = texts([("OTHER".into(), binary()), (binary(), "x".into()), ("TESTKIT_POOL".into(), "b".into())]);
        assert_eq!(known.expect("texts"), BTreeMap::from([("TESTKIT_POOL".to_owned(), "b".to_owned())]));
        let error = texts([("TESTKIT_POOL".into(), binary())]).expect_err("refused").to_string();
        assert_eq!(error, "environment variable TESTKIT_POOL is \"a\\xFF\", which is not UTF-8");
    }
}
