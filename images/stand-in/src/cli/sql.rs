//! `microovn cluster sql`.

use serde_json::{Value, json};

use crate::error::Result;

use super::client::Client;

/// Prints what a query finds.
pub(crate) async fn run(client: &Client, query: &str) -> Result<()> {
    let reply = client.post("/core/internal/sql", &json!({"query": query})).await?;
    for result in reply["Results"].as_array().into_iter().flatten() {
        match result["type"].as_str() {
            Some("exec") => say_line!("Rows affected: {}", result["rows_affected"]),
            _ => say!("{}", table(result)),
        }
    }
    Ok(())
}

/// One result as a table: headings in the middle of their columns, everything else to the left.
fn table(result: &Value) -> String {
    let cell = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let cells = |row: &Value| row.as_array().into_iter().flatten().map(cell).collect::<Vec<_>>();
    let heading = cells(&result["columns"]);
    let rows: Vec<Vec<String>> = result["rows"].as_array().into_iter().flatten().map(cells).collect();
    let width = |column: usize| {
        let lines = rows.iter().filter_map(|row| row.get(column)).flat_map(|text| text.lines());
        let lines = lines.chain([heading[column].as_str()]).map(|line| line.chars().count());
        lines.max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let border: String = widths.iter().map(|width| format!("+{}", "-".repeat(width + 2))).collect();
    let border = format!("{border}+\n");
    let line =
        |texts: &mut dyn Iterator<Item = String>| texts.map(|text| format!("| {text} ")).collect::<String>() + "|\n";
    let mut text = border.clone();
    text.push_str(&line(&mut heading.iter().zip(&widths).map(|(text, width)| format!("{text:^width$}"))));
    text.push_str(&border);
    for row in &rows {
        let height = row.iter().map(|cell| cell.lines().count()).max().unwrap_or_default();
        for number in 0..height {
            let of_line = |cell: &String| cell.lines().nth(number).unwrap_or_default().to_owned();
            text.push_str(&line(
                &mut row.iter().zip(&widths).map(|(cell, width)| format!("{:<width$}", of_line(cell))),
            ));
        }
    }
    if !rows.is_empty() {
        text.push_str(&border);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of a recording, and the result it shows.
    fn recorded(recording: &str) -> (String, Value) {
        let table: Vec<&str> = recording.lines().filter(|line| line.starts_with(['+', '|'])).collect();
        let cells = |line: &str| -> Value { line.trim_matches('|').split('|').map(str::trim).collect() };
        let mut rows = table.iter().filter(|line| line.starts_with('|')).map(|line| cells(line));
        let columns = rows.next().expect("a heading");
        (table.join("\n") + "\n", json!({"columns": columns, "rows": rows.collect::<Vec<_>>()}))
    }

    #[test]
    fn tables_look_as_recorded() {
        for recording in [
            include_str!("../../tests/fixtures/103-sql-config.txt"),
            include_str!("../../tests/fixtures/103-sql-config-4.txt"),
            include_str!("../../tests/fixtures/109-regenerate-repairs.txt"),
        ] {
            let (wanted, result) = recorded(recording);
            assert_eq!(table(&result), wanted);
        }
    }

    #[test]
    fn a_value_of_several_lines_takes_as_many() {
        let result = json!({"columns": ["id", "value"], "rows": [[1, "one\nthree\n"]]});
        let wanted = "+----+-------+\n| id | value |\n+----+-------+\n| 1  | one   |\n|    | three |\n+----+-------+\n";
        assert_eq!(table(&result), wanted);
    }
}
