//! Where the time went, as tables.

use comfy_table::Table;

use super::figures::{Quantity, percent, seconds};
use crate::paper::table;
use testkit::report::Owner;
use testkit::report::spent::{Piece, Spent, sum};

/// Whose time a stage is, as a person reads it.
fn whose(owner: Owner) -> &'static str {
    match owner {
        Owner::Product => "product",
        Owner::Lxd => "LXD, kernel, snapd",
        Owner::Framework => "framework",
    }
}

/// Milliseconds of all these stages.
pub(super) fn total(spent: &[Spent]) -> u64 {
    spent.iter().map(|spent| spent.ms).sum()
}

/// Milliseconds of those that are the owner's.
fn of(spent: &[Spent], owner: Owner) -> u64 {
    spent.iter().filter(|spent| spent.owner == owner).map(|spent| spent.ms).sum()
}

/// The framework's share of the time, in percent.
pub(super) fn framework_percent(spent: &[Spent]) -> f64 {
    percent(of(spent, Owner::Framework), total(spent))
}

/// The stages of several paths, a column each, with the sum of all; `last` is a column beside them that is in no sum.
/// The last rows tell whose the time is, and all of it.
pub(super) fn ledger(paths: &[(String, Vec<Piece>)], last: Option<(&str, &[Piece])>) -> Table {
    let columns: Vec<Vec<Spent>> = paths.iter().map(|(_, path)| sum(path)).collect();
    let all: Vec<Piece> = paths.iter().flat_map(|(_, path)| path.clone()).collect();
    let all = sum(&all);
    let last = last.map(|(name, path)| (name, sum(path)));
    let mut header = vec!["stage".to_owned(), "whose".to_owned()];
    header.extend(paths.iter().map(|(name, _)| name.clone()));
    header.extend(["sum".to_owned(), "share".to_owned()]);
    header.extend(last.iter().flat_map(|(name, _)| [(*name).to_owned(), "share".to_owned()]));
    let mut rows = table(&header, 2);
    // The stages in the order in which they come; those that only the column beside the others has are at its ends.
    let mut stages: Vec<&Spent> = all.iter().collect();
    for spent in last.iter().flat_map(|(_, spent)| spent) {
        if !stages.iter().any(|stage| stage.name == spent.name) {
            stages.push(spent);
        }
    }
    let mut row = |name: &str, whose: &str, ms: &dyn Fn(&[Spent]) -> u64| {
        let mut cells = vec![name.to_owned(), whose.to_owned()];
        cells.extend(columns.iter().map(|spent| seconds(ms(spent))));
        for spent in [Some(&all), last.as_ref().map(|(_, spent)| spent)].into_iter().flatten() {
            let share = Quantity::Percent(percent(ms(spent), total(spent)));
            cells.extend([seconds(ms(spent)), share.to_string()]);
        }
        rows.add_row(cells);
    };
    for stage in stages {
        let ms = |spent: &[Spent]| spent.iter().find(|it| it.name == stage.name).map_or(0, |it| it.ms);
        row(&stage.name, whose(stage.owner), &ms);
    }
    for owner in [Owner::Product, Owner::Lxd, Owner::Framework] {
        row("all of it", whose(owner), &|spent| of(spent, owner));
    }
    row("all of it", "", &total);
    rows
}

#[cfg(test)]
mod tests {
    use comfy_table::presets::ASCII_MARKDOWN;
    use testkit::report::Work;

    use super::*;

    fn path(all: &[(&str, Owner, i64)]) -> Vec<Piece> {
        let mut at = 0;
        let piece = |(name, owner, ms): &(&str, Owner, i64)| {
            at += ms;
            Piece { work: Work::from((*name).to_owned()), owner: *owner, from: at - ms, to: at }
        };
        all.iter().map(piece).collect()
    }

    #[test]
    fn a_ledger_adds_up_by_suite_by_owner_and_in_sum() {
        let (product, lxd, own) = (Owner::Product, Owner::Lxd, Owner::Framework);
        let one = path(&[("connect", own, 100), ("boot 1", lxd, 300), ("join", product, 600)]);
        let two = path(&[("connect", own, 300), ("join", product, 700)]);
        let beside = path(&[("join", product, 1500), ("end runner", own, 500)]);
        let mut table = ledger(&[("a".to_owned(), one), ("b".to_owned(), two)], Some(("critical", &beside)));
        table.load_style(ASCII_MARKDOWN);
        let text = table.to_string();
        let rows: Vec<Vec<&str>> =
            text.lines().map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect();
        assert_eq!(rows[0], ["stage", "whose", "a", "b", "sum", "share", "critical", "share"]);
        let figures = |from: usize| rows[from..].iter().map(|row| row.join(" ; ")).collect::<Vec<_>>();
        assert_eq!(
            figures(2),
            [
                "connect ; framework ; 0.100 s ; 0.300 s ; 0.400 s ; 20.0 % ; 0.000 s ; 0.0 %",
                "boot 1 ; LXD, kernel, snapd ; 0.300 s ; 0.000 s ; 0.300 s ; 15.0 % ; 0.000 s ; 0.0 %",
                "join ; product ; 0.600 s ; 0.700 s ; 1.300 s ; 65.0 % ; 1.500 s ; 75.0 %",
                "end runner ; framework ; 0.000 s ; 0.000 s ; 0.000 s ; 0.0 % ; 0.500 s ; 25.0 %",
                "all of it ; product ; 0.600 s ; 0.700 s ; 1.300 s ; 65.0 % ; 1.500 s ; 75.0 %",
                "all of it ; LXD, kernel, snapd ; 0.300 s ; 0.000 s ; 0.300 s ; 15.0 % ; 0.000 s ; 0.0 %",
                "all of it ; framework ; 0.100 s ; 0.300 s ; 0.400 s ; 20.0 % ; 0.500 s ; 25.0 %",
                "all of it ;  ; 1.000 s ; 1.000 s ; 2.000 s ; 100.0 % ; 2.000 s ; 100.0 %",
            ]
        );
    }

    #[test]
    fn the_frameworks_share_is_what_is_neither_the_products_nor_lxds() {
        let spent = sum(&path(&[("a", Owner::Framework, 90), ("b", Owner::Lxd, 410), ("c", Owner::Product, 500)]));
        assert_eq!((total(&spent), framework_percent(&spent)), (1000, 9.0));
        assert_eq!(framework_percent(&[]), 0.0);
    }
}
