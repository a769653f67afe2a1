//! How time and memory grow with the number of cells in a run, and of members in a cluster.

use std::collections::BTreeMap;

use comfy_table::Table;

use super::super::cells::{Cells, shown_plan};
use super::super::{Catalogue, Failure};
use super::machine::{self, Watch, busy_percent};
use super::measures::{remove, usage};
use super::paper::{Paper, table};
use super::suites::Suites;
use super::tables::{Goal, goals, percent, total};
use super::{mebibytes, median, seconds, times};
use crate::cluster::{self, ClusterError, Order, Site};
use crate::matrix::Cell;
use crate::plan::Outline;
use crate::report::spent::{Piece, Spent, path_of, sum};
use crate::report::timeline;

/// The most memory that a run may have in use, in bytes.
const MEMORY: u64 = 6 << 30;

/// One size, and what it took.
struct Step {
    /// How many cells or members.
    size: usize,
    /// Milliseconds in all.
    wall: u64,
    /// What it waited for.
    path: Vec<Spent>,
    /// Milliseconds of each stage of a cell, the median of all cells.
    stages: Vec<Spent>,
}

/// Measures both, and shows them.
pub(super) async fn measure(
    site: &Site,
    catalogue: &Catalogue,
    suites: &Suites<'_>,
    (cells, members): (&[usize], &[usize]),
    paper: &mut Paper,
) -> Result<(), Failure> {
    // What every cell needs first is made before, so that it is no time of the smallest.
    let find = async || cluster::golden(&site.config, &site.client, &mut super::super::host::lines()).await;
    let (_, product) = site.run.once("golden", find).await.map_err(Failure::cluster)?;
    paper.text(format!("Product: {product}."));
    by_cells(catalogue, suites, cells, paper).await?;
    by_members(site, catalogue, suites, members, paper).await
}

/// So many cells with the default number of members, the lowest tiers first.
fn comparable(catalogue: &Catalogue, cells: &Cells, count: usize) -> Vec<Cell> {
    let all = cells.by_lowest_tier().into_iter().flat_map(|(_, cells)| cells);
    all.filter(|cell| shown_plan(catalogue, cell).members.len() == Outline::default().members).take(count).collect()
}

async fn by_cells(
    catalogue: &Catalogue,
    suites: &Suites<'_>,
    sizes: &[usize],
    paper: &mut Paper,
) -> Result<(), Failure> {
    let most = sizes.iter().copied().max().unwrap_or_default();
    let chosen = comparable(catalogue, suites.cells(), most);
    suites.compile(&chosen)?;
    let header = ["cells", "time", "a cell, to one alone", "memory, at most", "beyond before", "cores busy"];
    let mut rows = table(&header.map(str::to_owned), 0);
    let mut steps: Vec<Step> = Vec::new();
    let mut peak = 0;
    for size in sizes.iter().copied().filter(|size| (1..=chosen.len()).contains(size)) {
        let round = suites.round(&format!("{size} cells"), &chosen[..size]).await?;
        let memory = round.seen.memory;
        peak = peak.max(memory.peak);
        let paths = round.paths();
        let stages = medians(&paths.iter().map(|(_, path)| by_kind(path)).collect::<Vec<_>>());
        let step = Step { size, wall: round.wall(), path: by_kind(&round.critical_path()), stages };
        steps.push(step);
        rows.add_row([
            size.to_string(),
            seconds(round.wall()),
            relative(&steps, steps.len() - 1),
            mebibytes(memory.peak),
            mebibytes(memory.grown()),
            format!("{} %", busy_percent(&round.seen.cores)),
        ]);
    }
    paper.text(
        "Cells of three members in one run. Memory is all of the host's that the kernel does not call available, looked \
         at every 0.2 s.",
    );
    paper.table(rows);
    paper.text(bends("cells", &steps));
    paper.text("The stages of a cell on its own path, median over the cells of the run:");
    paper.table(columns("cells", &steps, |step| &step.stages));
    paper.text("The stages on the critical path of the run:");
    paper.table(columns("cells", &steps, |step| &step.path));
    let last = steps.len().saturating_sub(1);
    paper.table(goals(&[
        Goal {
            what: "memory in use at most",
            measured: mebibytes(peak),
            wanted: "at most 6144 MiB",
            reached: peak <= MEMORY,
        },
        Goal {
            what: "time of the most cells, a cell to one alone",
            measured: relative(&steps, last),
            wanted: "at most 1.00",
            reached: steps.iter().all(|step| no_worse_than_linear(&steps[0], step)),
        },
    ]));
    Ok(())
}

async fn by_members(
    site: &Site,
    catalogue: &Catalogue,
    suites: &Suites<'_>,
    sizes: &[usize],
    paper: &mut Paper,
) -> Result<(), Failure> {
    let Some(cell) = suites.cells().core.first() else { return Ok(()) };
    let header = ["members", "time", "a member, to one alone", "memory of the members", "cores busy"];
    let mut rows = table(&header.map(str::to_owned), 0);
    let mut steps: Vec<Step> = Vec::new();
    for size in sizes.iter().copied().filter(|size| *size > 0) {
        let dir = site.run.cell_dir(&format!("members-{size}")).map_err(Failure::usage)?;
        let order = Order { cell, options: catalogue.options, members: Some(size) };
        let watch = Watch::begin();
        let made = cluster::provision(site, order, &dir).await;
        let seen = watch.end();
        let manifest = made.map_err(|error: ClusterError| Failure::cluster(error))?;
        let memory = usage(site, &manifest).await?.memory.iter().sum();
        remove(site, cell).await?;
        if !manifest.settled.unsatisfied.is_empty() {
            println!("{size} members are not as planned: {}", manifest.settled.unsatisfied.join(", "));
        }
        let path = by_kind(&path_of(&timeline::read(&dir).map_err(Failure::usage)?));
        let wall = total(&path);
        println!("{size} members: {}", seconds(wall));
        steps.push(Step { size, wall, stages: Vec::new(), path });
        rows.add_row([
            size.to_string(),
            seconds(wall),
            relative(&steps, steps.len() - 1),
            mebibytes(memory),
            format!("{} %", busy_percent(&seen.cores)),
        ]);
    }
    paper.text(format!(
        "Members of one cluster of `{}`, until it has settled. Memory is what LXD says of its members then, in sum.",
        cell.id()
    ));
    paper.table(rows);
    paper.text(bends("members", &steps));
    paper.text("The stages on its path:");
    paper.table(columns("members", &steps, |step| &step.path));
    let processors = machine::processors();
    paper.text(format!("Cores busy is of all {processors} cores, with everything else that the host did."));
    Ok(())
}

/// The time of each kind of stage: the boots of all members are one.
fn by_kind(path: &[Piece]) -> Vec<Spent> {
    let kind = |piece: &Piece| {
        let name = timeline::of_member(&piece.name).map_or(piece.name.as_str(), |(kind, _)| kind);
        Piece { name: name.to_owned(), ..piece.clone() }
    };
    sum(&path.iter().map(kind).collect::<Vec<_>>())
}

/// The median of each stage.
fn medians(cells: &[Vec<Spent>]) -> Vec<Spent> {
    let mut times: Vec<(Spent, Vec<u64>)> = Vec::new();
    for spent in cells.iter().flatten() {
        match times.iter_mut().find(|(known, _)| known.name == spent.name) {
            Some((_, times)) => times.push(spent.ms),
            None => times.push((spent.clone(), vec![spent.ms])),
        }
    }
    let whole = |(spent, mut times): (Spent, Vec<u64>)| {
        // A cell that has no such stage took no time for it.
        times.resize(cells.len(), 0);
        Spent { ms: median(&times), ..spent }
    };
    times.into_iter().map(whole).collect()
}

/// The stages of every size, a column each.
fn columns(what: &str, steps: &[Step], of: impl Fn(&Step) -> &Vec<Spent>) -> Table {
    let mut header = vec!["stage".to_owned()];
    header.extend(steps.iter().map(|step| format!("{} {what}", step.size)));
    let mut rows = table(&header, 1);
    let mut names: Vec<&str> = Vec::new();
    for spent in steps.iter().flat_map(&of) {
        if !names.contains(&spent.name.as_str()) {
            names.push(&spent.name);
        }
    }
    for name in names {
        let ms = |step: &Step| of(step).iter().find(|spent| spent.name == name).map_or(0, |spent| spent.ms);
        let mut row = vec![name.to_owned()];
        row.extend(steps.iter().map(|step| seconds(ms(step))));
        rows.add_row(row);
    }
    rows
}

/// The time of each of a step's cells or members, as a multiple of that of the first step's.
fn relative(steps: &[Step], index: usize) -> String {
    let (Some(first), Some(step)) = (steps.first(), steps.get(index)) else { return String::new() };
    times(step.wall * first.size as u64, first.wall * step.size as u64)
}

fn no_worse_than_linear(first: &Step, step: &Step) -> bool {
    step.wall * first.size as u64 <= first.wall * step.size as u64
}

/// What bends the curve: between each two sizes the stage whose share of the path grew most.
fn bends(what: &str, steps: &[Step]) -> String {
    let between = steps.windows(2).filter_map(|pair| {
        let (stage, before, after) = grown(&pair[0].path, &pair[1].path)?;
        let (small, large) = (total(&pair[0].path), total(&pair[1].path));
        Some(format!(
            "- from {} to {} {what}: `{stage}`, from {} to {} of the path",
            pair[0].size,
            pair[1].size,
            percent(before, small),
            percent(after, large)
        ))
    });
    let between: Vec<String> = between.collect();
    if between.is_empty() {
        return "What bends the curve is not known from one size.".to_owned();
    }
    format!("What bends the curve, the stage whose share grew most:\n\n{}", between.join("\n"))
}

/// The stage whose share grew most, with its milliseconds before and after; `None` where none grew.
fn grown<'a>(before: &[Spent], after: &'a [Spent]) -> Option<(&'a str, u64, u64)> {
    let mut shares: BTreeMap<&str, (u64, u64)> =
        after.iter().map(|spent| (spent.name.as_str(), (0, spent.ms))).collect();
    for spent in before {
        if let Some((ms, _)) = shares.get_mut(spent.name.as_str()) {
            *ms = spent.ms;
        }
    }
    let (small, large) = (u128::from(total(before).max(1)), u128::from(total(after).max(1)));
    // Shares by a common denominator.
    let growth = |(before, after): (u64, u64)| {
        (u128::from(after) * small).checked_sub(u128::from(before) * large).filter(|growth| *growth > 0)
    };
    let grew = shares.into_iter().filter_map(|(name, share)| Some((growth(share)?, name, share)));
    grew.max_by_key(|(growth, ..)| *growth).map(|(_, name, (before, after))| (name, before, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Owner;

    fn spent(all: &[(&str, u64)]) -> Vec<Spent> {
        let one = |(name, ms): &(&str, u64)| Spent { name: (*name).to_owned(), owner: Owner::Product, ms: *ms };
        all.iter().map(one).collect()
    }

    fn step(size: usize, all: &[(&str, u64)]) -> Step {
        let path = spent(all);
        Step { size, wall: total(&path), stages: Vec::new(), path }
    }

    #[test]
    fn what_bends_the_curve_is_the_stage_whose_share_grew_most() {
        for (before, after, wanted) in [
            (vec![("boot", 50), ("join", 50)], vec![("boot", 60), ("join", 140)], Some(("join", 50, 140))),
            (vec![("boot", 50)], vec![("boot", 50), ("turn", 50)], Some(("turn", 0, 50))),
            // Everything grew alike, or there was nothing before.
            (vec![("boot", 10), ("join", 30)], vec![("boot", 20), ("join", 60)], None),
            (vec![], vec![], None),
        ] {
            assert_eq!(grown(&spent(&before), &spent(&after)), wanted, "{before:?} {after:?}");
        }
        let steps = [step(1, &[("boot", 100)]), step(2, &[("boot", 100), ("turn", 100)])];
        assert!(bends("cells", &steps).ends_with("- from 1 to 2 cells: `turn`, from 0.0 % to 50.0 % of the path"));
    }

    #[test]
    fn growth_is_told_to_the_first_size() {
        let steps = [step(1, &[("a", 1000)]), step(2, &[("a", 1500)]), step(4, &[("a", 4400)])];
        assert_eq!((0..3).map(|index| relative(&steps, index)).collect::<Vec<_>>(), ["1.00", "0.75", "1.10"]);
        let linear: Vec<bool> = steps.iter().map(|step| no_worse_than_linear(&steps[0], step)).collect();
        assert_eq!(linear, [true, true, false]);
    }

    #[test]
    fn stages_of_members_are_one_kind_and_cells_are_told_by_their_median() {
        let piece = |name: &str, from, to| Piece { name: name.to_owned(), owner: Owner::Lxd, from, to };
        let path = [piece("boot 1", 0, 10), piece("join", 10, 40), piece("boot 2", 40, 45)];
        let kinds = by_kind(&path);
        let shown: Vec<_> = kinds.iter().map(|spent| (spent.name.as_str(), spent.ms)).collect();
        assert_eq!(shown, [("boot", 15), ("join", 30)]);
        let cells = [spent(&[("a", 5), ("b", 1)]), spent(&[("a", 7)]), spent(&[("a", 6)])];
        assert_eq!(medians(&cells), spent(&[("a", 6), ("b", 0)]));
    }
}
