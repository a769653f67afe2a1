//! The host that LXD runs on: processors and memory.

use std::time::Duration;

use backon::{ConstantBuilder, Retryable};
use serde::Deserialize;

use super::client::Client;
use super::error::Error;
use super::kind::ErrorKind;
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
    ///
    /// LXD walks hundreds of files for it, and at times closes one of them under itself (HTTP 500, "bad file
    /// descriptor"): then it is asked again. It can close something else as well, such as the connection of another
    /// client, so this is not for an LXD whose host can be asked in another way.
    pub async fn get_resources(&self) -> Result<Resources, Error> {
        let request = Request::get(&["resources"], "get the resources of the LXD host");
        let ask = || self.sync(&request);
        let pauses = ConstantBuilder::default().with_delay(Duration::from_millis(100)).with_max_times(5);
        ask.retry(pauses).when(|error: &Error| *error.kind() == ErrorKind::Api && error.code() == Some(500)).await
    }
}
