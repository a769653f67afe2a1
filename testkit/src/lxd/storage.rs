//! Storage pools, which all projects share.

use serde::{Deserialize, Serialize};

use super::client::{Client, Tagged, found};
use super::envelope::null_as_default;
use super::error::Error;
use super::instance::Config;
use super::request::{Request, TRANSFER_DEADLINE};

/// A storage pool as LXD shows it.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct StoragePool {
    /// The name.
    pub name: String,
    /// `dir`, `btrfs`, `zfs`, `lvm`, …
    pub driver: String,
    /// Its configuration.
    #[serde(deserialize_with = "null_as_default")]
    pub config: Config,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// `Created`, `Pending`, `Unavailable`, …
    #[serde(default)]
    pub status: String,
    /// The URLs of what uses it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub used_by: Vec<String>,
    /// The members of the cluster that it is defined on; none without a cluster.
    #[serde(default, deserialize_with = "null_as_default")]
    pub locations: Vec<String>,
}

impl StoragePool {
    /// Whether it is being made, or its making ended without anybody saying so.
    pub fn is_pending(&self) -> bool {
        self.status == "Pending"
    }

    /// Whether it is there, and not made.
    pub fn is_half_made(&self) -> bool {
        self.is_pending() || self.status == "Errored"
    }
}

/// A storage pool to create.
#[derive(Debug, Clone, Serialize)]
pub struct StoragePoolSpec {
    /// The name.
    pub name: String,
    /// `dir`, `btrfs`, `zfs`, `lvm`, …
    pub driver: String,
    /// Its configuration, such as `size` for a loop file.
    pub config: Config,
    /// Free text.
    pub description: String,
    /// The cluster member that this part of a pool's creation is for.
    #[serde(skip)]
    pub target: Option<String>,
}

/// What an update of a storage pool replaces.
#[derive(Debug, Clone, Serialize)]
pub struct StoragePoolPut {
    /// Its configuration, whole.
    pub config: Config,
    /// Free text.
    pub description: String,
}

/// What a storage pool can hold and holds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[non_exhaustive]
pub struct StoragePoolResources {
    /// Bytes.
    pub space: Usage,
    /// Index nodes; both 0 where the driver has no fixed number.
    #[serde(default)]
    pub inodes: Usage,
}

/// How much of something is used.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Usage {
    /// In use.
    #[serde(default)]
    pub used: u64,
    /// All there is.
    pub total: u64,
}

impl StoragePoolSpec {
    /// A pool of this driver without configuration.
    pub fn new(name: impl Into<String>, driver: impl Into<String>) -> StoragePoolSpec {
        StoragePoolSpec {
            name: name.into(),
            driver: driver.into(),
            config: Config::new(),
            description: String::new(),
            target: None,
        }
    }
}

impl Client {
    /// Creates a storage pool. Within five minutes: a loop file has to be made and formatted.
    pub async fn create_storage_pool(&self, spec: &StoragePoolSpec) -> Result<(), Error> {
        let mut request = Request::post(&["storage-pools"], format!("create storage pool {:?}", spec.name))
            .json(spec)
            .deadline(TRANSFER_DEADLINE)
            .outside_projects();
        if let Some(target) = &spec.target {
            request = request.query("target", target.as_str());
        }
        self.done(&request).await
    }

    /// Reads a storage pool.
    pub async fn get_storage_pool(&self, name: &str) -> Result<Tagged<StoragePool>, Error> {
        let request = Request::get(&["storage-pools", name], format!("get storage pool {name:?}"));
        self.tagged(&request.outside_projects()).await
    }

    /// Reads a storage pool; `None` when there is none.
    pub async fn find_storage_pool(&self, name: &str) -> Result<Option<Tagged<StoragePool>>, Error> {
        found(self.get_storage_pool(name).await)
    }

    /// Lists all storage pools.
    pub async fn list_storage_pools(&self) -> Result<Vec<StoragePool>, Error> {
        let request = Request::get(&["storage-pools"], "list storage pools").query("recursion", "1");
        Ok(self.sync::<Option<_>>(&request.outside_projects()).await?.unwrap_or_default())
    }

    /// Replaces a pool's configuration. With an ETag, `EtagConflict` if it changed since it was read.
    pub async fn update_storage_pool(&self, name: &str, put: &StoragePoolPut, etag: Option<&str>) -> Result<(), Error> {
        let request = Request::put(&["storage-pools", name], format!("update storage pool {name:?}"));
        self.done(&request.json(put).if_match(etag).outside_projects()).await
    }

    /// Reads how full a storage pool is.
    pub async fn get_storage_pool_resources(&self, name: &str) -> Result<StoragePoolResources, Error> {
        let attempt = format!("get resources of storage pool {name:?}");
        self.sync(&Request::get(&["storage-pools", name, "resources"], attempt).outside_projects()).await
    }

    /// Deletes a storage pool that nothing uses; success when there is none.
    pub async fn delete_storage_pool(&self, name: &str) -> Result<(), Error> {
        let request = Request::delete(&["storage-pools", name], format!("delete storage pool {name:?}"));
        self.done_or_gone(&request.outside_projects().repeatable()).await
    }
}
