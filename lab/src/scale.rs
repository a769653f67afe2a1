//! How long many cells would take on many hosts: a simulation by the code that places them, with what cells took.
//!
//! What it leaves out is what LXD itself takes longer with more members and more at once; `docs/scale.md` says what that is.

use std::process::ExitCode;

use serde::Serialize;
use testkit::cli::{Catalogue, Cells, Failure, Format, Suite};
use testkit::config::Config;
use testkit::placement::{Place, Schedule, schedule};

use crate::paper::{Paper, table};

/// Memory is not what bounds a host here: how many turns it has is given.
const PLENTY: u64 = u64::MAX;

/// What is simulated.
#[derive(Debug, clap::Args)]
pub(super) struct ScaleArgs {
    /// The most LXD members; fewer are shown beside it.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    members: u16,
    /// How many suites; all cells and journeys that there are, where it is not given, and again and again where it is more.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    cells: Option<u32>,
    /// How many threads each member runs at once.
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    processors: u16,
    /// How many suites each member has at once; two for each processor where it is not given, as memory is not looked at.
    #[arg(long, value_name = "N")]
    turns: Option<u16>,
    /// How many times longer suites take where the processors are shared by all turns of a member.
    #[arg(long, default_value_t = 1.0, value_name = "TIMES", value_parser = times_longer)]
    shared: f64,
    /// How many seconds it takes LXD to copy the golden image to a member.
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(..=86_400))]
    copy: u32,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// So many times longer, as far as anybody could mean it.
fn times_longer(text: &str) -> Result<f64, String> {
    let times = text.parse().ok().filter(|times| (1.0..=1000.0).contains(times));
    times.ok_or_else(|| "a number from 1 to 1000 is wanted".to_owned())
}

/// What it comes to on so many members.
#[derive(Debug, Serialize)]
struct Row {
    members: u16,
    turns: usize,
    /// How long all of it takes, in seconds.
    seconds: f64,
    /// How long it would take if no turn were ever without a suite, in seconds.
    least: f64,
    /// For what part of the time turns had no suite.
    idle: f64,
    /// The suites that decide how long it takes, the last one last.
    longest_path: Vec<String>,
}

/// What was simulated, and what came of it.
#[derive(Debug, Serialize)]
struct Found {
    suites: usize,
    /// How many of those that there are were recorded by a run; the others are reckoned.
    recorded: usize,
    /// How long all would take one after the other, in seconds.
    work: f64,
    /// The longest, in seconds.
    longest: f64,
    rows: Vec<Row>,
}

/// Simulates, and shows it.
pub(super) fn scale(config: &Config, catalogue: &Catalogue, args: &ScaleArgs) -> Result<ExitCode, Failure> {
    let cells = Cells::of(catalogue)?;
    let all: Vec<_> = cells.by_lowest_tier().into_iter().flat_map(|(_, cells)| cells).collect();
    // Journeys first, so that fewer suites than there are have them, too.
    let mut suites = cells.life(None)?;
    suites.extend(cells.suites(&all));
    let recorded = suites.iter().filter(|suite| suite.is_recorded(&config.out_dir)).count();
    let cost = |suite: &Suite| (suite.name().to_owned(), times(suite.cost(&config.out_dir), args.shared));
    let known: Vec<(String, u64)> = suites.iter().map(cost).collect();
    let count = args.cells.map_or(known.len(), |cells| cells as usize);
    let many: Vec<&(String, u64)> = known.iter().cycle().take(count).collect();
    let costs: Vec<u64> = many.iter().map(|(_, cost)| *cost).collect();
    let rows = sizes(args.members).map(|members| {
        let turns = usize::from(args.turns.unwrap_or(args.processors.saturating_mul(2)).max(1));
        let all = schedule(&costs, 0, &hosts(members, turns, args.processors), u64::from(args.copy) * 1000);
        row(members, turns, &costs, &many, &all)
    });
    let found = Found {
        suites: many.len(),
        recorded,
        work: seconds(costs.iter().sum()),
        longest: seconds(costs.iter().copied().max().unwrap_or_default()),
        rows: rows.collect(),
    };
    paper(&found, suites.len()).publish(&found, args.format, &config.root.join("target"), "scale")?;
    Ok(ExitCode::SUCCESS)
}

/// One, four, sixteen and so on, and the number itself.
fn sizes(most: u16) -> impl Iterator<Item = u16> {
    let powers = std::iter::successors(Some(1_u16), |size| size.checked_mul(4)).take_while(move |size| *size < most);
    powers.chain([most])
}

fn hosts(members: u16, turns: usize, processors: u16) -> Vec<Place> {
    let host = |number| Place {
        name: format!("m{number:04}"),
        turns,
        memory: PLENTY,
        processors: processors.into(),
        ..Place::default()
    };
    (1..=members).map(host).collect()
}

fn row(members: u16, turns: usize, costs: &[u64], many: &[&(String, u64)], all: &Schedule) -> Row {
    let available = u64::from(members) * turns as u64;
    let least = (costs.iter().sum::<u64>() / available.max(1)).max(costs.iter().copied().max().unwrap_or_default());
    Row {
        members,
        turns,
        seconds: seconds(all.length),
        least: seconds(least),
        idle: if all.length == 0 { 0.0 } else { seconds(all.idle) / (seconds(all.length) * seconds(available * 1000)) },
        longest_path: all.path.iter().map(|cell| many[*cell].0.clone()).collect(),
    }
}

fn paper(found: &Found, there_are: usize) -> Paper {
    let mut paper = Paper::default();
    paper.text(format!(
        "{} suites, of the {there_are} that there are, of which {} were recorded; one after the other they take {}, and the \
         longest {}.",
        found.suites,
        found.recorded,
        told(found.work),
        told(found.longest)
    ));
    let header = ["members", "turns each", "takes", "at least", "idle", "longest path"].map(str::to_owned);
    let mut rows = table(&header, 0);
    for row in &found.rows {
        let last = row.longest_path.last().map_or("", String::as_str);
        let path = match row.longest_path.len() {
            0 | 1 => last.to_owned(),
            more => format!("{more} suites, the last {last}"),
        };
        let idle = format!("{:.0} %", row.idle * 100.0);
        rows.add_row([row.members.to_string(), row.turns.to_string(), told(row.seconds), told(row.least), idle, path]);
    }
    paper.table(rows);
    paper
}

/// `2 h 3 min`, `4 min 5 s`, `6.5 s`.
fn told(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of a simulation, from 0 on")]
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds are far below what a double holds")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

fn times(ms: u64, times: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "milliseconds of a simulation, from 0 on"
    )]
    let longer = (ms as f64 * times.max(0.0)).round() as u64;
    longer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_grow_fourfold_up_to_the_one_that_is_asked_for() {
        let of = |most| sizes(most).collect::<Vec<_>>();
        assert_eq!((of(1), of(64), of(10)), (vec![1], vec![1, 4, 16, 64], vec![1, 4, 10]));
    }

    #[test]
    fn more_hosts_take_less_time_until_one_suite_is_the_longest_path() {
        let known: Vec<(String, u64)> =
            (0..100).map(|n| (format!("c{n}"), if n == 7 { 60_000 } else { 5_000 })).collect();
        let many: Vec<_> = known.iter().collect();
        let costs: Vec<u64> = many.iter().map(|(_, cost)| *cost).collect();
        let on = |members| row(members, 2, &costs, &many, &schedule(&costs, 0, &hosts(members, 2, 1), 1_000));
        let (one, four, many_hosts) = (on(1), on(4), on(50));
        assert!(one.seconds > 3.0 * four.seconds && one.idle < 0.05, "{one:?} {four:?}");
        assert_eq!((many_hosts.seconds, many_hosts.longest_path.as_slice()), (61.0, ["c7".to_owned()].as_slice()));
        assert!(many_hosts.idle > 0.5, "{many_hosts:?}");
    }

    #[test]
    fn what_takes_longer_than_ever_is_refused() {
        assert_eq!((times_longer("1"), times_longer("2.5")), (Ok(1.0), Ok(2.5)));
        for wrong in ["0", "-1", "nan", "inf", "1e300", "x", ""] {
            assert_eq!(times_longer(wrong), Err("a number from 1 to 1000 is wanted".to_owned()), "{wrong}");
        }
    }

    #[test]
    fn times_are_told_by_their_size() {
        assert_eq!((told(6.51), told(245.0), told(7_390.0)), ("6.5 s".into(), "4 min 5 s".into(), "2 h 3 min".into()));
    }
}
