//! Instances for a plan: isolated bridges, clones of the golden image with their own identity, up and answering.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use futures_util::future::try_join_all;
use ipnet::IpNet;
use tokio::sync::{Semaphore, oneshot};

use super::authority::Authority;
use super::because::{Begun, explain};
use super::capabilities::needed;
use super::expected::expected;
use super::formation::Forming;
use super::joint::Joint;
use super::lanes::{self, Lane, Where};
use super::owned::tags;
use super::{
    Capabilities, ClusterError, Manifest, Placed, Product, Site, faults, lay, names, network, release, settle, subnets,
};
use crate::folder::CellFolder;
use crate::image::{self, DAEMON_ANSWERS, DATAPATH_KEY, Golden, NodeNic};
use crate::lxd::{Client, Exec, FileSpec};
use crate::matrix::Cell;
use crate::microovn::CONTROL_SOCKET;
use crate::plan::{Content, File, HostFact, InitOption, Member, Need, Plan, Segments, Variant};
use crate::report::{Doing, Evidence, Owner, Progress, Timeline, Work};
use crate::session::sweep::{self, Target};
use crate::session::{Kind, Turn, reaper};
use crate::wait::{self, Pace, Poll};

/// Copying and starting one instance; a busy host and a plain directory pool take tens of seconds.
pub(super) const CLONE: Duration = Duration::from_secs(180);
/// From started to MicroOVN's daemon answering.
const READY: Pace = Pace::new(120, 200);
/// Waits inside the node until the daemon's socket is there, because a look from outside costs a booting node more
/// than all looks from within, and then asks the daemon. Where the socket never comes, the daemon is asked all the same
/// and says what it lacks. When it has answered, the member's own time is printed. Between two looks it reads, for so long,
/// from a pipe that nothing comes through: a `sleep` would be a process for every look.
const AWAIT_DAEMON: &str = r#"
exec {never}<> <(:)
for _ in {1..500}; do [ -S "$1" ] && break; read -rt 0.02 -u "$never"; done
bash -c "$2" answers /snap/bin/microovn "$1" 60 && echo "$EPOCHREALTIME"
"#;
/// So many members of a cluster boot at a time: those of most clusters all at once, which takes no longer than one by one,
/// and of larger ones not so many that the first waits for the processor, without which no other can join.
const BOOTS: usize = 3;

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
    let golden = find_golden(place, sketch);
    let ((images, product), lane) = tokio::try_join!(golden, bridges)?;
    let golden = &images.first;
    note(Some(&lane))?;
    let planning = async {
        let mut plan = draw(site, order).await?;
        if let Some(joint) = joint {
            joint.fit(&mut plan);
        }
        let able = needed(site, golden, &plan.needs).await?;
        plan.state.release = able.complete(release::of(golden));
        plan.state.newer = release::newer(golden, &plan.state.release);
        plan.state.datapath = product.datapath;
        require(&plan, &able, &product)?;
        let authority = make_authority(&mut plan).await?;
        Ok::<_, ClusterError>((plan, authority))
    };
    let (plan, authority) = timeline.stage(Work::Plan, Owner::Framework, planning).await?;
    let begun = Begun::default();
    let cast = Cast { plan: &plan, images: &images, placed, lane: &lane, authority, begun: &begun };
    let mut result = make(site, &cast, product, timeline, dir).await;
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

/// The golden image of a plan, on every host that its members are on.
struct Images {
    /// On the host that the cell has its turn on.
    first: Golden,
    /// On the others, by their names.
    others: BTreeMap<String, Golden>,
}

impl Images {
    /// The one that a member is copied from.
    fn of(&self, placed: Option<&Placed>, member: &Member) -> &Golden {
        let seat = placed.and_then(|placed| placed.seats.get(&member.name));
        seat.and_then(|host| self.others.get(host)).unwrap_or(&self.first)
    }
}

/// The golden image for this plan, made or found once in the run; on the members of the LXD cluster that the plan is for.
async fn find_golden(
    &Place { site, placed, timeline, progress, .. }: &Place<'_>,
    plan: &Plan,
) -> Result<(Images, Product), ClusterError> {
    let mut told = |text: &str| progress.tell(Doing::Provisioning, text);
    let (config, client) = (&site.config, &site.client);
    let find = async {
        let (golden, product): (Golden, Product) = if plan.needs.contains(&Need::Older) {
            let find = async || super::older_golden(config, client, &mut told).await;
            let found = site.run.once("golden-older", find).await?;
            found.ok_or_else(|| ClusterError::lacking("the product", &[&Need::Older]))?
        } else if plan.formation.is_microcloud() {
            let find = async || super::microcloud_golden(config, client, &mut told).await;
            site.run.once("golden-microcloud", find).await?
        } else {
            site.run.once("golden", async || super::golden(config, client, &mut told).await).await?
        };
        let Some(placed) = placed else {
            return Ok::<_, ClusterError>((Images { first: golden, others: BTreeMap::new() }, product));
        };
        let mut images = BTreeMap::new();
        for host in placed.hosts() {
            if golden.member.as_deref() == Some(host) {
                images.insert(host.to_owned(), golden.clone());
                continue;
            }
            let once = format!("golden-{}-on-{}", golden.hash.short(), names::digest(host));
            let copy = async || {
                let maker = super::maker();
                Ok::<_, ClusterError>(image::ensure_golden_on(client, &golden, host, &maker, &mut told).await?)
            };
            images.insert(host.to_owned(), site.run.once(&once, copy).await?);
        }
        let first = images.remove(&placed.member).unwrap_or(golden);
        Ok((Images { first, others: images }, product))
    };
    // In a box, as it holds all of what makes an image, twice.
    let (images, product) = timeline.stage(Work::GoldenImage, Owner::Framework, Box::pin(find)).await?;
    if config.faults.is_some() && !product.stand_in {
        return Err(ClusterError::FaultsNeedStandIn(product.to_string()));
    }
    Ok((images, product))
}

/// Fails if the product lacks what the plan needs.
fn require(plan: &Plan, able: &Capabilities, product: &Product) -> Result<(), ClusterError> {
    let lacking = able.lacks(&plan.needs);
    if lacking.is_empty() { Ok(()) } else { Err(ClusterError::lacking(product, &lacking)) }
}

/// Removes what dead runs left, and what earlier rounds of this runner did not give back: their tests have ended. Once in
/// a round is enough, and more is not cheap: LXD counts up what uses each network.
async fn sweep_abandoned(site: &Site) -> Result<(), ClusterError> {
    sweep::sweep(&site.client, &Target::Abandoned, None).await?;
    if site.run.nextest().is_some_and(|nextest| nextest.round.stress > 0) {
        let earlier = Target::Runner(site.run.runner().clone());
        sweep::sweep(&site.client, &earlier, Some(&site.run.ledger())).await?;
    }
    Ok(())
}

/// The address ranges that are in use when the run begins. What it makes itself has none.
async fn taken(site: &Site) -> Result<Vec<IpNet>, ClusterError> {
    let mut taken = crate::host::routes();
    for network in site.client.list_networks().await? {
        taken.extend(network.ranges());
    }
    Ok(taken)
}

/// The plan of a cell, in address ranges that overlap no network of LXD and no route of this host.
async fn draw(site: &Site, Order { cell, options, variant }: Order<'_>) -> Result<Plan, ClusterError> {
    let taken: Vec<IpNet> = site.run.once("taken", async || taken(site).await).await?;
    let name = variant.name.as_ref().unwrap_or_else(|| cell.id());
    let seed = format!("{}/{name}", site.run.id());
    let segments = subnets::pick(&seed, &taken).ok_or(ClusterError::NoSubnet)?;
    Ok(Plan::draw_variant(cell, options, segments, variant))
}

/// The instance of every member.
fn instances(plan: &Plan, site: &Site) -> BTreeMap<String, String> {
    let name = |member: &Member| (member.name.clone(), names::instance(&member.hostname, site.run.id()));
    plan.state.members.iter().map(name).collect()
}

/// What members are made from.
struct Cast<'a> {
    plan: &'a Plan,
    images: &'a Images,
    placed: Option<&'a Placed>,
    lane: &'a Lane,
    authority: Option<Authority>,
    begun: &'a Begun,
}

/// Makes the certificate authority that the plan asks for, and puts its certificate into the plan.
async fn make_authority(plan: &mut Plan) -> Result<Option<Authority>, ClusterError> {
    let Some(user_ca) = &mut plan.state.user_ca else { return Ok(None) };
    let authority = Authority::make_aside(user_ca.clone()).await?;
    user_ca.certificate = authority.certificate.clone();
    Ok(Some(authority))
}

async fn make(
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
    let mut nics: Vec<NodeNic> = member
        .nics
        .iter()
        .map(|nic| NodeNic {
            device: nic.device.clone(),
            network: Some(lane.network(nic.network).to_owned()),
            networkd: network::networkd(nic, lane.is_own(nic.network)),
        })
        .collect();
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

/// Waits until MicroOVN's daemon answers, and returns when that was by the member's own clock. That needs no cluster, and fails
/// while snapd has not mounted the snap or the daemon does not listen.
pub(super) async fn wait_ready(client: &Client, member: &str, instance: &str) -> Result<String, ClusterError> {
    let probe = Exec::new(["bash", "-c", AWAIT_DAEMON, "await", CONTROL_SOCKET, DAEMON_ANSWERS])
        .timeout(wait::patience(Duration::from_secs(90)));
    let ready = wait::until("MicroOVN's daemon to answer", READY, async || match client.exec(instance, &probe).await {
        Ok(output) if output.exit_code == 0 => {
            Poll::Ready(output.stdout_text().lines().next_back().unwrap_or_default().trim().to_owned())
        }
        Ok(output) => Poll::NotYet(format!("exit code {}: {}", output.exit_code, output.stderr_text().trim())),
        Err(error) => Poll::Failed(error),
    });
    ready.await.map_err(|source| ClusterError::NotReady { member: member.to_owned(), source })
}
