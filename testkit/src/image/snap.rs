//! What a snap file says of itself: read from its `meta/snap.yaml`, without installing it.

mod description;
mod known;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::hash::{Hash, of_file};
use super::program::Program;
use super::version::numbers;
pub(crate) use description::Description;
pub use words::words_of;

/// Length of a squashfs superblock, in bytes; magic and length are in it. Source: "Squashfs Binary Format", section
/// "Superblock".
const SUPERBLOCK: usize = 96;

/// The name of the product's snap.
const MICROOVN: &str = "microovn";

/// The most bytes of a schema; that of OVN 25.03's Northbound has 35 thousand.
const LONGEST_SCHEMA: u64 = 1 << 20;

/// How long unsquashfs may take to find one small file, on a host with much else to do.
const READ: Duration = Duration::from_secs(30);

/// A snap file that can be read and says what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Whether it is confined by nothing, which snapd wants to be told when it is installed.
    #[serde(default)]
    pub devmode: bool,
    /// Whether it is not confined at all.
    #[serde(default)]
    pub classic: bool,
    /// The architectures that it is for, by the distribution's names; empty where it is for all.
    #[serde(default)]
    pub architectures: Vec<String>,
    /// The base it needs.
    pub base: Option<String>,
    /// What it needs of snapd: `snapd2.73`.
    pub assumes: Vec<String>,
    /// Its commands and services.
    pub apps: BTreeSet<String>,
    /// Those of its apps that are services.
    pub services: BTreeSet<String>,
    /// Those of its services that a timer starts.
    #[serde(default)]
    pub timed: BTreeSet<String>,
    /// Those of its apps that are commands of which snapd needs to know no more than a program and its plugs.
    #[serde(default)]
    pub commands: BTreeMap<String, Command>,
    /// Its plugs, by name.
    pub plugs: Vec<Plug>,
    /// The versions of the schemas that its OVN wants the Northbound and the Southbound to have; `None` where it has none that
    /// can be read.
    pub schemas: Option<[String; 2]>,
}

/// A command of a snap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Its program in the snap.
    pub file: String,
    /// The names of the plugs that it has beside those of all apps.
    pub plugs: BTreeSet<String>,
}

/// A plug of a snap.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
        known::or_read(path, || Self::read(path))
    }

    /// Reads the snaps at `paths`, all at the same time; in their order.
    ///
    /// # Errors
    /// As [`Snap::inspect`], of the first of them that cannot be used.
    pub fn inspect_all(paths: &[&Path]) -> Result<Vec<Self>, Error> {
        std::thread::scope(|scope| {
            let reading: Vec<_> = paths.iter().map(|path| scope.spawn(|| Self::inspect(path))).collect();
            let read = reading.into_iter().map(std::thread::ScopedJoinHandle::join);
            read.map(|read| read.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        })
    }

    fn read(path: &Path) -> Result<Self, Error> {
        check_squashfs(path)?;
        // The file is somebody else's: it may unpack to anything, and unsquashfs may lose its way in it.
        let yaml = Program::new(&format!("read meta/snap.yaml of {}", path.display()), "unsquashfs")
            .args(["-no-progress", "-cat"])
            .args([path.as_os_str(), "meta/snap.yaml".as_ref()])
            .run_bounded(description::LONGEST, READ);
        let yaml = match yaml {
            // Some versions exit with 0 where the file is absent.
            Ok(Some(yaml)) if !yaml.is_empty() => yaml,
            Ok(None) => {
                let problem = format!("its meta/snap.yaml is longer than {} KiB", description::LONGEST >> 10);
                return Err(unusable(path, problem, SNAPCRAFT));
            }
            Err(error @ Error::NoProgram { .. }) => return Err(error),
            Ok(_) => {
                return Err(unusable(path, "it has no meta/snap.yaml", SNAPCRAFT));
            }
            Err(Error::Program { said, .. }) if !said.contains("no matches") => {
                // Other lines say it in the words of the file system's inside, or go on about what can be read.
                let verdict =
                    said.lines().find_map(|line| line.split_once("FATAL ERROR: ").map(|(_, verdict)| verdict));
                let verdict = verdict.or(said.lines().next()).unwrap_or_default().trim();
                return Err(unusable(path, format!("unsquashfs cannot read it ({verdict})"), FETCH_AGAIN));
            }
            Err(_) => {
                return Err(unusable(path, "it has no meta/snap.yaml", SNAPCRAFT));
            }
        };
        let description = Description::parse(&yaml)
            .map_err(|said| unusable(path, format!("its meta/snap.yaml does not parse ({said})"), SNAPCRAFT))?;
        if let Some(problem) = description.problem() {
            return Err(unusable(path, problem, SNAPCRAFT));
        }
        let snap = description.into_snap(path.to_owned(), of_file(path)?);
        let schemas = if snap.name == MICROOVN { schemas_of(path) } else { None };
        Ok(Self { schemas, ..snap })
    }

    /// Whether this is of a newer version than another, by the numbers that both begin with: what is behind them, as the revision
    /// that a snap was built of, has no order, and so has a version that begins with none.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        let (own, others) = (numbers(&self.version), numbers(&other.version));
        !own.is_empty() && !others.is_empty() && own > others
    }

    /// Whether this is of that version or a newer one, or of one that does not begin with numbers, which is of no order.
    pub fn is_from(&self, version: &[u64]) -> bool {
        let own = numbers(&self.version);
        own.is_empty() || own.as_slice() >= version
    }

    /// Fails unless this is a snap of MicroOVN, or one that stands in for it.
    pub fn require_microovn(&self) -> Result<(), Error> {
        let mend = "give a snap of MicroOVN, built with `snapcraft` or fetched with `snap download microovn`";
        if self.name != MICROOVN {
            return Err(unusable(&self.path, format!("it is the snap \"{}\", not \"{MICROOVN}\"", self.name), mend));
        }
        if self.kind != "app" {
            return Err(unusable(&self.path, format!("its type is {}, and MicroOVN is an app", self.kind), mend));
        }
        if self.classic {
            let problem =
                "its confinement is classic, and that of MicroOVN is strict, or devmode while it is developed";
            return Err(unusable(&self.path, problem, mend));
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

impl Snap {
    /// Fails unless it is for hosts of this architecture, by the distribution's name for it.
    ///
    /// # Errors
    /// [`Error::Snap`], with what it is for.
    pub fn require_architecture(&self, host: &str) -> Result<(), Error> {
        if self.architectures.is_empty() || self.architectures.iter().any(|it| it == host) {
            return Ok(());
        }
        let problem = format!("it is for {}, and this host is {host}", self.architectures.join(" and "));
        Err(unusable(&self.path, problem, &format!("give one that is built for {host}")))
    }
}

const FETCH_AGAIN: &str = "fetch or build it again";
const SNAPCRAFT: &str = "give the .snap file that `snapcraft` made";

fn unusable(path: &Path, problem: impl Into<String>, mend: &str) -> Error {
    Error::Snap { path: path.to_owned(), problem: problem.into(), mend: mend.to_owned() }
}

/// The versions of the schemas in a snap of MicroOVN: below `share/` of the real one, as packages have them in the stand-in.
fn schemas_of(path: &Path) -> Option<[String; 2]> {
    let version = |database: &str| {
        let files = ["share", "usr/share"].map(|share| format!("{share}/ovn/ovn-{database}.ovsschema"));
        files.iter().find_map(|file| {
            let read = Program::new(&format!("read {file} of {}", path.display()), "unsquashfs")
                .args(["-no-progress", "-cat"])
                .args([path.as_os_str(), file.as_ref()])
                .run_bounded(LONGEST_SCHEMA, READ);
            let schema: serde_json::Value = serde_json::from_slice(&read.ok()??).ok()?;
            schema["version"].as_str().map(str::to_owned)
        })
    };
    Some([version("nb")?, version("sb")?])
}

/// Checks what a broken download breaks first: the magic number, and the length that the superblock promises.
fn check_squashfs(path: &Path) -> Result<(), Error> {
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => {
            unusable(path, "there is no such file", "check the path that was given for the snap")
        }
        _ => unusable(path, format!("it cannot be opened ({error})"), "see to it that you may read it"),
    };
    // Before it is opened: a pipe that nobody writes to would never be.
    let metadata = path.metadata().map_err(refused)?;
    if metadata.is_dir() {
        return Err(unusable(path, "it is a folder", "give the .snap file; `snap pack` makes one of a folder"));
    }
    if !metadata.is_file() {
        return Err(unusable(path, "it is no regular file", "give the .snap file"));
    }
    let mut file = File::open(path).map_err(refused)?;
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

#[cfg(test)]
mod tests;
