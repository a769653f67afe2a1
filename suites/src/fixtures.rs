//! The suite of a cell: the first of its tests forms the cluster and tries what must be tried, and each is one check of it.

use std::path::Path;

use jiff::Timestamp;
use rstest::fixture;
use testkit::cluster::{self, Check, Manifest, Order, Site, checks};
use testkit::config::{Config, Keep};
use testkit::expect::{self, Verdict};
use testkit::folder::{CellFolder, FolderError};
use testkit::matrix::Cell;
use testkit::plan::{Plan, Segments, Variant};
use testkit::record::CellPart;
use testkit::report::{Doing, Evidence, Owner, Progress, Timeline, Work, chain};
use testkit::session::lease::Unprovisioned;

pub use crate::failure::Failure;
use crate::ground::Ground;
use crate::judged::Judged;
use crate::options;
use crate::sharing::{self, Shared};

/// The suite of one cell, as a check sees it.
#[derive(Debug, Clone, Copy)]
pub struct Suite {
    cell: &'static str,
}

/// The suite of the named cell.
#[fixture]
pub fn suite(#[default("init_cluster")] cell: &'static str) -> Suite {
    Suite { cell }
}

impl Suite {
    /// Runs one check on the cluster of this suite, which the first check to come forms.
    ///
    /// `exe` is the `testkit` command as it was built.
    ///
    /// # Errors
    /// When the check does not pass, or there is no cluster; the text says what, where and how to look closer.
    pub fn check(self, name: &str, exe: &str) -> Result<(), Failure> {
        let shared = |config: &Config| {
            if Check::find(name).is_none() {
                return Err(Failure::new(format!("there is no check {name:?}; run `testkit generate`")));
            }
            Ok(Formed { cell: options::find_cell(self.cell)?, traffic: config.traffic })
        };
        sharing::run(shared, name, exe)
    }
}

/// What the checks of a cell share.
struct Formed {
    cell: Cell,
    /// Whether packets are sent.
    traffic: bool,
}

impl Shared for Formed {
    type Left = Box<Manifest>;

    fn name(&self) -> &str {
        self.cell.id().as_str()
    }

    fn is_microclouds(&self) -> bool {
        options::is_microclouds(&self.cell)
    }

    fn part(&self) -> CellPart {
        let mut plan = Plan::draw(&self.cell, options::OPTIONS, Segments::documentation());
        if self.traffic && plan.state.without_traffic().is_none() {
            plan.state.lay_traffic();
        }
        let has = checks().filter(|check| (check.applies)(&plan.state));
        CellPart::new(&self.cell, has.map(|check| (check.name, check.about)), None)
    }

    async fn play(&self, ground: &Ground, dir: &Path, began: Timestamp) -> Result<Option<String>, Failure> {
        let folder = CellFolder::new(dir);
        let formed = match ground.site().await {
            Ok(site) => {
                Timeline::new(dir, ground.run.clock()).since(Work::Connect, Owner::Framework, began);
                provide(&site, &self.cell, dir).await.map(|manifest| (site, manifest))
            }
            Err(failure) => Err(failure.into_text().into()),
        };
        let (site, manifest) = match formed {
            Ok(formed) => formed,
            Err(why) => {
                folder.write(&why).map_err(Failure::of)?;
                return ground.leave_unformed(self.name(), &why.message).await;
            }
        };
        folder.write(&manifest).map_err(Failure::of)?;
        match ground.config.keep {
            Keep::Always => cluster::keep(&site, &manifest).await.map(Some).map_err(Failure::of),
            Keep::OnFailure if is_red(&manifest) => {
                cluster::pause(&site, &manifest, None).await.map(Some).map_err(Failure::of)
            }
            _ => ground.give_back(self.name(), &manifest).await,
        }
    }

    fn look(&self, dir: &Path, _test: &str) -> Result<Option<Self::Left>, FolderError> {
        Ok(CellFolder::new(dir).read()?.map(Box::new))
    }

    fn judge(&self, ground: &Ground, dir: &Path, test: &str, manifest: Self::Left) -> Judged {
        judge(ground, dir, test, &manifest)
    }

    fn unformed(&self, _test: &str, why: &Unprovisioned, tells: bool) -> String {
        if tells {
            return why.message.clone();
        }
        format!("not checked, because there is no cluster: {}", why.headline())
    }
}

/// Whether any check of the cluster does not pass.
fn is_red(manifest: &Manifest) -> bool {
    checks().any(|check| fails(check, manifest)) || manifest.no_traffic.is_some()
}

/// Whether a check that the cluster has does not pass.
fn fails(check: Check, manifest: &Manifest) -> bool {
    (check.applies)(&manifest.plan.state) && !check.judge(manifest).passed()
}

/// The verdict of one check, and the text that a person reads.
fn judge(ground: &Ground, dir: &Path, test: &str, manifest: &Manifest) -> Judged {
    let Some(check) = Check::find(test) else {
        return Judged::without_verdict(Failure::new(format!("there is no check {test:?}")));
    };
    println!("product: {}", manifest.product);
    let clock = ground.run.clock();
    let began = clock.now();
    let verdict = check.judge(manifest);
    if check.name != cluster::TRIED {
        Timeline::new(dir, clock).since(Work::Check(test.to_owned()), Owner::Framework, began);
    }
    if verdict.passed() {
        println!("{verdict}");
        return Judged::with_verdict(Ok(()), verdict);
    }
    let (cell, product) = (&manifest.plan.cell, &manifest.product);
    let mut text = format!("{cell}::{}", verdict.headline());
    if !(check.applies)(&manifest.plan.state) {
        let unasked = || "nobody asked for it: `testkit run --traffic`, or TESTKIT_TRAFFIC=1".to_owned();
        text.push_str(&format!(": there is no traffic: {}", manifest.no_traffic.clone().unwrap_or_else(unasked)));
    }
    // Of many that are red the one to look at first is said by all.
    let others: Vec<Verdict> = expect::unsatisfied(&manifest.plan.state, &manifest.observation, None)
        .into_iter()
        .map(|(_, other)| other)
        .collect();
    let cause = expect::likely_causes(others.iter().chain([&verdict])).into_iter().next();
    if let Some(cause) = cause.filter(|cause| cause.check != check.name && cause.may_explain(&verdict)) {
        text.push_str(&format!("\nlikely because of {}", cause.headline()));
    }
    text.push_str(&format!("\n{verdict}\nproduct: {product}\nevidence: {}", dir.display()));
    let settled = &manifest.settled;
    if !settled.unsatisfied.is_empty() {
        let seconds = std::time::Duration::from_millis(settled.ms).as_secs_f32();
        text.push_str(&format!("\nseen at the last of {} looks in {seconds:.1} s", settled.looks));
    }
    if ground.config.keep != Keep::Never {
        text.push_str(&format!("\nkept: {}", cluster::ways(manifest, None)));
    }
    Judged::with_verdict(Err(Failure::new(text)), verdict)
}

/// A cluster that was kept, looked at anew, or else a new one; and then what must be tried.
async fn provide(site: &Site, cell: &Cell, dir: &Path) -> Result<Manifest, Unprovisioned> {
    let mut manifest = form(site, cell, dir).await?;
    let timeline = Timeline::new(dir, site.run.clock());
    let work = Work::Check(cluster::TRIED.to_owned());
    Progress::new(dir).tell(Doing::Settling, "trying a change in the Northbound on every member");
    timeline.stage(work, Owner::Product, cluster::try_out(&site.client, &mut manifest)).await;
    let tried = Check::find(cluster::TRIED).filter(|check| fails(*check, &manifest));
    if let Some(check) = tried
        && let Some(lost) = cluster::lost(site, dir, &check.judge(&manifest).headline()).await
    {
        return Err(Unprovisioned::from(chain(&lost)));
    }
    // What was seen has been judged, and where it was red it has left its evidence.
    let new = manifest.no_traffic.is_some() || tried.is_some();
    if manifest.settled.unsatisfied.is_empty() && new {
        let evidence = Evidence::new(dir);
        let collecting = cluster::collect(&site.client, &manifest.instances, &evidence);
        timeline.stage(Work::Evidence, Owner::Framework, collecting).await;
    }
    Ok(manifest)
}

async fn form(site: &Site, cell: &Cell, dir: &Path) -> Result<Manifest, Unprovisioned> {
    if site.config.reuse
        && let Some(manifest) = cluster::reuse(site, cell.id().as_str()).await.map_err(|error| chain(&error))?
        // One that was changed by hand is nobody else's.
        && manifest.steps.is_empty()
    {
        if !manifest.settled.unsatisfied.is_empty() {
            cluster::collect(&site.client, &manifest.instances, &Evidence::new(dir)).await;
        }
        return Ok(manifest);
    }
    let order = Order { cell, options: options::OPTIONS, variant: &Variant::default() };
    let formed = cluster::provision(site, order, dir).await;
    formed.map_err(|error| Unprovisioned { message: chain(&error), of_product: error.is_of_product() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use testkit::cluster::{Product, Settled};
    use testkit::config::Layer;
    use testkit::expect::Observation;
    use testkit::session::Run;

    use super::*;

    /// What a check says of a cluster of which nothing was observed, where there is no LXD.
    async fn said(name: &str, keep: Keep, tried: Option<Verdict>) -> Judged {
        let out = tempfile::tempdir().expect("a folder");
        let absent = Some(out.path().join("no.socket"));
        let out_dir = Some(out.path().to_owned());
        let flags = Layer { out_dir, lxd_socket: absent, keep: Some(keep), ..Layer::default() };
        let config = Config::resolve(flags).expect("a configuration");
        let run = Run::start(&config).await.expect("a run");
        let ground = Ground { config, run, exe: "testkit".into() };
        let (name_of, version, sha256) = ("microovn".to_owned(), "1".to_owned(), "0".to_owned());
        let cell = options::matrix().expect("a matrix").find_cell("init_cluster").expect("a cell");
        let manifest = Manifest {
            product: Product { stand_in: true, name: name_of, version, sha256, datapath: None, microcloud: None },
            plan: Plan::draw(&cell, options::OPTIONS, Segments::documentation()),
            steps: Vec::new(),
            instances: BTreeMap::from([("microovn-init-cluster-1".to_owned(), "i".to_owned())]),
            settled: Settled { ms: 0, looks: 1, last_ms: 0, unsatisfied: Vec::new() },
            observation: Observation::default(),
            tried: tried.map(Box::new),
            no_traffic: None,
        };
        assert!(is_red(&manifest));
        judge(&ground, out.path(), name, &manifest)
    }

    #[tokio::test]
    async fn to_judge_takes_no_lxd_also_what_was_tried() {
        let judged = said("members", Keep::Never, None).await.failure().expect("nothing was observed");
        assert!(judged.starts_with("init_cluster::members") && !judged.contains("LXD"), "{judged}");
        let mut tried = Verdict::builder(cluster::TRIED);
        tried.compare("a", "Datapath_Binding", "c", 1, 1);
        assert!(said(cluster::TRIED, Keep::Never, Some(tried.finish())).await.conclude().is_ok());
        let never = said(cluster::TRIED, Keep::Never, None).await.failure().expect("it was not tried");
        assert!(never.starts_with("init_cluster::nb_sb_propagation"), "{never}");
    }

    #[tokio::test]
    async fn a_check_that_fails_says_how_to_enter_a_cluster_that_is_kept() {
        let kept = said("members", Keep::OnFailure, None).await.failure().expect("nothing was observed");
        assert!(kept.contains("\nkept: enter with `testkit shell init_cluster:"), "{kept}");
        let gone = said("members", Keep::Never, None).await.failure().expect("nothing was observed");
        assert!(!gone.contains("kept"), "{gone}");
    }
}
