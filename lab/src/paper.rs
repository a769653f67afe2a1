//! What a command found out: texts and tables for people, on standard output and in a document, or JSON for programs.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{CellAlignment, Table, TableStyle};
use serde::Serialize;

use testkit::cli::{Failure, Format, show};

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

    /// Prints it, or `found`, which is the same for programs; and keeps both, as `name.md` and `name.json`, in the folder
    /// `lab` below the target folder.
    ///
    /// # Errors
    /// When it cannot be printed, or not be kept.
    pub(super) fn publish(
        &self,
        found: &impl Serialize,
        format: Format,
        target: &Path,
        name: &str,
    ) -> Result<(), Failure> {
        show(&self.printed(found, format)?)?;
        let folder = target.join("lab");
        std::fs::create_dir_all(&folder).map_err(|error| failed(&folder, error))?;
        keep(&folder.join(format!("{name}.json")), &self.printed(found, Format::Json)?)?;
        let path = folder.join(format!("{name}.md"));
        keep(&path, &self.render(ASCII_MARKDOWN))?;
        eprintln!("kept in {} and beside it as JSON", path.display());
        Ok(())
    }

    fn printed(&self, found: &impl Serialize, format: Format) -> Result<String, Failure> {
        match format {
            Format::Json => serde_json::to_string_pretty(found).map_err(Failure::usage),
            Format::Table => Ok(self.render(NOTHING)),
        }
    }
}

/// Writes a text in place of what was there, whole or not at all.
fn keep(path: &Path, text: &str) -> Result<(), Failure> {
    // Tables are padded to the width of their longest row, which says nothing to a reader of the source.
    let mut text = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    text.push('\n');
    let folder = path.parent().unwrap_or(Path::new("."));
    // For everybody to read, unlike other temporary files: CI hands it over as another user than it ran as.
    let file = tempfile::Builder::new().permissions(Permissions::from_mode(0o644)).tempfile_in(folder);
    let written = file.and_then(|file| {
        std::fs::write(file.path(), text)?;
        file.persist(path).map_err(|error| error.error)
    });
    written.map(drop).map_err(|error| failed(path, error))
}

fn failed(path: &Path, error: std::io::Error) -> Failure {
    Failure::Usage(format!("failed to keep what was found in {}: {error}", path.display()))
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
    fn what_was_found_is_kept_as_markdown_and_for_programs_whatever_is_printed() {
        let folder = tempfile::tempdir().expect("a folder");
        for format in [Format::Json, Format::Table] {
            paper().publish(&"found", format, folder.path(), "x").expect("kept");
            let kept = |name: &str| std::fs::read_to_string(folder.path().join("lab").join(name)).expect("kept");
            assert_eq!(kept("x.md"), "Measured:\n\n| a   | b |\n|-----|---|\n| one | 2 |\n");
            assert_eq!(kept("x.json"), "\"found\"\n");
            let mode = std::fs::metadata(folder.path().join("lab/x.json")).expect("kept").permissions().mode();
            assert_eq!(mode & 0o444, 0o444, "others may read it");
        }
    }
}
