//! Golden images of an LXD cluster: one on each member, so that a node is a copy within its host.
//!
//! The first is made on the member that answers, and LXD copies it to the others, each once.

use std::time::Duration;

use super::super::build::Progress;
use super::super::error::Error;
use super::super::hash::{Hash, Hasher};
use super::maker::{self, Found};
use super::{ABOUT, DEADLINE, Golden, HASH_KEY, KIND_KEY, Maker, RACES, READY_KEY, is_golden, root_device};
use crate::lxd::{Client, Devices, Instance, InstancePatch, InstanceSource, InstanceSpec};
use crate::wait;

/// For a copy to another member, which goes over the network whole.
const COPY: Duration = Duration::from_secs(600);

/// The member that answers, where LXD is a cluster.
pub(super) fn answering(client: &Client) -> Option<&str> {
    client.is_clustered().then_some(client.server().environment.server_name.as_str())
}

/// The member that an instance is on, where LXD is a cluster.
pub(super) fn of(instance: &Instance) -> Option<String> {
    Some(instance.location.clone()).filter(|location| !location.is_empty() && location != "none")
}

/// The name of the golden image of this content, on a member where LXD is a cluster: names are the whole cluster's.
pub(super) fn name(hash: &Hash, member: Option<&str>) -> String {
    let short = hash.short();
    match member {
        None => format!("microovn-golden-{short}"),
        Some(member) => {
            let member = Hasher::new("member").text("name", member).finish();
            format!("microovn-golden-{short}-{}", &member.short()[..6])
        }
    }
}

/// A complete golden image of this content on any member that is there, the one that answers first. `None` where LXD is no
/// cluster: it has its name then.
pub(super) async fn find(client: &Client, hash: &Hash) -> Result<Option<Instance>, Error> {
    let Some(answering) = answering(client) else { return Ok(None) };
    // What is on a member that is away is listed without its configuration.
    let mut found = client.list_instances(None).await.map_err(Error::lxd("look for golden images"))?;
    let has = |instance: &Instance, key: &str, value: &str| instance.config.get(key).is_some_and(|seen| seen == value);
    found.retain(|it| {
        is_golden(&it.config) && has(it, READY_KEY, "true") && has(it, HASH_KEY, hash.as_str()) && !it.is_running()
    });
    found.sort_by_key(|instance| instance.location != answering);
    Ok(found.into_iter().next())
}

/// Finds this golden image on a member of the LXD cluster, or has LXD copy it there.
///
/// What another process copies is waited for, on whatever host that is; what one left half copied is copied again.
pub async fn ensure_golden_on(
    client: &Client,
    golden: &Golden,
    member: &str,
    by: &Maker,
    progress: &mut Progress<'_>,
) -> Result<Golden, Error> {
    if golden.member.as_deref().is_none_or(|here| here == member) {
        return Ok(golden.clone());
    }
    let name = name(&golden.hash, Some(member));
    let there = |made| Golden { instance: name.clone(), member: Some(member.to_owned()), made, ..golden.clone() };
    let mut source = golden.instance.clone();
    let mut lost = 0;
    loop {
        match maker::find(client, &name, by, progress).await? {
            Found::Ready(_) => return Ok(there(false)),
            Found::Nothing => {}
            Found::Abandoned(found) => {
                if !maker::take_over(client, &name, &found, by).await? {
                    continue;
                }
                let removed = client.delete_instance_forced(&name, DEADLINE).await;
                removed.map_err(Error::lxd(format!("remove half copied golden image {name}")))?;
            }
        }
        progress(&format!("copying the golden image to LXD member {member}"));
        match client.create_instance(&copy(golden, &source, &name, member, by), wait::patience(COPY)).await {
            Ok(()) => break,
            // Another process was quicker, and is waited for.
            Err(error) if error.is_already_exists() && lost < RACES => lost += 1,
            Err(error) => {
                maker::remove_own(client, &name, by, DEADLINE).await;
                // The member that has it may have gone away since; another may have a copy.
                match find(client, &golden.hash).await? {
                    Some(other) if other.name != source && lost < RACES => {
                        lost += 1;
                        source = other.name;
                    }
                    _ => {
                        return Err(Error::lxd(format!("copy golden image {source} to LXD member {member}"))(error));
                    }
                }
            }
        }
    }
    let mut config = maker::no_marks();
    config.insert(READY_KEY.to_owned(), "true".to_owned());
    let marked = client.patch_instance(&name, &InstancePatch { config, devices: Devices::new() }, None).await;
    marked.map_err(Error::lxd(format!("mark golden image {name} as ready")))?;
    Ok(there(true))
}

fn copy(golden: &Golden, source: &str, name: &str, member: &str, by: &Maker) -> InstanceSpec {
    let source = InstanceSource::Copy { instance: source.to_owned(), project: None };
    let mut spec = InstanceSpec::container(name, source);
    spec.description = ABOUT.to_owned();
    spec.target = Some(member.to_owned());
    spec.architecture = Some(golden.architecture.clone());
    spec.profiles = Some(golden.profiles.clone());
    spec.config.clone_from(&golden.config);
    spec.config.extend([(KIND_KEY, "golden"), (READY_KEY, "false")].map(|(key, it)| (key.to_owned(), it.to_owned())));
    spec.config.extend(by.marks());
    spec.devices.clone_from(&golden.devices);
    spec.devices.extend(root_device(&golden.pool));
    spec
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_golden_images_of_members_have_names_of_their_own_and_the_only_one_the_plain_one() {
        let hash = Hasher::new("test").finish();
        let plain = name(&hash, None);
        assert_eq!(plain, format!("microovn-golden-{}", hash.short()));
        let (a, b) = (name(&hash, Some("a")), name(&hash, Some("b.example.org")));
        assert!(a != b && a.starts_with(&plain) && b.starts_with(&plain), "{a} {b}");
        assert!(a.len() <= 63 && b.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{b}");
    }
}
