//! Node images that a person names: one that LXD has, or one of an image server.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::build::Progress;
use super::error::Error;
use super::pulls::Pull;
use super::store::{OWNER, OWNER_KEY};
use crate::config::ImageServer;
use crate::daemon::Daemon;
use crate::lxd::{self, Client, ImageRef, ImageServerFault, PullPatience, RemoteImage};

/// A root file system of a few hundred MiB, over any line; of which something comes all the time. LXD itself waits half a minute
/// for a file, twice, and for an hour or for ever for the index.
const PULL: PullPatience = PullPatience { deadline: Duration::from_secs(1800), silence: Duration::from_secs(90) };

/// The remotes that both clients know from the start or did, all of the simplestreams protocol.
const UBUNTU: [(&str, &str); 4] = [
    ("ubuntu", "https://cloud-images.ubuntu.com/releases"),
    ("ubuntu-daily", "https://cloud-images.ubuntu.com/daily"),
    ("ubuntu-minimal", "https://cloud-images.ubuntu.com/minimal/releases"),
    ("ubuntu-minimal-daily", "https://cloud-images.ubuntu.com/minimal/daily"),
];

/// A node image that is named.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// An alias in LXD, or `remote:alias`.
    pub name: &'a str,
    /// The server of that remote, where a client's configuration has it.
    pub server: Option<&'a ImageServer>,
    /// The folder of the cache, where a pull is noted.
    pub cache: &'a Path,
}

/// Where an image is, and what it is called here.
#[derive(Debug, PartialEq, Eq)]
struct Place<'a> {
    server: ImageServer,
    alias: &'a str,
    kept_as: String,
}

/// The image of this name: an alias in LXD, or else `remote:alias` of an image server, which is pulled once, tagged and kept
/// under an alias of its own. What LXD had already, whoever brought it, stays as it is.
///
/// # Errors
/// When LXD has no such image and the name is of no known remote, or the image cannot be pulled.
pub async fn find_or_pull(client: &Client, named: &Named<'_>, progress: &mut Progress<'_>) -> Result<ImageRef, Error> {
    find_or_pull_within(client, named, PULL, progress).await
}

/// [`find_or_pull`], with so much patience for the server.
///
/// # Errors
/// Those of [`find_or_pull`].
pub async fn find_or_pull_within(
    client: &Client,
    named: &Named<'_>,
    patience: PullPatience,
    progress: &mut Progress<'_>,
) -> Result<ImageRef, Error> {
    let name = named.name;
    let look = || Error::lxd(format!("look up image {name}"));
    let local = ImageRef::Alias(name.to_owned());
    if client.find_image(&local).await.map_err(look())?.is_some() {
        return Ok(local);
    }
    let place = place(named, client.server().daemon()).ok_or_else(|| Error::NoImage { name: name.to_owned() })?;
    let kept = ImageRef::Alias(place.kept_as.clone());
    if client.find_image(&kept).await.map_err(look())?.is_some() {
        return Ok(kept);
    }
    let there = client.list_images().await.map_err(Error::lxd("list images"))?;
    if let Some(found) = there.iter().find(|image| image.is_from(&place.server.url, place.alias)) {
        // A person pulled it, or this framework, and was ended before that was known to be done.
        return match Pull::find(named.cache, &place.server.url, place.alias)? {
            Some(pull) => claim(client, named, &place, pull, &found.fingerprint).await,
            None => Ok(ImageRef::Fingerprint(found.fingerprint.clone())),
        };
    }
    let certificate = place.server.certificate.as_ref().map(|path| {
        std::fs::read_to_string(path).map_err(Error::file("read the certificate of the image server,", path))
    });
    let remote = RemoteImage {
        server: place.server.url.clone(),
        certificate: certificate.transpose()?,
        alias: place.alias.to_owned(),
    };
    progress(&format!("pulling image {name}"));
    let pull = Pull::begin(named.cache, &remote.server, &remote.alias, &there)?;
    let told = |how: &str| progress(&format!("pulling image {name}: {how}"));
    let fingerprint = match client.pull_image(&remote, patience, told).await {
        Ok(fingerprint) => fingerprint,
        Err(error) => {
            // What LXD refused or what failed in it is over; with anything else it may go on.
            if error.code().is_some() {
                pull.end()?;
            }
            return Err(failed(named, &place, error));
        }
    };
    claim(client, named, &place, pull, &fingerprint).await
}

/// Tags what a pull brought and gives it its name here. What LXD had before stays as it is.
async fn claim(
    client: &Client,
    named: &Named<'_>,
    place: &Place<'_>,
    pull: Pull,
    fingerprint: &str,
) -> Result<ImageRef, Error> {
    let name = named.name;
    if !pull.brought(fingerprint) {
        pull.end()?;
        return Ok(ImageRef::Fingerprint(fingerprint.to_owned()));
    }
    let tag = BTreeMap::from([(OWNER_KEY.to_owned(), OWNER.to_owned())]);
    client.add_image_properties(fingerprint, &tag).await.map_err(Error::lxd(format!("tag image {name}")))?;
    let about = format!("{name}, for the MicroOVN system tests");
    match client.create_alias(&place.kept_as, fingerprint, &about).await {
        // Another process was quicker.
        Err(error) if error.is_already_exists() => {}
        made => made.map_err(Error::lxd(format!("create image alias {}", place.kept_as)))?,
    }
    pull.end()?;
    Ok(ImageRef::Alias(place.kept_as.clone()))
}

/// Server, alias there and alias here of `remote:alias`; `None` for a name that is of no known remote.
fn place<'a>(named: &Named<'a>, daemon: Daemon) -> Option<Place<'a>> {
    let (remote, alias) = named.name.split_once(':').filter(|(_, alias)| !alias.is_empty())?;
    let known = || {
        let images = match daemon {
            Daemon::Lxd => "https://images.lxd.canonical.com",
            Daemon::Incus => "https://images.linuxcontainers.org",
        };
        let (_, url) = UBUNTU.into_iter().chain([("images", images)]).find(|(known, _)| *known == remote)?;
        Some(ImageServer { url: url.to_owned(), certificate: None })
    };
    let server = named.server.cloned().or_else(known)?;
    Some(Place { server, alias, kept_as: format!("testkit/{remote}/{alias}") })
}

/// What is wrong with the server, and what to do.
fn failed(named: &Named<'_>, place: &Place<'_>, error: lxd::Error) -> Error {
    let (server, alias) = (&place.server.url, place.alias);
    let (remote, _) = named.name.split_once(':').unwrap_or_default();
    let client = error.daemon().client();
    let (problem, mend) = match error.image_server_fault() {
        Some(ImageServerFault::NoSuchImage) => (
            format!(
                "{server} has no image {alias:?} of containers for the architecture of the {} host",
                error.daemon()
            ),
            format!("`{client} image list {remote}:` shows what it has"),
        ),
        Some(ImageServerFault::BrokenIndex) => (
            format!("what {server} says that it has cannot be read"),
            format!(
                "use another server, or wait until that one is mended: {} keeps what it was told for an hour",
                error.daemon()
            ),
        ),
        Some(ImageServerFault::OtherContent) => (
            format!("what {server} sends is not what it says it has"),
            "try again later, since it may be in the midst of an update, or use another server".to_owned(),
        ),
        None if error.is_timeout() => (
            format!("{server} does not go on sending"),
            format!(
                "see whether the {} host reaches it, and what is wrong with it there, or use another server",
                error.daemon()
            ),
        ),
        None => (
            format!("the {} host cannot fetch it from {server}", error.daemon()),
            "check that it reaches that server, or use another server".to_owned(),
        ),
    };
    Error::Pull { name: named.name.to_owned(), problem, mend, source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(name: &'a str, server: Option<&'a ImageServer>, daemon: Daemon) -> Option<(String, &'a str, String)> {
        let place = place(&Named { name, server, cache: Path::new("/nowhere") }, daemon)?;
        Some((place.server.url, place.alias, place.kept_as))
    }

    #[test]
    fn a_name_with_a_known_remote_says_where_to_pull_from_and_what_to_call_it() {
        let owned =
            |(server, alias, kept): (&str, &'static str, &str)| Some((server.to_owned(), alias, kept.to_owned()));
        let ubuntu = ("https://cloud-images.ubuntu.com/releases", "24.04", "testkit/ubuntu/24.04");
        assert_eq!(of("ubuntu:24.04", None, Daemon::Lxd), owned(ubuntu));
        let lxd = ("https://images.lxd.canonical.com", "debian/13", "testkit/images/debian/13");
        assert_eq!(of("images:debian/13", None, Daemon::Lxd), owned(lxd));
        let incus = ("https://images.linuxcontainers.org", "debian/13", "testkit/images/debian/13");
        assert_eq!(of("images:debian/13", None, Daemon::Incus), owned(incus));
        for local in ["jammy", "nowhere:24.04", "ubuntu:", ":24.04"] {
            assert_eq!(of(local, None, Daemon::Lxd), None, "{local}");
        }
    }

    #[test]
    fn what_a_client_calls_so_wins() {
        let mirror = ImageServer { url: "https://mirror.example".to_owned(), certificate: None };
        for (name, alias, kept) in
            [("ubuntu:24.04", "24.04", "testkit/ubuntu/24.04"), ("mirror:a/b", "a/b", "testkit/mirror/a/b")]
        {
            let wanted = Some(("https://mirror.example".to_owned(), alias, kept.to_owned()));
            assert_eq!(of(name, Some(&mirror), Daemon::Lxd), wanted);
        }
    }
}
