//! Profiles: configuration and devices that instances share.

use serde::{Deserialize, Serialize};

use super::client::{Client, Tagged, found};
use super::envelope::null_as_default;
use super::error::Error;
use super::instance::{Config, Devices};
use super::request::Request;

/// A profile as LXD shows it.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Profile {
    /// The name, unique in its project.
    pub name: String,
    /// The configuration it gives.
    #[serde(deserialize_with = "null_as_default")]
    pub config: Config,
    /// The devices it gives.
    #[serde(deserialize_with = "null_as_default")]
    pub devices: Devices,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// The URLs of the instances that use it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub used_by: Vec<String>,
}

/// A profile to create, or what an update replaces it with.
#[derive(Debug, Clone, Serialize)]
pub struct ProfileSpec {
    /// The name.
    pub name: String,
    /// The configuration it gives, whole.
    pub config: Config,
    /// The devices it gives, whole.
    pub devices: Devices,
    /// Free text.
    pub description: String,
}

impl ProfileSpec {
    /// An empty profile.
    pub fn new(name: impl Into<String>) -> ProfileSpec {
        ProfileSpec { name: name.into(), config: Config::new(), devices: Devices::new(), description: String::new() }
    }
}

impl Client {
    /// Creates a profile.
    pub async fn create_profile(&self, spec: &ProfileSpec) -> Result<(), Error> {
        self.done(&Request::post(&["profiles"], format!("create profile {:?}", spec.name)).json(spec)).await
    }

    /// Reads a profile.
    pub async fn get_profile(&self, name: &str) -> Result<Tagged<Profile>, Error> {
        self.tagged(&Request::get(&["profiles", name], format!("get profile {name:?}"))).await
    }

    /// Reads a profile; `None` when there is none.
    pub async fn find_profile(&self, name: &str) -> Result<Option<Tagged<Profile>>, Error> {
        found(self.get_profile(name).await)
    }

    /// Lists the project's profiles.
    pub async fn list_profiles(&self) -> Result<Vec<Profile>, Error> {
        let request = Request::get(&["profiles"], "list profiles").query("recursion", "1");
        Ok(self.sync::<Option<_>>(&request).await?.unwrap_or_default())
    }

    /// Replaces the profile that `spec` names. With an ETag, `EtagConflict` if it changed since it was read.
    pub async fn update_profile(&self, spec: &ProfileSpec, etag: Option<&str>) -> Result<(), Error> {
        let request = Request::put(&["profiles", &spec.name], format!("update profile {:?}", spec.name));
        self.done(&request.json(spec).if_match(etag)).await
    }

    /// Deletes a profile that nothing uses; success when there is none.
    pub async fn delete_profile(&self, name: &str) -> Result<(), Error> {
        let request = Request::delete(&["profiles", name], format!("delete profile {name:?}"));
        self.done_or_gone(&request.repeatable()).await
    }
}
