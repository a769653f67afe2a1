//! What stands on a terminal: the text before the cursor, and a table to choose from.

use std::fmt;

/// The columns of the terminals: so many that no prompt wraps.
pub const COLUMNS: u16 = 400;
/// Their rows: so many that no table scrolls.
pub const ROWS: u16 = 100;

/// How the line begins that stands above a table to choose from, for as long as it is to be chosen.
const CHOOSING: &str = "Space to select; enter to confirm";

/// A terminal.
pub(super) struct Screen(vt100::Parser);

/// A table to choose from, as it stands on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) headings: Vec<String>,
    pub(super) rows: Vec<Row>,
}

/// One row of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) cells: Vec<String>,
    /// Whether the mark is on it that keys are about.
    pub(super) current: bool,
    pub(super) chosen: bool,
}

impl Screen {
    pub(super) fn new() -> Self {
        Self(vt100::Parser::new(ROWS, COLUMNS, 0))
    }

    pub(super) fn process(&mut self, bytes: &[u8]) {
        self.0.process(bytes);
    }

    /// Its lines, without spaces at their ends.
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.screen().rows(0, COLUMNS).map(|line| line.trim_end().to_owned()).collect()
    }

    /// The number of the line that the cursor is in.
    pub(super) fn line_of_cursor(&self) -> usize {
        usize::from(self.0.screen().cursor_position().0)
    }

    /// What stands in the cursor's line before it, with spaces.
    pub(super) fn before_cursor(&self) -> String {
        let screen = self.0.screen();
        let (row, column) = screen.cursor_position();
        let line = screen.rows(0, COLUMNS).nth(usize::from(row)).unwrap_or_default();
        let text: String = line.chars().chain(std::iter::repeat(' ')).take(usize::from(column)).collect();
        text
    }

    /// Whether a table is to be chosen from, also while it is only half there.
    pub(super) fn is_choosing(&self) -> bool {
        self.lines().iter().any(|line| line.starts_with(CHOOSING))
    }

    /// The table to choose from, once all of it is there.
    pub(super) fn table(&self) -> Option<Table> {
        let lines = self.lines();
        let start = lines.iter().rposition(|line| line.starts_with(CHOOSING))?;
        Table::parse(&lines[start..])
    }
}

impl Table {
    fn parse(lines: &[String]) -> Option<Self> {
        let borders: Vec<usize> =
            lines.iter().enumerate().filter(|(_, line)| is_border(line)).map(|(n, _)| n).collect();
        let [above, below, end, ..] = borders[..] else { return None };
        let headings = lines[above + 1..below].iter().flat_map(|line| cells(line)).collect();
        let rows = lines[below + 1..end].iter().filter_map(|line| Row::parse(line)).collect();
        Some(Self { headings, rows })
    }

    /// The numbers of the rows in which all of this stands.
    pub(super) fn find(&self, wanted: &[String]) -> Vec<usize> {
        let has = |row: &Row| wanted.iter().all(|text| row.cells.contains(text));
        self.rows.iter().enumerate().filter(|(_, row)| has(row)).map(|(n, _)| n).collect()
    }
}

impl Row {
    fn parse(line: &str) -> Option<Self> {
        let (marks, _) = line.split_once('|')?;
        Some(Self { cells: cells(line), current: marks.starts_with('>'), chosen: marks.contains("[x]") })
    }
}

/// For a person.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.headings.join(" | "))?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{}", row.cells.join(" | ")))
    }
}

fn is_border(line: &str) -> bool {
    let line = line.trim();
    line.len() > 2 && line.starts_with('+') && line.bytes().all(|byte| matches!(byte, b'+' | b'-'))
}

/// What stands between bars.
fn cells(line: &str) -> Vec<String> {
    let mut parts: Vec<&str> = line.split('|').skip(1).collect();
    parts.pop();
    parts.into_iter().map(|cell| cell.trim().to_owned()).collect()
}
