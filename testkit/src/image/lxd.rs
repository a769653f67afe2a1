//! The distribution's LXD for members on which it makes networks of its own: what it takes beyond the node image.

use std::path::PathBuf;

use super::build::{FOR_LXD, FOR_NODE, Progress, bootstrap, has_bootstrap};
use super::cache::Cache;
use super::dpkg::Packages;
use super::error::Error;
use super::hash::Hasher;
use super::recipe::{LxdRecipe, NodeRecipe, Workspace};
use super::snaps::keep_files;
use super::tree::{Squashfs, Tree};

/// Raised when it is made in another way from the same parts.
const VERSION: &str = "lxd 1";

/// Whether [`build_lxd`] can do so: its packages are in the cache, or the distribution's mirror serves them.
///
/// # Errors
/// When the recipes cannot be read.
pub fn has_lxd(workspace: &Workspace, cache: &Cache) -> Result<bool, Error> {
    let (node, lxd) = (workspace.node_recipe()?, workspace.lxd_recipe()?);
    Ok(has_bootstrap(cache, FOR_LXD, &node.suite, &packages(&node, &lxd), &node.exclude))
}

/// Packs what is unpacked over the root folder of a node so that it has LXD: the files of the packages that the node image has
/// not, and those of `images/lxd/files/`. Of the suite of the node image, with whose libraries it runs.
///
/// # Errors
/// When packages cannot be had, or the file not be packed.
pub fn build_lxd(workspace: &Workspace, cache: &Cache, progress: &mut Progress<'_>) -> Result<PathBuf, Error> {
    let (node, lxd) = (workspace.node_recipe()?, workspace.lxd_recipe()?);
    let without = bootstrap(cache, FOR_NODE, &node.suite, &node.packages, &node.exclude, progress)?;
    let with = bootstrap(cache, FOR_LXD, &node.suite, &packages(&node, &lxd), &node.exclude, progress)?;
    let hash = Hasher::new(VERSION)
        .text("without", &without.file_name().unwrap_or_default().to_string_lossy())
        .text("with", &with.file_name().unwrap_or_default().to_string_lossy())
        .text("recipe", &format!("{lxd:?}"))
        .folder("files", &workspace.lxd().join("files"))?
        .finish();
    cache.ensure("lxd", "squashfs", &hash, |made| {
        progress("packing LXD");
        let mut tree = Tree::of_tar(&with)?;
        let dpkg = Packages::of_tree(&tree)?;
        let on_node = Packages::of_tree(&Tree::of_tar(&without)?)?;
        let mut files = Vec::new();
        for package in dpkg.names().filter(|name| on_node.find_version(name).is_none()) {
            files.extend(dpkg.files(&tree, package)?);
        }
        keep_files(&mut tree, |path| !lxd.drop.iter().any(|dropped| dropped.holds(path)), &files);
        tree.add_host_folder(&workspace.lxd().join("files"))?;
        for (path, target) in &lxd.links {
            tree.add_link(path, target);
        }
        tree.pack(made, Squashfs::Image)
    })
}

fn packages(node: &NodeRecipe, lxd: &LxdRecipe) -> Vec<String> {
    node.packages.iter().chain(&lxd.packages).cloned().collect()
}
