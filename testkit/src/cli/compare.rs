//! Which suites two snaps can each be tested with, and what the one lacks that cannot.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::cells::Cells;
use super::output::{complain, show};
use super::suites::{Group, Suite};
use super::{Catalogue, Failure, host, releases};
use crate::cluster::{self, Capabilities, Site};
use crate::config::{Config, UpgradeFrom};
use crate::image::{self, NodeSnapd, Snap};
use crate::plan::Need;
use crate::session::Run;

/// So many names are told of those that come out alike.
const TOLD: usize = 6;
const NAMES: [&str; 2] = ["A", "B"];

/// What is to be compared, and how it is to be shown.
pub(super) struct Comparison {
    /// The two snaps.
    pub(super) paths: Vec<PathBuf>,
    /// Of which tier, besides all journeys.
    pub(super) tier: Group,
    /// Whether the products themselves are asked.
    pub(super) ask: bool,
    /// Whether it is for programs.
    pub(super) json: bool,
}

/// One of the two.
struct Side {
    snap: Snap,
    /// What it can do; `None` where its files do not say.
    able: Option<Capabilities>,
    /// What the older snap can do that it is upgraded from, or why there is none.
    older: Result<Option<Capabilities>, String>,
}

/// What is compared, as programs read it.
#[derive(Debug, Serialize)]
struct Compared {
    snaps: Vec<Snap>,
    /// How the snaps differ by what they say of themselves.
    differences: Vec<String>,
    suites: Vec<Compare>,
}

/// A suite, and what each of the two lacks of what it needs.
#[derive(Debug, Serialize)]
struct Compare {
    suite: String,
    journey: bool,
    lacks: [Vec<String>; 2],
}

/// Prints which suites of a tier, and which journeys, each of two snaps can be tested with.
///
/// # Errors
/// When one of them is no snap of MicroOVN, or cannot be asked.
pub(super) async fn compare(
    config: &Config,
    catalogue: &Catalogue,
    comparison: Comparison,
) -> Result<ExitCode, Failure> {
    let Comparison { paths, tier, ask, json } = comparison;
    let cells = Cells::of(catalogue)?;
    let mut suites = match tier {
        Group::Tier(tier) => cells.suites_of(tier)?,
        Group::Life => Vec::new(),
    };
    suites.extend(cells.life(None)?);
    if let Some(UpgradeFrom::File(path)) = &config.upgrade_from {
        Snap::inspect(path).map_err(Failure::usage)?;
    }
    let mut sides = Vec::new();
    for path in &paths {
        let path = std::path::absolute(path).map_err(Failure::usage)?;
        let snap = Snap::inspect(&path).map_err(Failure::usage)?;
        cluster::require_product(config, &snap).map_err(Failure::usage)?;
        sides.push(snap);
    }
    releases::require_different(&sides)?;
    let needs: Vec<&Need> = suites.iter().flat_map(|suite| &suite.plan.needs).collect();
    let mut all = Vec::new();
    for snap in sides {
        let able = if ask { Some(asked(config, &snap.path).await?) } else { Capabilities::of_files(&snap, &needs) };
        let older = older(config, &snap, &needs);
        all.push(Side { snap, able, older });
    }
    let [one, other] = <[Side; 2]>::try_from(all).map_err(|_| Failure::Usage("two snaps are compared".to_owned()))?;
    for side in [&one, &other] {
        note(config, side)?;
    }
    let of = |suite: &Suite| Compare {
        suite: suite.name().to_owned(),
        journey: suite.stations.is_some(),
        lacks: [lacks(&one, &suite.plan.needs), lacks(&other, &suite.plan.needs)],
    };
    let compared = Compared {
        differences: releases::differences([&one.snap, &other.snap], NAMES),
        suites: suites.iter().map(of).collect(),
        snaps: vec![one.snap, other.snap],
    };
    if json {
        return show(&serde_json::to_string_pretty(&compared).map_err(Failure::usage)?);
    }
    show(&in_words(&compared, tier, ask))
}

/// Says on standard error what is not known of a snap, and what keeps it from being installed on members as they are set up.
fn note(config: &Config, side: &Side) -> Result<(), Failure> {
    let shown = side.snap.path.display();
    if side.able.is_none() {
        complain!(
            "note: {shown} has no program of MicroOVN that can be read, so what it lacks is not known; --ask asks it"
        );
    }
    let extra: Vec<Snap> =
        config.extra_snaps.iter().map(|path| Snap::inspect(path)).collect::<Result<_, _>>().map_err(Failure::usage)?;
    let node = NodeSnapd { version: None, alone: config.node_image.is_none() };
    let snaps: Vec<&Snap> = extra.iter().chain([&side.snap]).collect();
    if let Err(error) = image::require(&snaps, &node) {
        complain!("note: before it can be tested: {error}");
    }
    Ok(())
}

/// Asks the product itself, on a copy of its golden image.
async fn asked(config: &Config, snap: &Path) -> Result<Capabilities, Failure> {
    let config = config.clone().with_snap(snap.to_owned());
    cluster::check_given_snaps(&config, false, &mut host::lines()).await.map_err(Failure::cluster)?;
    let exe = std::env::current_exe().map_err(Failure::usage)?;
    let run = Run::start(&config).await.map_err(Failure::usage)?;
    let site = Site::open(config, run, &exe).await.map_err(Failure::usage)?;
    let (golden, _) =
        cluster::golden(&site.config, &site.client, &mut host::lines()).await.map_err(Failure::cluster)?;
    cluster::capabilities(&site, &golden).await.map_err(Failure::cluster)
}

/// What the snap can do that upgrades to this one start from; of one in a channel that is not known here.
fn older(config: &Config, snap: &Snap, needs: &[&Need]) -> Result<Option<Capabilities>, String> {
    let path = match &config.upgrade_from {
        None => return Err(Need::Older.to_string()),
        Some(UpgradeFrom::Channel(_)) => return Ok(None),
        Some(UpgradeFrom::File(path)) => path,
    };
    let older = Snap::inspect(path).map_err(|error| format!("an older snap to come from ({error})"))?;
    if older.is_newer_than(snap) {
        return Err(format!(
            "an older snap to come from: that of MICROOVN_UPGRADE_FROM is {}, which is newer",
            older.version
        ));
    }
    Ok(Capabilities::of_files(&older, needs))
}

/// What is lacking of these needs; nothing where it is not known.
fn lacks(side: &Side, needs: &[Need]) -> Vec<String> {
    let lacking = |able: &Option<Capabilities>| match able {
        Some(able) => able.lacks(needs).into_iter().map(ToString::to_string).collect(),
        None => Vec::new(),
    };
    match (needs.contains(&Need::Older), &side.older) {
        (false, _) => lacking(&side.able),
        (true, Ok(older)) => lacking(older),
        (true, Err(why)) => vec![why.clone()],
    }
}

fn in_words(compared: &Compared, tier: Group, asked: bool) -> String {
    let mut text = String::new();
    for (name, snap) in NAMES.iter().zip(&compared.snaps) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}  {}", releases::told(snap));
    }
    let how = if asked { "as the products answered" } else { "as their files say; --ask asks the products themselves" };
    let _ = writeln!(text, "\n{how}:");
    let counted = |journeys: bool| compared.suites.iter().filter(move |suite| suite.journey == journeys);
    for (what, journeys) in [(format!("cells of tier {tier}"), false), ("journeys".to_owned(), true)] {
        let all = counted(journeys).count();
        if all > 0 {
            let [a, b] = [0, 1].map(|side| counted(journeys).filter(|suite| suite.lacks[side].is_empty()).count());
            let _ = writeln!(text, "  {what}: A can run {a} of {all}, B {b}");
        }
    }
    for (head, a, b) in [("only A", true, false), ("only B", false, true), ("neither", false, false)] {
        let mut by_reason: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for suite in &compared.suites {
            if (suite.lacks[0].is_empty(), suite.lacks[1].is_empty()) == (a, b) {
                by_reason.entry(reason(&suite.lacks)).or_default().push(&suite.suite);
            }
        }
        for (why, names) in by_reason {
            let shown = names.iter().take(TOLD).copied().collect::<Vec<_>>().join(", ");
            let more = names.len().saturating_sub(TOLD);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            let _ = writeln!(text, "\n{head}, because {why}:\n  {shown}{more}");
        }
    }
    if compared.suites.iter().all(|suite| suite.lacks[0].is_empty() == suite.lacks[1].is_empty()) {
        let _ = writeln!(text, "\nno suite can be run by one of them only");
    }
    let _ = writeln!(text, "\nwhat the snaps themselves differ in:");
    for line in &compared.differences {
        let _ = writeln!(text, "  {line}");
    }
    if compared.differences.is_empty() {
        let _ = writeln!(text, "  nothing that they say of themselves");
    }
    text
}

/// What they lack, in words.
fn reason([a, b]: &[Vec<String>; 2]) -> String {
    match (a.is_empty(), b.is_empty()) {
        (false, false) if a == b => format!("both lack {}", a.join(", ")),
        (false, false) => format!("A lacks {}, and B {}", a.join(", "), b.join(", ")),
        (false, true) => format!("A lacks {}", a.join(", ")),
        _ => format!("B lacks {}", b.join(", ")),
    }
}
