//! Fixtures: what a check needs, made once per cell and shared.

use std::fmt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rstest::fixture;
use testkit::cluster::{self, Manifest, Order, Site};
use testkit::config::{Config, Keep, Layer};
use testkit::expect::Verdict;
use testkit::matrix::Cell;
use testkit::plan::{Plan, Segments};
use testkit::record::{self, CellPart, CheckPart, RunPart};
use testkit::report::timeline::CHECK;
use testkit::report::{Evidence, Owner, Timeline, chain};
use testkit::session::{Lease, Run, reaper};

use crate::checks::{self, Body, Check};
use crate::options;

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

/// A check that did not pass. Its debug form is what a person reads, because that is what the test harness prints.
pub struct Failure(String);

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Failure {
    fn of(error: impl std::error::Error + 'static) -> Self {
        Self(chain(&error))
    }
}

impl Suite {
    /// Runs one check on the cluster of this suite, which the first check to come provisions.
    ///
    /// `exe` is the `testkit` command.
    ///
    /// # Errors
    /// When the check does not pass, or there is no cluster; the text says what, where and how to look closer.
    pub fn check(self, name: &str, exe: &str) -> Result<(), Failure> {
        testkit::cli::init_log();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.map_err(Failure::of)?.block_on(self.judge(name, exe))
    }

    async fn judge(self, name: &str, exe: &str) -> Result<(), Failure> {
        let check = checks::checks()
            .find(|check| check.name == name)
            .ok_or_else(|| Failure(format!("there is no check {name:?}; run `testkit generate`")))?;
        let cell = options::matrix()
            .map_err(Failure::of)?
            .find_cell(self.cell)
            .ok_or_else(|| Failure(format!("there is no cell {:?}; run `testkit generate`", self.cell)))?;
        let config = Config::resolve(Layer::default()).map_err(Failure::of)?;
        let run = Run::join(&config).await.map_err(Failure::of)?;
        run.end_with_runner();
        let dir = run.cell_dir(self.cell).map_err(Failure::of)?;
        let part = begin(&config, &run, &dir, &cell, &check).map_err(Failure::of)?;
        let clock = run.clock();
        let mut verdict = None;
        let ground = Ground { config, run, exe: exe.into() };
        let outcome = self.judge_in(&ground, &cell, &check, (part.started, &mut verdict)).await;
        let failure = outcome.as_ref().err().map(|failure| failure.0.as_str());
        part.end(&dir, clock, verdict, failure).map_err(Failure::of)?;
        outcome
    }

    /// Comes to the verdict of one check in its run, which began at the moment given and provisions the cluster first
    /// where nobody has.
    async fn judge_in(
        self,
        ground: &Ground,
        cell: &Cell,
        check: &Check,
        (began, verdict): (Timestamp, &mut Option<Verdict>),
    ) -> Result<(), Failure> {
        let Ground { config, run, exe } = ground;
        let lease: Lease<Manifest> = Lease::acquire(run, self.cell, check.access(), async |dir: &Path| {
            let site = ground.site().await.map_err(|failure| failure.0)?;
            Timeline::new(dir, run.clock()).since("connect", Owner::Framework, began);
            provide(&site, cell, dir).await
        })
        .await
        .map_err(Failure::of)?;
        let outcome = judge_on(ground, &lease, check, verdict).await;
        let names: Vec<&str> = suite_checks(&lease.manifest().plan).map(|check| check.name).collect();
        if lease.give_back(check.name, &names).await.map_err(Failure::of)? && config.keep == Keep::Never {
            reaper::release(run, exe, self.cell).map_err(Failure::of)?;
        }
        outcome
    }
}

/// The verdict of one check, as the text that a person reads.
async fn judge_on(
    ground: &Ground,
    lease: &Lease<Manifest>,
    check: &Check,
    found: &mut Option<Verdict>,
) -> Result<(), Failure> {
    let manifest = lease.manifest();
    println!("product: {}", manifest.product);
    let (timeline, stage) = (Timeline::new(lease.dir(), ground.run.clock()), format!("{CHECK}{}", check.name));
    let mut site = None;
    let verdict = found.insert(match check.body {
        Body::Pure(pure) => {
            let judging = async { (pure.judge)(&manifest.plan, &manifest.observation) };
            timeline.stage(&stage, Owner::Framework, judging).await
        }
        Body::Live(live) => {
            let site = site.insert(ground.site().await?);
            timeline.stage(&stage, Owner::Product, live(&site.client, manifest)).await
        }
    });
    if verdict.passed() {
        println!("{verdict}");
        return Ok(());
    }
    let evidence = Evidence::new(lease.dir());
    if let Some(site) = &site {
        cluster::collect(&site.client, &manifest.instances, &evidence).await;
    }
    let (cell, product) = (&manifest.plan.cell, &manifest.product);
    let mut text = format!("{cell}::{verdict}\nproduct: {product}\nevidence: {}", evidence.dir().display());
    let settled = &manifest.settled;
    if !settled.unsatisfied.is_empty() {
        let seconds = std::time::Duration::from_millis(settled.ms).as_secs_f32();
        text.push_str(&format!("\nseen at the last of {} looks in {seconds:.1} s", settled.looks));
    }
    if ground.config.keep == Keep::OnFailure {
        let site = match site {
            Some(site) => site,
            None => ground.site().await?,
        };
        let how = cluster::keep(&site, manifest).await.map_err(Failure::of)?;
        text.push_str(&format!("\n{how}"));
    }
    Err(Failure(text))
}

/// What a check begins with. Most end with no more: to judge what is observed takes no LXD.
struct Ground {
    config: Config,
    run: Run,
    exe: PathBuf,
}

impl Ground {
    /// Connects to LXD, for who acts on a cluster.
    async fn site(&self) -> Result<Site, Failure> {
        let site = Site::open(self.config.clone(), self.run.clone(), &self.exe).await.map_err(Failure::of)?;
        record::leave_host(site.run.dir(), &site.client).map_err(Failure::of)?;
        Ok(site)
    }
}

/// Leaves for the record of the run what is known before the check begins, and that it begins.
fn begin(config: &Config, run: &Run, dir: &Path, cell: &Cell, check: &Check) -> std::io::Result<CheckPart> {
    RunPart::new(run, config, options::OPTIONS.iter().map(|option| option.declaration())).leave(run.dir())?;
    let plan = Plan::draw(cell, options::OPTIONS, Segments::documentation());
    CellPart::new(cell, suite_checks(&plan).map(|check| (check.name, check.about)), None).leave(dir)?;
    CheckPart::begin(dir, check.name, run.clock())
}

/// The checks that the suite of this plan has.
fn suite_checks(plan: &Plan) -> impl Iterator<Item = Check> {
    checks::checks().filter(|check| (check.applies)(plan))
}

/// A cluster that was kept, looked at anew, or else a new one.
async fn provide(site: &Site, cell: &Cell, dir: &Path) -> Result<Manifest, String> {
    if site.config.reuse
        && let Some(manifest) = cluster::reuse(site, cell).await.map_err(|error| chain(&error))?
    {
        if !manifest.settled.unsatisfied.is_empty() {
            cluster::collect(&site.client, &manifest.instances, &Evidence::new(dir)).await;
        }
        return Ok(manifest);
    }
    let order = Order { cell, options: options::OPTIONS, members: None };
    let manifest = cluster::provision(site, order, dir).await.map_err(|error| chain(&error))?;
    if site.config.keep == Keep::Always {
        let how = cluster::keep(site, &manifest).await.map_err(|error| chain(&error))?;
        println!("{how}");
    }
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use testkit::cluster::{Product, Settled};
    use testkit::expect::Observation;

    use super::*;

    /// The text of a check that fails, on a cluster of which nothing was observed, where there is no LXD.
    async fn failure_without_lxd(name: &str) -> String {
        let out = tempfile::tempdir().expect("a folder");
        let absent = Some(out.path().join("no.socket"));
        let flags = Layer { out_dir: Some(out.path().to_owned()), lxd_socket: absent, ..Layer::default() };
        let config = Config::resolve(flags).expect("a configuration");
        let run = Run::start(&config).await.expect("a run");
        let cell = options::matrix().expect("a matrix").find_cell("init_cluster").expect("a cell");
        let manifest = Manifest {
            product: Product {
                stand_in: true,
                name: "microovn".to_owned(),
                version: "1".to_owned(),
                sha256: "0".to_owned(),
            },
            plan: Plan::draw(&cell, options::OPTIONS, Segments::documentation()),
            instances: BTreeMap::new(),
            settled: Settled { ms: 0, looks: 1, unsatisfied: Vec::new() },
            observation: Observation::default(),
        };
        let check = checks::checks().find(|check| check.name == name).expect("a check");
        let lease = Lease::acquire(&run, "init_cluster", check.access(), async |_: &Path| Ok::<_, String>(manifest));
        let lease = lease.await.expect("a lease");
        let ground = Ground { config, run, exe: PathBuf::from("testkit") };
        judge_on(&ground, &lease, &check, &mut None).await.expect_err("nothing was observed").0
    }

    #[tokio::test]
    async fn only_a_check_that_acts_on_the_cluster_needs_lxd() {
        let judged = failure_without_lxd("members").await;
        assert!(judged.starts_with("init_cluster::members") && !judged.contains("LXD"), "{judged}");
        let acting = failure_without_lxd("nb_sb_propagation").await;
        assert!(acting.contains("no.socket"), "{acting}");
    }
}
