//! The snap of the stand-in for MicroCloud, for hosts that the snap store does not reach.

use std::path::PathBuf;

use super::build::{Progress, cached_programs, debian_architecture, read};
use super::cache::Cache;
use super::error::Error;
use super::hash::Hasher;
use super::recipe::Workspace;
use super::tree::{Squashfs, Tree};

/// Raised when it is made in another way from the same parts.
const VERSION: &str = "microcloud 1";

/// Packs the stand-in for MicroCloud on `base`, that of the MicroOVN it is beside, which is installed already: the folder
/// `images/microcloud/snap/` and the crate's program, which is linked statically.
///
/// # Errors
/// When the program cannot be built or the snap not be packed.
pub fn build_microcloud(
    workspace: &Workspace,
    cache: &Cache,
    base: &str,
    progress: &mut Progress<'_>,
) -> Result<PathBuf, Error> {
    let recipe = workspace.snaps_recipe()?.microcloud;
    let programs = cached_programs(workspace, cache, &recipe.package, progress)?;
    let mut hasher = Hasher::new(VERSION).text("base", base).folder("tree", &workspace.microcloud_tree())?;
    for (name, program) in &programs {
        hasher = hasher.text("program", name).file("content", program)?;
    }
    cache.ensure(&recipe.package, "snap", &hasher.finish(), |made| {
        progress("packing the stand-in snap for MicroCloud");
        let mut tree = Tree::default();
        for (name, program) in &programs {
            tree.add_host_file(&format!("bin/{name}"), program, 0o755);
        }
        let yaml = String::from_utf8_lossy(&read(&workspace.microcloud_tree().join("meta/snap.yaml"))?).into_owned();
        let yaml = yaml.replace("@BASE@", base).replace("@ARCH@", debian_architecture());
        tree.add_file("meta/snap.yaml", yaml, 0o644);
        tree.pack(made, Squashfs::Snap)
    })
}
