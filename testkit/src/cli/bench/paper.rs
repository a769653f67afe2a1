//! What a measurement says: texts and tables, for a terminal and for a document.

use std::path::Path;

use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{CellAlignment, Table, TableStyle};

use super::super::{Failure, document};

/// Texts and tables in order.
#[derive(Default)]
pub(crate) struct Paper(Vec<Part>);

enum Part {
    Text(String),
    Table(Box<Table>),
}

impl Paper {
    pub(crate) fn text(&mut self, text: impl Into<String>) {
        self.0.push(Part::Text(text.into()));
    }

    pub(crate) fn table(&mut self, table: Table) {
        self.0.push(Part::Table(Box::new(table)));
    }

    fn render(&self, style: TableStyle) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Table(table) => {
                let mut table = table.clone();
                table.load_style(style);
                table.to_string()
            }
        };
        self.0.iter().map(part).collect::<Vec<_>>().join("\n\n")
    }

    /// Prints it, and where a document is given, puts it between the marks `name` there.
    ///
    /// # Errors
    /// When the document cannot be written.
    pub(crate) fn publish(&self, document: Option<&Path>, name: &str) -> Result<(), Failure> {
        println!("{}", self.render(NOTHING));
        match document {
            Some(path) => document::write(path, name, &self.render(ASCII_MARKDOWN)),
            None => Ok(()),
        }
    }
}

/// A table whose columns from `numbers` on are numbers.
pub(super) fn table(header: &[String], numbers: usize) -> Table {
    let mut table = Table::new();
    table.set_header(header);
    for index in numbers..header.len() {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_gets_the_tables_of_the_terminal_as_markdown() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("document.md");
        std::fs::write(&path, "<!-- x: begin -->\n<!-- x: end -->\n").expect("written");
        let mut paper = Paper::default();
        paper.text("Measured:");
        let mut all = table(&["a".to_owned(), "b".to_owned()], 1);
        all.add_row(["one", "2"]);
        paper.table(all);
        paper.publish(Some(&path), "x").expect("written");
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(text.contains("Measured:\n\n| a   | b |\n|-----|---|\n| one | 2 |"), "{text}");
        assert!(paper.publish(Some(&path), "y").is_err());
    }
}
