//! Several products, of which one is tested at a time.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::filled::{all_filled, filled, filled_one};
use super::{Config, ConfigError, UpgradeFrom};
use crate::nearest::nearest;

/// One of several snaps to test: a `[[product]]` of the configuration file, or a path of the variable's list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// What it is called in tables, and chosen by.
    #[serde(deserialize_with = "filled_one")]
    pub name: String,
    /// Its snap.
    #[serde(deserialize_with = "filled_one")]
    pub snap: PathBuf,
    /// The snaps to install before it, in order; `None` for those of the whole configuration.
    #[serde(default, deserialize_with = "all_filled")]
    pub extra_snaps: Option<Vec<PathBuf>>,
    /// The older snap that upgrades to it start from; `None` for that of the whole configuration.
    #[serde(default, deserialize_with = "filled")]
    pub upgrade_from: Option<UpgradeFrom>,
}

/// Products of these snaps, each called like its file, with as many folders in front as it takes to tell them apart.
pub(super) fn of_paths(paths: &[PathBuf]) -> Vec<Product> {
    let depth = |path: &Path| path.components().count();
    let deepest = paths.iter().map(|path| depth(path)).max().unwrap_or_default();
    let name = |path: &Path, parts: usize| {
        let skipped = path.components().skip(depth(path).saturating_sub(parts));
        skipped.collect::<PathBuf>().with_extension("").display().to_string()
    };
    let distinct = |parts: &usize| {
        let names: std::collections::BTreeSet<String> = paths.iter().map(|path| name(path, *parts)).collect();
        names.len() == paths.len()
    };
    let parts = (1..=deepest).find(distinct).unwrap_or(deepest);
    let product =
        |path: &PathBuf| Product { name: name(path, parts), snap: path.clone(), extra_snaps: None, upgrade_from: None };
    paths.iter().map(product).collect()
}

/// Refuses products of the configuration file of which two have one name. Whether the rest of it is right is for who reads it.
pub(super) fn require_own_names(path: &Path, text: &str) -> Result<(), ConfigError> {
    #[derive(Default, Deserialize)]
    struct Written {
        #[serde(default)]
        product: Vec<Named>,
    }
    #[derive(Deserialize)]
    struct Named {
        name: Spanned<String>,
    }
    let line = |named: &Named| text.get(..named.name.span().start).unwrap_or(text).matches('\n').count() + 1;
    let products = toml::from_str::<Written>(text).unwrap_or_default().product;
    for (at, product) in products.iter().enumerate() {
        let name = product.name.as_ref();
        if let Some(other) = products[..at].iter().find(|before| before.name.as_ref() == name) {
            let (path, name) = (path.to_owned(), name.clone());
            return Err(ConfigError::CalledAlike { path, line: line(product), name, other: line(other) });
        }
    }
    Ok(())
}

/// Refuses products that cannot be told apart.
pub(super) fn require_distinct(products: &[Product]) -> Result<(), ConfigError> {
    for (at, product) in products.iter().enumerate() {
        if products[..at].iter().any(|before| before.name == product.name) {
            return Err(ConfigError::SameProduct(product.name.clone()));
        }
    }
    Ok(())
}

impl Config {
    /// The same with this one of its products to be tested.
    ///
    /// # Errors
    /// When it has none of this name; the error names the nearest.
    pub fn with_product(mut self, name: &str) -> Result<Self, ConfigError> {
        let Some(product) = self.products.iter().find(|product| product.name == name).cloned() else {
            let names: Vec<String> = self.products.iter().map(|product| product.name.clone()).collect();
            let near = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
            return Err(ConfigError::UnknownProduct { name: name.to_owned(), names, near });
        };
        self.product = Some(product.name);
        self.snap = Some(product.snap);
        if let Some(extra) = product.extra_snaps {
            self.extra_snaps = extra;
        }
        self.upgrade_from = product.upgrade_from.or(self.upgrade_from);
        Ok(self)
    }

    /// The same with this snap to be tested, and no other.
    pub fn with_snap(self, snap: PathBuf) -> Self {
        Self { snap: Some(snap), products: Vec::new(), product: None, ..self }
    }

    /// Fails where it is not decided what is tested.
    ///
    /// # Errors
    /// When there are several products and none is chosen; the error names them.
    pub fn require_decided(&self) -> Result<(), ConfigError> {
        if self.snap.is_some() || self.products.is_empty() {
            return Ok(());
        }
        Err(ConfigError::Undecided(self.products.iter().map(|product| product.name.clone()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[&str]) -> Vec<String> {
        let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        of_paths(&paths).into_iter().map(|product| product.name).collect()
    }

    #[test]
    fn products_are_called_like_their_files_and_told_apart_by_folders() {
        assert_eq!(names(&["/s/old.snap", "/s/new.snap"]), ["old", "new"]);
        assert_eq!(names(&["/a/24.03/microovn.snap", "/a/26.03/microovn.snap"]), ["24.03/microovn", "26.03/microovn"]);
        assert_eq!(names(&["/s/microovn_24.03_amd64.snap", "/t"]), ["microovn_24.03_amd64", "t"]);
        let same = of_paths(&[PathBuf::from("/s/a.snap"), PathBuf::from("/s/a.snap")]);
        let refused = require_distinct(&same).expect_err("the same twice").to_string();
        assert_eq!(refused, "the product \"/s/a\" is given twice; name each snap once");
    }
}
