//! A line for every cell that changes in place, and one that sums up: for terminals.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{Seen, at_work, detail, part};

/// Lines of the terminal that are left for what else is on it.
const MARGIN: usize = 4;
/// Lines of a terminal that does not say how many it has.
const ROWS: usize = 24;

pub(super) struct Bars {
    all: MultiProgress,
    total: ProgressBar,
    /// Those that are on the screen.
    rows: BTreeMap<String, ProgressBar>,
    started: Instant,
}

impl Bars {
    pub(super) fn new() -> Self {
        let all = MultiProgress::new();
        let total = all.add(spinner());
        Self { all, total, rows: BTreeMap::new(), started: Instant::now() }
    }

    /// What goes on before any cell has a state.
    pub(super) fn prelude(&self, text: &str) {
        self.total.set_message(text.to_owned());
    }

    /// Shows all cells where they fit on the screen, else those at work and those that failed.
    pub(super) fn show(&mut self, cells: &BTreeMap<String, Seen>) {
        let height = console_rows().saturating_sub(MARGIN).max(1);
        let all_fit = cells.len() <= height;
        let shown = |seen: &Seen| all_fit || at_work(&seen.state) || part(&seen.state) == "failed";
        let wanted: BTreeMap<&String, &Seen> = cells.iter().filter(|(_, seen)| shown(seen)).take(height).collect();
        self.rows.retain(|cell, bar| {
            let stays = wanted.contains_key(cell);
            if !stays {
                bar.finish_and_clear();
                self.all.remove(bar);
            }
            stays
        });
        let width = cells.keys().map(String::len).max().unwrap_or_default();
        for (cell, seen) in wanted {
            let bar = self.rows.entry(cell.clone()).or_insert_with(|| self.all.insert_before(&self.total, still()));
            let word = part(&seen.state);
            bar.set_style(style(word));
            bar.set_prefix(format!("{cell:width$}  {word:12}"));
            bar.set_message(message(seen));
        }
        self.total.set_message(format!("{:.0} s, {}", self.started.elapsed().as_secs_f64(), summary(cells)));
    }

    pub(super) fn end(self) {
        self.rows.values().for_each(ProgressBar::finish_and_clear);
        self.total.finish_and_clear();
    }
}

/// One line that changes in place, with the seconds since it began; it goes when this is dropped.
pub(in super::super) struct Spinner(ProgressBar);

impl Spinner {
    pub(in super::super) fn new() -> Self {
        Self(spinner().with_style(template("{spinner} {elapsed}  {wide_msg}")))
    }

    pub(in super::super) fn say(&self, text: &str) {
        self.0.set_message(text.to_owned());
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A bar that turns while the program is alive.
fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_style(template("{spinner} {wide_msg}"));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn still() -> ProgressBar {
    ProgressBar::new_spinner()
}

fn template(text: &str) -> ProgressStyle {
    // The templates are constants of this file.
    ProgressStyle::with_template(text).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// The colour says what the word says, for those who see it.
fn style(word: &str) -> ProgressStyle {
    template(match word {
        "failed" => "  {prefix:.red} {wide_msg}",
        "passed" => "  {prefix:.green} {wide_msg}",
        "waiting" | "skipped" => "  {prefix:.dim} {wide_msg}",
        _ => "  {prefix} {wide_msg}",
    })
}

fn message(seen: &Seen) -> String {
    let detail = detail(&seen.state);
    match at_work(&seen.state) {
        true => format!("{:>4} s  {detail}", seen.since.elapsed().as_secs()),
        false => detail,
    }
}

/// How many cells are how.
fn summary(cells: &BTreeMap<String, Seen>) -> String {
    let count = |words: &[&str]| cells.values().filter(|seen| words.contains(&part(&seen.state))).count();
    let parts = [
        (count(&["passed"]), "passed"),
        (count(&["failed"]), "failed"),
        (cells.values().filter(|seen| at_work(&seen.state)).count(), "at work"),
        (count(&["waiting"]), "waiting"),
    ];
    let said: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    said.join(", ")
}

fn console_rows() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stderr());
    size.map(|size| usize::from(size.ws_row)).ok().filter(|rows| *rows > 0).unwrap_or(ROWS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::CellState;
    use crate::report::{Activity, Doing};

    fn cells(states: impl IntoIterator<Item = CellState>) -> BTreeMap<String, Seen> {
        let seen = |state| Seen { state, since: Instant::now() };
        (0..).zip(states).map(|(n, state)| (format!("cell_{n:02}"), seen(state))).collect()
    }

    #[test]
    fn cells_are_summed_up_by_how_they_are() {
        let making = |doing| CellState::Making(Activity { doing, detail: String::new() });
        let states = [
            CellState::Unknown,
            making(Doing::Waiting),
            making(Doing::Forming),
            CellState::Checking { ended: 1, of: 2, failed: 0 },
            CellState::Done { of: 2, failed: 0 },
            CellState::Done { of: 2, failed: 1 },
        ];
        assert_eq!(summary(&cells(states)), "1 passed, 1 failed, 2 at work, 2 waiting");
    }

    #[test]
    fn more_cells_than_fit_are_shown_where_something_goes_on() {
        let mut bars = Bars::new();
        let waiting = std::iter::repeat_n(CellState::Unknown, 200);
        let at_work = CellState::Making(Activity { doing: Doing::Forming, detail: "node-2 joins".to_owned() });
        bars.show(&cells(waiting.clone().chain([at_work, CellState::Done { of: 1, failed: 1 }])));
        assert_eq!(bars.rows.keys().collect::<Vec<_>>(), ["cell_200", "cell_201"]);
        bars.show(&cells(waiting.clone()));
        assert!(bars.rows.is_empty());
        bars.show(&cells(waiting.take(4)));
        assert_eq!(bars.rows.len(), 4, "few are all shown");
    }
}
