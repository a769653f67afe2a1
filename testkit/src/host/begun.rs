//! What a setup makes in LXD, and takes back when it fails.

use super::error::Error;
use crate::lxd::{self, Client};

/// Something that a setup makes.
pub(super) enum Object {
    Pool(String),
    Project(String),
    Network(String),
}

/// What a setup has begun to make, which goes again if the setup fails: the next one is to find all of it or nothing.
pub(super) struct Begun<'a> {
    pub(super) client: &'a Client,
    /// All members of the LXD cluster; none where LXD is none.
    pub(super) members: &'a [String],
    objects: Vec<Object>,
}

impl<'a> Begun<'a> {
    /// Nothing yet.
    pub(super) fn new(client: &'a Client, members: &'a [String]) -> Self {
        Self { client, members, objects: Vec::new() }
    }

    /// Makes an object, which is noted before.
    pub(super) async fn make(
        &mut self,
        object: Object,
        create: impl AsyncFnOnce(&Client) -> Result<(), lxd::Error>,
    ) -> Result<(), lxd::Error> {
        self.objects.push(object);
        let made = create(self.client).await;
        if made.as_ref().is_err_and(lxd::Error::is_already_exists) {
            // Somebody else's.
            self.objects.pop();
        }
        made
    }

    /// Removes what was made, the last first. The error, with what could not be removed.
    pub(super) async fn undo(self, error: Error) -> Error {
        let mut left = Vec::new();
        for object in self.objects.iter().rev() {
            let (what, removed) = match object {
                Object::Pool(name) => (format!("storage pool {name}"), self.client.delete_storage_pool(name).await),
                Object::Project(name) => (format!("project {name}"), self.client.delete_project(name).await),
                Object::Network(name) => (format!("network {name}"), self.client.delete_network(name).await),
            };
            if let Err(error) = removed {
                left.push(format!("{what} ({error})"));
            }
        }
        if left.is_empty() { error } else { Error::LeftBehind { left: left.join(", "), source: Box::new(error) } }
    }
}
