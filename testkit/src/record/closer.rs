//! How to look closer at what a run found.

use super::schema::{Cell, Record};

/// What a person types to stand in a cluster like that of this cell, and to see what is likely the cause of what failed in it:
/// the command that forms it, and the one that looks.
pub fn closer(record: &Record, cell: &Cell) -> [String; 2] {
    let faults = record.faults.join("\n");
    let faults = match faults.as_str() {
        "" => String::new(),
        text => format!("TESTKIT_FAULTS='{}' ", text.replace('\'', r"'\''")),
    };
    let check = |name: &String| cell.checks.iter().find(|check| check.name == *name);
    let look = cell.causes.iter().filter_map(check).find_map(|check| check.look.clone());
    // What cannot be formed can be looked at all the same.
    let keep = if cell.problem.is_some() { " --keep" } else { "" };
    [
        format!("{faults}testkit up {}{keep}", cell.name),
        look.unwrap_or_else(|| format!("testkit shell {}:1", cell.name)),
    ]
}
