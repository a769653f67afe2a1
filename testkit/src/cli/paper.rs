//! What a command found out: texts and tables for people, on standard output and in a document, or JSON for programs.

use std::path::Path;

use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{CellAlignment, Table, TableStyle};
use serde::Serialize;

use super::output::{self, Format};
use super::{Failure, document};

/// Texts and tables in order.
#[derive(Default)]
pub(super) struct Paper(Vec<Part>);

enum Part {
    Text(String),
    Table(Box<Table>),
}

impl Paper {
    pub(super) fn text(&mut self, text: impl Into<String>) {
        self.0.push(Part::Text(text.into()));
    }

    pub(super) fn table(&mut self, table: Table) {
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

    /// Prints it, or `found`, which is the same for programs. Where a document is given, it goes between the marks `name`
    /// there, as Markdown whatever is printed.
    ///
    /// # Errors
    /// When it cannot be printed, or the document not be written.
    pub(super) fn publish(
        &self,
        found: &impl Serialize,
        format: Format,
        document: Option<&Path>,
        name: &str,
    ) -> Result<(), Failure> {
        output::show(&self.printed(found, format)?)?;
        match document {
            Some(path) => document::write(path, name, &self.render(ASCII_MARKDOWN)),
            None => Ok(()),
        }
    }

    fn printed(&self, found: &impl Serialize, format: Format) -> Result<String, Failure> {
        match format {
            Format::Json => serde_json::to_string_pretty(found).map_err(Failure::usage),
            Format::Table => Ok(self.render(NOTHING)),
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

    fn paper() -> Paper {
        let mut paper = Paper::default();
        paper.text("Measured:");
        let mut all = table(&["a".to_owned(), "b".to_owned()], 1);
        all.add_row(["one", "2"]);
        paper.table(all);
        paper
    }

    #[test]
    fn people_are_shown_the_tables_and_programs_what_was_found() {
        let printed = |format| paper().printed(&serde_json::json!({"one": 2}), format).expect("printed");
        assert_eq!(printed(Format::Table), "Measured:\n\n a    b \n one  2 ");
        assert_eq!(printed(Format::Json), "{\n  \"one\": 2\n}");
    }

    #[test]
    fn a_document_gets_the_tables_as_markdown_whatever_is_printed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("document.md");
        std::fs::write(&path, "<!-- x: begin -->\n<!-- x: end -->\n").expect("written");
        let paper = paper();
        paper.publish(&"found", Format::Json, Some(&path), "x").expect("written");
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(text.contains("Measured:\n\n| a   | b |\n|-----|---|\n| one | 2 |"), "{text}");
        assert!(paper.publish(&"found", Format::Table, Some(&path), "y").is_err());
    }
}
