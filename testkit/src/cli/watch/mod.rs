//! Showing the state of every cell while a run goes on: as lines that change in place on a terminal, and elsewhere as
//! one plain line for each change.

mod bars;
mod lines;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::record::CellState;
use crate::report::Doing;
use bars::Bars;
use lines::Lines;

pub(super) use bars::Spinner;

/// Time between two looks at what the processes of a run left: of a tier of journeys, thousands of small files.
pub(super) const LOOK: Duration = Duration::from_millis(300);

/// What is shown of a run.
pub(super) struct Watch {
    cells: BTreeMap<String, Seen>,
    screen: Screen,
}

/// The state of a cell, and since when its part of the cell's life goes on.
#[derive(Debug, Clone)]
struct Seen {
    state: CellState,
    since: Instant,
}

enum Screen {
    Bars(Bars),
    Lines(Lines),
}

impl Watch {
    /// Watches these cells, on standard error.
    pub(super) fn new<'a>(cells: impl IntoIterator<Item = &'a str>) -> Self {
        let seen = Seen { state: CellState::Unknown, since: Instant::now() };
        let cells = cells.into_iter().map(|cell| (cell.to_owned(), seen.clone())).collect();
        let screen = match on_terminal() {
            true => Screen::Bars(Bars::new()),
            false => Screen::Lines(Lines::new()),
        };
        Self { cells, screen }
    }

    /// Says what goes on before any cell has a state.
    pub(super) fn prelude(&mut self, text: &str) {
        if let Screen::Bars(bars) = &mut self.screen {
            bars.prelude(text);
        }
    }

    /// Looks into the folder of the run and shows how far its cells are. What cannot be read now is as it was, and of a
    /// cell that has ended nothing more is read: a run may have hundreds.
    pub(super) fn look(&mut self, run: &Path) {
        for (cell, seen) in self.cells.iter_mut().filter(|(_, seen)| !ended(&seen.state)) {
            let Ok(state) = CellState::find(&run.join(cell)) else { continue };
            let same = part(&seen.state) == part(&state);
            let since = if same { seen.since } else { Instant::now() };
            let now = Seen { state, since };
            if let Screen::Lines(lines) = &mut self.screen {
                lines.show(cell, &now, !same);
            }
            *seen = now;
        }
        if let Screen::Bars(bars) = &mut self.screen {
            bars.show(&self.cells);
        }
    }

    /// Takes away what changes in place. What is printed next stands where it was.
    pub(super) fn end(self) {
        if let Screen::Bars(bars) = self.screen {
            bars.end();
        }
    }
}

/// Whether lines may change in place.
pub(super) fn on_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// The part of a cell's life that it is in, in a word.
fn part(state: &CellState) -> &'static str {
    match state {
        CellState::Unknown => "waiting",
        CellState::Making(step) | CellState::Going { step, .. } => step.doing.as_str(),
        CellState::Checking { .. } => "checking",
        CellState::Done { failed: 0, .. } => "passed",
        CellState::Done { .. } => "failed",
        CellState::Skipped => "skipped",
    }
}

/// What there is to say beyond that word.
fn detail(state: &CellState) -> String {
    let failed = |failed: usize| if failed == 0 { String::new() } else { format!(", {failed} failed") };
    match state {
        CellState::Unknown | CellState::Skipped => String::new(),
        CellState::Making(step) => step.detail.clone(),
        CellState::Going { step, ended, of, failed: bad } => format!("{ended}/{of}{}, {}", failed(*bad), step.detail),
        CellState::Checking { ended, of, failed: bad } => format!("{ended}/{of}{}", failed(*bad)),
        CellState::Done { of, failed: 0 } => format!("{of} checks"),
        CellState::Done { of, failed } => format!("{failed} of {of} checks"),
    }
}

/// Whether something is being done for it.
fn at_work(state: &CellState) -> bool {
    let idle = matches!(state, CellState::Making(step) | CellState::Going { step, .. } if step.doing == Doing::Judging);
    part(state) != "waiting"
        && !idle
        && matches!(state, CellState::Making(_) | CellState::Going { .. } | CellState::Checking { .. })
}

/// Whether nothing more can come of it.
fn ended(state: &CellState) -> bool {
    matches!(state, CellState::Done { .. } | CellState::Skipped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::CellPart;
    use crate::report::{Activity, Progress};

    #[test]
    fn a_cell_is_looked_at_until_it_has_ended() {
        let run = tempfile::tempdir().expect("a folder");
        let mut watch = Watch::new(["forming", "left_out"]);
        let (forming, left_out) = (run.path().join("forming"), run.path().join("left_out"));
        for folder in [&forming, &left_out] {
            std::fs::create_dir(folder).expect("a folder");
        }
        let skipped = CellPart {
            choices: BTreeMap::new(),
            journey: None,
            checks: Vec::new(),
            skipped: Some("lacks it".to_owned()),
        };
        skipped.leave(&left_out).expect("left");
        let step = |doing| Progress::new(&forming).tell(doing, "");
        step(Doing::Forming);
        watch.look(run.path());
        step(Doing::Settling);
        std::fs::remove_dir_all(&left_out).expect("removed");
        watch.look(run.path());
        let words: Vec<_> = watch.cells.values().map(|seen| part(&seen.state)).collect();
        assert_eq!(words, ["settling", "skipped"]);
    }

    #[test]
    fn a_state_is_told_in_a_word_and_a_detail() {
        let making = |doing, detail: &str| CellState::Making(Activity { doing, detail: detail.to_owned() });
        for (state, word, more) in [
            (CellState::Unknown, "waiting", ""),
            (making(Doing::Waiting, "for a turn"), "waiting", "for a turn"),
            (making(Doing::Settling, "waiting for tunnels"), "settling", "waiting for tunnels"),
            (making(Doing::Judging, "played"), "judging", "played"),
            (CellState::Checking { ended: 3, of: 13, failed: 0 }, "checking", "3/13"),
            (CellState::Checking { ended: 3, of: 13, failed: 2 }, "checking", "3/13, 2 failed"),
            (
                CellState::Going {
                    step: Activity {
                        doing: Doing::Stepping,
                        detail: "s2_remove_member_3: member 3 is removed".to_owned(),
                    },
                    ended: 2,
                    of: 8,
                    failed: 0,
                },
                "stepping",
                "2/8, s2_remove_member_3: member 3 is removed",
            ),
            (CellState::Done { of: 13, failed: 0 }, "passed", "13 checks"),
            (CellState::Done { of: 13, failed: 2 }, "failed", "2 of 13 checks"),
            (CellState::Skipped, "skipped", ""),
        ] {
            assert_eq!((part(&state), detail(&state).as_str()), (word, more));
            let busy = matches!(word, "settling" | "checking" | "stepping");
            assert_eq!(at_work(&state), busy, "{word}: nobody waits for who only waits");
        }
    }
}
