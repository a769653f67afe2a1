//! Finding the first of several snaps that a suite is red with, and saying what differs.

mod search;
mod verdict;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tokio::sync::OnceCell;

use super::against::{self, Came, Order, Ran};
use super::cells::Cells;
use super::output::{complain, say, show};
use super::{Catalogue, Failure, host, junit, releases};
use crate::cluster::GivenSnaps;
use crate::config::{Config, Keep, ON, PAUSE_BEFORE, PRODUCT};
use crate::image::Snap;
use crate::record::Record;
use search::{Found, Outcome, search};

/// What to look for, and where.
#[derive(Debug, clap::Args)]
pub(super) struct BisectArgs {
    /// The cell or the journey.
    suite: String,
    /// The snaps, from the oldest to the newest: the first is green and the last is red.
    #[arg(required = true, num_args = 2.., value_name = "SNAP")]
    snaps: Vec<PathBuf>,
    /// From which cell the journey starts, instead of its own.
    #[arg(long, value_name = "CELL")]
    on: Option<String>,
}

/// Runs the suite with as few of the snaps as it takes to find the first that is red.
pub(super) async fn bisect(config: Config, catalogue: &Catalogue, args: &BisectArgs) -> Result<ExitCode, Failure> {
    junit::require_profile(&config, &[])?;
    let cells = Cells::of(catalogue)?;
    let on = cells.start(args.on.as_deref(), &config, std::slice::from_ref(&args.suite));
    let suites = vec![cells.one(&args.suite, on)?];
    let microcloud = suites.iter().any(|suite| suite.plan.formation.is_microcloud());
    let snaps = inspect(&config, &args.snaps, microcloud).await?;
    let programs = OnceCell::new();
    let mut looked: Vec<Option<Ran>> = snaps.iter().map(|_| None).collect();
    let mut count = 0;
    let look = async |at: usize| {
        let (snap, path) = (&snaps[at], snaps[at].path.display().to_string());
        count += 1;
        say!("\n== run {count}: {}", releases::told(snap));
        let on = on.unwrap_or_default().to_owned();
        // What is not asked for is not left to the surroundings: a journey that stops on its way says nothing of a snap.
        let settings =
            vec![("MICROOVN_SNAP_PATH", path), (PRODUCT, String::new()), (ON, on), (PAUSE_BEFORE, String::new())];
        let order = Order { catalogue, suites: &suites, programs: &programs, settings, runner: &[] };
        let ran = match against::run(&config.clone().with_snap(snap.path.clone()), &order).await {
            Ok(Ran { came: Came::Interrupted, .. }) => {
                return Err(Failure::Usage("interrupted; nothing is found".to_owned()));
            }
            Ok(ran) => ran,
            // That an image of it cannot be made may be the host's doing.
            Err(Failure::Provisioning(why)) => {
                say!("not judged: {why}");
                return Ok(Found::Unjudged(why));
            }
            Err(failure) => return Err(failure),
        };
        let found = verdict::of(&ran, &args.suite);
        say!("{}", told(&found));
        looked[at] = Some(ran);
        Ok(found)
    };
    let outcome = search(snaps.len(), look).await?;
    let name = |at: usize| releases::told(&snaps[at]);
    let last = snaps.len() - 1;
    match outcome {
        Outcome::Between { green, red, unjudged } => {
            let mut text = format!("\nthe first that is red: {}\nthe last that is green: {}\n", name(red), name(green));
            for at in unjudged {
                text.push_str(&format!("between them, and not judged: {}\n", name(at)));
            }
            let ran = |at: usize| looked[at].as_ref().and_then(|ran| ran.records.last());
            if let (Some(before), Some(after)) = (ran(green), ran(red)) {
                text.push_str(&differing(&args.suite, before, after));
            }
            let lines = releases::differences([&snaps[green], &snaps[red]], ["the green", "the red"]);
            text.push_str("what the snaps themselves differ in:\n");
            text.push_str(&indented(&lines, "nothing that they say of themselves"));
            show(text.trim_end())
        }
        Outcome::FirstIsRed => Err(Failure::Usage(format!(
            "the first is already red, so that none before it is known to be good: {}; give an older one first",
            name(0)
        ))),
        Outcome::LastIsGreen => Err(Failure::Usage(format!(
            "the last is green, so that there is nothing to find: {}; give one last that is red, from the oldest to the newest",
            name(last)
        ))),
        Outcome::EndUnjudged { at, why } => Err(Failure::Usage(format!(
            "{} could not be judged, and without it there is nothing to search between: {}: {why}",
            if at == 0 { "the first" } else { "the last" },
            name(at)
        ))),
    }
}

/// The snaps, each of which can be tested.
async fn inspect(config: &Config, paths: &[PathBuf], microcloud: bool) -> Result<Vec<Snap>, Failure> {
    if config.keep != Keep::Never || config.reuse {
        return Err(Failure::Usage(
            "TESTKIT_KEEP or TESTKIT_REUSE is set, and every snap needs clusters of its own".to_owned(),
        ));
    }
    if config.faults.is_some() {
        return Err(Failure::Usage(
            "TESTKIT_FAULTS is set, and only the stand-in that is built here can be told to have faults".to_owned(),
        ));
    }
    let (mut snaps, mut given) = (Vec::<Snap>::new(), Vec::new());
    for path in paths {
        let path = std::path::absolute(path).map_err(Failure::usage)?;
        if path.to_str().is_none_or(|path| path.contains(':')) {
            return Err(Failure::Usage(format!(
                "the path {} cannot be handed on: it has a colon in it, which separates snaps, or is no text; give it another name",
                path.display()
            )));
        }
        let config = config.clone().with_snap(path.clone());
        given.push((GivenSnaps::inspect(&config, microcloud).map_err(Failure::cluster)?, config));
        let snap = Snap::inspect(&path).map_err(Failure::usage)?;
        if let Some(before) = snaps.last().filter(|before| before.is_newer_than(&snap)) {
            complain!("note: {} comes before {}, and is of a newer version", before.path.display(), path.display());
        }
        snaps.push(snap);
        releases::require_different(&snaps)?;
    }
    for (given, config) in given {
        given.require_suitable(&config, &mut host::lines()).await.map_err(Failure::cluster)?;
    }
    Ok(snaps)
}

fn told(found: &Found) -> String {
    match found {
        Found::Green => "green".to_owned(),
        Found::Red => "red".to_owned(),
        Found::Unjudged(why) => format!("not judged: {why}"),
    }
}

/// What came out differently in two runs, each with its folder, and where more is.
fn differing(suite: &str, before: &(PathBuf, Record), after: &(PathBuf, Record)) -> String {
    let (Some(cell), Some(red)) = (verdict::cell_of(&before.1, suite), verdict::cell_of(&after.1, suite)) else {
        return String::new();
    };
    let report = |dir: &Path| crate::folder::RunFolder::new(dir).report().display().to_string();
    format!(
        "what came out differently:\n{}reports: {} and {}\n",
        indented(&verdict::differences(cell, red), "no check alone"),
        report(&before.0),
        report(&after.0)
    )
}

fn indented(lines: &[String], none: &str) -> String {
    match lines {
        [] => format!("  {none}\n"),
        lines => lines.iter().map(|line| format!("  {line}\n")).collect(),
    }
}
