//! What is tested.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::folder::{self, FolderError, RunFolder};
use crate::plan::Datapath;

/// What is tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Whether it is the stand-in that was built here.
    pub stand_in: bool,
    /// The snap's name.
    pub name: String,
    /// The snap's version.
    pub version: String,
    /// SHA-256 of the snap file, hexadecimal.
    pub sha256: String,
    /// What carries packets on its members.
    #[serde(default)]
    pub datapath: Option<Datapath>,
    /// The MicroCloud that forms clusters of it, where one does.
    #[serde(default)]
    pub microcloud: Option<String>,
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.stand_in { "stand-in for " } else { "" };
        write!(f, "{what}{} {} (sha256 {})", self.name, self.version, self.sha256)?;
        self.microcloud.as_ref().map_or(Ok(()), |microcloud| write!(f, ", formed by {microcloud}"))?;
        self.datapath.map_or(Ok(()), |datapath| write!(f, ", {datapath}"))
    }
}

/// The product that this run tests, where it has come to that: what was found out once is in `common`. `by_microcloud` where a
/// MicroCloud forms clusters of it.
///
/// # Errors
/// When what was found out cannot be read.
pub fn product_of(common: &RunFolder, by_microcloud: bool) -> Result<Option<Product>, FolderError> {
    let names = if by_microcloud { &["golden-microcloud"][..] } else { &["golden", "golden-older"][..] };
    for name in names {
        // What upgrades start from may be nothing.
        if let Some(Some((_, product))) = folder::read::<Option<(serde_json::Value, Product)>>(&common.once(name).0)? {
            return Ok(Some(product));
        }
    }
    Ok(None)
}
