//! Images and their aliases: import, pull, find and delete.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{Client, Tagged, found};
use super::dialect;
use super::envelope::null_as_default;
use super::error::{Error, Fault};
use super::operation::Operation;
use super::request::Request;
use super::upload;

/// An image as LXD shows it.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Image {
    /// SHA-256 of its parts in hexadecimal: its identity.
    pub fingerprint: String,
    /// `container` or `virtual-machine`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Such as `x86_64`.
    #[serde(default)]
    pub architecture: String,
    /// What its builder says of it, such as `os` and `release`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub properties: BTreeMap<String, String>,
    /// Its names.
    #[serde(default, deserialize_with = "null_as_default")]
    pub aliases: Vec<ImageAlias>,
    /// In bytes, packed.
    #[serde(default)]
    pub size: u64,
    /// Whether clients that are not trusted may see it.
    #[serde(default)]
    pub public: bool,
    /// Whether LXD made it on its own, as a cache.
    #[serde(default)]
    pub cached: bool,
    /// When it was built, as RFC 3339.
    #[serde(default)]
    pub created_at: String,
    /// When it came to this server, as RFC 3339.
    #[serde(default)]
    pub uploaded_at: String,
    /// From where it was pulled, if it was pulled by a name.
    #[serde(default)]
    pub update_source: Option<ImageSource>,
}

/// From where an image was pulled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ImageSource {
    /// The server's URL.
    #[serde(default)]
    pub server: String,
    /// Its name there.
    #[serde(default)]
    pub alias: String,
}

/// A name of an image.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct ImageAlias {
    /// The name.
    pub name: String,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// The fingerprint of the image; empty inside an image's own list of aliases.
    #[serde(default)]
    pub target: String,
}

/// What names an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageRef {
    /// Its fingerprint, or an unambiguous beginning of it.
    Fingerprint(String),
    /// An alias.
    Alias(String),
}

impl Image {
    /// Whether it was pulled by this name from this server.
    pub fn is_from(&self, server: &str, alias: &str) -> bool {
        let whole = |url: &str| url.trim_end_matches('/').to_owned();
        self.update_source.as_ref().is_some_and(|from| whole(&from.server) == whole(server) && from.alias == alias)
    }
}

/// An image of containers to pull from a server of the simplestreams protocol.
#[derive(Debug, Clone)]
pub struct RemoteImage {
    /// The server's URL, such as `https://cloud-images.ubuntu.com/releases`.
    pub server: String,
    /// The PEM certificate that the server must have, where no authority vouches for it.
    pub certificate: Option<String>,
    /// Its name there.
    pub alias: String,
}

/// How long a pull may take, and for how long nothing new may come of it.
#[derive(Debug, Clone, Copy)]
pub struct PullPatience {
    /// All of it.
    pub deadline: Duration,
    /// Without any progress.
    pub silence: Duration,
}

#[derive(Serialize)]
struct AliasBody<'a> {
    name: &'a str,
    target: &'a str,
    description: &'a str,
}

impl Client {
    /// Imports a split image from two files, a metadata tarball and a root file system (squashfs or tarball), and
    /// returns its fingerprint. The files are streamed from disk.
    ///
    /// `properties` replace those of the metadata, where there are any. LXD makes the aliases after the image; when
    /// one fails, for example as `AlreadyExists`, the image stays.
    pub async fn import_split(
        &self,
        metadata: &Path,
        rootfs: &Path,
        properties: &BTreeMap<String, String>,
        aliases: &[&str],
        deadline: Duration,
    ) -> Result<String, Error> {
        let attempt = format!("import image from {:?}", rootfs.display().to_string());
        let form = upload::Form::open(&[("metadata", metadata), ("rootfs", rootfs)]).await;
        let form = form.map_err(|fault| self.error(&attempt, fault))?;
        let mut request = form.into_request(Request::post(&["images"], &attempt));
        if !properties.is_empty() {
            request =
                request.header(dialect::headers(self.server().daemon()).properties, upload::url_encoded(properties));
        }
        let fingerprint = self.image_from(request, deadline).await?;
        for alias in aliases {
            self.create_alias(alias, &fingerprint, "").await?;
        }
        Ok(fingerprint)
    }

    /// Has LXD pull an image from a server, and returns its fingerprint. One that it has already stays as it is. `told` is given
    /// LXD's words of how far it has come.
    ///
    /// `Timeout` when the server sends nothing for too long. LXD may go on with it then.
    pub async fn pull_image(
        &self,
        remote: &RemoteImage,
        patience: PullPatience,
        mut told: impl FnMut(&str),
    ) -> Result<String, Error> {
        let mut source = json!({"type": "image", "mode": "pull", "server": remote.server, "protocol": "simplestreams",
            "alias": remote.alias, "image_type": "container"});
        if let (Some(source), Some(certificate)) = (source.as_object_mut(), &remote.certificate) {
            source.insert("certificate".to_owned(), json!(certificate));
        }
        let body = json!({"source": source, "auto_update": false});
        let attempt = format!("pull image {:?} from {}", remote.alias, remote.server);
        let request = Request::post(&["images"], attempt).json(&body).deadline(patience.deadline);
        let (mut last, mut since) = (String::new(), Instant::now());
        let watch = |operation: &Operation| {
            let progress = operation.progress();
            if progress != last {
                told(progress);
                (last, since) = (progress.to_owned(), Instant::now());
            }
            if since.elapsed() < patience.silence {
                return Ok(());
            }
            let seen = if last.is_empty() { "nothing came from the server" } else { last.as_str() };
            Err(Fault::timeout(since.elapsed(), seen))
        };
        let operation = self.run_watched(&request, watch).await?;
        made_image(&operation).map_err(|fault| self.error(&request.attempt, fault))
    }

    /// Adds properties to those of an image.
    pub async fn add_image_properties(
        &self,
        fingerprint: &str,
        properties: &BTreeMap<String, String>,
    ) -> Result<(), Error> {
        let request = Request::patch(&["images", fingerprint], format!("mark image {fingerprint:?}"));
        self.done(&request.json(&json!({"properties": properties}))).await
    }

    /// Lists the project's images.
    pub async fn list_images(&self) -> Result<Vec<Image>, Error> {
        let request = Request::get(&["images"], "list images").query("recursion", "1");
        Ok(self.sync::<Option<_>>(&request).await?.unwrap_or_default())
    }

    /// Reads an image.
    pub async fn get_image(&self, image: &ImageRef) -> Result<Tagged<Image>, Error> {
        let fingerprint = match image {
            ImageRef::Fingerprint(fingerprint) => fingerprint.clone(),
            ImageRef::Alias(alias) => self.get_alias(alias).await?.target,
        };
        self.tagged(&Request::get(&["images", &fingerprint], format!("get image {fingerprint:?}"))).await
    }

    /// Reads an image; `None` when there is none.
    pub async fn find_image(&self, image: &ImageRef) -> Result<Option<Tagged<Image>>, Error> {
        found(self.get_image(image).await)
    }

    /// Deletes an image by its fingerprint, with its aliases; success when there is none.
    pub async fn delete_image(&self, fingerprint: &str, deadline: Duration) -> Result<(), Error> {
        let request = Request::delete(&["images", fingerprint], format!("delete image {fingerprint:?}"));
        self.done_or_gone(&request.deadline(deadline)).await
    }

    /// Reads an alias.
    pub async fn get_alias(&self, name: &str) -> Result<ImageAlias, Error> {
        self.sync(&Request::get(&["images", "aliases", name], format!("get image alias {name:?}"))).await
    }

    /// Gives an image a name.
    pub async fn create_alias(&self, name: &str, fingerprint: &str, description: &str) -> Result<(), Error> {
        let body = AliasBody { name, target: fingerprint, description };
        self.done(&Request::post(&["images", "aliases"], format!("create image alias {name:?}")).json(&body)).await
    }

    /// Has a name mean another image, at once: nobody sees it missing.
    pub async fn update_alias(&self, name: &str, fingerprint: &str, description: &str) -> Result<(), Error> {
        let body = AliasBody { name, target: fingerprint, description };
        let request = Request::put(&["images", "aliases", name], format!("update image alias {name:?}"));
        self.done(&request.json(&body)).await
    }

    /// Takes a name away; success when there is none. The image stays.
    pub async fn delete_alias(&self, name: &str) -> Result<(), Error> {
        let request = Request::delete(&["images", "aliases", name], format!("delete image alias {name:?}"));
        self.done_or_gone(&request.repeatable()).await
    }

    async fn image_from(&self, request: Request, deadline: Duration) -> Result<String, Error> {
        let request = request.deadline(deadline);
        let operation = self.run(&request).await?;
        made_image(&operation).map_err(|fault| self.error(&request.attempt, fault))
    }
}

/// The fingerprint of the image that an operation made.
fn made_image(operation: &Operation) -> Result<String, Fault> {
    match operation.metadata.get("fingerprint").and_then(Value::as_str) {
        Some(fingerprint) => Ok(fingerprint.to_owned()),
        None => Err(Fault::protocol("the operation names no image", &operation.metadata.to_string())),
    }
}
