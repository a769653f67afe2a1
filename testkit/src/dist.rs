//! A distribution: the command, the suites, their runner and what images are made of, in a folder of a machine that compiles nothing.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The file at the root of a distribution that says what it is.
pub const MARK: &str = "dist.toml";

/// Of which distribution this program is.
pub const BUILD: &str = match option_env!("TESTKIT_BUILD") {
    Some(build) => build,
    None => DEVELOPMENT,
};
/// Whether this program is of a distribution.
pub const IS_ONE: bool = option_env!("TESTKIT_BUILD").is_some();
/// What a program is of that was compiled in a checkout, for that.
pub const DEVELOPMENT: &str = "development";

/// What a distribution says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The version of the framework.
    pub version: String,
    /// What it was built of; its programs have the same.
    pub build: String,
}

/// A distribution, unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dist {
    root: PathBuf,
    label: Label,
}

/// A folder that says that it is a distribution, and cannot be used as one.
#[derive(Debug, thiserror::Error)]
pub enum DistError {
    /// What it says of itself cannot be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What it says of itself is something else; the cause names line and column.
    #[error("failed to parse {}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why and where.
        source: Box<toml::de::Error>,
    },
    /// It is another than this program is of.
    #[error(
        "{} is of build {theirs}, and this program {}; take all of them from one archive, unpacked into a folder of its own",
        path.display(), if *ours == DEVELOPMENT { "is of a checkout".to_owned() } else { format!("of build {ours}") }
    )]
    Other {
        /// The file.
        path: PathBuf,
        /// What it says.
        theirs: String,
        /// What this program is of.
        ours: &'static str,
    },
}

impl Dist {
    /// The distribution whose root this folder is, if it is one's.
    ///
    /// # Errors
    /// When what it says of itself cannot be read, or it is not of `ours`, the build of the program that asks.
    pub fn at(folder: &Path, ours: &'static str) -> Result<Option<Self>, DistError> {
        let path = folder.join(MARK);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(DistError::Read { path, source }),
        };
        let label: Label = match toml::from_str(&text) {
            Ok(label) => label,
            Err(source) => return Err(DistError::Parse { path, source: Box::new(source) }),
        };
        if ours != label.build {
            return Err(DistError::Other { path, theirs: label.build, ours });
        }
        Ok(Some(Self { root: folder.to_owned(), label }))
    }

    /// The folder of this program, where that is the root of a distribution: then that is used wherever it is called from.
    pub fn folder_of_this_program() -> Option<PathBuf> {
        let program = std::env::current_exe().ok()?;
        program.parent().filter(|folder| folder.join(MARK).is_file()).map(Path::to_owned)
    }

    /// The runner of its suites.
    pub fn runner(&self) -> PathBuf {
        self.root.join("bin/cargo-nextest")
    }

    /// The suites, as the runner packs them.
    pub fn archive(&self) -> PathBuf {
        self.root.join("suites.tar.zst")
    }

    /// Where what is made of it is kept.
    pub fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// Where suites whose archive has this hash are unpacked to, once.
    pub fn unpacked(&self, hash: &str) -> PathBuf {
        self.target().join(format!("suites-{hash}"))
    }

    /// The root.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// Where a distribution has the programs of nodes that a crate is compiled to.
pub fn programs(root: &Path, package: &str) -> PathBuf {
    root.join("images/programs").join(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, ours: &'static str) -> Result<Option<Dist>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(MARK), text).expect("written");
        Dist::at(folder.path(), ours)
            .map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "DIR"))
    }

    #[test]
    fn programs_of_another_archive_and_of_a_checkout_are_refused() {
        let text = "version = \"0.1.0\"\nbuild = \"abc\"\n";
        assert!(told(text, "abc").expect("its own").is_some());
        let other = "take all of them from one archive, unpacked into a folder of its own";
        let wanted = |whose: &str| format!("DIR/dist.toml is of build abc, and this program {whose}; {other}");
        assert_eq!(told(text, "abd"), Err(wanted("of build abd")));
        assert_eq!(told(text, DEVELOPMENT), Err(wanted("is of a checkout")));
        assert_eq!(told("version = 1", "abc"), Err("failed to parse DIR/dist.toml".to_owned()));
    }

    #[test]
    fn a_folder_without_the_mark_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Dist::at(folder.path(), "abc").expect("looked"), None);
    }
}
