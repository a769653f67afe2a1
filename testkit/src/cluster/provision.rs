//! A cluster for a cell: waits for its turn, has it made, and says why there is none.

mod images;
mod making;
mod planning;

use std::collections::BTreeMap;
use std::path::Path;

use super::because::{Begun, explain};
use super::expected::expected;
use super::joint::Joint;
use super::lanes::{self, Lane, Where};
use super::{ClusterError, Manifest, Placed, Site, faults};
use crate::folder::CellFolder;
use crate::image;
use crate::matrix::Cell;
use crate::plan::{HostFact, InitOption, Need, Plan, Segments, Variant};
use crate::report::{Doing, Evidence, Owner, Progress, Timeline, Work};
use crate::session::sweep::{self, Target};
use crate::session::{Turn, reaper};
use making::{Cast, instances};

/// What cluster is to be made.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// The cell.
    pub cell: &'a Cell,
    /// The options of its matrix.
    pub options: &'a [&'a dyn InitOption],
    /// What differs from the cell.
    pub variant: &'a Variant,
}

/// Makes a cluster and waits until it has settled. Its records and evidence go to `dir`.
///
/// # Errors
/// When it cannot be made or formed; the evidence is in `dir` then. A cluster that is formed but does not become
/// as planned is not an error: its checks say what is wrong.
pub async fn provision(site: &Site, order: Order<'_>, dir: &Path) -> Result<Manifest, ClusterError> {
    Ok(provision_for(site, order, 0, dir).await?.0)
}

/// The same, for so many steps that are taken from it. As long as the turn is held, nobody else takes it: those who take steps
/// are bounded like those who form.
pub(super) async fn provision_for(
    site: &Site,
    order: Order<'_>,
    steps: usize,
    dir: &Path,
) -> Result<(Manifest, Turn), ClusterError> {
    let timeline = Timeline::new(dir, site.run.clock());
    timeline.stage(Work::ArmReaper, Owner::Framework, reaper::arm(&site.run, &site.exe)).await?;
    // Each round has the host to itself: what the round before it still has is in its way.
    let once = format!("sweep-{}", site.run.nextest().map_or(0, |nextest| nextest.round.stress));
    timeline.stage(Work::Sweep, Owner::Framework, site.run.once(&once, async || sweep_abandoned(site).await)).await?;
    let progress = Progress::new(dir);
    progress.tell(Doing::Waiting, "for a turn");
    let Order { cell, options, variant } = order;
    let mut sketch = Plan::draw_variant(cell, options, Segments::documentation(), variant);
    let joint = site.joint().await?;
    if let Some(joint) = &joint {
        if let Some(lacking) = joint.lacks(&sketch) {
            return Err(ClusterError::Lacking { product: "the host".to_owned(), lacking });
        }
        joint.fit(&mut sketch);
    }
    faults::require_members(site.config.faults.as_ref(), &sketch)?;
    let lacking = super::host_lacks(&site.config, &sketch.needs);
    if !lacking.is_empty() {
        return Err(ClusterError::lacking("the host", &lacking));
    }
    if sketch.needs.contains(&Need::Host(HostFact::Lxd)) {
        timeline.stage(Work::GoldenImage, Owner::Framework, super::lxd::prepare(site)).await?;
    }
    if has_ipv6(&sketch) {
        crate::host::require_ipv6(&site.config)?;
    }
    let cost = expected(&site.config.out_dir, &sketch, steps);
    let turn = timeline.stage(Work::Turn, Owner::Framework, site.turn(cost, steps)).await?;
    let placed = match turn.member() {
        None => None,
        Some(member) => {
            let seats = if joint.is_some() { site.seats(&sketch, member).await? } else { BTreeMap::new() };
            Some(Placed { member: member.to_owned(), lane: None, given: None, seats })
        }
    };
    let joint = joint.as_ref();
    let place = Place { site, placed: placed.as_ref(), joint, timeline: &timeline, progress: &progress, dir };
    let made = provision_at(&place, order, &sketch).await;
    match lost_meanwhile(&place, &made).await {
        Some(lost) => Err(lost),
        None => Ok((made?, turn)),
    }
}

/// Where a cluster is made, and where that is noted.
struct Place<'a> {
    site: &'a Site,
    /// The members of the LXD cluster; `None` where LXD is no cluster.
    placed: Option<&'a Placed>,
    /// What joins them, where it is on several.
    joint: Option<&'a Joint>,
    timeline: &'a Timeline,
    progress: &'a Progress,
    dir: &'a Path,
}

/// Makes the cluster whose turn it is.
async fn provision_at(place: &Place<'_>, order: Order<'_>, sketch: &Plan) -> Result<Manifest, ClusterError> {
    let Place { site, placed, joint, timeline, progress, dir } = *place;
    let note = |lane: Option<&Lane>| {
        let (name, given) = (lane.map(|lane| lane.name.clone()), lane.and_then(|lane| lane.given.clone()));
        let on = |placed: &Placed| Placed { lane: name, given, ..placed.clone() };
        placed.map_or(Ok(()), |placed| CellFolder::new(dir).write(&on(placed)))
    };
    note(None)?;
    progress.tell(Doing::Provisioning, "bridges and golden image");
    let at = match (placed, joint) {
        (None, _) => Where::Alone,
        (Some(_), Some(joint)) => Where::Hosts(joint),
        (Some(placed), None) => Where::Member(&placed.member),
    };
    let bridges = timeline.stage(Work::Bridges, Owner::Lxd, lanes::take(site, sketch, at));
    let golden = images::find(place, sketch);
    let ((images, product), lane) = tokio::try_join!(golden, bridges)?;
    let golden = &images.first;
    note(Some(&lane))?;
    let planning = planning::plan(place, order, golden, &product);
    let (plan, authority) = timeline.stage(Work::Plan, Owner::Framework, planning).await?;
    let begun = Begun::default();
    let cast = Cast { plan: &plan, images: &images, placed, lane: &lane, authority, begun: &begun };
    let mut result = making::make(site, &cast, product, timeline, dir).await;
    if let Err(error) = result {
        let full = found_full(place, &golden.pool, &error).await;
        result = Err(match full {
            Some(full) => full.because(error).into(),
            None => explain(&site.client, &instances(&plan, site), &begun, error).await,
        });
    }
    if result.as_ref().map_or(true, |manifest| !manifest.settled.unsatisfied.is_empty()) {
        let instances = instances(&plan, site);
        let evidence = Evidence::new(dir);
        timeline.stage(Work::Evidence, Owner::Framework, super::collect(&site.client, &instances, &evidence)).await;
    }
    result
}

/// The pool, where it is full on one of the hosts, and a cluster was not made for that.
async fn found_full(place: &Place<'_>, pool: &str, error: &ClusterError) -> Option<image::Full> {
    let hosts = place.placed.map(|placed| placed.hosts().into_iter().map(Some).collect());
    for host in hosts.unwrap_or_else(|| vec![None]) {
        if let Some(full) = image::found_full(&place.site.client, pool, host, error).await {
            return Some(full);
        }
    }
    None
}

/// Why there is no cluster, or none that is as planned, where that is because its host went away.
async fn lost_meanwhile(place: &Place<'_>, made: &Result<Manifest, ClusterError>) -> Option<ClusterError> {
    let seen = match made {
        Ok(manifest) if manifest.settled.unsatisfied.is_empty() => return None,
        Ok(manifest) => format!("{} not as planned", manifest.settled.unsatisfied.join(", ")),
        Err(error) => crate::report::chain(error),
    };
    super::placed::lost_of(place.site, place.placed?, &seen).await
}

/// Whether members are reached, or tunnels end, at IPv6 addresses.
fn has_ipv6(plan: &Plan) -> bool {
    plan.state.members.iter().any(|member| member.address.is_ipv6() || member.encap.ip.is_ipv6())
}

/// Removes what dead runs left, and what earlier rounds of this runner did not give back: their tests have ended. Once in
/// a round is enough, and more is not cheap: LXD counts up what uses each network.
async fn sweep_abandoned(site: &Site) -> Result<(), ClusterError> {
    sweep::sweep(&site.client, &Target::Abandoned, None).await?;
    if site.client.is_clustered() {
        sweep::sweep_undone(&site.client, &reaper::ledgers_of_the_dead(&site.config.out_dir)).await?;
    }
    if site.run.nextest().is_some_and(|nextest| nextest.round.stress > 0) {
        let earlier = Target::Runner(site.run.runner().clone());
        sweep::sweep(&site.client, &earlier, Some(&site.run.ledger())).await?;
    }
    Ok(())
}
