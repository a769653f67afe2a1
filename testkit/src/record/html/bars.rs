//! Where the time went, as bars.

use std::fmt;

use jiff::Timestamp;

use crate::record::schema::{Cell, Phase, Record, Stage};

/// Milliseconds as a person reads them.
pub(super) fn duration(ms: u64) -> String {
    match ms {
        0..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
    }
}

/// Milliseconds from one moment to a later one.
pub(super) fn between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or_default()
}

/// The part of the whole, in percent, as an SVG length.
#[derive(Clone, Copy)]
pub(super) struct Percent(f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}%", self.0)
    }
}

/// A span of time that bars are drawn over.
pub(super) struct Axis {
    from: Timestamp,
    ms: u64,
}

/// One bar.
pub(super) struct Bar {
    pub(super) class: &'static str,
    pub(super) x: Percent,
    pub(super) width: Percent,
}

/// A stage with its bar.
pub(super) struct Row<'a> {
    pub(super) stage: &'a Stage,
    pub(super) bar: Bar,
    pub(super) after: String,
    pub(super) took: String,
}

/// How long a cell was in each phase.
pub(super) struct Phases {
    pub(super) provision: String,
    pub(super) form: String,
    pub(super) check: String,
    pub(super) all: String,
    pub(super) bars: Vec<Bar>,
}

impl Axis {
    /// From the begin of the run, or of its first stage, to its end.
    pub(super) fn of(record: &Record) -> Self {
        let stages = record.cells.iter().flat_map(|cell| &cell.stages);
        let from = stages.map(|stage| stage.at).min().map_or(record.started, |first| first.min(record.started));
        Self { from, ms: between(from, record.ended).max(1) }
    }

    /// The life of one cell.
    fn of_cell(cell: &Cell) -> Option<Self> {
        let from = cell.stages.iter().map(|stage| stage.at).min()?;
        let end = cell.stages.iter().map(|stage| between(from, stage.at) + stage.ms).max()?;
        Some(Self { from, ms: end.max(1) })
    }

    pub(super) fn length(&self) -> String {
        duration(self.ms)
    }

    fn bar(&self, stage: &Stage) -> Bar {
        let part = |ms: u64| (ms as f64 * 100.0 / self.ms as f64).min(100.0);
        let x = part(between(self.from, stage.at));
        // A stage that took no time is seen all the same.
        let width = part(stage.ms).clamp(0.15, (100.0 - x).max(0.15));
        Bar { class: class(stage), x: Percent(x), width: Percent(width) }
    }

    /// The stages of a cell over this span, one bar each.
    pub(super) fn phases(&self, cell: &Cell) -> Phases {
        let spent = |phase: Phase| {
            let mut stages = cell.stages.iter().filter(|stage| stage.phase == phase);
            // Stages of a phase overlap: what counts is the time that at least one of them took.
            let mut spans: Vec<(u64, u64)> =
                stages.by_ref().map(|stage| (between(self.from, stage.at), stage.ms)).collect();
            spans.sort_unstable();
            let mut end = 0;
            spans.into_iter().fold(0, |sum, (at, ms)| {
                let new = (at + ms).saturating_sub(end.max(at));
                end = end.max(at + ms);
                sum + new
            })
        };
        Phases {
            provision: duration(spent(Phase::Provision)),
            form: duration(spent(Phase::Form)),
            check: duration(spent(Phase::Check)),
            all: duration(Self::of_cell(cell).map_or(0, |axis| axis.ms)),
            bars: cell.stages.iter().map(|stage| self.bar(stage)).collect(),
        }
    }

    /// The stages of one cell over its own life. Checks that took no time are left out: there are many.
    pub(super) fn rows(cell: &Cell) -> Vec<Row<'_>> {
        let Some(axis) = Self::of_cell(cell) else { return Vec::new() };
        let shown = cell.stages.iter().filter(|stage| stage.phase != Phase::Check || stage.ms >= 10);
        let row = |stage| Row {
            bar: axis.bar(stage),
            after: duration(between(axis.from, stage.at)),
            took: duration(stage.ms),
            stage,
        };
        shown.map(row).collect()
    }
}

fn class(stage: &Stage) -> &'static str {
    match stage.phase {
        Phase::Provision => "provision",
        Phase::Form => "form",
        Phase::Check => "judge",
    }
}
