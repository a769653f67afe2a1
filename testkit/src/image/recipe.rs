//! The recipes under `images/`: what goes into the node image and into the snaps.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern, PatternError};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};

use super::error::Error;
use super::program::Program;
use crate::cargo;
use crate::written::{self, WrongToml};

/// `images/node/node.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NodeRecipe {
    /// The distribution's suite: `bookworm`.
    #[serde(deserialize_with = "suite")]
    pub(crate) suite: String,
    pub(crate) packages: Vec<String>,
    /// dpkg's `path-exclude` patterns.
    pub(crate) exclude: Vec<String>,
    /// What is left out.
    pub(crate) drop: Vec<Paths>,
    /// Units that never run.
    pub(crate) mask: Vec<String>,
    /// Path in the image, and the crate of this workspace whose program goes there.
    pub(crate) programs: BTreeMap<String, String>,
    /// Path of a symbolic link, and its target.
    pub(crate) links: BTreeMap<String, String>,
    /// Path in the instance, and the file in `templates/` that LXD renders there on create and on copy.
    pub(crate) templates: BTreeMap<String, String>,
}

/// `images/snaps.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SnapsRecipe {
    /// Of the base, beyond the essential ones.
    pub(crate) packages: Vec<String>,
    pub(crate) exclude: Vec<String>,
    pub(crate) base: BaseRecipe,
    #[serde(rename = "stand-in")]
    pub(crate) stand_in: StandInRecipe,
    pub(crate) microcloud: MicrocloudRecipe,
    pub(crate) snapd: SnapdRecipe,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MicrocloudRecipe {
    /// The crate whose program goes to `bin/`.
    pub(crate) package: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BaseRecipe {
    pub(crate) name: String,
    pub(crate) drop: Vec<Paths>,
    /// Folders that must be there even if empty.
    pub(crate) folders: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StandInRecipe {
    /// The crate whose programs go to `bin/`.
    pub(crate) package: String,
    pub(crate) packages: Vec<String>,
    /// Packages to do without, though others depend on them; a `*` at the end matches the rest.
    pub(crate) without: Vec<String>,
    pub(crate) drop: Vec<Paths>,
    /// Path of a symbolic link, and its target.
    pub(crate) links: BTreeMap<String, String>,
    /// Its releases, by the suite that their packages are of.
    pub(crate) releases: BTreeMap<String, ReleaseRecipe>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseRecipe {
    pub(crate) version: String,
    /// Apps that it does not have.
    pub(crate) lacks: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SnapdRecipe {
    /// Of the package's paths, those that belong into the snap.
    pub(crate) keep: Vec<String>,
}

/// `images/lxd/lxd.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LxdRecipe {
    /// Beyond those of the node image.
    pub(crate) packages: Vec<String>,
    /// What is left out.
    pub(crate) drop: Vec<Paths>,
    /// Path of a symbolic link, and its target.
    pub(crate) links: BTreeMap<String, String>,
}

/// The name of a suite, which is a word of a command and a part of a file's name.
fn suite<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(plain) {
        return Ok(text);
    }
    Err(D::Error::custom(format!("{text:?} is no name of a suite, such as \"bookworm\"")))
}

/// A path and all below it, without a slash at the start. `*` stands for any part of one name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Paths(Pattern);

impl TryFrom<String> for Paths {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        Pattern::new(&text).map(Self)
    }
}

impl Paths {
    pub(crate) fn holds(&self, path: &str) -> bool {
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::default() };
        let above = path.match_indices('/').map(|(slash, _)| &path[..slash]);
        above.chain([path]).any(|path| self.0.matches_with(path, options))
    }
}

/// Where the recipes and crates are.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace at `root`, the folder of `Cargo.lock` and `images/`.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where cargo keeps what it compiles. Cargo is asked: variables, options and configuration files may say it.
    pub(crate) fn target(&self) -> Result<PathBuf, Error> {
        #[derive(Deserialize)]
        struct Metadata {
            target_directory: PathBuf,
        }
        let output = Program::new("find where cargo keeps what it compiles", "cargo")
            .args(["metadata", "--no-deps", "--format-version=1"])
            .run_with(|cargo| cargo::by_hand(cargo).dir(&self.root).stdin_null())?;
        let metadata: Result<Metadata, _> = serde_json::from_slice(&output);
        metadata.map(|metadata| metadata.target_directory).map_err(|error| Error::Recipe {
            recipe: "programs",
            problem: format!("what cargo says of the workspace cannot be read: {error}"),
        })
    }

    /// The compiler of programs that are linked statically.
    pub(crate) fn static_rustc(&self) -> PathBuf {
        self.root.join("images/static-rustc")
    }

    pub(crate) fn node(&self) -> PathBuf {
        self.root.join("images/node")
    }

    pub(crate) fn stand_in_tree(&self) -> PathBuf {
        self.root.join("images/stand-in/snap")
    }

    pub(crate) fn microcloud_tree(&self) -> PathBuf {
        self.root.join("images/microcloud/snap")
    }

    pub(crate) fn lxd(&self) -> PathBuf {
        self.root.join("images/lxd")
    }

    pub(crate) fn lxd_recipe(&self) -> Result<LxdRecipe, Error> {
        parse(&self.lxd().join("lxd.toml"))
    }

    pub(crate) fn node_recipe(&self) -> Result<NodeRecipe, Error> {
        parse(&self.node().join("node.toml"))
    }

    pub(crate) fn snaps_recipe(&self) -> Result<SnapsRecipe, Error> {
        parse(&self.root.join("images/snaps.toml"))
    }
}

fn parse<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let wrong = |source| Error::Parse { path: path.display().to_string(), source };
    let text = written::read(path).map_err(|error| wrong(error.into()))?;
    toml::from_str(&text).map_err(|error| wrong(Box::new(WrongToml::from(error))))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::StandIn;

    fn workspace() -> Workspace {
        Workspace::new(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
    }

    #[test]
    fn the_recipes_of_this_workspace_parse_and_name_files_that_exist() {
        let node = workspace().node_recipe().unwrap();
        for template in node.templates.values() {
            assert!(workspace().node().join("templates").join(template).is_file(), "no template {template}");
        }
        for kind in ["netdev", "network"] {
            let path = format!("/etc/systemd/network/10-{}.{kind}", crate::microcloud::Outside::BRIDGE);
            assert!(node.templates.contains_key(&path), "no template for {path}");
        }
        for target in node.links.values().filter(|target| target.starts_with("/etc/systemd/system/")) {
            let file = workspace().node().join("files").join(target.trim_start_matches('/'));
            assert!(file.is_file(), "no {}", file.display());
        }
        let lxd = workspace().lxd_recipe().unwrap();
        assert_eq!(lxd.packages, ["lxd", "lxd-client"]);
        for command in ["ovn-nbctl", "ovn-sbctl", "ovs-vsctl"] {
            let file = workspace().lxd().join("files/usr/local/bin").join(command);
            assert!(crate::image::hash::is_executable(&file).unwrap(), "{command} is no command");
        }
        let releases = workspace().snaps_recipe().unwrap().stand_in.releases;
        assert_eq!(releases.keys().map(String::as_str).collect::<Vec<_>>(), StandIn::WORDS);
    }

    #[test]
    fn where_programs_are_compiled_is_what_cargo_says() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".cargo")).unwrap();
        fs::write(folder.path().join("Cargo.toml"), "[workspace]\n").unwrap();
        fs::write(folder.path().join(".cargo/config.toml"), "[build]\ntarget-dir = \"/elsewhere\"\n").unwrap();
        // A variable of whoever runs this test wins over the file.
        let named = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"].iter().find_map(std::env::var_os);
        let wanted = named.map_or_else(|| PathBuf::from("/elsewhere"), |path| folder.path().join(path));
        assert_eq!(Workspace::new(folder.path()).target().unwrap(), wanted);
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.toml");
        let text = fs::read_to_string(workspace().node().join("node.toml")).unwrap();
        fs::write(&path, format!("pakages = []\n{text}")).unwrap();
        let error = parse::<NodeRecipe>(&path).unwrap_err();
        assert!(error.to_string().starts_with("failed to parse"), "{error}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("pakages"), "{cause}");
    }

    #[test]
    fn what_is_wrong_in_a_recipe_is_for_its_writer_to_mend() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.toml");
        let text = fs::read_to_string(workspace().node().join("node.toml")).unwrap();
        for (suite, wanted) in [
            ("3", "wanted a text, seen 3"),
            ("\"nosuch; x\"", "\"nosuch; x\" is no name of a suite, such as \"bookworm\""),
            ("\"\"", "\"\" is no name of a suite"),
            ("\"--help\"", "\"--help\" is no name of a suite"),
            ("\"../x\"", "\"../x\" is no name of a suite"),
        ] {
            let line = format!("suite = {suite}");
            let changed = text.lines().map(|it| if it.starts_with("suite =") { &line } else { it });
            fs::write(&path, changed.collect::<Vec<_>>().join("\n")).unwrap();
            let error = parse::<NodeRecipe>(&path).unwrap_err();
            assert!(error.is_usage());
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert!(cause.contains(wanted), "{cause}");
        }
        assert!(Error::Recipe { recipe: "node.toml", problem: "its packages have no snapd".to_owned() }.is_usage());
    }

    #[test]
    fn a_pattern_holds_what_it_matches_and_all_below() {
        let holds = |pattern: &str, path: &str| Paths::try_from(pattern.to_owned()).expect("a pattern").holds(path);
        for (pattern, path, wanted) in [
            ("var/lib/apt", "var/lib/apt", true),
            ("var/lib/apt", "var/lib/apt/lists/one", true),
            ("var/lib/apt", "var/lib/aptitude", false),
            ("usr/lib/*/perl", "usr/lib/x86_64-linux-gnu/perl/5.36/Config.pm", true),
            ("usr/lib/*/perl", "usr/lib/perl", false),
            ("etc/ssl/certs/*.pem", "etc/ssl/certs/a.pem", true),
            ("etc/ssl/certs/*.pem", "etc/ssl/certs/ca-certificates.crt", false),
            ("etc/*.pem", "etc/ssl/a.pem", false),
        ] {
            assert_eq!(holds(pattern, path), wanted, "{pattern} of {path}");
        }
        assert!(Paths::try_from("usr/***".to_owned()).is_err());
    }
}
