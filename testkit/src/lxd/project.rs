//! Projects: name spaces of instances and, by their features, of images, profiles, networks and volumes.
//!
//! These calls do not depend on the client's own project.

use serde::{Deserialize, Serialize};

use super::client::{Client, Tagged, found};
use super::envelope::null_as_default;
use super::error::Error;
use super::instance::Config;
use super::request::Request;

/// A project as LXD shows it.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Project {
    /// The name.
    pub name: String,
    /// Its features, limits and `user.*` keys.
    #[serde(deserialize_with = "null_as_default")]
    pub config: Config,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// The URLs of what is in it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub used_by: Vec<String>,
}

/// A project to create, or what an update replaces it with.
#[derive(Debug, Clone, Serialize)]
pub struct ProjectSpec {
    /// The name.
    pub name: String,
    /// Its features, limits and `user.*` keys, whole.
    pub config: Config,
    /// Free text.
    pub description: String,
}

impl Client {
    /// Creates a project.
    pub async fn create_project(&self, spec: &ProjectSpec) -> Result<(), Error> {
        let request = Request::post(&["projects"], format!("create project {:?}", spec.name));
        self.done(&request.json(spec).outside_projects()).await
    }

    /// Reads a project.
    pub async fn get_project(&self, name: &str) -> Result<Tagged<Project>, Error> {
        let request = Request::get(&["projects", name], format!("get project {name:?}"));
        self.tagged(&request.outside_projects()).await
    }

    /// Reads a project; `None` when there is none.
    pub async fn find_project(&self, name: &str) -> Result<Option<Tagged<Project>>, Error> {
        found(self.get_project(name).await)
    }

    /// Lists all projects.
    pub async fn list_projects(&self) -> Result<Vec<Project>, Error> {
        let request = Request::get(&["projects"], "list projects").query("recursion", "1").outside_projects();
        Ok(self.sync::<Option<_>>(&request).await?.unwrap_or_default())
    }

    /// Replaces the project that `spec` names. With an ETag, `EtagConflict` if it changed since it was read.
    pub async fn update_project(&self, spec: &ProjectSpec, etag: Option<&str>) -> Result<(), Error> {
        let request = Request::put(&["projects", &spec.name], format!("update project {:?}", spec.name));
        self.done(&request.json(spec).if_match(etag).outside_projects()).await
    }

    /// Deletes an empty project; success when there is none. LXD refuses one that holds anything.
    pub async fn delete_project(&self, name: &str) -> Result<(), Error> {
        let request = Request::delete(&["projects", name], format!("delete project {name:?}"));
        self.done_or_gone(&request.outside_projects().repeatable()).await
    }
}
