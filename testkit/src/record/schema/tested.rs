//! What a run tests, and where: the product and its faults, the host, the options and the checks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The snap under test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Product {
    /// Whether it is the stand-in that was built by the project, and not MicroOVN.
    pub stand_in: bool,
    /// The snap's name.
    pub name: String,
    /// The snap's version.
    pub version: String,
    /// SHA-256 of the snap file, hexadecimal.
    pub sha256: String,
}

/// A fault of the product that is known (`suites/known.toml`), and what of it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownFault {
    /// What it is called.
    pub name: String,
    /// What it is, where it was seen, and why it is let be.
    pub reason: String,
    /// Since when it is known.
    pub since: jiff::civil::Date,
    /// The cells in which checks did not pass because of it and of nothing else.
    pub seen: Vec<String>,
    /// The cells in which it would have shown, and all that it would have shown in passed: it no longer happens there.
    pub gone: Vec<String>,
}

/// The host on which the run was started, and its LXD.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// The distribution.
    pub system: String,
    /// The kernel's release.
    pub kernel: String,
    /// The machine's architecture.
    pub architecture: String,
    /// Processors that tests may use.
    pub processors: usize,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// LXD's version, or `Incus` and its version; empty where none answered.
    pub lxd: String,
    /// The distribution and kernel that LXD runs on, which may be another host's.
    pub lxd_system: String,
}

/// An init option of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InitOption {
    /// Its name.
    pub name: String,
    /// Its values, the default first.
    pub values: Vec<String>,
}

/// What a check is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckInfo {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub about: String,
}
