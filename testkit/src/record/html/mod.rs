//! A record as one HTML file for a person: readable without network and without scripts.
//!
//! Styles and script are inlined, and named by their hash in the page's content security policy, which allows nothing
//! else: whatever a node printed cannot become part of the page.

mod bars;
mod check;
mod groups;
mod inline;
mod journey;
mod picture;
mod together;
mod view;

use std::io;
use std::path::Path;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::schema::{CheckInfo, Record};
use groups::{Failure, Value};
use inline::Inliner;
pub use inline::size;
pub use together::together;
use view::{CellView, Fact, Summary};

const STYLE: &str = include_str!("../../../templates/report/style.css");
const SCRIPT: &str = include_str!("../../../templates/report/script.js");

/// The whole page.
#[derive(Template)]
#[template(path = "report/page.html")]
struct Page<'a> {
    record: &'a Record,
    summary: Summary,
    facts: Vec<Fact>,
    scope: String,
    /// All of them.
    views: &'a [CellView<'a>],
    /// Those that are no journeys.
    cells: Vec<&'a CellView<'a>>,
    journeys: Vec<&'a CellView<'a>>,
    /// The checks that some cell has.
    columns: Vec<&'a CheckInfo>,
    failures: Vec<Failure<'a, 'a>>,
    values: Vec<(&'a str, Vec<Value<'a>>)>,
    counts: Vec<(usize, usize)>,
    axis: bars::Axis,
    style: &'static str,
    script: &'static str,
    policy: String,
}

/// The page of a record. `run` is the folder of the run, from which evidence is taken into the page.
///
/// # Errors
/// When evidence that is there cannot be read.
pub fn render(record: &Record, run: &Path) -> io::Result<String> {
    let mut inliner = Inliner::new(run);
    let axis = bars::Axis::of(record);
    let judges = |info: &&CheckInfo| {
        let cells = record.cells.iter().filter(|cell| cell.journey.is_none());
        cells.flat_map(|cell| &cell.checks).any(|check| check.name == info.name)
    };
    let columns: Vec<&CheckInfo> = record.checks.iter().filter(judges).collect();
    let views = record.cells.iter().map(|cell| CellView::new(record, cell, &columns, &axis, &mut inliner));
    let views = views.collect::<io::Result<Vec<_>>>()?;
    let (journeys, cells): (Vec<_>, Vec<_>) = views.iter().partition(|view| view.cell.journey.is_some());
    let page = Page {
        record,
        summary: Summary::of(record),
        facts: view::facts(record),
        scope: view::scope(record),
        failures: groups::failures(&views),
        values: groups::values(record, &cells),
        counts: groups::counts(&cells),
        views: &views,
        cells,
        journeys,
        columns,
        axis,
        style: STYLE,
        script: SCRIPT,
        policy: policy(),
    };
    page.render().map_err(io::Error::other)
}

/// Nothing from anywhere, but for the style and the script that are part of the page.
fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}
