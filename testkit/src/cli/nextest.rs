//! Running suites under nextest.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use super::Failure;
use super::programs::{Programs, selection};
use super::suites::Suite;
use crate::cargo;
use crate::config::Config;
use crate::folder;
use duct::Expression;

/// The highest priority that a suite gets here. nextest's are from -100 to 100, and the project's own configuration has
/// the first check of every core suite start before all others.
const HIGHEST: i32 = 99;
const LOWEST: i32 = -100;

/// So many names are in one word for the runner. Linux has no program whose words are longer than 128 KiB (`MAX_ARG_STRLEN` in
/// execve(2)), and the tier of all cells is three thousand names.
const NAMES: usize = 500;

/// The runner on these suites. It builds them, unless it is given the `programs`. Suites that are expected to take long
/// start first.
///
/// # Errors
/// When the order of the suites cannot be kept for it.
pub fn command(
    config: &Config,
    chosen: &[Suite],
    programs: Option<&Programs>,
    more: &[String],
) -> Result<Expression, Failure> {
    let mut argv: Vec<String> = ["nextest", "run"].map(str::to_owned).into();
    argv.extend(programs.map_or_else(|| selection(chosen), Programs::words));
    let costs = chosen.iter().map(|suite| (suite.name(), suite.cost(&config.out_dir)));
    if let Some(order) = order(costs) {
        let path = keep(config, &order).map_err(Failure::usage)?;
        argv.extend(["--tool-config-file".to_owned(), format!("testkit:{}", path.display())]);
    }
    argv.extend(filters(chosen).into_iter().flat_map(|filter| ["-E".to_owned(), filter]));
    if config.traffic {
        // What judges packets is ignored where none are sent.
        argv.extend(["--run-ignored", "all"].map(str::to_owned));
    }
    // The state of the cells is shown; a line for every test that passed would hide it.
    if !more.iter().any(|word| word.starts_with("--status-level")) {
        argv.extend(["--status-level".to_owned(), "fail".to_owned()]);
    }
    argv.extend(more.iter().cloned());
    let runner = cargo::by_hand(match &config.dist {
        Some(dist) => duct::cmd(dist.runner(), argv),
        None => duct::cmd("cargo", argv),
    });
    let runner = config.rebased.iter().fold(runner, |runner, (name, path)| runner.env(name, path));
    Ok(runner.dir(&config.root).unchecked())
}

/// The tests of these suites, as filters of which each may match.
fn filters(chosen: &[Suite]) -> Vec<String> {
    let names: BTreeSet<&str> = chosen.iter().map(Suite::name).collect();
    let names: Vec<&str> = names.into_iter().collect();
    names.chunks(NAMES).map(|names| format!("test(/^({})::/)", names.join("|"))).collect()
}

/// The suites by the milliseconds that they are expected to take, the longest first, as nextest's configuration; `None`
/// where all take alike. To the second, so that what is measured by chance orders nothing.
fn order<'a>(costs: impl Iterator<Item = (&'a str, u64)>) -> Option<String> {
    let mut by_cost: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for (name, cost) in costs {
        by_cost.entry(cost / 1000).or_default().push(name);
    }
    if by_cost.len() < 2 {
        return None;
    }
    let mut text = String::new();
    for (rank, names) in (0..).zip(by_cost.into_values().rev()) {
        let priority = (HIGHEST - rank).max(LOWEST);
        let names = names.join("|");
        // Writing to a String cannot fail.
        let _ =
            write!(text, "[[profile.default.overrides]]\nfilter = 'test(/^({names})::/)'\npriority = {priority}\n\n");
    }
    Some(text)
}

/// Keeps the order where the runner finds it. Another command may replace it at any time, by one that is as good.
fn keep(config: &Config, order: &str) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(&config.out_dir)?;
    let path = config.out_dir.join("order.toml");
    folder::write_text(&path, order)?;
    std::path::absolute(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_that_take_long_start_first() {
        let text = order([("a", 7_100), ("b", 20_000), ("c", 7_900)].into_iter()).expect("they differ");
        let order: toml::Table = toml::from_str(&text).expect("TOML");
        let overrides = order["profile"]["default"]["overrides"].as_array().expect("a list");
        let shown: Vec<_> = overrides
            .iter()
            .map(|it| (it["filter"].as_str().expect("a filter"), it["priority"].as_integer().expect("a number")))
            .collect();
        assert_eq!(shown, [("test(/^(b)::/)", 99), ("test(/^(a|c)::/)", 98)]);
        assert_eq!(super::order([("a", 7_100), ("b", 7_900)].into_iter()), None, "nothing to order");
    }

    #[test]
    fn there_are_never_more_priorities_than_the_runner_has() {
        let names: Vec<String> = (0..300).map(|n| format!("c{n}")).collect();
        let text = order((1_000_u64..).step_by(1_000).zip(&names).map(|(cost, name)| (name.as_str(), cost)));
        let text = text.expect("they differ");
        assert!(text.contains("priority = 99\n") && text.contains("priority = -100\n"), "{text}");
        assert!(!text.contains("priority = -101"), "{text}");
    }
}
