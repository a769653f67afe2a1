//! Settings that cannot be used.

use std::path::PathBuf;

use super::{FaultError, PRODUCT};
use crate::dist::DistError;
use crate::written::WrongToml;

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The working directory is in no checkout of the project, and in no distribution of it.
    #[error("no workspace found at or above {}; run this inside a checkout of the project", .0.display())]
    NoWorkspace(PathBuf),
    /// A distribution that cannot be used.
    #[error(transparent)]
    Dist(#[from] DistError),
    /// The configuration file cannot be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The configuration file is not valid; the cause names line and column.
    #[error("failed to parse {}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why and where.
        source: Box<WrongToml>,
    },
    /// An environment variable has a value that cannot be used.
    #[error("environment variable {name} is {value:?}, which is not {wanted}")]
    Environment {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        wanted: String,
    },
    /// An environment variable whose name says that it is meant for this framework, and that it does not have.
    #[error(
        "environment variable {name} is set, and there is no such setting{}",
        meant.as_ref().map(|meant| format!("; did you mean {meant}?")).unwrap_or_default()
    )]
    UnknownVariable {
        /// The variable.
        name: String,
        /// What was probably meant.
        meant: Option<String>,
    },
    /// An environment variable is no text.
    #[error("environment variable {name} is {value:?}, which is not UTF-8")]
    NotText {
        /// The variable.
        name: String,
        /// Its value.
        value: std::ffi::OsString,
    },
    /// The environment has a fault that there is not.
    #[error("environment variable TESTKIT_FAULTS cannot be used")]
    Faults(#[source] FaultError),
    /// A remote of the `lxc` or the `incus` client cannot be used.
    #[error("{variable} names the remote {name:?}: {problem}; {mend}")]
    Remote {
        /// The variable, or the setting of the configuration file.
        variable: &'static str,
        /// The remote's name.
        name: String,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        mend: String,
    },
    /// Two settings name an LXD or an Incus.
    #[error("{one} and {other} each say where clusters are to be formed; unset one of them")]
    TwoTargets {
        /// The one.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// The configuration file says in two ways what is tested.
    #[error("{} has both `snap` and [[product]]; name one snap by `snap`, or each of several as a [[product]]", .0.display())]
    SnapAndProducts(PathBuf),
    /// One snap twice in the list of the environment.
    #[error("the product {0:?} is given twice; name each snap once")]
    SameProduct(String),
    /// Two products of one name in the configuration file.
    #[error("{}:{line}: the product {name:?} is called like the one in line {other}; name each in its own way", path.display())]
    CalledAlike {
        /// The file.
        path: PathBuf,
        /// The line of the second name, from 1 on.
        line: usize,
        /// The name.
        name: String,
        /// The line of the first.
        other: usize,
    },
    /// No product has the name that is asked for.
    #[error(
        "{PRODUCT} is {name:?}, and {}{}",
        if names.is_empty() {
            "there are no products to choose from: name several snaps with MICROOVN_SNAP_PATH, separated by colons, or each \
             as a [[product]] in testkit.toml".to_owned()
        } else {
            format!("the products are {}", names.join(", "))
        },
        near.as_ref().map(|near| format!("; did you mean {near:?}?")).unwrap_or_default()
    )]
    UnknownProduct {
        /// What was asked for.
        name: String,
        /// Those that there are.
        names: Vec<String>,
        /// What was probably meant.
        near: Option<String>,
    },
    /// Several products, where one is needed.
    #[error(
        "several products are given ({}), and this is done with one; name it with {PRODUCT}, or use `testkit run`, which runs \
         the suites against each",
        .0.join(", ")
    )]
    Undecided(Vec<String>),
    /// A folder that this user may not write to.
    #[error("{} cannot be written by this user, and {why}", path.display())]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// What it is for, and what to do.
        why: &'static str,
    },
    /// Nothing says where built images and snaps go.
    #[error(
        "there is no folder for the cache: neither XDG_CACHE_HOME nor HOME is an absolute path, and the user database \
             has no home for this user; set TESTKIT_CACHE_DIR"
    )]
    NoCache,
    /// A remote LXD or Incus without all of its certificates.
    #[error("LXD_REMOTE={url} needs LXD_CLIENT_CERT, LXD_CLIENT_KEY and LXD_SERVER_CERT; {missing} is not set")]
    RemoteWithoutCertificate {
        /// The remote.
        url: String,
        /// The first variable that is missing.
        missing: &'static str,
    },
}
