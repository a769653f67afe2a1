//! Takes out of LXD what is this framework's. Others may be at the same: reapers of runs that have just ended, and LXD itself,
//! which goes on with what somebody asked for who is gone by now.

use super::SetupOptions;
use super::error::Error;
use super::owned::is_tagged;
use crate::image::{Late, Progress, is_ours};
use crate::lxd::{self, Client};
use crate::wait::{self, Pace, Poll, WaitError};

/// For LXD to end what it is at, and to remove one object.
const REMOVE: Pace = Pace::new(120, 250);

/// Removes what is tagged as ours, whoever made it: instances first, what they use after them.
pub(super) async fn remove(
    client: &Client,
    options: &SetupOptions,
    changes: &mut Vec<String>,
    progress: &mut Progress<'_>,
) -> Result<(), Error> {
    let project = client.find_project(&options.project).await;
    let project = project.map_err(Error::lxd(format!("look for project {}", options.project)))?;
    if project.is_some_and(|project| is_tagged(&project.value.config)) {
        remove_project(client, &options.project, changes, progress).await?;
    }
    let noted = |source| Error::Images(Box::new(source));
    let images = client.list_images().await.map_err(Error::lxd("list images"))?;
    let late = match &options.cache_dir {
        Some(cache) => Late::among(&images, cache).map_err(noted)?,
        None => Late::default(),
    };
    for image in images.iter().filter(|image| is_ours(image) || late.has(&image.fingerprint)) {
        let what = format!("image {}", image.fingerprint);
        let delete = || client.delete_image(&image.fingerprint, REMOVE.deadline);
        once_free(client, &what, changes, delete).await?;
        late.removed(&image.fingerprint).map_err(noted)?;
    }
    let networks = client.list_networks().await.map_err(Error::lxd("list networks"))?;
    for network in networks.iter().filter(|network| network.managed && is_tagged(&network.config)) {
        once_free(client, &format!("network {}", network.name), changes, || client.delete_network(&network.name))
            .await?;
    }
    let pools = client.list_storage_pools().await.map_err(Error::lxd("list storage pools"))?;
    for pool in pools.iter().filter(|pool| is_tagged(&pool.config)) {
        once_free(client, &format!("storage pool {}", pool.name), changes, || client.delete_storage_pool(&pool.name))
            .await?;
    }
    Ok(())
}

/// Removes the project with all that is in it, when LXD makes nothing in it any more.
async fn remove_project(
    client: &Client,
    name: &str,
    changes: &mut Vec<String>,
    progress: &mut Progress<'_>,
) -> Result<(), Error> {
    let inside = client.with_project(name);
    rest(&inside, name, progress).await?;
    for instance in inside.list_instances(None).await.map_err(Error::lxd("list instances"))? {
        let what = format!("instance {}", instance.name);
        progress(&format!("removing {what}"));
        let delete = || inside.delete_instance_forced(&instance.name, REMOVE.deadline);
        once_free(client, &what, changes, delete).await?;
    }
    for profile in inside.list_profiles().await.map_err(Error::lxd("list profiles"))? {
        if profile.name != "default" {
            let gone = inside.delete_profile(&profile.name).await;
            gone.map_err(Error::lxd(format!("remove profile {}", profile.name)))?;
        }
    }
    once_free(client, &format!("project {name}"), changes, || client.delete_project(name)).await
}

/// Waits until LXD works on no instance of the project: what it is making would be there after all was removed.
async fn rest(inside: &Client, project: &str, progress: &mut Progress<'_>) -> Result<(), Error> {
    let attempt = || Error::lxd("list operations");
    if at_work(inside).await.map_err(attempt())?.is_empty() {
        return Ok(());
    }
    progress("waiting for what is still being done in the project");
    let resting = wait::until("that to end", REMOVE, || async {
        match at_work(inside).await {
            Ok(work) if work.is_empty() => Poll::Ready(()),
            Ok(work) => Poll::NotYet(work.join("; ")),
            Err(error) => Poll::Failed(error),
        }
    });
    resting.await.map_err(|error| match error {
        WaitError::Failed { source, .. } => attempt()(source),
        late => remains(inside, &format!("project {project}"), &late),
    })
}

/// What LXD works on in the client's project, and on which instances.
async fn at_work(inside: &Client) -> Result<Vec<String>, lxd::Error> {
    let operations = inside.list_operations().await?.into_iter();
    let work = operations.filter(|operation| !operation.is_final() && operation.is_task());
    Ok(work.map(|it| format!("{} {}", it.description, it.instance_names().join(", ")).trim_end().to_owned()).collect())
}

/// Removes an object, again and again as long as LXD is at something else with it.
async fn once_free<F>(
    client: &Client,
    what: &str,
    changes: &mut Vec<String>,
    remove: impl Fn() -> F,
) -> Result<(), Error>
where
    F: Future<Output = Result<(), lxd::Error>>,
{
    let gone = wait::until("it to be free", REMOVE, || async {
        match remove().await {
            Ok(()) => Poll::Ready(()),
            Err(error) if error.is_busy() || error.is_host_busy() => Poll::NotYet(error.to_string()),
            Err(error) => Poll::Failed(error),
        }
    });
    gone.await.map_err(|error| match error {
        WaitError::Failed { source, .. } => Error::lxd(format!("remove {what}"))(source),
        late => remains(client, what, &late),
    })?;
    changes.push(format!("removed {what}"));
    Ok(())
}

fn remains(client: &Client, what: &str, late: &WaitError<lxd::Error>) -> Error {
    let client = client.server().daemon().client();
    Error::Remains { what: what.to_owned(), late: late.to_string(), client }
}
