//! Instances: what they are, what they shall be, and the calls that create, read, change and delete them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::{Client, Tagged, found};
use super::dialect;
use super::envelope::null_as_default;
use super::error::Error;
use super::request::Request;

/// Configuration keys and their values.
pub type Config = BTreeMap<String, String>;

/// Devices by name; each is a map of keys and values, one of which is `type`.
pub type Devices = BTreeMap<String, BTreeMap<String, String>>;

/// An instance as LXD shows it.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Instance {
    /// The name, unique in its project.
    pub name: String,
    /// `Running`, `Stopped`, `Frozen`, `Error`, …
    pub status: String,
    /// `container` or `virtual-machine`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Such as `x86_64`.
    #[serde(default)]
    pub architecture: String,
    /// The instance's own configuration, without its profiles'.
    #[serde(deserialize_with = "null_as_default")]
    pub config: Config,
    /// The instance's own devices, without its profiles'.
    #[serde(deserialize_with = "null_as_default")]
    pub devices: Devices,
    /// The configuration with the profiles' below it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub expanded_config: Config,
    /// The devices with the profiles' below them.
    #[serde(default, deserialize_with = "null_as_default")]
    pub expanded_devices: Devices,
    /// The profiles, each overriding those before it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub profiles: Vec<String>,
    /// Whether LXD deletes it when it stops.
    #[serde(default)]
    pub ephemeral: bool,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// When it was created, as RFC 3339.
    #[serde(default)]
    pub created_at: String,
    /// The project it is in.
    #[serde(default)]
    pub project: String,
    /// The cluster member it is on; `none` without a cluster.
    #[serde(default)]
    pub location: String,
}

impl Instance {
    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.status == "Running"
    }

    /// What a copy of it is told of its configuration to have it in every release: a copy inherits nothing from 6.8 on.
    pub fn config_to_copy(&self) -> Config {
        dialect::inherited(&self.config)
    }

    /// What an update sends to leave all as it is; change what shall be changed.
    pub fn to_put(&self) -> InstancePut {
        InstancePut {
            architecture: self.architecture.clone(),
            config: self.config.clone(),
            devices: self.devices.clone(),
            profiles: self.profiles.clone(),
            ephemeral: self.ephemeral,
            description: self.description.clone(),
        }
    }
}

/// An instance to create.
#[derive(Debug, Clone, Serialize)]
pub struct InstanceSpec {
    /// The name: letters, digits and hyphens, at most 63.
    pub name: String,
    /// Container or virtual machine.
    #[serde(rename = "type")]
    pub kind: InstanceKind,
    /// What its root file system begins as.
    pub source: InstanceSource,
    /// The profiles; `None` means LXD's `default`, an empty list means none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profiles: Option<Vec<String>>,
    /// Its own configuration.
    pub config: Config,
    /// Its own devices.
    pub devices: Devices,
    /// Whether LXD deletes it when it stops.
    pub ephemeral: bool,
    /// Free text.
    pub description: String,
    /// Such as `x86_64`. A copy to another cluster member needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// The cluster member to place it on.
    #[serde(skip)]
    pub target: Option<String>,
    /// Whether to start it as soon as it exists, within the same deadline.
    #[serde(skip)]
    pub start: bool,
}

impl InstanceSpec {
    /// A container with no profile, no configuration and no device.
    pub fn container(name: impl Into<String>, source: InstanceSource) -> InstanceSpec {
        InstanceSpec {
            name: name.into(),
            kind: InstanceKind::Container,
            source,
            profiles: Some(Vec::new()),
            config: Config::new(),
            devices: Devices::new(),
            ephemeral: false,
            description: String::new(),
            architecture: None,
            target: None,
            start: false,
        }
    }
}

/// What kind of instance to create.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceKind {
    /// A system container.
    Container,
    /// A virtual machine.
    VirtualMachine,
}

/// What the root file system of a new instance begins as.
#[derive(Debug, Clone)]
pub enum InstanceSource {
    /// An image that the server has, by its fingerprint.
    ImageFingerprint(String),
    /// An image that the server has, by an alias.
    ImageAlias(String),
    /// A copy of another instance, without its snapshots. What of its configuration, devices and profiles the spec does
    /// not have, the copy has in some releases and lacks in others.
    Copy {
        /// The instance to copy.
        instance: String,
        /// Its project, where that is another one.
        project: Option<String>,
    },
    /// Nothing: an empty root.
    None,
}

impl Serialize for InstanceSource {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let body = match self {
            InstanceSource::ImageFingerprint(fingerprint) => json!({"type": "image", "fingerprint": fingerprint}),
            InstanceSource::ImageAlias(alias) => json!({"type": "image", "alias": alias}),
            InstanceSource::Copy { instance, project } => {
                let mut body = json!({"type": "copy", "source": instance, "instance_only": true});
                if let (Some(body), Some(project)) = (body.as_object_mut(), project) {
                    body.insert("project".to_owned(), json!(project));
                }
                body
            }
            InstanceSource::None => json!({"type": "none"}),
        };
        body.serialize(serializer)
    }
}

/// What an update replaces; made from what was read with [`Instance::to_put`].
#[derive(Debug, Clone, Default, Serialize)]
pub struct InstancePut {
    /// Such as `x86_64`.
    pub architecture: String,
    /// The instance's own configuration, whole.
    pub config: Config,
    /// The instance's own devices, whole.
    pub devices: Devices,
    /// The profiles, whole.
    pub profiles: Vec<String>,
    /// Whether LXD deletes it when it stops.
    pub ephemeral: bool,
    /// Free text.
    pub description: String,
}

/// What a patch adds or overrides; all else stays.
#[derive(Debug, Clone, Default, Serialize)]
pub struct InstancePatch {
    /// Keys to set. An empty value removes the key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub config: Config,
    /// Devices to set, each replaced whole.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub devices: Devices,
}

impl Client {
    /// Reads an instance.
    pub async fn get_instance(&self, name: &str) -> Result<Tagged<Instance>, Error> {
        self.tagged(&Request::get(&["instances", name], format!("get instance {name:?}"))).await
    }

    /// Reads an instance; `None` when there is none.
    pub async fn find_instance(&self, name: &str) -> Result<Option<Tagged<Instance>>, Error> {
        found(self.get_instance(name).await)
    }

    /// Lists the project's instances. `filter` is in LXD's syntax, for example `config.user.owner eq a`.
    pub async fn list_instances(&self, filter: Option<&str>) -> Result<Vec<Instance>, Error> {
        let mut request = Request::get(&["instances"], "list instances").query("recursion", "1");
        if let Some(filter) = filter {
            request = request.query("filter", filter);
        }
        Ok(self.sync::<Option<_>>(&request).await?.unwrap_or_default())
    }

    /// Creates an instance and waits until it exists, and is started if the spec says so.
    ///
    /// `AlreadyExists` when there is one of this name, `NotFound` when the source does not exist. LXD accepts a
    /// duplicate first and refuses it in the operation; that is the same error here.
    pub async fn create_instance(&self, spec: &InstanceSpec, deadline: Duration) -> Result<(), Error> {
        let begun = std::time::Instant::now();
        let mut request =
            Request::post(&["instances"], format!("create instance {:?}", spec.name)).json(spec).deadline(deadline);
        if let Some(target) = &spec.target {
            request = request.query("target", target.as_str());
        }
        self.run(&request).await?;
        if spec.start {
            self.start_instance(&spec.name, deadline.saturating_sub(begun.elapsed())).await?;
        }
        Ok(())
    }

    /// Replaces what can be changed of an instance. With an ETag, `EtagConflict` if it changed since it was read.
    pub async fn update_instance(
        &self,
        name: &str,
        put: &InstancePut,
        etag: Option<&str>,
        deadline: Duration,
    ) -> Result<(), Error> {
        let request = Request::put(&["instances", name], format!("update instance {name:?}")).json(put).if_match(etag);
        self.done(&request.deadline(deadline)).await
    }

    /// Sets single keys and devices of an instance. With an ETag, `EtagConflict` if it changed since it was read.
    pub async fn patch_instance(&self, name: &str, patch: &InstancePatch, etag: Option<&str>) -> Result<(), Error> {
        let request = Request::patch(&["instances", name], format!("patch instance {name:?}"));
        self.done(&request.json(patch).if_match(etag)).await
    }

    /// Deletes a stopped instance; success when there is none.
    pub async fn delete_instance(&self, name: &str, deadline: Duration) -> Result<(), Error> {
        let request = Request::delete(&["instances", name], format!("delete instance {name:?}"));
        self.done_or_gone(&request.deadline(deadline)).await
    }

    /// Deletes an instance whatever its state, stopping it by force; success when there is none.
    pub async fn delete_instance_forced(&self, name: &str, deadline: Duration) -> Result<(), Error> {
        let begun = std::time::Instant::now();
        let Some(instance) = self.find_instance(name).await? else {
            return Ok(());
        };
        if instance.value.status != "Stopped" {
            // It may stop by itself meanwhile, and an ephemeral one is then gone: the delete decides.
            let stopped = self.stop_instance(name, true, deadline).await;
            if let Err(error) = stopped {
                tracing::debug!(instance = name, %error, "stop before delete");
                if error.is_timeout() || error.is_unreachable() {
                    return Err(error);
                }
            }
        }
        self.delete_instance(name, deadline.saturating_sub(begun.elapsed())).await
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const SHOWN: &str = r#"{"architecture":"x86_64","config":{"image.os":"debian","user.testkit.run":"r"},
        "created_at":"2026-01-01T00:00:00Z","description":"","devices":{"root":{"path":"/","pool":"p","type":"disk"}},
        "ephemeral":false,"expanded_config":null,"expanded_devices":{},"last_used_at":"1970-01-01T00:00:00Z",
        "location":"none","name":"a","profiles":["default"],"project":"p","restore":"","stateful":false,
        "status":"Stopped","status_code":102,"type":"container","a_field_of_a_later_lxd":1}"#;

    #[test]
    fn an_instance_is_read_as_lxd_shows_it_and_put_back_whole() {
        let instance: Instance = serde_json::from_str(SHOWN).expect("read");
        assert!(!instance.is_running());
        assert_eq!(instance.config["user.testkit.run"], "r");
        assert!(instance.expanded_config.is_empty());
        let put = serde_json::to_value(instance.to_put()).expect("put");
        let expected = json!({
            "architecture": "x86_64", "config": {"image.os": "debian", "user.testkit.run": "r"},
            "devices": {"root": {"path": "/", "pool": "p", "type": "disk"}}, "profiles": ["default"],
            "ephemeral": false, "description": "",
        });
        assert_eq!(put, expected);
    }

    #[rstest]
    #[case("name")]
    #[case("status")]
    #[case("type")]
    #[case("config")]
    #[case("devices")]
    fn an_instance_without_a_required_field_is_an_error(#[case] field: &str) {
        let mut shown: serde_json::Value = serde_json::from_str(SHOWN).expect("JSON");
        shown.as_object_mut().expect("object").remove(field);
        let error = serde_json::from_value::<Instance>(shown).expect_err("incomplete");
        assert!(error.to_string().contains(&format!("`{field}`")), "{error}");
    }

    #[rstest]
    #[case(InstanceSource::None, json!({"type": "none"}))]
    #[case(InstanceSource::ImageAlias("i".into()), json!({"type": "image", "alias": "i"}))]
    #[case(InstanceSource::ImageFingerprint("f".into()), json!({"type": "image", "fingerprint": "f"}))]
    #[case(
        InstanceSource::Copy { instance: "g".into(), project: None },
        json!({"type": "copy", "source": "g", "instance_only": true})
    )]
    #[case(
        InstanceSource::Copy { instance: "g".into(), project: Some("p".into()) },
        json!({"type": "copy", "source": "g", "instance_only": true, "project": "p"})
    )]
    fn a_spec_says_its_source_and_keeps_what_is_no_body_out(
        #[case] source: InstanceSource,
        #[case] expected: serde_json::Value,
    ) {
        let spec = InstanceSpec { start: true, target: Some("m".into()), ..InstanceSpec::container("a", source) };
        let body = serde_json::to_value(&spec).expect("body");
        assert_eq!(body["source"], expected);
        assert_eq!((&body["type"], &body["profiles"]), (&json!("container"), &json!([])));
        assert!(body.get("start").is_none() && body.get("target").is_none());
    }
}
