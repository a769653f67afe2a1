//! Runs of the same suites against several products, as a page.

use std::io;

use askama::Template;

use super::{STYLE, policy};
use crate::record::schema::{Column, SideBySide};

/// The whole page.
#[derive(Template)]
#[template(path = "report/together.html")]
struct Page<'a> {
    side: &'a SideBySide,
    differing: usize,
    class: &'static str,
    verdict: &'static str,
    style: &'static str,
    policy: String,
}

/// The page of runs that belong together; its links are to their reports, beside its folder.
///
/// # Errors
/// When it cannot be rendered.
pub fn together(side: &SideBySide) -> io::Result<String> {
    let red = |column: &Column| column.totals.failed > 0 || column.problem.is_some();
    let (class, verdict) = match side.products.iter().filter(|column| red(column)).count() {
        0 => ("passed", "passed"),
        count if count == side.products.len() => ("failed", "failed with every product"),
        _ => ("failed", "failed with some products"),
    };
    let differing = side.suites.iter().filter(|row| row.differs).count();
    Page { side, differing, class, verdict, style: STYLE, policy: policy() }.render().map_err(io::Error::other)
}
