//! How to look closer at what a run found.

use super::schema::{Arrival, Cell, Journey, Record};

/// What a person types to stand in a cluster like that of this cell, and to see what is likely the cause of what failed in it:
/// the command that forms it, and the one that looks.
pub fn closer(record: &Record, cell: &Cell) -> [String; 2] {
    let faults = record.faults.join("\n");
    let faults = match faults.as_str() {
        "" => String::new(),
        text => format!("TESTKIT_FAULTS='{}' ", text.replace('\'', r"'\''")),
    };
    let faults = if record.traffic { format!("TESTKIT_TRAFFIC=1 {faults}") } else { faults };
    let check = |name: &String| cell.checks.iter().find(|check| check.name == *name);
    if let Some(journey) = &cell.journey {
        return of_journey(journey, &cell.name, &faults);
    }
    let look = cell.causes.iter().filter_map(check).find_map(|check| check.look.clone());
    // What cannot be formed can be looked at all the same.
    let keep = if cell.problem.is_some() { " --keep" } else { "" };
    [
        format!("{faults}testkit up {}{keep}", cell.name),
        look.unwrap_or_else(|| format!("testkit shell {}:1", cell.name)),
    ]
}

/// The command that goes the journey as far as it went, and the one that looks at what is not as it must be there.
fn of_journey(journey: &Journey, name: &str, faults: &str) -> [String; 2] {
    let wrong = journey.stations.iter().find(|it| matches!(it.arrival, Arrival::Red | Arrival::Failed));
    let until = match wrong {
        Some(station) if station.arrival == Arrival::Red => format!(" --until {}", station.number),
        // What is wanted is the cluster as it was before the step.
        Some(station) => format!(" --until {}", station.number.saturating_sub(1)),
        None => String::new(),
    };
    let look = wrong.and_then(|station| {
        let look = |name: &String| station.checks.iter().find(|check| check.name == *name)?.look.clone();
        station.causes.iter().find_map(look)
    });
    [format!("{faults}testkit up {name}{until}"), look.unwrap_or_else(|| format!("testkit shell {name}:1"))]
}
