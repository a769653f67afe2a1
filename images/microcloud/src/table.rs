//! Tables to choose from, drawn and erased as they were recorded.

use crate::Result;
use crate::ask::{Key, Keyboard, show};

const HELP: [&str; 2] = [
    "\x1b[0;1;99mSpace to select; enter to confirm; type to filter results.",
    "Up/down to move; right to select all; left to select none.\x1b[0m",
];

/// Rows, some of which are chosen.
pub(crate) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    chosen: Vec<bool>,
    current: usize,
    /// How many lines of it stand on the screen.
    drawn: usize,
}

impl Table {
    pub(crate) fn new(headings: &[&'static str], rows: Vec<Vec<String>>) -> Self {
        let chosen = vec![false; rows.len()];
        Self { headings: headings.to_vec(), rows, chosen, current: 0, drawn: 0 }
    }

    /// Lets somebody choose; the numbers of what was chosen.
    pub(crate) fn choose(mut self) -> Result<Vec<usize>> {
        let keyboard = Keyboard::open();
        self.draw();
        while !self.take(keyboard.key()?) {
            self.draw();
        }
        Ok(self.end())
    }

    /// One row more.
    pub(crate) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
        self.chosen.push(false);
        self.draw();
    }

    /// Takes a key; whether the choice is confirmed by it.
    pub(crate) fn take(&mut self, key: Key) -> bool {
        match key {
            Key::Up => self.current = self.current.saturating_sub(1),
            Key::Down => self.current = (self.current + 1).min(self.rows.len().saturating_sub(1)),
            Key::Left => self.chosen.fill(false),
            Key::Right => self.chosen.fill(true),
            Key::Space => {
                if let Some(chosen) = self.chosen.get_mut(self.current) {
                    *chosen = !*chosen;
                }
            }
            Key::Enter => return true,
            Key::Other => {}
        }
        false
    }

    /// Draws it in the place of what stood there.
    pub(crate) fn draw(&mut self) {
        let erased = self.erased("\x1b[?25l");
        let lines = self.lines();
        self.drawn = lines.len() + 1;
        show(&format!("{erased}{}\n\n", lines.join("\n")));
    }

    /// Takes it from the screen; the numbers of what was chosen.
    pub(crate) fn end(mut self) -> Vec<usize> {
        let erased = self.erased("\x1b[?25h");
        show(&erased);
        self.chosen.iter().enumerate().filter(|(_, chosen)| **chosen).map(|(n, _)| n).collect()
    }

    fn erased(&mut self, cursor: &str) -> String {
        let up = "\x1b[1A\x1b[0G\x1b[2K".repeat(std::mem::take(&mut self.drawn));
        format!("\x1b7{cursor}\x1b8\x1b[0G\x1b[2K{up}")
    }

    fn lines(&self) -> Vec<String> {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].len());
            cells.chain([self.headings[column].len()]).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.headings.len()).map(width).collect();
        let border: String = widths.iter().map(|width| format!("+{}", "-".repeat(width + 2))).collect();
        let border = format!("       {border}+");
        let centred = |(heading, width): (&&str, &usize)| format!("| {heading:^width$} ");
        let heading: String = self.headings.iter().zip(&widths).map(centred).collect();
        let row = |(n, row): (usize, &Vec<String>)| {
            let mark = if n == self.current { "\x1b[0;1;36m>\x1b[0m" } else { " " };
            let chosen = if self.chosen[n] { "\x1b[0;32m [x] \x1b[0m" } else { "\x1b[0;1;99m [ ] \x1b[0m" };
            let cells: String = row.iter().zip(&widths).map(|(cell, width)| format!(" | {cell:width$}")).collect();
            format!("{mark}{chosen}{cells} |")
        };
        let mut lines: Vec<String> = HELP.map(str::to_owned).into();
        lines.extend([border.clone(), format!("       {heading}|"), border.clone()]);
        lines.extend(self.rows.iter().enumerate().map(row));
        lines.push(border);
        lines
    }
}
