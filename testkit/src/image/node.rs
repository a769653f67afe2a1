//! The node image: a bootstrap, the files of `images/node/`, and the templates of an instance's identity.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::build::{FOR_NODE, Progress, bootstrap, cached_programs, debian_architecture, read};
use super::cache::Cache;
use super::dpkg::Packages;
use super::error::Error;
use super::hash::{Hash, Hasher};
use super::recipe::Workspace;
use super::tree::{Squashfs, Tree};

/// Raised when an image is made in another way from the same recipe.
const NODE_VERSION: &str = "node 1";

/// A node image in two files, as LXD imports it.
#[derive(Debug, Clone)]
pub struct NodeImage {
    /// A tar of `metadata.yaml` and `templates/`.
    pub metadata: PathBuf,
    /// A squashfs of the root file system.
    pub rootfs: PathBuf,
    /// Of all that the image is made of.
    pub hash: Hash,
    /// What LXD is to show of it.
    pub properties: BTreeMap<String, String>,
}

/// Makes the node image, or finds it made.
///
/// Takes half a minute where the packages have to be fetched, seconds where only files changed, and milliseconds
/// where nothing did.
pub fn build_node(workspace: &Workspace, cache: &Cache, progress: &mut Progress<'_>) -> Result<NodeImage, Error> {
    let recipe = workspace.node_recipe()?;
    let programs = programs(workspace, cache, &recipe.programs, progress)?;
    let packages = bootstrap(cache, FOR_NODE, &recipe.suite, &recipe.packages, &recipe.exclude, progress)?;

    let mut hasher = Hasher::new(NODE_VERSION)
        .text("packages", &packages.file_name().unwrap_or_default().to_string_lossy())
        .file("recipe", &workspace.node().join("node.toml"))?
        .folder("files", &workspace.node().join("files"))?
        .folder("templates", &workspace.node().join("templates"))?;
    for (path, program) in &programs {
        hasher = hasher.text("program", path).file("content", program)?;
    }
    let hash = hasher.finish();

    let rootfs = cache.ensure("node", "squashfs", &hash, |made| {
        progress("packing the node image");
        let mut tree = Tree::of_tar(&packages)?;
        tree.retain(|path| !recipe.drop.iter().any(|dropped| dropped.holds(path)));
        // LXD fills both.
        tree.retain(|path| !path.starts_with("dev/") && !path.starts_with("var/log/"));
        tree.add_host_folder(&workspace.node().join("files"))?;
        for (path, program) in &programs {
            tree.add_host_file(path, program, 0o755);
        }
        for (path, target) in &recipe.links {
            tree.remove(path);
            tree.add_link(path, target);
        }
        for unit in &recipe.mask {
            tree.add_link(&format!("etc/systemd/system/{unit}"), "/dev/null");
        }
        // systemd otherwise takes the first boot for an update of /usr, and runs ldconfig and more.
        let updated = tree.find_mtime("usr").unwrap_or_default() + 1;
        tree.add_stamp("etc/.updated", updated);
        tree.add_stamp("var/.updated", updated);
        tree.pack(made, Squashfs::Image)
    })?;

    let properties = BTreeMap::from([
        ("description".to_owned(), format!("MicroOVN test node, {} ({})", recipe.suite, hash.short())),
        ("os".to_owned(), "debian".to_owned()),
        ("release".to_owned(), recipe.suite.clone()),
        ("architecture".to_owned(), debian_architecture().to_owned()),
    ]);
    let metadata = cache.ensure("node", "metadata.tar", &hash, |made| {
        write_metadata(made, &recipe.templates, &workspace.node().join("templates"), &properties)
    })?;
    Ok(NodeImage { metadata, rootfs, hash, properties })
}

/// The version of the node image's own snapd. Takes half a minute where the image's packages have to be fetched.
///
/// # Errors
/// When they cannot be had, or have no snapd.
pub fn node_snapd(workspace: &Workspace, cache: &Cache, progress: &mut Progress<'_>) -> Result<String, Error> {
    let recipe = workspace.node_recipe()?;
    let packages = bootstrap(cache, FOR_NODE, &recipe.suite, &recipe.packages, &recipe.exclude, progress)?;
    let name = packages.file_name().unwrap_or_default().to_string_lossy();
    let hash = Hasher::new(NODE_VERSION).text("snapd of", &name).finish();
    let noted = cache.ensure("snapd-version", "txt", &hash, |made| {
        let none = || Error::Recipe { recipe: "node.toml", problem: "its packages have no snapd".to_owned() };
        let dpkg = Packages::of_tree(&Tree::of_tar(&packages)?)?;
        let version = dpkg.find_version("snapd").ok_or_else(none)?;
        std::fs::write(made, version).map_err(Error::file("write", made))
    })?;
    Ok(String::from_utf8_lossy(&read(&noted)?).into_owned())
}

/// Builds the crates; where in the image their program goes, and the program.
fn programs(
    workspace: &Workspace,
    cache: &Cache,
    crates: &BTreeMap<String, String>,
    progress: &mut Progress<'_>,
) -> Result<Vec<(String, PathBuf)>, Error> {
    let mut programs = Vec::new();
    for (path, package) in crates {
        let mut built = cached_programs(workspace, cache, package, progress)?;
        programs.push((path.clone(), built.swap_remove(0).1));
    }
    Ok(programs)
}

/// Writes what LXD reads of an image; see "Image format" in LXD's documentation.
fn write_metadata(
    made: &Path,
    templates: &BTreeMap<String, String>,
    folder: &Path,
    properties: &BTreeMap<String, String>,
) -> Result<(), Error> {
    let declared: serde_json::Map<String, serde_json::Value> = templates
        .iter()
        .map(|(path, template)| (path.clone(), json!({ "when": ["create", "copy"], "template": template })))
        .collect();
    // JSON is YAML.
    let metadata = json!({
        "architecture": std::env::consts::ARCH,
        "creation_date": 1,
        "properties": properties,
        "templates": declared,
    });
    let mut files = BTreeMap::from([("metadata.yaml".to_owned(), metadata.to_string().into_bytes())]);
    for template in templates.values() {
        files.insert(format!("templates/{template}"), read(&folder.join(template))?);
    }
    let mut builder = tar::Builder::new(File::create(made).map_err(Error::file("create", made))?);
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, &name, content.as_slice()).map_err(Error::file("write", made))?;
    }
    builder.into_inner().map(drop).map_err(Error::file("write", made))
}
