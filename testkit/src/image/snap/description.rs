//! A snap's description of itself, `meta/snap.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Command, Plug, Snap};
use crate::image::hash::Hash;

/// The most that is read of a `meta/snap.yaml`, in bytes. MicroOVN's has 5 KiB, and the largest that the store has are
/// not ten times that.
pub(super) const LONGEST: u64 = 1 << 20;

/// What of `meta/snap.yaml` matters here; source: "The snap format" in snapd's documentation.
#[derive(Debug, Deserialize)]
pub(crate) struct Description {
    name: String,
    /// As it is written: to YAML an unquoted 24.10 would be the number 24.1.
    #[serde(default)]
    version: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
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
        let Self { daemon: None, command: Some(file), command_chain: None, environment: None, slots: None, plugs } =
            self
        else {
            return None;
        };
        let file = Some(file.trim_start_matches('/').to_owned()).filter(|file| !file.contains(char::is_whitespace))?;
        Some(Command { file, plugs: plugs.as_ref().map(UsedPlugs::names).unwrap_or_default() })
    }
}

impl Description {
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
        serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            // The parser quotes the text in further lines, and says the same again as its cause. In the first line it may
            // go on to what a program that uses it could do about it.
            let said = error.to_string();
            let line = said.lines().next().unwrap_or_default().trim_start_matches("error: ");
            let advice =
                [", set DuplicateKeyPolicy", "; use from_str"].iter().filter_map(|start| line.find(start)).min();
            line[..advice.unwrap_or(line.len())].to_owned()
        })
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
        let mut used = Vec::new();
        for (name, app) in self.apps.unwrap_or_default() {
            let app = app.unwrap_or_default();
            if app.daemon.is_some() {
                services.insert(name.clone());
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
            base: self.base,
            assumes: self.assumes.unwrap_or_default(),
            apps,
            services,
            commands,
            plugs: plugs.into_iter().map(|(name, interface)| Plug { name, interface }).collect(),
            schemas: None,
        }
    }
}
