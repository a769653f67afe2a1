//! Running suites with one product, after asking it what it can do.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use quick_junit::{TestCase, TestCaseStatus, TestSuite};
use tokio::sync::OnceCell;

use super::junit::{self, Junit};
use super::output::{complain, say, show};
use super::place::told as told_of;
use super::programs::Programs;
use super::runner::{End, Followed, follow};
use super::suites::Suite;
use super::{Catalogue, Failure, closing, host, nextest};
use crate::cluster::{self, Capabilities, ClusterError, Site};
use crate::config::{Config, Round};
use crate::folder::RunFolder;
use crate::plan::Need;
use crate::record::{self, CellPart, Record, RunPart};
use crate::session::Run;

/// What is run, with whatever product.
pub(super) struct Order<'a> {
    /// What there is to run.
    pub(super) catalogue: &'a Catalogue,
    /// The suites.
    pub(super) suites: &'a [Suite],
    /// What they are compiled to, once somebody has had it built.
    pub(super) programs: &'a OnceCell<Programs>,
    /// The variables that its tests are told something by.
    pub(super) settings: Vec<(&'static str, String)>,
    /// Arguments for the runner.
    pub(super) runner: &'a [String],
}

/// What came of it.
pub(super) struct Ran {
    /// How it ended.
    pub(super) came: Came,
    /// The record of each round, with its folder.
    pub(super) records: Vec<(PathBuf, Record)>,
    /// What was left out.
    pub(super) skips: Vec<Skip>,
}

/// How running suites ended.
pub(super) enum Came {
    /// All that was run passed.
    Good,
    /// Something did not.
    Failed,
    /// Somebody did not want it to go on.
    Interrupted,
    /// The product lacks what every suite needs.
    NothingTested,
    /// The runner did not come to its tests, and how it ended.
    NotRun(String),
}

impl Ran {
    /// How a command ends that did nothing else; with `forbid_skips`, also a skip is a failure.
    pub(super) fn conclude(&self, forbid_skips: bool) -> Result<(), Failure> {
        match &self.came {
            Came::Good if forbid_skips && !self.skips.is_empty() => Err(Failure::Checks),
            Came::Good => Ok(()),
            Came::Failed | Came::Interrupted => {
                Err(unformed(self.records.iter().map(|(_, record)| record)).unwrap_or(Failure::Checks))
            }
            Came::NothingTested => Err(Failure::Usage(
                "nothing is tested: the product or the host lacks what every chosen suite needs".to_owned(),
            )),
            Came::NotRun(how) => Err(Failure::Usage(format!("the runner did not come to its tests: it {how}"))),
        }
    }
}

/// A suite that is not run.
pub(super) struct Skip {
    pub(super) suite: Suite,
    pub(super) reason: String,
}

/// Runs suites with the product of this configuration.
///
/// # Errors
/// When LXD cannot be used or the product cannot be asked, or what was left out cannot be told of where programs read.
pub(super) async fn run(config: &Config, order: &Order<'_>) -> Result<Ran, Failure> {
    let Order { catalogue, suites, .. } = *order;
    let members = host::require_whole(config).await?;
    if !members.is_empty() {
        say!("LXD members: {}", members.join(", "));
    }
    let programs = order.programs.get_or_try_init(|| Programs::build(config, suites));
    let (divided, programs) = tokio::try_join!(divide(config, suites), programs)?;
    let Division { runnable, skips, run, room } = divided;
    if runnable.is_empty() {
        say(&skips);
        let options = catalogue.options.iter().map(|option| option.declaration());
        let left = RunPart::new(&run, config, options).leave(run.dir()).map_err(Failure::usage);
        let concluded = left.and_then(|()| conclude(config, run.dir(), &[], &skips));
        let records = told(concluded).map(|record| (run.dir().to_owned(), record)).into_iter().collect();
        return Ok(Ran { came: Came::NothingTested, records, skips });
    }
    let command = nextest::command(config, &runnable, Some(programs), order.runner)?;
    let command = order.settings.iter().fold(command, |command, (name, value)| command.env(name, value));
    let command = match room {
        Some(room) => command.env("TESTKIT_PARALLEL", room.to_string()),
        None => command,
    };
    let began = Timestamp::now();
    // The whole run, so that each round is shown as one.
    let repeats = order.runner.iter().any(|word| word.starts_with("--stress-"));
    let Followed { end, output, dir, interrupted } = follow(config, &command, &runnable, repeats).await?;
    say(&skips);
    let junit = find_junit(config, order.runner, dir.as_deref(), began);
    let rounds = rounds(config, dir.as_deref(), junit.as_ref().ok());
    let (mut records, mut of_rounds) = (Vec::new(), Vec::new());
    for (dir, round) in &rounds {
        // A test that is tried again is all that such a round has.
        let (runnable, skips) = if round.attempt == 1 { (&*runnable, &*skips) } else { (&[][..], &[][..]) };
        let concluded = conclude(config, dir, runnable, skips);
        if let Some(record) = told(concluded) {
            of_rounds.push(*round);
            records.push((dir.clone(), record));
        }
    }
    let known = records.iter().any(|(_, record)| record.totals.known > 0);
    let skipped = match junit {
        Ok(mut junit) => {
            let of_rounds: Vec<_> = of_rounds.into_iter().zip(records.iter().map(|(_, record)| record)).collect();
            junit::tell_known(&mut junit.report, &of_rounds);
            add_skips(&mut junit, &skips, known).and_then(|()| copy(&junit, &rounds))
        }
        // It is of consequence only where there was something to add.
        Err(problem) if skips.is_empty() && !known => {
            told::<()>(Err(problem));
            Ok(())
        }
        Err(problem) => Err(problem),
    };
    tell_of_those_up(config, &runnable);
    if matches!(end, End::NotRun(_)) {
        // What the runner said, where it says what no check does.
        complain!("{}", output.trim_end());
    } else {
        skipped?;
    }
    let came = match end {
        End::Good => Came::Good,
        End::Failed if interrupted => Came::Interrupted,
        End::Failed => Came::Failed,
        End::NotRun(how) => Came::NotRun(how),
    };
    Ok(Ran { came, records, skips })
}

/// Says of the suites whose clusters are still up how to enter them, to remove them, and to go on.
fn tell_of_those_up(config: &Config, suites: &[Suite]) {
    for suite in suites {
        if let Ok(Some(manifest)) = cluster::kept(config, suite.name()) {
            let next = suite.stations.as_ref().and_then(|all| all.get(manifest.steps.len() + 1));
            say!("{} is up: {}", suite.name(), cluster::ways(&manifest, next.map(|it| it.words.as_str())));
        }
    }
}

/// That no check could be judged for want of clusters, if that is all that failed.
fn unformed<'a>(records: impl Iterator<Item = &'a Record> + Clone) -> Option<Failure> {
    let cells = || records.clone().flat_map(|record| &record.cells);
    let failed: Vec<_> = cells().filter(|cell| cell.totals().failed > 0).collect();
    let none = !failed.is_empty() && failed.iter().all(|cell| cell.problem.is_some());
    none.then(|| Failure::Provisioning(format!("{} of {} suites have no cluster", failed.len(), cells().count())))
}

/// What was chosen, by whether the product can be tested with it.
struct Division {
    runnable: Vec<Suite>,
    skips: Vec<Skip>,
    /// In which the product was asked.
    run: Run,
    /// How many clusters there is room for at once, as it was before the tests began: when all of them start, the host looks
    /// slower than it is. `None` where each member of an LXD cluster has turns of its own, which tests count by themselves.
    room: Option<usize>,
}

/// The suites that the product can be tested with, and the others.
async fn divide(config: &Config, chosen: &[Suite]) -> Result<Division, Failure> {
    let exe = std::env::current_exe().map_err(Failure::usage)?;
    let run = Run::start(config).await.map_err(Failure::usage)?;
    let site = Site::open(config.clone(), run, &exe).await.map_err(Failure::usage)?;
    record::leave_host(site.run.dir(), &site.client).map_err(Failure::usage)?;
    let joint = match site.config.spread {
        true => Some(cluster::joint(&site.config, &site.client).await.map_err(Failure::cluster)?),
        false => None,
    };
    if let Some(joint) = &joint {
        say!("{}", told_of(joint));
    }
    let find = async || cluster::golden(&site.config, &site.client, &mut host::lines()).await;
    let (golden, product) = site.run.once("golden", find).await.map_err(Failure::cluster)?;
    say!("product: {product}");
    let able = cluster::capabilities(&site, &golden).await.map_err(Failure::cluster)?;
    let upgrades = chosen.iter().any(|suite| suite.plan.needs.contains(&Need::Older));
    let older = if upgrades { older(&site).await.map_err(Failure::cluster)? } else { None };
    let (mut runnable, mut skips) = (Vec::new(), Vec::new());
    for suite in chosen.iter().cloned() {
        let lacking = match (suite.plan.needs.contains(&Need::Older), &older) {
            (false, _) => able.lacks(&suite.plan.needs),
            // It is formed of the older, and has what that has.
            (true, Some(older)) => older.lacks(&suite.plan.needs),
            (true, None) => vec![&Need::Older],
        };
        let reasons = [("product", lacking), ("host", cluster::host_lacks(&site.config, &suite.plan.needs))];
        let mut reasons: Vec<String> = reasons.into_iter().filter_map(|(who, lacking)| lacks(who, &lacking)).collect();
        let between = joint.as_ref().and_then(|joint| joint.lacks(&suite.plan));
        reasons.extend(between.map(|lacking| format!("the host lacks {lacking}")));
        if reasons.is_empty() {
            runnable.push(suite);
        } else {
            skips.push(Skip { suite, reason: reasons.join("; ") });
        }
    }
    let room = match config.parallel {
        Some(room) => Some(room),
        None if site.client.is_clustered() => None,
        None => Some(site.room().await.map_err(Failure::cluster)?),
    };
    Ok(Division { runnable, skips, run: site.run, room })
}

/// What somebody lacks, if anything.
fn lacks(who: &str, needs: &[&Need]) -> Option<String> {
    let lacking: Vec<String> = needs.iter().map(ToString::to_string).collect();
    (!lacking.is_empty()).then(|| format!("the {who} lacks {}", lacking.join(", ")))
}

/// What the release can do that upgrades start from, where there is one.
async fn older(site: &Site) -> Result<Option<Capabilities>, ClusterError> {
    let find = async || cluster::older_golden(&site.config, &site.client, &mut host::lines()).await;
    let Some((golden, _)) = site.run.once("golden-older", find).await? else { return Ok(None) };
    say!("upgraded from: {} {}", golden.snap.name, golden.snap.version);
    cluster::capabilities(site, &golden).await.map(Some)
}

/// What was concluded; where there is no report, says so. What the checks found stands all the same, and decides how the
/// command ends.
fn told<T>(concluded: Result<T, Failure>) -> Option<T> {
    match concluded {
        Ok(concluded) => return Some(concluded),
        Err(Failure::Usage(reason)) => complain!("warning: the run has no report: {reason}"),
        Err(_) => {}
    }
    None
}

/// Writes the record and the report of the run in this folder, with the suites that it left out and did not come to.
fn conclude(config: &Config, dir: &Path, runnable: &[Suite], skips: &[Skip]) -> Result<Record, Failure> {
    let run = runnable.iter().map(|suite| (suite, None));
    for (suite, reason) in run.chain(skips.iter().map(|skip| (&skip.suite, Some(skip.reason.clone())))) {
        let tests = suite.tests();
        let tests = tests.iter().map(|(name, about)| (name.as_str(), about.as_str()));
        let folder = dir.join(suite.name());
        std::fs::create_dir_all(&folder).map_err(Failure::usage)?;
        CellPart::new(&suite.cell, tests, reason).leave(&folder).map_err(Failure::usage)?;
    }
    let (record, path) = record::write(dir).map_err(Failure::usage)?;
    let kept = |cell: &str| cluster::kept(config, cell).is_ok_and(|kept| kept.is_some());
    let round = record.round.as_ref().map(|round| format!("\n{round}\n")).unwrap_or_default();
    show(&format!("{round}{}", closing::text(&record, dir, &path, kept)))?;
    Ok(record)
}

/// The JUnit file that the runner has written of the run in this folder; of one that no check came to, as when nothing
/// compiles, of a run that did not begin earlier.
fn find_junit(config: &Config, runner: &[String], dir: Option<&Path>, began: Timestamp) -> Result<Junit, Failure> {
    let junit = Junit::read(&junit::place(config, runner)?)?;
    let of_this = match dir.map(RunPart::find).transpose().map_err(Failure::usage)?.flatten() {
        Some(run) => junit.is_of(&run),
        None => junit.began().is_some_and(|at| at >= began),
    };
    match of_this {
        true => Ok(junit),
        false => Err(Failure::Usage(format!(
            "the runner wrote no JUnit file of this run; {} is of another",
            junit.path.display()
        ))),
    }
}

/// The folders of the rounds of this run.
fn rounds(config: &Config, dir: Option<&Path>, junit: Option<&Junit>) -> Vec<(PathBuf, Round)> {
    let id = junit.and_then(Junit::nextest);
    let id = id.or_else(|| RunPart::find(dir?).ok().flatten()?.nextest);
    let of_id = id.map(|id| record::rounds(&config.out_dir, &id)).unwrap_or_default();
    of_id.into_iter().map(|(dir, part)| (dir, part.round)).collect()
}

/// Leaves a copy of the JUnit file with each of these rounds.
fn copy(junit: &Junit, rounds: &[(PathBuf, Round)]) -> Result<(), Failure> {
    let copy = |(dir, _): &(PathBuf, Round)| std::fs::copy(&junit.path, RunFolder::new(dir).junit()).map(drop);
    rounds.iter().try_for_each(copy).map_err(Failure::usage)
}

fn say(skips: &[Skip]) {
    for skip in skips {
        say!("SKIPPED {}: {}", skip.suite.name(), skip.reason);
    }
}

/// Adds the tests of the skipped suites to the runner's JUnit file, with the reason, and writes it where that or something else changed it.
fn add_skips(junit: &mut Junit, skips: &[Skip], changed: bool) -> Result<(), Failure> {
    if !skips.is_empty() {
        junit.report.add_test_suite(skipped_suite(skips));
    }
    if changed || !skips.is_empty() { junit.write() } else { Ok(()) }
}

fn skipped_suite(skips: &[Skip]) -> TestSuite {
    let mut suite = TestSuite::new("suites::skipped");
    for skip in skips {
        // As of a test that was run: readers group by it, and some take what has none for broken.
        let class = format!("suites::{}", skip.suite.target);
        for (test, _) in skip.suite.tests() {
            let mut status = TestCaseStatus::skipped();
            status.set_message(skip.reason.as_str());
            let mut case = TestCase::new(format!("{}::{test}", skip.suite.name()), status);
            case.set_classname(class.as_str()).set_time(Duration::ZERO);
            suite.add_test_case(case);
        }
    }
    suite
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_run_without_any_cluster_failed_at_provisioning() {
        let record = |state: &str| {
            let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs").join(state);
            record::assemble(&dir, false).expect("a record")
        };
        let unformed = |state: &str| super::unformed([record(state)].iter());
        assert!(unformed("good").is_none() && unformed("failing").is_none());
        let Some(Failure::Provisioning(said)) = unformed("unformed") else { panic!("no such failure") };
        assert_eq!(said, "1 of 1 suites have no cluster");
    }
}
