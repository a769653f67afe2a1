//! Plain lines, each with the seconds since the begin: for logs.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{Seen, at_work, detail, part};
use crate::cli::output::complain;

/// How often a cell whose state does not change is mentioned again, with what it waits for.
const REMINDER: Duration = Duration::from_secs(30);

pub(super) struct Lines {
    started: Instant,
    /// When each cell was mentioned last.
    mentioned: BTreeMap<String, Instant>,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), mentioned: BTreeMap::new() }
    }

    /// Mentions a cell when its part of life has changed, or nothing was said of it for long.
    pub(super) fn show(&mut self, cell: &str, seen: &Seen, changed: bool) {
        let quiet = self.mentioned.get(cell).is_some_and(|at| at.elapsed() >= REMINDER);
        if changed || (quiet && at_work(&seen.state)) {
            complain!("{:7.1} s  {}", self.started.elapsed().as_secs_f64(), line(cell, seen));
            self.mentioned.insert(cell.to_owned(), Instant::now());
        }
    }
}

fn line(cell: &str, seen: &Seen) -> String {
    let detail = match detail(&seen.state) {
        text if text.is_empty() => text,
        text => format!(", {text}"),
    };
    let long = match seen.since.elapsed() {
        time if time >= REMINDER => format!(" for {} s", time.as_secs()),
        _ => String::new(),
    };
    format!("{cell}: {}{long}{detail}", part(&seen.state))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::CellState;
    use crate::report::{Activity, Doing};

    #[test]
    fn a_line_says_how_long_only_where_that_is_long() {
        let step = Activity { doing: Doing::Settling, detail: "waiting for tunnels".to_owned() };
        let since = |ago| Instant::now().checked_sub(Duration::from_secs(ago)).expect("a time");
        let seen = |ago| Seen { state: CellState::Making(step.clone()), since: since(ago) };
        assert_eq!(line("init_cluster", &seen(2)), "init_cluster: settling, waiting for tunnels");
        assert_eq!(line("init_cluster", &seen(42)), "init_cluster: settling for 42 s, waiting for tunnels");
    }

    #[test]
    fn a_cell_that_goes_on_is_mentioned_again_only_after_a_while() {
        let mut lines = Lines::new();
        let step = Activity { doing: Doing::Forming, detail: "node-2 joins".to_owned() };
        let seen = Seen { state: CellState::Making(step), since: Instant::now() };
        lines.show("a", &seen, true);
        let first = lines.mentioned["a"];
        lines.show("a", &seen, false);
        assert_eq!(lines.mentioned["a"], first, "said again at once");
        let long_ago = Instant::now().checked_sub(REMINDER).expect("a time");
        lines.mentioned.insert("a".to_owned(), long_ago);
        lines.show("a", &seen, false);
        assert!(lines.mentioned["a"] > long_ago, "not said again");
    }
}
