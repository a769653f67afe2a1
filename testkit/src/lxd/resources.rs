//! The host that LXD runs on: processors and memory.

use serde::Deserialize;

use super::client::Client;
use super::error::Error;
use super::request::Request;

/// What the host has (API extension `resources_v2`).
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Resources {
    /// Its processors.
    pub cpu: Cpu,
    /// Its memory.
    pub memory: HostMemory,
}

/// Processors.
#[derive(Debug, Clone, Copy, Deserialize)]
#[non_exhaustive]
pub struct Cpu {
    /// How many threads they run at once.
    pub total: u64,
}

/// Memory of the host, in bytes.
#[derive(Debug, Clone, Copy, Deserialize)]
#[non_exhaustive]
pub struct HostMemory {
    /// In use, without what the kernel can drop at once.
    pub used: u64,
    /// In all.
    pub total: u64,
}

impl Client {
    /// Reads what the host of this LXD has.
    pub async fn get_resources(&self) -> Result<Resources, Error> {
        self.sync(&Request::get(&["resources"], "get the resources of the LXD host")).await
    }
}
