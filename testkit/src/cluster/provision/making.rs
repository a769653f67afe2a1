//! The members of a cluster: copied, booted, given their files, and formed while others boot.

use std::collections::BTreeMap;
use std::path::Path;

use futures_util::future::try_join_all;
use tokio::sync::{Semaphore, oneshot};

use super::images::Images;
use crate::cluster::authority::Authority;
use crate::cluster::because::Begun;
use crate::cluster::formation::Forming;
use crate::cluster::lanes::Lane;
use crate::cluster::owned::tags;
use crate::cluster::ready::{CLONE, wait_ready};
use crate::cluster::{ClusterError, Manifest, Placed, Product, Site, faults, lay, names, network, settle};
use crate::image::{DATAPATH_KEY, NodeNic};
use crate::lxd::{Client, FileSpec};
use crate::plan::{Content, File, Member, Plan};
use crate::report::{Doing, Evidence, Owner, Progress, Timeline, Work};
use crate::session::Kind;
use crate::wait;

/// So many members of a cluster boot at a time: those of most clusters all at once, which takes no longer than one by one,
/// and of larger ones not so many that the first waits for the processor, without which no other can join.
const BOOTS: usize = 3;

/// What members are made from.
pub(super) struct Cast<'a> {
    pub(super) plan: &'a Plan,
    pub(super) images: &'a Images,
    pub(super) placed: Option<&'a Placed>,
    pub(super) lane: &'a Lane,
    pub(super) authority: Option<Authority>,
    pub(super) begun: &'a Begun,
}

/// The instance of every member.
pub(super) fn instances(plan: &Plan, site: &Site) -> BTreeMap<String, String> {
    let name = |member: &Member| (member.name.clone(), names::instance(&member.hostname, site.run.id()));
    plan.state.members.iter().map(name).collect()
}

/// Makes the members, has the product form the cluster as soon as they answer, and waits until it has settled.
pub(super) async fn make(
    site: &Site,
    cast @ Cast { plan, authority, begun, .. }: &Cast<'_>,
    product: Product,
    timeline: &Timeline,
    dir: &Path,
) -> Result<Manifest, ClusterError> {
    let instances = instances(plan, site);
    let progress = Progress::new(dir);
    let (announce, ready): (Vec<_>, Vec<_>) = plan.state.members.iter().map(|_| oneshot::channel()).unzip();
    // It is fair, so the first members are the first to boot.
    let boots = Semaphore::new(if wait::is_slow() { 1 } else { BOOTS });
    let preparing = (1..).zip(plan.state.members.iter().zip(announce)).map(|(number, (member, announce))| {
        let (instance, boots) = (&instances[&member.name], &boots);
        async move {
            // Nobody closes it.
            let boot = boots.acquire().await.ok();
            let cloning = make_instance(site, cast, member, instance);
            timeline.stage(Work::Clone(number), Owner::Lxd, cloning).await?;
            let booting = wait_ready(&site.client, &member.name, instance);
            begun.note(&member.name, timeline.stage(Work::Boot(number), Owner::Lxd, booting).await?);
            drop(boot);
            if !plan.recipe(member).files.is_empty() {
                let pushing = push_files(&site.client, &plan.recipe(member).files, instance, authority.as_ref());
                timeline.stage(Work::Files(number), Owner::Framework, pushing).await?;
            }
            if let Some(all) = &site.config.faults {
                faults::seed(&site.client, instance, &all.of_member(number)).await?;
            }
            // Nobody listens any more when the formation has failed already.
            let _ = announce.send(());
            Ok::<_, ClusterError>(())
        }
    });
    let evidence = Evidence::new(dir);
    let cluster = Forming {
        client: &site.client,
        plan,
        instances: &instances,
        timeline,
        evidence: &evidence,
        progress: &progress,
    };
    let forming = cluster.form(ready);
    if wait::is_slow() {
        // What boots would take from the product the time that it allows itself to form.
        try_join_all(preparing).await?;
        forming.await?;
    } else {
        tokio::try_join!(try_join_all(preparing), forming)?;
    }
    let (mut plan, mut no_traffic) = (Plan::clone(plan), None);
    // What cannot have any has nothing that would miss it.
    if site.config.traffic && plan.state.without_traffic().is_none() {
        progress.tell(Doing::Provisioning, "endpoints on logical networks");
        let laying = lay::lay(&site.client, &plan.state, &instances);
        match timeline.stage(Work::Traffic, Owner::Framework, laying).await {
            Ok(state) => plan.state = state,
            Err(why) => no_traffic = Some(why),
        }
    }
    let patience = wait::patience(site.config.settle);
    let settling = settle(&site.client, &plan.state, &instances, None, patience, &progress);
    let (settled, observation) = timeline.stage(Work::Settle, Owner::Product, settling).await;
    Ok(Manifest { product, plan, steps: Vec::new(), instances, settled, observation, tried: None, no_traffic })
}

async fn make_instance(
    site: &Site,
    Cast { plan, images, placed, lane, .. }: &Cast<'_>,
    member: &Member,
    instance: &str,
) -> Result<(), ClusterError> {
    let cell = plan.cell.as_str();
    site.run.ledger().intend(Kind::Instance, instance, cell)?;
    let mut nics: Vec<NodeNic> = Vec::new();
    for nic in &member.nics {
        nics.extend(network::devices(nic, lane.is_own(nic.network)).into_iter().map(|(device, networkd)| {
            let network = (device == nic.device).then(|| lane.network(nic.network).to_owned());
            NodeNic { device, network, networkd }
        }));
    }
    let loopback = network::loopback(&member.loopback);
    nics.extend(loopback.map(|networkd| NodeNic { device: "lo".to_owned(), network: None, networkd }));
    let mut spec = images.of(*placed, member).node(instance, &member.hostname, &nics);
    spec.config.extend(tags(site, cell, &member.hostname).to_config());
    spec.config.extend(plan.state.datapath.map(|datapath| (DATAPATH_KEY.to_owned(), datapath.kind().to_owned())));
    spec.start = true;
    Ok(site.client.create_instance(&spec, wait::patience(CLONE)).await?)
}

/// Puts the planned files on a member.
async fn push_files(
    client: &Client,
    files: &[File],
    instance: &str,
    authority: Option<&Authority>,
) -> Result<(), ClusterError> {
    for file in files {
        let content = match (&file.content, authority) {
            (Content::Text(text), _) => text.clone(),
            (Content::CaCertificate, Some(authority)) => authority.certificate.clone(),
            (Content::CaKey, Some(authority)) => authority.key.clone(),
            (Content::CaCertificate | Content::CaKey, None) => {
                return Err(ClusterError::Authority("the plan has a file of an authority, and no authority".into()));
            }
        };
        client.push_file(instance, &file.path, &FileSpec::new(content).mode(file.mode)).await?;
    }
    Ok(())
}
