//! Every way in which a body from LXD is read, for inputs that LXD never sent.

use serde::de::DeserializeOwned;

use super::envelope::{Reply, decode, metadata};
use super::error::{Error, Fault};
use super::{
    Image, Instance, InstanceState, Network, Operation, Profile, Project, Resources, Server, StoragePool,
    StoragePoolResources,
};

/// The statuses that LXD answers with, one of each kind.
const STATUSES: [u16; 5] = [200, 202, 404, 500, 503];

/// Reads `body` as a reply of every status and, where it is one, its metadata as everything that is ever expected in it;
/// and returns the texts of all errors.
pub(crate) fn read_as_everything(body: &[u8]) -> Vec<String> {
    let mut errors = Vec::new();
    let mut keep = |fault: Fault| errors.push(Error::new("read it", fault).to_string());
    for status in STATUSES {
        match decode(status, body) {
            Err(fault) => keep(fault),
            Ok(Reply::Async(id, operation)) => {
                let _ = (id.to_string(), operation.is_final(), operation.instance_names().len());
                let _ = Reply::Async(id, operation).into_sync::<Operation>().map_err(&mut keep);
            }
            Ok(Reply::Sync(value)) => {
                let mut read = |fault: Option<Fault>| fault.into_iter().for_each(&mut keep);
                read(judge::<Operation>(&value));
                read(judge::<Server>(&value));
                read(judge::<Instance>(&value));
                read(judge::<InstanceState>(&value));
                read(judge::<Network>(&value));
                read(judge::<Image>(&value));
                read(judge::<Profile>(&value));
                read(judge::<Project>(&value));
                read(judge::<Resources>(&value));
                read(judge::<StoragePool>(&value));
                read(judge::<StoragePoolResources>(&value));
                read(judge::<Vec<Instance>>(&value));
                read(Reply::Sync(value).into_async().err());
            }
        }
    }
    errors
}

fn judge<T: DeserializeOwned>(value: &serde_json::Value) -> Option<Fault> {
    metadata::<T>(value.clone()).err()
}
