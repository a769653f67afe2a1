//! What the framework has in LXD for good: a project, a storage pool and a bridge. All carry its tag.

use ipnet::Ipv4Net;

use super::begun::{Begun, Object};
use super::bridge::{self, Bridge};
use super::error::Error;
use super::owned::{check_ours, tagged};
use super::{SetupOptions, pool};
use crate::image::Progress;
use crate::lxd::{Client, Project, ProjectSpec, Tagged};

/// What the project has. LXD shares by it what is stored once or can only be in the default project, and refuses in it
/// what no node needs: privileged instances, folders and devices of the host, raw configuration, networks that LXD does
/// not manage, snapshots, backups. A snap's confinement needs nesting. Memory and processors are not limited here,
/// because LXD then wants a limit on each instance: what runs at once is bounded by turns instead.
const PROJECT: [(&str, &str); 6] = [
    // Images are shared, so that a node image is stored once.
    ("features.images", "false"),
    // Bridges can only be in the default project; theirs are tagged.
    ("features.networks", "false"),
    ("features.profiles", "true"),
    ("features.storage.volumes", "true"),
    ("restricted", "true"),
    ("restricted.containers.nesting", "allow"),
];

/// What [`ensure`] found or made.
pub(super) struct Made {
    pub(super) pool_driver: String,
    pub(super) subnet: Ipv4Net,
}

/// Sees to it that project, pool and bridge are there, pool and bridge on each of these members where LXD is a cluster.
pub(super) async fn ensure(
    client: &Client,
    options: &SetupOptions,
    local: bool,
    members: &[String],
    changes: &mut Vec<String>,
    advice: &mut Vec<String>,
    progress: &mut Progress<'_>,
) -> Result<Made, Error> {
    // What can be refused is looked at before anything is made.
    let project = find_project(client, options).await?;
    let wanted = project_config(members);
    let bridge = bridge::choose(client, options, local).await?;
    let mut begun = Begun::new(client, members);
    let making = async {
        let pool_driver = pool::ensure(&mut begun, options, local, changes, advice, progress).await?;
        match project {
            Some(project) => restrict_project(client, project, &wanted, changes).await?,
            None => create_project(&mut begun, options, &wanted, changes).await?,
        }
        let subnet = match bridge {
            Bridge::There(subnet) => subnet,
            Bridge::ToMake { subnet, gateway } => {
                bridge::create(&mut begun, options, subnet, gateway, changes).await?;
                subnet
            }
        };
        Ok(Made { pool_driver, subnet })
    };
    match making.await {
        Ok(made) => Ok(made),
        Err(error) => Err(begun.undo(error).await),
    }
}

/// The project. One of this name that is somebody else's is an error.
async fn find_project(client: &Client, options: &SetupOptions) -> Result<Option<Tagged<Project>>, Error> {
    let name = &options.project;
    let found = client.find_project(name).await.map_err(Error::lxd(format!("look for project {name}")))?;
    found.map(|found| check_ours(&found.value.config, "project", name).map(|()| found)).transpose()
}

/// What the project is to have. In a cluster, where cells are placed on its members.
fn project_config(members: &[String]) -> Vec<(&'static str, &'static str)> {
    let mut config = PROJECT.to_vec();
    if !members.is_empty() {
        config.push(("restricted.cluster.target", "allow"));
    }
    config
}

/// Gives a project of an earlier version what it lacks.
async fn restrict_project(
    client: &Client,
    Tagged { value: Project { name, mut config, description, .. }, etag }: Tagged<Project>,
    wanted: &[(&str, &str)],
    changes: &mut Vec<String>,
) -> Result<(), Error> {
    let lacks = wanted.iter().any(|(key, value)| config.get(*key).is_none_or(|seen| seen != value));
    if lacks {
        config.extend(tagged(wanted));
        changes.push(format!("restricted project {name}"));
        let spec = ProjectSpec { name: name.clone(), config, description };
        let updated = client.update_project(&spec, etag.as_deref()).await;
        updated.map_err(Error::lxd(format!("restrict project {name}")))?;
    }
    Ok(())
}

async fn create_project(
    begun: &mut Begun<'_>,
    options: &SetupOptions,
    wanted: &[(&str, &str)],
    changes: &mut Vec<String>,
) -> Result<(), Error> {
    let name = &options.project;
    let spec = ProjectSpec {
        name: name.clone(),
        config: tagged(wanted),
        description: "MicroOVN system tests; `testkit teardown` removes it".to_owned(),
    };
    let made = begun.make(Object::Project(name.clone()), async |client| client.create_project(&spec).await).await;
    made.map_err(Error::lxd(format!("create project {name}")))?;
    changes.push(format!("created project {name}"));
    Ok(())
}
