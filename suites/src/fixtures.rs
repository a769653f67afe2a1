//! Fixtures: what a check needs, made once per cell and shared.

use std::path::Path;

use jiff::Timestamp;
use rstest::fixture;
use testkit::cluster::{self, Manifest, Order, Site};
use testkit::config::{self, Config, Keep, Layer};
use testkit::expect::{self, Verdict};
use testkit::matrix::Cell;
use testkit::plan::{Plan, Segments, Variant};
use testkit::record::{CellPart, CheckPart, RunPart};
use testkit::report::{Evidence, Owner, Timeline, Work, chain};
use testkit::session::{Lease, Run, Unprovisioned, reaper};

use crate::checks::{self, Body, Check};
pub use crate::failure::Failure;
use crate::ground::Ground;
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

impl Suite {
    /// Runs one check on the cluster of this suite, which the first check to come provisions.
    ///
    /// `exe` is the `testkit` command as it was built.
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
            .ok_or_else(|| Failure::new(format!("there is no check {name:?}; run `testkit generate`")))?;
        let cell = options::matrix()
            .map_err(Failure::of)?
            .find_cell(self.cell)
            .ok_or_else(|| Failure::new(format!("there is no cell {:?}; run `testkit generate`", self.cell)))?;
        let config = Config::resolve(Layer::default()).map_err(Failure::of)?;
        config.require_decided().map_err(Failure::of)?;
        let run = Run::join(&config).await.map_err(Failure::of)?;
        run.end_with_runner();
        let dir = run.cell_dir(self.cell).map_err(Failure::of)?;
        let part = begin(&config, &run, &dir, &cell, &check).map_err(Failure::of)?;
        let clock = run.clock();
        let ground = Ground { config, run, exe: config::program("testkit", exe) };
        let mut judged = self.judge_in(&ground, &cell, &check, part.started).await;
        let failure = judged.failure();
        let ended = part.end(&dir, clock, judged.verdict.take(), failure.as_deref());
        judged.afterwards(ended.map(|()| None).map_err(Failure::of));
        judged.conclude()
    }

    /// Comes to the verdict of one check in its run, which began at the moment given and provisions the cluster first
    /// where nobody has. Gives back the cluster, or what there is of one that could not be formed.
    async fn judge_in(self, ground: &Ground, cell: &Cell, check: &Check, began: Timestamp) -> Judged {
        let Ground { config, run, exe } = ground;
        let lease: Result<Lease<Manifest>, _> = Lease::acquire(run, self.cell, check.access(), async |dir: &Path| {
            let site = ground.site().await.map_err(|failure| failure.into_text())?;
            Timeline::new(dir, run.clock()).since(Work::Connect, Owner::Framework, began);
            provide(&site, cell, dir).await
        })
        .await;
        let lease = match lease {
            Ok(lease) => lease,
            Err(error) => {
                let problem = error.failed().map(str::to_owned);
                let mut judged = Judged::without_verdict(Failure::of(error));
                if let Some(problem) = problem {
                    judged.afterwards(ground.leave_unformed(self.cell, &problem).await);
                }
                return judged;
            }
        };
        let mut judged = judge_on(ground, &lease, check).await;
        let names: Vec<&str> = suite_checks(&lease.manifest().plan).map(|check| check.name).collect();
        let instances = lease.manifest().instances.clone();
        let given_back = lease.give_back(check.name, &names).await.map_err(Failure::of);
        let last = matches!(given_back, Ok(true)) && config.keep == Keep::Never;
        judged.afterwards(given_back.map(|_| None));
        if last {
            judged.afterwards(ground.take_coverage(self.cell, &instances).await);
            judged.afterwards(reaper::release(run, exe, self.cell).map(|()| None).map_err(Failure::of));
        }
        judged
    }
}

/// What came of a check, and what went wrong after that, which takes nothing of it back: what was found was found.
pub(crate) struct Judged {
    outcome: Result<(), Failure>,
    pub(crate) verdict: Option<Verdict>,
    afterwards: Vec<String>,
}

impl Judged {
    /// A check that came to no verdict.
    pub(crate) fn without_verdict(failure: Failure) -> Self {
        Self { outcome: Err(failure), verdict: None, afterwards: Vec::new() }
    }

    /// A check that came to this verdict.
    pub(crate) fn with_verdict(outcome: Result<(), Failure>, verdict: Verdict) -> Self {
        Self { outcome, verdict: Some(verdict), afterwards: Vec::new() }
    }

    /// Adds what was said of something done after the verdict, or that it went wrong.
    pub(crate) fn afterwards(&mut self, done: Result<Option<String>, Failure>) {
        match done {
            Ok(said) => self.afterwards.extend(said),
            Err(failure) => self.afterwards.push(format!("after the verdict: {}", failure.text())),
        }
    }

    /// What the test says where it does not pass.
    pub(crate) fn failure(&self) -> Option<String> {
        let text = self.outcome.as_ref().err()?.text();
        Some([&[text.to_owned()][..], &self.afterwards].concat().join("\n"))
    }

    /// The end of the test: the verdict decides how. What went wrong after one that passed is printed only; the reaper does
    /// again what was to be done.
    pub(crate) fn conclude(self) -> Result<(), Failure> {
        match self.failure() {
            Some(text) => Err(Failure::new(text)),
            None => {
                self.afterwards.iter().for_each(|said| println!("{said}"));
                Ok(())
            }
        }
    }
}

/// The verdict of one check, and the text that a person reads.
async fn judge_on(ground: &Ground, lease: &Lease<Manifest>, check: &Check) -> Judged {
    let manifest = lease.manifest();
    println!("product: {}", manifest.product);
    let timeline = Timeline::new(lease.dir(), ground.run.clock());
    let work = Work::Check(check.name.to_owned());
    let mut site = None;
    let verdict = match check.body {
        Body::Pure(pure) => {
            let judging = async { pure.judge(&manifest.plan.state, &manifest.observation, None) };
            timeline.stage(work, Owner::Framework, judging).await
        }
        Body::Live(live) => {
            let site = match ground.site().await {
                Ok(opened) => site.insert(opened),
                Err(failure) => return Judged::without_verdict(failure),
            };
            timeline.stage(work, Owner::Product, live(&site.client, manifest)).await
        }
    };
    if verdict.passed() {
        println!("{verdict}");
        return Judged { outcome: Ok(()), verdict: Some(verdict), afterwards: Vec::new() };
    }
    let evidence = Evidence::new(lease.dir());
    if let Some(site) = &site {
        cluster::collect(&site.client, &manifest.instances, &evidence).await;
    }
    let (cell, product) = (&manifest.plan.cell, &manifest.product);
    let mut text = format!("{cell}::{}", verdict.headline());
    // Of many that are red the one to look at first is said by all.
    let others: Vec<Verdict> = expect::unsatisfied(&manifest.plan.state, &manifest.observation, None)
        .into_iter()
        .map(|(_, other)| other)
        .collect();
    let cause = expect::likely_causes(others.iter().chain([&verdict])).into_iter().next();
    if let Some(cause) = cause.filter(|cause| cause.check != check.name && cause.may_explain(&verdict)) {
        text.push_str(&format!("\nlikely because of {}", cause.headline()));
    }
    text.push_str(&format!("\n{verdict}\nproduct: {product}\nevidence: {}", evidence.dir().display()));
    let settled = &manifest.settled;
    if !settled.unsatisfied.is_empty() {
        let seconds = std::time::Duration::from_millis(settled.ms).as_secs_f32();
        text.push_str(&format!("\nseen at the last of {} looks in {seconds:.1} s", settled.looks));
    }
    let mut judged = Judged { outcome: Err(Failure::new(text)), verdict: Some(verdict), afterwards: Vec::new() };
    if ground.config.keep == Keep::OnFailure {
        judged.afterwards(ground.keep(site, manifest).await.map(Some));
    }
    judged
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
    checks::checks().filter(|check| (check.applies)(&plan.state))
}

/// A cluster that was kept, looked at anew, or else a new one.
async fn provide(site: &Site, cell: &Cell, dir: &Path) -> Result<Manifest, Unprovisioned> {
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
    let manifest = cluster::provision(site, order, dir)
        .await
        .map_err(|error| Unprovisioned { message: chain(&error), of_product: error.is_of_product() })?;
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

    /// A ground where there is no LXD.
    async fn ground(out: &Path, keep: Keep, exe: &Path) -> Ground {
        let absent = Some(out.join("no.socket"));
        let flags = Layer { out_dir: Some(out.to_owned()), lxd_socket: absent, keep: Some(keep), ..Layer::default() };
        let config = Config::resolve(flags).expect("a configuration");
        let run = Run::start(&config).await.expect("a run");
        Ground { config, run, exe: exe.to_owned() }
    }

    fn check(name: &str) -> Check {
        checks::checks().find(|check| check.name == name).expect("a check")
    }

    fn cell() -> Cell {
        options::matrix().expect("a matrix").find_cell("init_cluster").expect("a cell")
    }

    /// The text of a check that fails, on a cluster of which nothing was observed, where there is no LXD.
    async fn failure_without_lxd(name: &str, keep: Keep) -> String {
        let out = tempfile::tempdir().expect("a folder");
        let ground = ground(out.path(), keep, Path::new("testkit")).await;
        let manifest = Manifest {
            product: Product {
                stand_in: true,
                name: "microovn".to_owned(),
                version: "1".to_owned(),
                sha256: "0".to_owned(),
                datapath: None,
            },
            plan: Plan::draw(&cell(), options::OPTIONS, Segments::documentation()),
            steps: Vec::new(),
            instances: BTreeMap::new(),
            settled: Settled { ms: 0, looks: 1, last_ms: 0, unsatisfied: Vec::new() },
            observation: Observation::default(),
        };
        let check = check(name);
        let make = async |_: &Path| Ok::<_, String>(manifest);
        let lease = Lease::acquire(&ground.run, "init_cluster", check.access(), make).await.expect("a lease");
        judge_on(&ground, &lease, &check).await.failure().expect("nothing was observed")
    }

    #[tokio::test]
    async fn only_a_check_that_acts_on_the_cluster_needs_lxd() {
        let judged = failure_without_lxd("members", Keep::Never).await;
        assert!(judged.starts_with("init_cluster::members") && !judged.contains("LXD"), "{judged}");
        let acting = failure_without_lxd("nb_sb_propagation", Keep::Never).await;
        assert!(acting.contains("no.socket"), "{acting}");
    }

    #[tokio::test]
    async fn what_goes_wrong_after_the_verdict_is_said_after_it() {
        let judged = failure_without_lxd("members", Keep::OnFailure).await;
        let (verdict, after) = judged.split_once("\nafter the verdict: ").expect("both");
        assert!(verdict.starts_with("init_cluster::members") && after.contains("no.socket"), "{judged}");
    }

    #[test]
    fn what_goes_wrong_after_a_verdict_that_passed_leaves_it_so() {
        let mut verdict = Verdict::builder("members");
        verdict.compare("a", "t", "c", "x", "x");
        let mut judged = Judged { outcome: Ok(()), verdict: Some(verdict.finish()), afterwards: Vec::new() };
        judged.afterwards(Err(Failure::new("no room".to_owned())));
        assert_eq!(judged.failure(), None);
        assert!(judged.conclude().is_ok());
    }

    #[tokio::test]
    async fn what_there_is_of_a_cluster_that_could_not_be_formed_is_given_back_once() {
        use std::os::unix::fs::PermissionsExt;
        let out = tempfile::tempdir().expect("a folder");
        // Stands for the command that removes it.
        let (exe, told) = (out.path().join("exe"), out.path().join("told"));
        std::fs::write(&exe, format!("#!/bin/sh\necho \"$@\" >>'{}'\n", told.display())).expect("written");
        std::fs::set_permissions(&exe, std::fs::Permissions::from_mode(0o700)).expect("a program");
        let ground = ground(out.path(), Keep::Never, &exe).await;
        for name in ["members", "services"] {
            ground.run.cell_dir("init_cluster").expect("a folder");
            let suite = Suite { cell: "init_cluster" };
            let judged = suite.judge_in(&ground, &cell(), &check(name), Timestamp::now()).await;
            assert!(judged.failure().is_some_and(|text| text.contains("no.socket")), "{name}");
        }
        let told = std::fs::read_to_string(&told).expect("it was started");
        let wanted = format!("reap --run {} --runner {}", ground.run.id(), ground.run.runner());
        assert!(told.starts_with(&wanted) && told.contains("--cell init_cluster"), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}
