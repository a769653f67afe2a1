//! The snaps that are packed here, for hosts that the snap store does not reach: snapd, a base, and the stand-in.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::build::{Progress, at_once, bootstrap, cached_programs, debian_architecture, read};
use super::cache::Cache;
use super::dpkg::{Packages, matches};
use super::error::Error;
use super::hash::Hasher;
use super::recipe::{SnapsRecipe, Workspace};
use super::tree::{Squashfs, Tree, is_at_or_below};

/// Raised when snaps are made in another way from the same recipe.
const SNAPS_VERSION: &str = "snaps 2";

/// The snaps, in the order in which they have to be installed.
#[derive(Debug, Clone)]
pub struct Snaps {
    /// `type: snapd`, of the same version as the node image's own.
    pub snapd: PathBuf,
    /// `type: base`.
    pub base: PathBuf,
    /// The stand-in for MicroOVN.
    pub stand_in: PathBuf,
}

/// Makes all three snaps, or finds them made.
pub fn build_snaps(workspace: &Workspace, cache: &Cache, progress: &mut Progress<'_>) -> Result<Snaps, Error> {
    let (node, recipe) = (workspace.node_recipe()?, workspace.snaps_recipe()?);
    // What takes long: packages wait for the network and for dpkg, while the compiler has the processors.
    at_once(
        &[
            &|progress| cached_programs(workspace, cache, &recipe.stand_in.package, progress).map(drop),
            &|progress| base_and_ovn(cache, &recipe, progress).map(drop),
            &|progress| bootstrap(cache, &node.suite, &node.packages, &node.exclude, progress).map(drop),
        ],
        progress,
    )?;
    Ok(Snaps {
        snapd: build_snapd(workspace, cache, progress)?,
        base: build_base(workspace, cache, progress)?,
        stand_in: build_stand_in(workspace, cache, progress)?,
    })
}

/// Packs the snapd snap from the node image's snapd package: snapd asks for one, and of the same version it changes
/// nothing.
pub fn build_snapd(workspace: &Workspace, cache: &Cache, progress: &mut Progress<'_>) -> Result<PathBuf, Error> {
    let node = workspace.node_recipe()?;
    let recipe = workspace.snaps_recipe()?.snapd;
    let packages = bootstrap(cache, &node.suite, &node.packages, &node.exclude, progress)?;
    let hash = Hasher::new(SNAPS_VERSION)
        .text("packages", &packages.file_name().unwrap_or_default().to_string_lossy())
        .text("keep", &recipe.keep.join(","))
        .finish();
    cache.ensure("snapd", "snap", &hash, |made| {
        progress("packing the snapd snap");
        let mut tree = Tree::of_tar(&packages)?;
        let dpkg = Packages::of_tree(&tree)?;
        let files = dpkg.files(&tree, "snapd")?;
        let version = dpkg.find_version("snapd").unwrap_or_default().to_owned();
        keep_files(&mut tree, |path| recipe.keep.iter().any(|root| is_at_or_below(path, root)), &files);
        tree.add_link("lib", "usr/lib");
        let title = "Daemon and tooling that enable snap packages";
        tree.add_file("meta/snap.yaml", snap_yaml("snapd", &version, "snapd", title), 0o644);
        tree.pack(made, Squashfs::Snap)
    })
}

/// Packs the base: the essential packages and a few more, without what only the stand-in needs.
pub fn build_base(workspace: &Workspace, cache: &Cache, progress: &mut Progress<'_>) -> Result<PathBuf, Error> {
    let recipe = workspace.snaps_recipe()?;
    let packages = base_and_ovn(cache, &recipe, progress)?;
    let hash = Hasher::new(SNAPS_VERSION)
        .text("packages", &packages.file_name().unwrap_or_default().to_string_lossy())
        .text("base", &format!("{:?} {:?} {:?}", recipe.packages, recipe.base, recipe.stand_in.packages))
        .finish();
    cache.ensure(&recipe.base.name, "snap", &hash, |made| {
        progress("packing the base snap");
        let mut tree = Tree::of_tar(&packages)?;
        let dpkg = Packages::of_tree(&tree)?;
        let base = base_packages(&dpkg, &recipe);
        let mut others = BTreeSet::new();
        for package in dpkg.names().filter(|name| !base.contains(name)) {
            others.extend(dpkg.files(&tree, package)?);
        }
        tree.retain(|path| !others.contains(path));
        tree.retain(|path| !recipe.base.drop.iter().any(|dropped| dropped.holds(path)));
        remove_dangling_alternatives(&mut tree);
        for folder in &recipe.base.folders {
            tree.add_folder(&tree.resolve(folder), if folder.ends_with("tmp") { 0o1777 } else { 0o755 });
        }
        let yaml = snap_yaml(&recipe.base.name, &recipe.base.version, "base", "Base of the stand-in for MicroOVN");
        tree.add_file("meta/snap.yaml", yaml, 0o644);
        tree.pack(made, Squashfs::Snap)
    })
}

/// Packs the stand-in: the distribution's OVN and Open vSwitch, the folder `images/stand-in/snap/`, and the crate's
/// programs in `bin/`.
pub fn build_stand_in(workspace: &Workspace, cache: &Cache, progress: &mut Progress<'_>) -> Result<PathBuf, Error> {
    let recipe = workspace.snaps_recipe()?;
    let programs = cached_programs(workspace, cache, &recipe.stand_in.package, progress)?;
    let packages = base_and_ovn(cache, &recipe, progress)?;
    let mut hasher = Hasher::new(SNAPS_VERSION)
        .text("packages", &packages.file_name().unwrap_or_default().to_string_lossy())
        .text("recipe", &format!("{:?} {:?} {:?}", recipe.packages, recipe.base, recipe.stand_in))
        .folder("tree", &workspace.stand_in_tree())?;
    for (name, program) in &programs {
        hasher = hasher.text("program", name).file("content", program)?;
    }
    cache.ensure("microovn-stand-in", "snap", &hasher.finish(), |made| {
        progress("packing the stand-in snap");
        let mut tree = ovn_tree(&Tree::of_tar(&packages)?, &recipe)?;
        tree.add_host_folder(&workspace.stand_in_tree())?;
        for (name, program) in &programs {
            tree.add_host_file(&format!("bin/{name}"), program, 0o755);
        }
        for (path, target) in &recipe.stand_in.links {
            tree.add_link(path, target);
        }
        let yaml = workspace.stand_in_tree().join("meta/snap.yaml");
        let text = String::from_utf8_lossy(&read(&yaml)?)
            .replace("@VERSION@", &recipe.stand_in.version)
            .replace("@BASE@", &recipe.base.name)
            .replace("@ARCH@", debian_architecture());
        tree.add_file("meta/snap.yaml", text, 0o644);
        tree.pack(made, Squashfs::Snap)
    })
}

fn base_and_ovn(cache: &Cache, recipe: &SnapsRecipe, progress: &mut Progress<'_>) -> Result<PathBuf, Error> {
    let packages: Vec<String> = recipe.packages.iter().chain(&recipe.stand_in.packages).cloned().collect();
    bootstrap(cache, &recipe.suite, &packages, &recipe.exclude, progress)
}

fn base_packages<'a>(dpkg: &'a Packages, recipe: &'a SnapsRecipe) -> BTreeSet<&'a str> {
    let roots: Vec<&str> = dpkg.essential().chain(recipe.packages.iter().map(String::as_str)).collect();
    dpkg.closure(roots, |_| false)
}

/// What the stand-in's packages bring beyond the base.
fn ovn_tree(whole: &Tree, recipe: &SnapsRecipe) -> Result<Tree, Error> {
    let dpkg = Packages::of_tree(whole)?;
    let base = base_packages(&dpkg, recipe);
    let stand_in = &recipe.stand_in;
    let without = |name: &str| stand_in.without.iter().any(|pattern| matches(pattern, name));
    let mut files = Vec::new();
    for package in dpkg.closure(stand_in.packages.iter().map(String::as_str), without) {
        if !base.contains(package) {
            files.extend(dpkg.files(whole, package)?);
        }
    }
    let mut tree = whole.clone();
    keep_files(&mut tree, |path| !stand_in.drop.iter().any(|dropped| dropped.holds(path)), &files);
    // /etc is the node's inside a snap: what the packages reach through /etc/alternatives is linked directly.
    for path in whole.paths() {
        let Some(alternative) = whole.find_link(path).filter(|target| target.starts_with("/etc/alternatives/")) else {
            continue;
        };
        let Some(target) = whole.find_link(alternative) else {
            continue;
        };
        let target = whole.resolve(target);
        if tree.contains(&target) {
            tree.add_link(path, &format!("{}{target}", "../".repeat(path.matches('/').count())));
        }
    }
    Ok(tree)
}

/// Keeps those of `files` that `keep` says yes to, and the folders above them.
fn keep_files(tree: &mut Tree, keep: impl Fn(&str) -> bool, files: &[String]) {
    let files: Vec<&str> = files.iter().map(String::as_str).filter(|path| keep(path)).collect();
    let mut kept: BTreeSet<&str> = files.iter().copied().collect();
    for file in files {
        kept.extend(file.match_indices('/').map(|(slash, _)| &file[..slash]));
    }
    tree.retain(|path| kept.contains(path));
}

fn remove_dangling_alternatives(tree: &mut Tree) {
    let dangles = |path: &str, tree: &Tree| {
        let through = tree.find_link(path).filter(|target| target.starts_with("/etc/alternatives/"));
        through.is_some_and(|link| match tree.find_link(link) {
            Some(target) => !tree.contains(&tree.resolve(target)),
            None => true,
        })
    };
    let dangling: BTreeSet<String> = tree.paths().filter(|path| dangles(path, tree)).map(str::to_owned).collect();
    tree.retain(|path| !dangling.contains(path));
}

fn snap_yaml(name: &str, version: &str, kind: &str, summary: &str) -> String {
    format!(
        "name: {name}\nversion: \"{version}\"\ntype: {kind}\nsummary: {summary}\n\
         description: Packed from packages of the distribution, for tests.\narchitectures: [{}]\n\
         confinement: strict\ngrade: stable\n",
        debian_architecture()
    )
}
