//! The node image in LXD: imported once for each content, under one alias.

use std::collections::BTreeMap;
use std::time::Duration;

use super::error::Error;
use super::node::NodeImage;
use crate::lxd::{Client, Image, ImageRef};

/// The alias under which LXD has the node image.
pub const NODE_ALIAS: &str = "testkit-node";

/// The key that tags whatever this framework makes in LXD, on instances, projects, networks, pools and images.
pub const OWNER_KEY: &str = "user.testkit.owner";

/// The value of [`OWNER_KEY`].
pub const OWNER: &str = "microovn-testkit";

/// The image property that holds the content hash.
const HASH_KEY: &str = "user.testkit.hash";

/// How often another process may be quicker before that is an error.
const RACES: usize = 3;

const DEADLINE: Duration = Duration::from_secs(300);

/// Sees to it that `alias` names this image in LXD; its fingerprint. An older image of ours under the alias goes.
///
/// Others may do the same at the same time: what one of them brought is used, and what is left over then goes.
///
/// Errors: an image under the alias that this framework did not import is left alone and reported.
pub async fn ensure_node_image(client: &Client, image: &NodeImage, alias: &str) -> Result<String, Error> {
    let mut imported = None;
    let mut lost = 0;
    loop {
        match give_name(client, image, alias, &mut imported).await {
            Ok(fingerprint) => {
                if let Some(unused) = imported.filter(|own| *own != fingerprint) {
                    delete(client, &unused).await?;
                }
                return Ok(fingerprint);
            }
            // Another process was quicker with the image, or with its name: so it is there now.
            Err(error) if error.is_already_there() && lost < RACES => lost += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Looks for the image, imports it where there is none, which is noted at once, and gives it its name.
async fn give_name(
    client: &Client,
    image: &NodeImage,
    alias: &str,
    imported: &mut Option<String>,
) -> Result<String, Error> {
    let named = client.find_image(&ImageRef::Alias(alias.to_owned())).await;
    let named = named.map_err(Error::lxd(format!("look up image {alias}")))?.map(|image| image.value);
    let hash = image.hash.as_str();
    let is_it = |other: &Image| other.properties.get(HASH_KEY).is_some_and(|seen| seen == hash);
    if let Some(named) = &named {
        if is_it(named) {
            return Ok(named.fingerprint.clone());
        }
        if !is_ours(named) {
            let problem = format!("alias {alias} names image {}, which is not ours", named.fingerprint);
            let mend = "; rename it with `lxc image alias rename`, or give another alias";
            return Err(Error::Recipe { recipe: "node image", problem: problem + mend });
        }
    }
    let images = client.list_images().await.map_err(Error::lxd("list images"))?;
    let fingerprint = match images.iter().find(|other| is_ours(other) && is_it(other)) {
        Some(same) => same.fingerprint.clone(),
        None => {
            let mut properties: BTreeMap<String, String> = image.properties.clone();
            properties.insert(OWNER_KEY.to_owned(), OWNER.to_owned());
            properties.insert(HASH_KEY.to_owned(), image.hash.to_string());
            let brought = client.import_split(&image.metadata, &image.rootfs, &properties, &[], DEADLINE).await;
            let brought = brought.map_err(Error::lxd("import the node image"))?;
            *imported = Some(brought.clone());
            brought
        }
    };
    let about = "node image of the MicroOVN system tests";
    match named {
        None => {
            let made = client.create_alias(alias, &fingerprint, about).await;
            made.map_err(Error::lxd(format!("create image alias {alias}")))?;
        }
        Some(old) => {
            // At once: somebody else may be looking for it.
            let moved = client.update_alias(alias, &fingerprint, about).await;
            moved.map_err(Error::lxd(format!("update image alias {alias}")))?;
            if old.aliases.len() <= 1 {
                delete(client, &old.fingerprint).await?;
            }
        }
    }
    Ok(fingerprint)
}

async fn delete(client: &Client, fingerprint: &str) -> Result<(), Error> {
    let gone = client.delete_image(fingerprint, DEADLINE).await;
    gone.map_err(Error::lxd(format!("delete node image {fingerprint}, which nothing needs")))
}

/// Whether the image was built here, so that it has all that a node needs.
pub(super) fn is_built_here(image: &Image) -> bool {
    is_ours(image) && image.properties.contains_key(HASH_KEY)
}

/// Whether this framework brought the image.
pub fn is_ours(image: &Image) -> bool {
    image.properties.get(OWNER_KEY).is_some_and(|owner| owner == OWNER)
}
