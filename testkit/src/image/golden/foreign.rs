//! Makes a node of an image that was not built here, such as a cloud image a person gave.
//!
//! Such an image needs a network while it is prepared, brings its own way of configuring one, and knows nothing of the
//! templates that give a copy its identity.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::build::{read, static_programs};
use super::super::error::Error;
use super::super::recipe::Workspace;
use super::super::tree::Tree;
use super::steps::Node;

const STEP: Duration = Duration::from_secs(60);

/// Files of the node image that a foreign image must not have while it still needs its own resolver.
const LAST: &str = "etc/nsswitch.conf";

/// What configures an image's network at boot, if it is there; networkd does it for a node.
const OTHERS: [&str; 4] =
    ["cloud-init-local.service", "cloud-init.service", "cloud-config.service", "cloud-final.service"];

/// Adds the templates to the image's own, and turns cloud-init off.
pub(super) async fn before_first_boot(node: &Node<'_>, workspace: &Workspace) -> Result<(), Error> {
    let recipe = workspace.node_recipe()?;
    let attempt = || Error::lxd(format!("give templates to golden image {}", node.name));
    let mut metadata = node.client.get_instance_metadata(node.name).await.map_err(attempt())?;
    if !metadata["templates"].is_object() {
        metadata["templates"] = json!({});
    }
    // Templates of the image for cloud-init's seed would be rendered in vain; those for the same files would win.
    if let Some(templates) = metadata["templates"].as_object_mut() {
        templates.retain(|path, _| !path.starts_with("/var/lib/cloud/"));
        for (path, template) in &recipe.templates {
            let when: Value =
                json!({ "when": ["create", "copy"], "create_only": false, "template": template, "properties": {} });
            templates.insert(path.clone(), when);
        }
    }
    for template in recipe.templates.values() {
        let content = read(&workspace.node().join("templates").join(template))?;
        node.client.put_template(node.name, template, content.into()).await.map_err(attempt())?;
    }
    node.client.put_instance_metadata(node.name, &metadata).await.map_err(attempt())
}

/// Pushes the node image's files and programs, enables and masks units, and has networkd bring the network up.
pub(super) async fn after_first_boot(node: &Node<'_>, workspace: &Workspace) -> Result<(), Error> {
    let recipe = workspace.node_recipe()?;
    let mut tree = Tree::default();
    tree.add_host_folder(&workspace.node().join("files"))?;
    let files: Vec<String> = tree.paths().filter(|path| tree.is_file_or_link(path)).map(str::to_owned).collect();
    for path in files.iter().filter(|path| *path != LAST) {
        let folder = format!("/{}", path.rsplit_once('/').map_or("", |(folder, _)| folder));
        node.run("make folders", &["mkdir", "-p", &folder], STEP).await?;
        node.push(&format!("/{path}"), tree.find_file(path)?.unwrap_or_default(), 0o644).await?;
    }
    for (path, package) in &recipe.programs {
        for (_, program) in static_programs(workspace, package)? {
            node.push(&format!("/{path}"), read(&program)?, 0o755).await?;
        }
    }
    node.run("turn cloud-init off", &["mkdir", "-p", "/etc/cloud"], STEP).await?;
    node.push("/etc/cloud/cloud-init.disabled", "", 0o644).await?;
    if node.try_run(&["test", "-d", "/etc/netplan"], STEP).await?.success() {
        node.run("turn netplan off", &["find", "/etc/netplan", "-type", "f", "-delete"], STEP).await?;
    }
    let mut mask = vec!["systemctl", "mask"];
    mask.extend(recipe.mask.iter().map(String::as_str).chain(OTHERS));
    node.run("mask units", &mask, STEP).await?;
    node.run("enable units", &["systemctl", "enable", "systemd-networkd.service", "testkit-nspush.service"], STEP)
        .await?;
    node.run("read units again", &["systemctl", "daemon-reload"], STEP).await?;
    node.run("start networkd", &["systemctl", "restart", "systemd-networkd.service"], STEP).await.map(drop)
}

/// From here on names are resolved without a network.
pub(super) async fn before_last_stop(node: &Node<'_>, workspace: &Workspace) -> Result<(), Error> {
    node.push(&format!("/{LAST}"), read(&workspace.node().join("files").join(LAST))?, 0o644).await
}
