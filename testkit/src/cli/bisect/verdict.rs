//! What a run says of a snap, and what two runs differ in.

use super::search::Found;
use crate::cli::against::{Came, Ran};
use crate::cluster::Stopped;
use crate::folder::CellFolder;
use crate::headline;
use crate::record::Record;
use crate::record::schema::{Cell, Check, Outcome};
use crate::session::lease::Unprovisioned;

/// What this run of one suite says. A skip, or trouble with the host or with LXD, says nothing of the snap.
pub(super) fn of(ran: &Ran, suite: &str) -> Found {
    if let Some(skip) = ran.skips.iter().find(|skip| skip.suite.name() == suite) {
        return Found::Unjudged(format!("it is skipped: {}", skip.reason));
    }
    if let Came::NotRun(how) = &ran.came {
        return Found::Unjudged(format!("the runner did not come to its tests: it {how}"));
    }
    let recorded = ran.records.iter().rev().find_map(|(dir, record)| Some((dir, cell_of(record, suite)?)));
    let Some((dir, cell)) = recorded else { return Found::Unjudged("nothing is recorded of it".to_owned()) };
    let folder = CellFolder::new(&dir.join(suite));
    let unformed = folder.read::<Unprovisioned>().ok().flatten().is_some_and(|why| why.of_product);
    let stopped = folder.read::<Stopped>().ok().flatten().is_some_and(|stopped| stopped.is_of_product());
    judge(cell, unformed || stopped)
}

/// The suite of this name in a record.
pub(super) fn cell_of<'a>(record: &'a Record, suite: &str) -> Option<&'a Cell> {
    record.cells.iter().find(|cell| cell.name == suite)
}

/// What a cell says of the product, which it may be because of that there is no cluster, or that a journey went no further.
fn judge(cell: &Cell, of_product: bool) -> Found {
    let headline = || cell.headline.clone().unwrap_or_default();
    let has = |outcome: Outcome| cell.checks.iter().any(|check| check.outcome == outcome);
    // An act that did not come about as wanted stops a journey.
    let stopped = cell.journey.as_ref().is_some_and(|journey| journey.stopped.is_some());
    match () {
        () if cell.problem.is_some() && of_product => Found::Red,
        () if cell.problem.is_some() => Found::Unjudged(format!("{}, which is not the product's doing", headline())),
        () if has(Outcome::Failed) || stopped && of_product => Found::Red,
        () if stopped => Found::Unjudged(format!("{}, which is not the product's doing", headline())),
        () if has(Outcome::Error) => Found::Unjudged(format!("a check could not be judged: {}", headline())),
        () if cell.totals().unfinished > 0 => Found::Unjudged("its checks did not all come to an end".to_owned()),
        () => Found::Green,
    }
}

/// A line for each check that is red after and was not before, the likely cause of the others first.
pub(super) fn differences(before: &Cell, after: &Cell) -> Vec<String> {
    if let (None, Some(_)) = (&before.problem, &after.problem) {
        return vec![after.headline.clone().unwrap_or_default()];
    }
    let failed_before = |name: &str| before.checks.iter().any(|check| check.name == name && check.outcome.is_failure());
    let new = after.causes.iter().filter(|name| !failed_before(name));
    let checks = new.filter_map(|name| after.checks.iter().find(|check| check.name == *name));
    checks.map(|check| format!("{}: {}", check.name, told(check))).collect()
}

/// What is wrong in a line.
fn told(check: &Check) -> String {
    match check.differences.as_slice() {
        [] => check.message.as_deref().map(headline::of).unwrap_or_default(),
        [first, more @ ..] => {
            let more = if more.is_empty() { String::new() } else { format!(", and {} more", more.len()) };
            let place = format!("{} {} {}", first.member, first.table, first.column);
            format!("{place}: wanted {}, seen {}{more}", first.wanted, first.seen)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::record::{assemble, schema};

    const CELL: &str = "init_cluster_custom_encap";

    fn cell(state: &str, name: &str) -> Cell {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs").join(state);
        cell_of(&assemble(&dir, false).expect("a record"), name).expect("a cell").clone()
    }

    #[test]
    fn only_what_the_product_did_is_a_verdict() {
        let (good, failing) = (cell("good", CELL), cell("failing", CELL));
        assert_eq!((judge(&good, false), judge(&failing, false)), (Found::Green, Found::Red));
        let unformed = cell("unformed", "init_cluster");
        assert_eq!(judge(&unformed, true), Found::Red);
        let Found::Unjudged(why) = judge(&unformed, false) else { panic!("a verdict") };
        assert!(why.starts_with("no cluster, `microovn init`") && why.ends_with("not the product's doing"), "{why}");
        let mut broken = good.clone();
        broken.checks[0].outcome = Outcome::Error;
        assert!(
            matches!(judge(&broken, false), Found::Unjudged(why) if why.starts_with("a check could not be judged"))
        );
        let mut cut = good;
        cut.checks[0].outcome = Outcome::NotRun;
        assert!(matches!(judge(&cut, false), Found::Unjudged(_)));
    }

    #[test]
    fn a_journey_that_lxd_stopped_says_nothing_of_the_product() {
        let mut played = cell("journey", "services_restart");
        played.checks.retain(|check| !check.outcome.is_failure());
        let (station, why) = ("s4_reboot_1".to_owned(), "s4_reboot_1: reboot: LXD does not answer".to_owned());
        played.journey.as_mut().expect("a journey").stopped = Some(schema::Stopped { at: 4, station, why });
        assert_eq!(judge(&played, true), Found::Red);
        assert!(matches!(judge(&played, false), Found::Unjudged(why) if why.ends_with("not the product's doing")));
    }

    #[test]
    fn what_differs_is_what_became_red_the_cause_first() {
        let (good, failing) = (cell("good", CELL), cell("failing", CELL));
        let lines = differences(&good, &failing);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].starts_with("ovs_encap_ip: microovn-init-cluster-custom-encap-2 Open_vSwitch "), "{lines:?}");
        assert_eq!(differences(&failing, &failing), [""; 0], "what was red before is no difference");
        let unformed = cell("unformed", "init_cluster");
        assert!(differences(&good, &unformed)[0].starts_with("no cluster, "));
    }
}
