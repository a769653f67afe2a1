//! How small the arrays of `testkit::matrix::covering` are and how long they take, beside published sizes.
//!
//! The models are those by which generators are usually compared (pairwise.org, "Efficiency of various tools"); PICT's
//! sizes are from there, the best ones from the literature on covering arrays. Each array is checked before it is shown. Time is shown and not judged: it says as much of the machine's load.

use std::process::ExitCode;
use std::time::Instant;

use comfy_table::Table;
use testkit::matrix::covering::{Model, Row, covering_array};

struct Case {
    name: &'static str,
    /// Numbers of values, and of how many factors.
    factors: &'static [(usize, usize)],
    strength: usize,
    best: Option<usize>,
    pict: usize,
}

const CASES: &[Case] = &[
    Case { name: "3^4", factors: &[(3, 4)], strength: 2, best: Some(9), pict: 12 },
    Case { name: "3^13", factors: &[(3, 13)], strength: 2, best: Some(15), pict: 19 },
    Case { name: "4^15 3^17 2^29", factors: &[(4, 15), (3, 17), (2, 29)], strength: 2, best: Some(29), pict: 38 },
    Case { name: "4^1 3^39 2^35", factors: &[(4, 1), (3, 39), (2, 35)], strength: 2, best: Some(21), pict: 28 },
    Case { name: "2^100", factors: &[(2, 100)], strength: 2, best: Some(10), pict: 16 },
    Case { name: "10^20", factors: &[(10, 20)], strength: 2, best: Some(180), pict: 213 },
    Case { name: "3^13", factors: &[(3, 13)], strength: 3, best: None, pict: 74 },
    Case { name: "4^15 3^17 2^29", factors: &[(4, 15), (3, 17), (2, 29)], strength: 3, best: None, pict: 217 },
];

/// How many tuples of `strength` more factors from `from` on no row in `rows` has, given the rows that have the first.
fn uncovered(levels: &[usize], rows: &[&Row], from: usize, strength: usize) -> usize {
    if strength == 0 {
        return usize::from(rows.is_empty());
    }
    let mut missing = 0;
    for factor in from..levels.len() {
        for value in 0..levels[factor] {
            let having: Vec<&Row> = rows.iter().copied().filter(|row| usize::from(row[factor]) == value).collect();
            missing += uncovered(levels, &having, factor + 1, strength - 1);
        }
    }
    missing
}

fn main() -> ExitCode {
    let mut table = Table::new();
    table.set_header(["model", "strength", "size", "best known", "PICT", "seconds", "verdict"]);
    let mut failed = false;
    for case in CASES {
        let levels: Vec<usize> =
            case.factors.iter().flat_map(|(values, count)| std::iter::repeat_n(*values, *count)).collect();
        let started = Instant::now();
        let rows = covering_array(&Model::new(levels.clone()), case.strength, &[]);
        let took = started.elapsed();
        let missing = uncovered(&levels, &rows.iter().collect::<Vec<_>>(), 0, case.strength);
        let most = case.best.map_or(case.pict, |best| best + best / 10);
        let verdict = match () {
            () if missing > 0 => format!("{missing} tuples uncovered"),
            () if rows.len() > most => format!("more than {most} rows"),
            () => "ok".to_owned(),
        };
        failed |= verdict != "ok";
        table.add_row([
            case.name.to_owned(),
            case.strength.to_string(),
            rows.len().to_string(),
            case.best.map_or("-".to_owned(), |best| best.to_string()),
            case.pict.to_string(),
            format!("{:.3}", took.as_secs_f64()),
            verdict,
        ]);
    }
    println!("{table}");
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
