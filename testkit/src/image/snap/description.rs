//! A snap's description of itself, `meta/snap.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Command, Plug, Snap};
use crate::headline;
use crate::image::hash::Hash;

/// The most that is read of a `meta/snap.yaml`, in bytes. MicroOVN's has 5 KiB, and the largest that the store has are
/// not ten times that.
pub(super) const LONGEST: u64 = 1 << 20;

/// The types of snaps, and how they may be confined; source: snapd's `snap/types.go`.
const KINDS: [&str; 6] = ["app", "base", "gadget", "kernel", "os", "snapd"];
const CONFINEMENTS: [&str; 3] = ["strict", "devmode", "classic"];
/// For every architecture.
const ALL: &str = "all";

/// What of `meta/snap.yaml` matters here; source: "The snap format" in snapd's documentation.
#[derive(Debug, Deserialize)]
pub(crate) struct Description {
    name: String,
    /// As it is written: to YAML an unquoted 24.10 would be the number 24.1.
    #[serde(default)]
    version: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    /// Those that it is for: `amd64`, or `all`, which it is where it names none.
    #[serde(default)]
    architectures: Option<Vec<String>>,
    #[serde(default)]
    base: Option<String>,
    #[serde(default)]
    confinement: Option<String>,
    #[serde(default)]
    assumes: Option<Vec<String>>,
    #[serde(default)]
    plugs: Option<BTreeMap<String, Option<Attributes>>>,
    #[serde(default)]
    apps: Option<BTreeMap<String, Option<App>>>,
    /// Programs that snapd runs at moments of the snap's life: they use interfaces like apps do.
    #[serde(default)]
    hooks: Option<BTreeMap<String, Option<Hook>>>,
}

#[derive(Debug, Default, Deserialize)]
struct App {
    #[serde(default)]
    daemon: Option<String>,
    #[serde(default)]
    command: Option<String>,
    /// What else snapd does before the program runs.
    #[serde(default, rename = "command-chain")]
    command_chain: Option<IgnoredAny>,
    #[serde(default)]
    environment: Option<IgnoredAny>,
    #[serde(default)]
    slots: Option<IgnoredAny>,
    #[serde(default)]
    timer: Option<IgnoredAny>,
    #[serde(default)]
    plugs: Option<UsedPlugs>,
}

#[derive(Debug, Default, Deserialize)]
struct Hook {
    #[serde(default)]
    plugs: Option<UsedPlugs>,
}

/// The plugs of an app or of a hook.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a list of plugs, or plugs with their attributes")]
enum UsedPlugs {
    Names(Vec<String>),
    Map(BTreeMap<String, Option<Attributes>>),
}

/// A plug's attributes, or the name of its interface alone.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected the name of an interface, or attributes")]
enum Attributes {
    Interface(String),
    Map {
        #[serde(default)]
        interface: Option<String>,
    },
}

impl UsedPlugs {
    fn names(&self) -> BTreeSet<String> {
        match self {
            Self::Names(names) => names.iter().cloned().collect(),
            Self::Map(map) => map.keys().cloned().collect(),
        }
    }
}

impl App {
    /// What it is as a command, unless it is a service or more than a program. A program with arguments is more.
    fn as_command(&self) -> Option<Command> {
        let Self {
            daemon: None,
            command: Some(file),
            command_chain: None,
            environment: None,
            slots: None,
            timer: _,
            plugs,
        } = self
        else {
            return None;
        };
        let file = Some(file.trim_start_matches('/').to_owned()).filter(|file| !file.contains(char::is_whitespace))?;
        Some(Command { file, plugs: plugs.as_ref().map(UsedPlugs::names).unwrap_or_default() })
    }
}

/// Whether snapd takes this for a version; source: `validVersion` in its `snap/validate.go`.
fn is_version(text: &str) -> bool {
    let ends = |c: char| c.is_ascii_alphanumeric();
    let within = |c: char| ends(c) || ":.+~-".contains(c);
    (1..=32).contains(&text.len())
        && text.starts_with(ends)
        && text.chars().all(within)
        && text.ends_with(|c: char| ends(c) || matches!(c, '+' | '~'))
}

/// Whether snapd takes this for a snap's name; source: `ValidateSnap` in its `snap/naming/validate.go`.
fn is_name(text: &str) -> bool {
    (2..=40).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && text.bytes().any(|byte| byte.is_ascii_lowercase())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

impl Description {
    /// What snapd would refuse in it, of what is read here: else it would be shown to people, and installed in the end.
    pub(super) fn problem(&self) -> Option<String> {
        let one_of = |given: &Option<String>, known: &[&str], what: &str| {
            let given = given.as_deref().filter(|given| !known.contains(given))?;
            Some(format!("its {what} is {given:?}, and snapd knows {}", known.join(", ")))
        };
        if let Some(version) = self.version.as_deref().filter(|version| !is_version(version)) {
            return Some(format!(
                "its version is {version:?}, and snapd takes 1 to 32 letters, digits and characters of \":.+~-\", of which it \
                 begins with a letter or a digit"
            ));
        }
        if let Some(base) = self.base.as_deref().filter(|base| *base != "none" && !is_name(base)) {
            return Some(format!("its base is {base:?}, which is no snap's name"));
        }
        one_of(&self.kind, &KINDS, "type").or_else(|| one_of(&self.confinement, &CONFINEMENTS, "confinement")).or_else(
            || {
                // They have rules of their own; none of them lets a terminal be told what to do.
                let lists = [&self.assumes, &self.architectures].into_iter().flatten().flatten();
                let apps = self.apps.iter().flat_map(BTreeMap::keys);
                let plugs = self.plugs.iter().flat_map(BTreeMap::keys);
                let mut all = lists.chain(apps).chain(plugs).chain([&self.name]);
                let odd = all.find(|text| text.contains(char::is_control))?;
                Some(format!("it has the name {odd:?}, with characters that no name has"))
            },
        )
    }

    /// Reads the file.
    ///
    /// # Errors
    /// In one line, where it is not UTF-8, not YAML, or lacks a name.
    pub(crate) fn parse(yaml: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(yaml).map_err(|error| error.to_string())?;
        // Aliases can make a short text a huge one; descriptions that are written by hand have a few, if any.
        let options = serde_saphyr::options! {
            alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 1000 },
        };
        serde_saphyr::from_str_with_options(text, options).map_err(|error| headline::of_yaml(&error))
    }

    /// The snap that the file at `path` is.
    pub(crate) fn into_snap(self, path: PathBuf, sha256: Hash) -> Snap {
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
        let (mut apps, mut services, mut commands) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        let mut timed = BTreeSet::new();
        let mut used = Vec::new();
        for (name, app) in self.apps.unwrap_or_default() {
            let app = app.unwrap_or_default();
            if app.daemon.is_some() {
                services.insert(name.clone());
            }
            if app.timer.is_some() {
                timed.insert(name.clone());
            }
            commands.extend(app.as_command().map(|command| (name.clone(), command)));
            apps.insert(name);
            used.extend(app.plugs);
        }
        used.extend(self.hooks.unwrap_or_default().into_values().flatten().filter_map(|hook| hook.plugs));
        for plugs in used {
            match plugs {
                UsedPlugs::Names(names) => names.into_iter().for_each(|name| declare(name, None)),
                UsedPlugs::Map(map) => map.into_iter().for_each(|(name, attributes)| declare(name, attributes)),
            }
        }
        Snap {
            path,
            sha256,
            name: self.name,
            version: self.version.unwrap_or_else(|| "unset".to_owned()),
            kind: self.kind.unwrap_or_else(|| "app".to_owned()),
            devmode: self.confinement.as_deref() == Some("devmode"),
            classic: self.confinement.as_deref() == Some("classic"),
            architectures: self.architectures.filter(|named| !named.iter().any(|it| it == ALL)).unwrap_or_default(),
            base: self.base,
            assumes: self.assumes.unwrap_or_default(),
            apps,
            services,
            timed,
            commands,
            plugs: plugs.into_iter().map(|(name, interface)| Plug { name, interface }).collect(),
            schemas: None,
        }
    }
}
