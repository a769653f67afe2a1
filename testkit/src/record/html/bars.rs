//! Where the time went, as bars.

use std::cmp::Reverse;
use std::fmt;

use jiff::Timestamp;

use crate::record::schema::{Cell, Phase, Record, Stage};
use crate::report::spent::divide;

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
        // Members boot while the first is formed: what overlaps belongs to the later phase.
        let spans = cell.stages.iter().map(|stage| {
            let at = i64::try_from(between(self.from, stage.at)).unwrap_or(i64::MAX);
            (at, at.saturating_add_unsigned(stage.ms), Reverse(stage.phase))
        });
        let divided = divide(0, i64::MAX, &spans.collect::<Vec<_>>());
        let spent = |phase: Phase| {
            let of_phase =
                divided.iter().filter(|piece| piece.0.is_some_and(|index| cell.stages[index].phase == phase));
            duration(of_phase.map(|(_, from, to)| to.abs_diff(*from)).sum())
        };
        let mut stages: Vec<&Stage> = cell.stages.iter().collect();
        // The last is drawn on top.
        stages.sort_by_key(|stage| stage.phase);
        Phases {
            provision: spent(Phase::Provision),
            form: spent(Phase::Form),
            check: spent(Phase::Check),
            all: duration(Self::of_cell(cell).map_or(0, |axis| axis.ms)),
            bars: stages.into_iter().map(|stage| self.bar(stage)).collect(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_boots_while_another_is_formed_counts_once_and_is_drawn_below() {
        let moment = |ms| Timestamp::from_millisecond(ms).expect("in range");
        let stage = |phase, at, ms| Stage {
            name: String::new(),
            member: None,
            owner: String::new(),
            phase,
            at: moment(at),
            ms,
        };
        let all = [
            stage(Phase::Provision, 0, 2_000),
            stage(Phase::Form, 2_000, 3_000),
            stage(Phase::Provision, 2_500, 3_500),
            stage(Phase::Check, 7_000, 100),
            stage(Phase::Check, 7_000, 200),
        ];
        let cell = Cell {
            name: String::new(),
            choices: Default::default(),
            journey: None,
            skipped: None,
            problem: None,
            headline: None,
            causes: Vec::new(),
            plan: None,
            settled: None,
            network: None,
            lxd_member: None,
            lxd_members: Default::default(),
            stages: all.into(),
            checks: Vec::new(),
            transcripts: Vec::new(),
            evidence: Vec::new(),
        };
        let phases = Axis { from: moment(0), ms: 10_000 }.phases(&cell);
        assert_eq!([phases.provision, phases.form, phases.check, phases.all], ["3.0 s", "3.0 s", "0.2 s", "7.2 s"]);
        let classes: Vec<_> = phases.bars.iter().map(|bar| bar.class).collect();
        assert_eq!(classes, ["provision", "provision", "form", "judge", "judge"]);
    }
}
