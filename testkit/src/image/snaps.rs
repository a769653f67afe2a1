//! The snaps that are packed here, for hosts that the snap store does not reach: snapd, a base, and the stand-in.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::build::{
    FOR_NODE, FOR_SNAPS, Progress, at_once, bootstrap, cached_programs, debian_architecture, has_bootstrap, read,
};
use super::cache::Cache;
use super::dpkg::{Packages, matches};
use super::error::Error;
use super::hash::Hasher;
use super::recipe::{SnapsRecipe, Workspace};
use super::tree::{Squashfs, Tree, is_at_or_below};
use crate::config::StandIn;

/// Raised when snaps are made in another way from the same recipe.
const SNAPS_VERSION: &str = "snaps 3";

/// The releases of the stand-in, the newest first.
const RELEASES: [StandIn; 2] = [StandIn::Trixie, StandIn::Bookworm];

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

/// The release of the stand-in that is wanted, or else the newest that can be had: whose packages are in the cache, or
/// which the distribution's mirror serves.
///
/// # Errors
/// When the recipe cannot be read.
pub fn choose_release(workspace: &Workspace, cache: &Cache, wanted: Option<StandIn>) -> Result<StandIn, Error> {
    let recipe = workspace.snaps_recipe()?;
    Ok(choose(wanted, |release| has_bootstrap(cache, FOR_SNAPS, release.word(), &packages(&recipe), &recipe.exclude)))
}

/// The oldest is not asked for: where it cannot be had either, its making says why.
fn choose(wanted: Option<StandIn>, can_be_had: impl Fn(StandIn) -> bool) -> StandIn {
    let [newer @ .., oldest] = RELEASES;
    wanted.or_else(|| newer.into_iter().find(|release| can_be_had(*release))).unwrap_or(oldest)
}

/// The release of the stand-in before this one, if it can be had.
///
/// # Errors
/// When the recipe cannot be read.
pub fn find_older_release(workspace: &Workspace, cache: &Cache, release: StandIn) -> Result<Option<StandIn>, Error> {
    let recipe = workspace.snaps_recipe()?;
    let older = RELEASES.into_iter().skip_while(|it| *it != release).skip(1);
    let mut older = older.filter(|it| has_bootstrap(cache, FOR_SNAPS, it.word(), &packages(&recipe), &recipe.exclude));
    Ok(older.next())
}

/// Makes all three snaps, or finds them made.
pub fn build_snaps(
    workspace: &Workspace,
    cache: &Cache,
    release: StandIn,
    progress: &mut Progress<'_>,
) -> Result<Snaps, Error> {
    let (node, recipe) = (workspace.node_recipe()?, workspace.snaps_recipe()?);
    // What takes long: packages wait for the network and for dpkg, while the compiler has the processors.
    at_once(
        &[
            &|progress| cached_programs(workspace, cache, &recipe.stand_in.package, progress).map(drop),
            &|progress| base_and_ovn(cache, &recipe, release, progress).map(drop),
            &|progress| bootstrap(cache, FOR_NODE, &node.suite, &node.packages, &node.exclude, progress).map(drop),
        ],
        progress,
    )?;
    Ok(Snaps {
        snapd: build_snapd(workspace, cache, progress)?,
        base: build_base(workspace, cache, release, progress)?,
        stand_in: build_stand_in(workspace, cache, release, progress)?,
    })
}

/// Packs the snapd snap from the node image's snapd package: snapd asks for one, and of the same version it changes
/// nothing.
pub fn build_snapd(workspace: &Workspace, cache: &Cache, progress: &mut Progress<'_>) -> Result<PathBuf, Error> {
    let node = workspace.node_recipe()?;
    let recipe = workspace.snaps_recipe()?.snapd;
    let packages = bootstrap(cache, FOR_NODE, &node.suite, &node.packages, &node.exclude, progress)?;
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
pub fn build_base(
    workspace: &Workspace,
    cache: &Cache,
    release: StandIn,
    progress: &mut Progress<'_>,
) -> Result<PathBuf, Error> {
    let recipe = workspace.snaps_recipe()?;
    let packages = base_and_ovn(cache, &recipe, release, progress)?;
    let hash = Hasher::new(SNAPS_VERSION)
        .text("packages", &packages.file_name().unwrap_or_default().to_string_lossy())
        .text("base", &format!("{:?} {:?} {:?}", recipe.packages, recipe.base, recipe.stand_in.packages))
        .finish();
    let name = base_name(&recipe, release);
    cache.ensure(&name, "snap", &hash, |made| {
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
        let yaml = snap_yaml(&name, release.word(), "base", "Base of the stand-in for MicroOVN");
        tree.add_file("meta/snap.yaml", yaml, 0o644);
        tree.pack(made, Squashfs::Snap)
    })
}

/// Packs the stand-in: the distribution's OVN and Open vSwitch, the folder `images/stand-in/snap/`, and the crate's
/// programs in `bin/`.
pub fn build_stand_in(
    workspace: &Workspace,
    cache: &Cache,
    release: StandIn,
    progress: &mut Progress<'_>,
) -> Result<PathBuf, Error> {
    let recipe = workspace.snaps_recipe()?;
    let none = || Error::Recipe { recipe: "snaps.toml", problem: format!("it has no release {:?}", release.word()) };
    let of_release = recipe.stand_in.releases.get(release.word()).ok_or_else(none)?;
    let programs = cached_programs(workspace, cache, &recipe.stand_in.package, progress)?;
    let packages = base_and_ovn(cache, &recipe, release, progress)?;
    let mut hasher = Hasher::new(SNAPS_VERSION)
        .text("packages", &packages.file_name().unwrap_or_default().to_string_lossy())
        .text("recipe", &format!("{:?} {:?} {:?}", recipe.packages, recipe.base, recipe.stand_in))
        .folder("tree", &workspace.stand_in_tree())?;
    for (name, program) in &programs {
        hasher = hasher.text("program", name).file("content", program)?;
    }
    cache.ensure(&format!("microovn-stand-in-{}", release.word()), "snap", &hasher.finish(), |made| {
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
        let whole = String::from_utf8_lossy(&read(&yaml)?).into_owned();
        let text = of_release.lacks.iter().fold(whole, |text, app| without_app(&text, app));
        let text = text
            .replace("@VERSION@", &of_release.version)
            .replace("@BASE@", &base_name(&recipe, release))
            .replace("@ARCH@", debian_architecture());
        tree.add_file("meta/snap.yaml", text, 0o644);
        tree.pack(made, Squashfs::Snap)
    })
}

/// The base's name, which is another in every release as it is of MicroOVN's: a member that is upgraded has both.
fn base_name(recipe: &SnapsRecipe, release: StandIn) -> String {
    format!("{}-{}", recipe.base.name, release.word())
}

fn base_and_ovn(
    cache: &Cache,
    recipe: &SnapsRecipe,
    release: StandIn,
    progress: &mut Progress<'_>,
) -> Result<PathBuf, Error> {
    bootstrap(cache, FOR_SNAPS, release.word(), &packages(recipe), &recipe.exclude, progress)
}

fn packages(recipe: &SnapsRecipe) -> Vec<String> {
    recipe.packages.iter().chain(&recipe.stand_in.packages).cloned().collect()
}

/// A `meta/snap.yaml`, indented by two spaces, without one of its apps.
fn without_app(yaml: &str, app: &str) -> String {
    let start = format!("  {app}:");
    let mut inside = false;
    let stays = |line: &&str| {
        inside = *line == start || inside && line.starts_with("   ");
        !inside
    };
    yaml.lines().filter(stays).map(|line| format!("{line}\n")).collect()
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
pub(super) fn keep_files(tree: &mut Tree, keep: impl Fn(&str) -> bool, files: &[String]) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_release_that_can_be_had_is_taken_unless_one_is_wanted() {
        assert_eq!(choose(None, |_| true), StandIn::Trixie);
        assert_eq!(choose(None, |_| false), StandIn::Bookworm);
        assert_eq!(choose(Some(StandIn::Bookworm), |_| true), StandIn::Bookworm);
        assert_eq!(choose(Some(StandIn::Trixie), |_| false), StandIn::Trixie);
    }

    #[test]
    fn an_app_is_left_out_with_all_that_is_said_of_it() {
        let yaml = include_str!("../../../images/stand-in/snap/meta/snap.yaml");
        let apps = |yaml: &str| {
            let quoted = yaml.replace("@BASE@", "base").replace("@ARCH@", "amd64");
            let description = crate::image::Description::parse(quoted.as_bytes()).expect("a description");
            let nowhere = crate::image::of_file(std::path::Path::new("/dev/null")).expect("a hash");
            description.into_snap(PathBuf::new(), nowhere).apps
        };
        let (whole, less) = (apps(yaml), apps(&without_app(yaml, "bird")));
        assert_eq!(whole.difference(&less).collect::<Vec<_>>(), ["bird"]);
        assert_eq!(without_app(yaml, "no-such-app"), yaml);
    }
}
