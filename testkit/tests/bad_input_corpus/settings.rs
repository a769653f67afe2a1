//! Files and variables that people write.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use testkit::config::{Config, FILE_NAME, Layer, StandIn};
use testkit::image::{Cache, Workspace, build_node, build_snaps};
use toml::Table;

use crate::readers::{nothing_else, said};

/// The input is `testkit.toml`.
pub(crate) fn file(input: &[u8], with: &mut Table) -> Result<(), String> {
    nothing_else(with);
    resolve(Some(input), &BTreeMap::new())
}

/// The settings are the environment; the input, where there is one, is `testkit.toml`.
pub(crate) fn environment(input: &[u8], with: &mut Table) -> Result<(), String> {
    let text = |value: &toml::Value| value.as_str().expect("a text").to_owned();
    let environment = with.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    resolve((!input.is_empty()).then_some(input), &environment)
}

fn resolve(file: Option<&[u8]>, environment: &BTreeMap<String, String>) -> Result<(), String> {
    in_folder(|folder| {
        fs::write(folder.join("Cargo.toml"), "[workspace]\n").expect("a manifest");
        if let Some(file) = file {
            fs::write(folder.join(FILE_NAME), file).expect("a configuration file");
        }
        said(Config::resolve_from(Layer::default(), environment, folder))
    })
}

/// The input is `images/node/node.toml`.
pub(crate) fn node_recipe(input: &[u8], with: &mut Table) -> Result<(), String> {
    nothing_else(with);
    in_folder(|folder| {
        write(&folder.join("images/node/node.toml"), input);
        let cache = Cache::open(&folder.join("cache")).expect("a cache");
        said(build_node(&Workspace::new(folder), &cache, &mut |_| {}))
    })
}

/// The input is `images/snaps.toml`.
pub(crate) fn snaps_recipe(input: &[u8], with: &mut Table) -> Result<(), String> {
    nothing_else(with);
    in_folder(|folder| {
        let good = Path::new(env!("CARGO_MANIFEST_DIR")).join("../images/node/node.toml");
        write(&folder.join("images/node/node.toml"), &fs::read(good).expect("the recipe"));
        write(&folder.join("images/snaps.toml"), input);
        let cache = Cache::open(&folder.join("cache")).expect("a cache");
        said(build_snaps(&Workspace::new(folder), &cache, StandIn::Bookworm, &mut |_| {}))
    })
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("in a folder")).expect("a folder");
    fs::write(path, bytes).expect("a file");
}

/// An error without the name of the folder, which is another one each time.
pub(crate) fn in_folder(work: impl FnOnce(&Path) -> Result<(), String>) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    work(folder.path()).map_err(|error| error.replace(&folder.path().display().to_string(), ""))
}
