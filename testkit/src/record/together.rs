//! Runs of the same suites against several products, side by side.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::schema::{Cell, Column, Found, Record, Row, SideBySide, Totals};
use super::{RunsError, html, runs};
use crate::folder::{self, FolderError, OfRun, RunDocument, RunFolder};

/// The version of what is kept of runs that belong together.
const SCHEMA: u32 = 1;

/// Which runs belong together: what is kept of them, in a folder of its own among theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Together {
    /// The version of this form.
    pub schema: u32,
    /// The name of the folder.
    pub run: String,
    /// When the last of them had ended.
    pub ended: Timestamp,
    /// The products, in the order in which they were tested.
    pub products: Vec<Tested>,
}

/// One product, and its runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tested {
    /// What it was called.
    pub name: String,
    /// The ids of its runs, which are more than one where the runner repeats; none where it came to no test.
    pub runs: Vec<String>,
    /// Why it came to no test.
    pub problem: Option<String>,
}

impl Tested {
    /// The same as far as there still is what its runs left, beside the folder of those that belong together.
    fn without_gone(&self, dir: &Path) -> Self {
        let is_there = |run: &&String| dir.with_file_name(run.as_str()).is_dir();
        let (there, gone): (Vec<_>, Vec<_>) = self.runs.iter().partition(is_there);
        let told = gone.iter().map(|run| format!("what run {run} left is gone"));
        let problem = self.problem.clone().into_iter().chain(told).collect::<Vec<_>>().join("; ");
        let problem = Some(problem).filter(|told| !told.is_empty());
        Self { name: self.name.clone(), runs: there.into_iter().cloned().collect(), problem }
    }
}

impl OfRun for Together {
    const DOCUMENT: RunDocument = RunDocument::Together;
}

impl Together {
    /// These products, under the name of the folder that it is to be kept in.
    pub fn new(run: impl ToString, products: Vec<Tested>) -> Self {
        Self { schema: SCHEMA, run: run.to_string(), ended: Timestamp::now(), products }
    }

    /// That of this folder; `None` where it is not one of runs that belong together.
    ///
    /// # Errors
    /// When it is there and cannot be read, or is of another version.
    pub fn find(dir: &Path) -> Result<Option<Self>, RunsError> {
        #[derive(Deserialize)]
        struct Head {
            schema: u64,
        }
        let failed = |error: FolderError| RunsError::of("read", dir)(error.into());
        let folder = RunFolder::new(dir);
        let head: Option<Head> = folder::read(&folder.document(Self::DOCUMENT)).map_err(failed)?;
        if let Some(Head { schema }) = head.filter(|head| head.schema != u64::from(SCHEMA)) {
            let run = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
            return Err(RunsError::Version { run, found: schema, newest: SCHEMA });
        }
        folder.read().map_err(failed)
    }
}

/// Writes the records and reports of runs that belong together, with the page that shows them side by side, which it returns
/// with its path. `dir` is the folder of [`Together`].
///
/// # Errors
/// When what is kept cannot be read, or the files cannot be written.
pub fn write_together(dir: &Path, together: &Together) -> Result<(SideBySide, PathBuf), RunsError> {
    let failed = |error: FolderError| RunsError::of("write", dir)(error.into());
    let folder = RunFolder::new(dir);
    folder.write(together).map_err(failed)?;
    let products: Vec<Tested> = together.products.iter().map(|tested| tested.without_gone(dir)).collect();
    let mut all: Vec<(&Tested, Vec<Record>)> = Vec::new();
    for tested in &products {
        let dirs = tested.runs.iter().map(|run| dir.with_file_name(run));
        let records = dirs.map(|dir| runs::write(&dir).map(|(record, _)| record));
        all.push((tested, records.collect::<Result<_, _>>()?));
    }
    let side = side_by_side(together, &all);
    let page = html::together(&side).map_err(RunsError::of("render", dir))?;
    let report = folder.report();
    folder::write_text(&report, &page).map_err(failed)?;
    Ok((side, report))
}

fn side_by_side(together: &Together, all: &[(&Tested, Vec<Record>)]) -> SideBySide {
    let column = |(tested, records): &(&Tested, Vec<Record>)| {
        let mut totals = Totals::default();
        let checks = records.iter().flat_map(|record| &record.cells).flat_map(|cell| &cell.checks);
        checks.for_each(|check| totals.count(check.outcome));
        Column {
            name: tested.name.clone(),
            product: records.iter().find_map(|record| record.product.clone()),
            totals,
            runs: tested.runs.clone(),
            problem: tested.problem.clone(),
        }
    };
    let cells = all.iter().flat_map(|(_, records)| records).flat_map(|record| &record.cells);
    let mut names: Vec<&str> = cells.map(|cell| cell.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let row = |name: &str| {
        let results: Vec<Found> = all.iter().map(|(_, records)| found(records, name)).collect();
        let differs = results.iter().any(|found| found.class != results[0].class);
        Row { suite: name.to_owned(), differs, results }
    };
    SideBySide {
        run: together.run.clone(),
        products: all.iter().map(column).collect(),
        suites: names.into_iter().map(row).collect(),
    }
}

/// What came of a suite in these rounds: of those in which it failed the first, or else the last.
fn found(records: &[Record], suite: &str) -> Found {
    let had = |record: &'_ Record| record.cells.iter().any(|cell| cell.name == suite);
    let rounds: Vec<(&Record, &Cell)> = records
        .iter()
        .filter(|record| had(record))
        .filter_map(|record| Some((record, record.cells.iter().find(|cell| cell.name == suite)?)))
        .collect();
    let red = rounds.iter().find(|(_, cell)| cell.totals().failed > 0);
    let Some((record, cell)) = red.or(rounds.last()) else {
        return Found { class: "none", told: "not run".to_owned(), run: None, why: None };
    };
    let totals = cell.totals();
    let class = match (cell.skipped.is_some(), totals.failed, totals.unfinished) {
        (true, ..) => "skipped",
        (_, 1.., _) => "failed",
        (_, _, 1..) => "unfinished",
        _ if totals.known > 0 => "known",
        _ => "passed",
    };
    let why = cell.skipped.clone().or_else(|| cell.headline.clone().filter(|_| matches!(class, "failed" | "known")));
    Found { class, told: cell.told(), run: Some(record.run.clone()), why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::assemble;

    fn recorded(state: &str) -> Record {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs").join(state);
        assemble(&dir, false).expect("a record")
    }

    fn tested(name: &str, runs: &[&str]) -> Tested {
        Tested { name: name.to_owned(), runs: runs.iter().map(|run| (*run).to_owned()).collect(), problem: None }
    }

    #[test]
    fn a_suite_is_a_row_and_a_product_a_column() {
        let (good, failing) = (recorded("good"), recorded("failing"));
        let products = [tested("old", &[&good.run]), tested("new", &[&failing.run]), tested("none", &[])];
        let together = Together::new("id", products.to_vec());
        let all = [(&products[0], vec![good]), (&products[1], vec![failing.clone()]), (&products[2], vec![])];
        let side = side_by_side(&together, &all);
        let told = |row: &Row| row.results.iter().map(|it| it.told.clone()).collect::<Vec<_>>();
        let rows: Vec<_> = side.suites.iter().map(|row| (row.suite.as_str(), row.differs, told(row))).collect();
        let words = |all: [&str; 3]| all.map(str::to_owned).to_vec();
        assert_eq!(
            rows,
            [
                ("init_cluster", true, words(["not run", "13 passed", "not run"])),
                ("init_cluster_custom_encap", true, words(["13 passed", "3 of 13 failed", "not run"])),
            ]
        );
        let red = &side.suites[1].results[1];
        assert_eq!((red.class, red.run.as_ref()), ("failed", Some(&failing.run)));
        assert!(red.why.as_ref().is_some_and(|why| why.starts_with("ovs_encap_ip: ")), "{red:?}");
        assert_eq!((side.products[1].totals.failed, side.products[2].totals.all()), (3, 0));
        let page = html::together(&side).expect("a page");
        assert!(page.contains(&format!("href=\"../{}/report.html#init_cluster_custom_encap\"", failing.run)), "{page}");
    }

    #[test]
    fn of_several_rounds_the_one_that_failed_is_shown() {
        let (good, failing) = (recorded("good"), recorded("failing"));
        for rounds in [[good.clone(), failing.clone()], [failing.clone(), good.clone()]] {
            assert_eq!(found(&rounds, "init_cluster_custom_encap").run, Some(failing.run.clone()));
        }
        assert_eq!(found(&[good], "init_cluster_custom_encap").class, "passed");
    }
}
