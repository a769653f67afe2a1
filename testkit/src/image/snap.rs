//! What a snap file says of itself: read from its `meta/snap.yaml`, without installing it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::error::Error;
use super::hash::{Hash, of_file};
use super::program::Program;

/// Length of a squashfs superblock, in bytes; magic and length are in it. Source: "Squashfs Binary Format", section
/// "Superblock".
const SUPERBLOCK: usize = 96;

/// A snap file that can be read and says what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snap {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: Hash,
    /// Its name: `microovn`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `app`, `base`, `snapd`, …
    pub kind: String,
    /// The base it needs.
    pub base: Option<String>,
    /// What it needs of snapd: `snapd2.73`.
    pub assumes: Vec<String>,
    /// Its commands and services.
    pub apps: BTreeSet<String>,
    /// Those of its apps that are services.
    pub services: BTreeSet<String>,
    /// Its plugs, by name.
    pub plugs: Vec<Plug>,
}

/// A plug of a snap.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Plug {
    /// Its name in this snap.
    pub name: String,
    /// The interface it is of; mostly its name.
    pub interface: String,
}

impl Snap {
    /// Reads the snap at `path`.
    ///
    /// Errors: [`Error::Snap`], with what to do, for a file that is absent, cut short, not a squashfs, or without a
    /// `meta/snap.yaml` that parses.
    pub fn inspect(path: &Path) -> Result<Self, Error> {
        check_squashfs(path)?;
        let yaml = Program::new(&format!("read meta/snap.yaml of {}", path.display()), "unsquashfs")
            .args(["-no-progress", "-cat"])
            .args([path.as_os_str(), "meta/snap.yaml".as_ref()])
            .run();
        let yaml = match yaml {
            // Some versions exit with 0 where the file is absent.
            Ok(yaml) if !yaml.is_empty() => yaml,
            Err(error @ Error::NoProgram { .. }) => return Err(error),
            Ok(_) => {
                return Err(unusable(path, "it has no meta/snap.yaml", SNAPCRAFT));
            }
            Err(Error::Program { said, .. }) if !said.contains("no matches") => {
                // The lines before the last repeat it in the words of the file system's inside.
                let last = said.lines().last().unwrap_or_default().trim();
                return Err(unusable(path, format!("unsquashfs cannot read it ({last})"), FETCH_AGAIN));
            }
            Err(_) => {
                return Err(unusable(path, "it has no meta/snap.yaml", SNAPCRAFT));
            }
        };
        let parse = |error: &dyn std::error::Error| {
            // The parser quotes the text in further lines, and says the same again as its cause.
            let said = error.to_string();
            let said = said.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            unusable(path, format!("its meta/snap.yaml does not parse ({said})"), SNAPCRAFT)
        };
        let text = std::str::from_utf8(&yaml).map_err(|error| parse(&error))?;
        let meta: Meta = serde_saphyr::from_str(text).map_err(|error| parse(&error))?;
        Ok(meta.into_snap(path.to_owned(), of_file(path)?))
    }

    /// Fails unless this is a snap of MicroOVN, or one that stands in for it.
    pub fn require_microovn(&self) -> Result<(), Error> {
        let mend = "give a snap of MicroOVN, built with `snapcraft` or fetched with `snap download microovn`";
        if self.name != "microovn" {
            return Err(unusable(&self.path, format!("it is the snap \"{}\", not \"microovn\"", self.name), mend));
        }
        for app in ["microovn", "daemon"] {
            if !self.apps.contains(app) {
                return Err(unusable(&self.path, format!("it has no app \"{app}\""), mend));
            }
        }
        if !self.services.contains("daemon") {
            return Err(unusable(&self.path, "its app \"daemon\" is not a service", mend));
        }
        Ok(())
    }
}

const FETCH_AGAIN: &str = "fetch or build it again";
const SNAPCRAFT: &str = "give the .snap file that `snapcraft` made";

fn unusable(path: &Path, problem: impl Into<String>, mend: &str) -> Error {
    Error::Snap { path: path.to_owned(), problem: problem.into(), mend: mend.to_owned() }
}

/// Checks what a broken download breaks first: the magic number, and the length that the superblock promises.
fn check_squashfs(path: &Path) -> Result<(), Error> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(unusable(path, "there is no such file", "check the path that was given for the snap"));
        }
        Err(error) => {
            return Err(unusable(path, format!("it cannot be opened ({error})"), "see to it that you may read it"));
        }
    };
    let metadata = file.metadata().map_err(Error::file("read", path))?;
    if metadata.is_dir() {
        return Err(unusable(path, "it is a folder", "give the .snap file; `snap pack` makes one of a folder"));
    }
    let length = metadata.len();
    let mut start = Vec::new();
    file.by_ref().take(SUPERBLOCK as u64).read_to_end(&mut start).map_err(Error::file("read", path))?;
    if start.is_empty() {
        return Err(unusable(path, "it is empty", FETCH_AGAIN));
    }
    if !start.starts_with(b"hsqs") {
        return Err(unusable(
            path,
            "it is not a squashfs file",
            "give a .snap file; a failed download may have left something else in its place",
        ));
    }
    let promised = match start.get(40..48).and_then(|bytes| bytes.try_into().ok()) {
        Some(bytes) if start.len() == SUPERBLOCK => u64::from_le_bytes(bytes),
        _ => SUPERBLOCK as u64,
    };
    if length < promised {
        return Err(unusable(path, format!("it is cut short: {length} of {promised} bytes"), FETCH_AGAIN));
    }
    Ok(())
}

/// `meta/snap.yaml`; source: "The snap format" in snapd's documentation.
#[derive(Debug, Deserialize)]
struct Meta {
    name: String,
    #[serde(default)]
    version: Option<Scalar>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    base: Option<String>,
    #[serde(default)]
    assumes: Option<Vec<String>>,
    #[serde(default)]
    plugs: Option<BTreeMap<String, Option<Attributes>>>,
    #[serde(default)]
    apps: Option<BTreeMap<String, App>>,
}

/// A version that nobody quoted is a number to YAML.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Integer(i64),
    Decimal(f64),
}

#[derive(Debug, Deserialize)]
struct App {
    #[serde(default)]
    daemon: Option<String>,
    #[serde(default)]
    plugs: Option<AppPlugs>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum AppPlugs {
    Names(Vec<String>),
    Map(BTreeMap<String, Option<Attributes>>),
}

/// A plug's attributes, or the name of its interface alone.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Attributes {
    Interface(String),
    Map {
        #[serde(default)]
        interface: Option<String>,
    },
}

impl Meta {
    fn into_snap(self, path: PathBuf, sha256: Hash) -> Snap {
        let mut plugs: BTreeMap<String, String> = BTreeMap::new();
        let mut declare = |name: String, attributes: Option<Attributes>| {
            let interface = match attributes {
                Some(Attributes::Interface(interface) | Attributes::Map { interface: Some(interface) }) => interface,
                _ => name.clone(),
            };
            plugs.entry(name).or_insert(interface);
        };
        for (name, attributes) in self.plugs.unwrap_or_default() {
            declare(name, attributes);
        }
        let (mut apps, mut services) = (BTreeSet::new(), BTreeSet::new());
        for (name, app) in self.apps.unwrap_or_default() {
            if app.daemon.is_some() {
                services.insert(name.clone());
            }
            apps.insert(name);
            match app.plugs {
                Some(AppPlugs::Names(names)) => names.into_iter().for_each(|name| declare(name, None)),
                Some(AppPlugs::Map(map)) => map.into_iter().for_each(|(name, attributes)| declare(name, attributes)),
                None => {}
            }
        }
        let version = match self.version {
            Some(Scalar::Text(text)) => text,
            Some(Scalar::Integer(number)) => number.to_string(),
            Some(Scalar::Decimal(number)) => number.to_string(),
            None => "unset".to_owned(),
        };
        Snap {
            path,
            sha256,
            name: self.name,
            version,
            kind: self.kind.unwrap_or_else(|| "app".to_owned()),
            base: self.base,
            assumes: self.assumes.unwrap_or_default(),
            apps,
            services,
            plugs: plugs.into_iter().map(|(name, interface)| Plug { name, interface }).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
