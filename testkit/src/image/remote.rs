//! Node images that a person names: one that LXD has, or one of the public image servers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::build::Progress;
use super::error::Error;
use super::store::{OWNER, OWNER_KEY};
use crate::lxd::{Client, ImageRef, RemoteImage};

/// A root file system of a few hundred MiB, over any line.
const PULL: Duration = Duration::from_secs(1800);

/// The remotes that LXD's own client knows from the start, all of the simplestreams protocol.
const REMOTES: [(&str, &str); 3] = [
    ("ubuntu", "https://cloud-images.ubuntu.com/releases/"),
    ("ubuntu-daily", "https://cloud-images.ubuntu.com/daily/"),
    ("images", "https://images.lxd.canonical.com/"),
];

/// The image of this name: an alias in LXD, or else `remote:alias` of a public image server, which is pulled once,
/// tagged and kept under an alias of its own.
///
/// # Errors
/// When LXD has no such image and the name is of no known remote, or the image cannot be pulled.
pub async fn find_or_pull(client: &Client, name: &str, progress: &mut Progress<'_>) -> Result<ImageRef, Error> {
    let look = || Error::lxd(format!("look up image {name}"));
    let local = ImageRef::Alias(name.to_owned());
    if client.find_image(&local).await.map_err(look())?.is_some() {
        return Ok(local);
    }
    let Some((server, alias, kept_as)) = remote(name) else { return Err(Error::NoImage { name: name.to_owned() }) };
    let pulled = ImageRef::Alias(kept_as.clone());
    if client.find_image(&pulled).await.map_err(look())?.is_some() {
        return Ok(pulled);
    }
    progress(&format!("pulling image {name}"));
    let remote = RemoteImage {
        server: server.to_owned(),
        protocol: "simplestreams".to_owned(),
        image: ImageRef::Alias(alias.to_owned()),
        aliases: vec![kept_as],
        properties: BTreeMap::from([(OWNER_KEY.to_owned(), OWNER.to_owned())]),
    };
    match client.pull_image(&remote, PULL).await {
        Ok(_) => Ok(pulled),
        Err(source) => Err(Error::Pull { name: name.to_owned(), source: Box::new(source) }),
    }
}

/// Server, alias there and alias here of `remote:alias`; `None` for a name that is of no known remote.
fn remote(name: &str) -> Option<(&'static str, &str, String)> {
    let (remote, alias) = name.split_once(':')?;
    let (_, server) = REMOTES.iter().find(|(known, _)| *known == remote).filter(|_| !alias.is_empty())?;
    Some((server, alias, format!("testkit/{remote}/{alias}")))
}

#[cfg(test)]
mod tests {
    use super::remote;

    #[test]
    fn a_name_with_a_known_remote_says_where_to_pull_from_and_what_to_call_it() {
        assert_eq!(
            remote("ubuntu:24.04"),
            Some(("https://cloud-images.ubuntu.com/releases/", "24.04", "testkit/ubuntu/24.04".to_owned()))
        );
        for local in ["jammy", "nowhere:24.04", "ubuntu:", ":24.04"] {
            assert_eq!(remote(local), None, "{local}");
        }
    }
}
