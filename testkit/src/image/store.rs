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

const DEADLINE: Duration = Duration::from_secs(300);

/// Sees to it that `alias` names this image in LXD; its fingerprint. An older image of ours under the alias goes.
///
/// Errors: an image under the alias that this framework did not import is left alone and reported.
pub async fn ensure_node_image(client: &Client, image: &NodeImage, alias: &str) -> Result<String, Error> {
    let read = Error::lxd::<crate::lxd::Error>(format!("look up image {alias}"));
    let named = client.find_image(&ImageRef::Alias(alias.to_owned())).await.map_err(read)?.map(|image| image.value);
    if let Some(named) = &named {
        if named.properties.get(HASH_KEY).is_some_and(|hash| hash == image.hash.as_str()) {
            return Ok(named.fingerprint.clone());
        }
        if !is_ours(named) {
            let problem = format!("alias {alias} names image {}, which is not ours", named.fingerprint);
            let mend = "; rename it with `lxc image alias rename`, or give another alias";
            return Err(Error::Recipe { recipe: "node image", problem: problem + mend });
        }
    }
    let images = client.list_images().await.map_err(Error::lxd("list images"))?;
    let same =
        |other: &&Image| is_ours(other) && other.properties.get(HASH_KEY).is_some_and(|h| h == image.hash.as_str());
    let fingerprint = match images.iter().find(same) {
        Some(same) => same.fingerprint.clone(),
        None => {
            let mut properties: BTreeMap<String, String> = image.properties.clone();
            properties.insert(OWNER_KEY.to_owned(), OWNER.to_owned());
            properties.insert(HASH_KEY.to_owned(), image.hash.to_string());
            let imported = client.import_split(&image.metadata, &image.rootfs, &properties, &[], DEADLINE).await;
            imported.map_err(Error::lxd("import the node image"))?
        }
    };
    if let Some(old) = named {
        client.delete_alias(alias).await.map_err(Error::lxd(format!("delete image alias {alias}")))?;
        if old.aliases.len() <= 1 {
            let gone = client.delete_image(&old.fingerprint, DEADLINE).await;
            gone.map_err(Error::lxd(format!("delete the old node image {}", old.fingerprint)))?;
        }
    }
    let named = client.create_alias(alias, &fingerprint, "node image of the MicroOVN system tests").await;
    named.map_err(Error::lxd(format!("create image alias {alias}")))?;
    Ok(fingerprint)
}

/// Whether this framework imported the image.
pub fn is_ours(image: &Image) -> bool {
    image.properties.get(OWNER_KEY).is_some_and(|owner| owner == OWNER)
}
