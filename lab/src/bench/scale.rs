//! Measuring how time and memory grow with the number of cells in a run, and of members in a cluster.

use super::figures::Limit::AtMost;
use super::figures::Quantity::{Bytes, Ratio};
use super::figures::{Goal, median, ratio, seconds};
use super::growth::{Growth, Scale, Step};
use super::machine::{Machine, Watch, busy_percent};
use super::measures::{remove, usage};
use super::suites::Suites;
use super::tables::total;
use testkit::cli::{Catalogue, Failure};
use testkit::cli::{Cells, lines, shown_plan};
use testkit::cluster::{self, ClusterError, Order, Site};
use testkit::matrix::Cell;
use testkit::plan::{Outline, Variant};
use testkit::report::spent::{Piece, Spent, path_of, sum};
use testkit::report::{Work, timeline};

/// The most memory that a run may have in use, in bytes.
const MEMORY: u64 = 6 << 30;

/// Measures both.
pub(super) async fn measure(
    site: &Site,
    catalogue: &Catalogue,
    suites: &Suites<'_>,
    (cells, members): (&[usize], &[usize]),
) -> Result<Scale, Failure> {
    let machine = Machine::examine(site).await?;
    // What every cell needs first is made before, so that it is no time of the smallest.
    let find = async || cluster::golden(&site.config, &site.client, &mut lines()).await;
    let (_, product) = site.run.once("golden", find).await.map_err(Failure::cluster)?;
    let cells = by_cells(catalogue, suites, cells).await?;
    let members = by_members(site, catalogue, suites, members).await?;
    Ok(Scale { machine, product, cells, members })
}

/// So many cells with the default number of members, the lowest tiers first.
fn comparable(catalogue: &Catalogue, cells: &Cells, count: usize) -> Vec<Cell> {
    let all = cells.by_lowest_tier().into_iter().flat_map(|(_, cells)| cells);
    all.filter(|cell| shown_plan(catalogue, cell).state.members.len() == Outline::default().members)
        .take(count)
        .collect()
}

async fn by_cells(catalogue: &Catalogue, suites: &Suites<'_>, sizes: &[usize]) -> Result<Growth, Failure> {
    let most = sizes.iter().copied().max().unwrap_or_default();
    let chosen = comparable(catalogue, suites.cells(), most);
    let chosen = suites.cells().suites(&chosen);
    let programs = suites.build(&chosen).await?;
    let mut steps: Vec<Step> = Vec::new();
    for size in sizes.iter().copied().filter(|size| (1..=chosen.len()).contains(size)) {
        let round = suites.round(&format!("{size} cells"), &programs, &chosen[..size]).await?;
        let memory = round.seen.memory;
        let paths = round.paths();
        steps.push(Step {
            size,
            wall: round.wall(),
            relative: relative(steps.first(), size, round.wall()),
            memory: memory.peak,
            memory_grown: Some(memory.grown()),
            busy: busy_percent(&round.seen.cores),
            path: by_kind(&round.critical_path()),
            stages: medians(&paths.iter().map(|(_, path)| by_kind(path)).collect::<Vec<_>>()),
        });
    }
    let peak = steps.iter().map(|step| step.memory).max().unwrap_or_default();
    // The first is what the others are compared with.
    let slowest = steps.iter().skip(1).map(|step| step.relative).fold(0.0, f64::max);
    let goals = vec![
        Goal::new("memory in use at most", Bytes(peak), AtMost(Bytes(MEMORY))),
        Goal::new("time of a cell, to one alone, at most", Ratio(slowest), AtMost(Ratio(1.0))),
    ];
    Ok(Growth::new(None, steps, goals))
}

async fn by_members(
    site: &Site,
    catalogue: &Catalogue,
    suites: &Suites<'_>,
    sizes: &[usize],
) -> Result<Growth, Failure> {
    let mut steps: Vec<Step> = Vec::new();
    let Some(cell) = suites.cells().core.first() else { return Ok(Growth::new(None, steps, Vec::new())) };
    for size in sizes.iter().copied().filter(|size| *size > 0) {
        let dir = site.run.cell_dir(&format!("members-{size}")).map_err(Failure::usage)?;
        let variant = Variant { members: Some(size), ..Variant::default() };
        let order = Order { cell, options: catalogue.options, variant: &variant };
        let watch = Watch::begin();
        let made = cluster::provision(site, order, &dir).await;
        let seen = watch.end();
        let manifest = made.map_err(|error: ClusterError| Failure::cluster(error))?;
        let memory = usage(site, &manifest).await?.memory.iter().sum();
        remove(site, cell).await?;
        if !manifest.settled.unsatisfied.is_empty() {
            eprintln!("{size} members are not as planned: {}", manifest.settled.unsatisfied.join(", "));
        }
        let path = by_kind(&path_of(&timeline::read(&dir).map_err(Failure::usage)?));
        let wall = total(&path);
        eprintln!("{size} members: {}", seconds(wall));
        steps.push(Step {
            size,
            wall,
            relative: relative(steps.first(), size, wall),
            memory,
            memory_grown: None,
            busy: busy_percent(&seen.cores),
            path,
            stages: Vec::new(),
        });
    }
    Ok(Growth::new(Some(cell.id().to_string()), steps, Vec::new()))
}

/// The time of each cell or member of so many, which took `wall` milliseconds, as a multiple of that of the first size's.
fn relative(first: Option<&Step>, size: usize, wall: u64) -> f64 {
    let (first_size, first_wall) = first.map_or((size, wall), |first| (first.size, first.wall));
    ratio(wall * first_size as u64, first_wall * size as u64)
}

/// The time of each kind of stage: the boots of all members are one.
fn by_kind(path: &[Piece]) -> Vec<Spent> {
    let kind = |piece: &Piece| match piece.work.of_member() {
        Some((kind, _)) => Piece { work: Work::Other(kind.to_owned()), ..piece.clone() },
        None => piece.clone(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::report::Owner;

    fn spent(all: &[(&str, u64)]) -> Vec<Spent> {
        let one = |(name, ms): &(&str, u64)| Spent { name: (*name).to_owned(), owner: Owner::Product, ms: *ms };
        all.iter().map(one).collect()
    }

    #[test]
    fn growth_is_told_to_the_first_size() {
        let first = Step::example(1, &[("a", 1000)]);
        assert_eq!(relative(None, 3, 700), 1.0);
        assert_eq!([(2, 1500), (4, 4400)].map(|(size, wall)| relative(Some(&first), size, wall)), [0.75, 1.1]);
    }

    #[test]
    fn stages_of_members_are_one_kind_and_cells_are_told_by_their_median() {
        let piece = |name: &str, from, to| Piece { work: Work::from(name.to_owned()), owner: Owner::Lxd, from, to };
        let path = [piece("boot 1", 0, 10), piece("join", 10, 40), piece("boot 2", 40, 45)];
        let kinds = by_kind(&path);
        let shown: Vec<_> = kinds.iter().map(|spent| (spent.name.as_str(), spent.ms)).collect();
        assert_eq!(shown, [("boot", 15), ("join", 30)]);
        let cells = [spent(&[("a", 5), ("b", 1)]), spent(&[("a", 7)]), spent(&[("a", 6)])];
        assert_eq!(medians(&cells), spent(&[("a", 6), ("b", 0)]));
    }
}
