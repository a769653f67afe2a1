//! Whether declarations and constraints make a matrix.

use std::collections::BTreeMap;

use super::covering::{Clause, Domains, MAX_VALUES, Model, find_row, first, rows, smallest_conflict};
use super::{Cell, CellId, Constraint, Declaration, Problem, Subject, Term};
use crate::nearest::nearest;

/// The most valid cells of a matrix. Each must be named once to know that no two names are equal.
const MAX_CELLS: usize = 100_000;

/// All cells of the matrix, or every problem of the first kind that has any: names first, since the
/// rest cannot be judged without; then contradictions; then the names of cells.
pub(super) fn check(declarations: &[Declaration], constraints: &[Constraint]) -> Result<Vec<Cell>, Vec<Problem>> {
    let mut problems = Vec::new();
    for (index, declaration) in declarations.iter().enumerate() {
        let first = declarations[..index].iter().find(|earlier| earlier.name == declaration.name);
        if let Some(first) = first {
            let (option, place) = (declaration.name, declaration.place);
            problems.push(Problem::DuplicateOption { option, place, first: first.place });
        }
        check_declaration(declaration, &mut problems);
    }
    for constraint in constraints {
        check_constraint(declarations, constraint, &mut problems);
    }
    none(problems)?;
    let levels: Vec<usize> = declarations.iter().map(|declaration| declaration.values.len()).collect();
    let clauses: Vec<Vec<Clause>> = constraints.iter().map(|constraint| clauses(declarations, constraint)).collect();
    let model = Model::constrained(levels, clauses.concat());
    none(contradictions(declarations, constraints, &model, &clauses))?;
    let rows = rows(&model, MAX_CELLS + 1);
    if rows.len() > MAX_CELLS {
        return Err(vec![Problem::TooManyCells { most: MAX_CELLS }]);
    }
    let cells: Vec<Cell> = rows.iter().map(|row| Cell::of_row(declarations, row)).collect();
    none(misnamed(declarations, &cells))?;
    Ok(cells)
}

fn none(problems: Vec<Problem>) -> Result<(), Vec<Problem>> {
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn is_fragment(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

fn check_declaration(declaration: &Declaration, problems: &mut Vec<Problem>) {
    let Declaration { name: option, values, place, .. } = *declaration;
    if !is_fragment(option) || !option.starts_with(|first: char| first.is_ascii_lowercase()) {
        problems.push(Problem::OptionName { option, place });
    }
    if values.is_empty() {
        problems.push(Problem::NoValues { option, place });
    }
    if values.len() > MAX_VALUES {
        problems.push(Problem::TooManyValues { option, count: values.len(), most: MAX_VALUES, place });
    }
    let apart = declaration.values_apart();
    if !apart.is_empty() && (apart.len() >= values.len() || !values.ends_with(apart)) {
        problems.push(Problem::NotLast { option, apart: apart.join(", "), place });
    }
    for (index, value) in values.iter().enumerate() {
        if !is_fragment(value) {
            problems.push(Problem::ValueName { option, value, place });
        }
        if values[..index].contains(value) {
            problems.push(Problem::DuplicateValue { option, value, place });
        }
    }
}

fn check_constraint(declarations: &[Declaration], constraint: &Constraint, problems: &mut Vec<Problem>) {
    let reason = constraint.reason();
    for (part, terms) in [("`when`", &constraint.when), ("`then`", &constraint.then)] {
        if terms.is_empty() {
            problems.push(Problem::Incomplete { missing: part.to_owned(), reason });
        }
        for Term { option, values } in terms {
            if values.is_empty() {
                problems.push(Problem::Incomplete { missing: format!("value in its {part} {option:?}"), reason });
            }
            let Some(declaration) = declarations.iter().find(|declaration| declaration.name == *option) else {
                let names = || declarations.iter().map(|declaration| declaration.name);
                let known = names().collect::<Vec<_>>().join(", ");
                problems.push(Problem::UnknownOption { option, known, nearest: nearest(option, names()), reason });
                continue;
            };
            for value in values.iter().filter(|value| !declaration.values.contains(value)) {
                let known = declaration.values.join(", ");
                let nearest = nearest(value, declaration.values.iter().copied());
                problems.push(Problem::UnknownValue { option, value, known, nearest, reason });
            }
        }
    }
}

/// The constraint as clauses, one for each thing it asks for: some `when` term does not hold, or it does.
pub(super) fn clauses(declarations: &[Declaration], constraint: &Constraint) -> Vec<Clause> {
    let literal = |term: &Term| {
        let named = |declaration: &Declaration| declaration.name == term.option;
        let factor = declarations.iter().position(named).unwrap_or_default();
        let values = declarations[factor].values.iter().enumerate();
        let mask = values.filter(|(_, value)| term.values.contains(value)).fold(0u64, |mask, (at, _)| mask | 1 << at);
        (factor, mask)
    };
    let unless: Vec<(usize, u64)> = constraint.when.iter().map(literal).map(|(factor, mask)| (factor, !mask)).collect();
    constraint.then.iter().map(|term| Clause::new(unless.iter().copied().chain([literal(term)]))).collect()
}

/// What the constraints forbid that must be possible: some cell, the cell of defaults, and every value.
fn contradictions(
    declarations: &[Declaration],
    constraints: &[Constraint],
    model: &Model,
    clauses: &[Vec<Clause>],
) -> Vec<Problem> {
    let conflict = |subject: Subject, domains: &Domains| {
        find_row(model, domains.clone(), &mut first).is_none().then(|| {
            let smallest = smallest_conflict(model.levels(), clauses, domains).unwrap_or_default();
            let reasons = smallest.into_iter().map(|index| constraints[index].reason()).collect();
            Problem::Contradiction { subject, reasons }
        })
    };
    let all = model.domains();
    if let Some(problem) = conflict(Subject::NoCell, &all) {
        return vec![problem];
    }
    let mut problems = Vec::from_iter(conflict(Subject::NotTheDefaultCell, &vec![1; all.len()]));
    for (factor, declaration) in declarations.iter().enumerate() {
        for (at, value) in declaration.values.iter().enumerate() {
            let mut domains = all.clone();
            domains[factor] = 1 << at;
            let subject = Subject::NoCellWith { option: declaration.name, value, place: declaration.place };
            problems.extend(conflict(subject, &domains));
        }
    }
    problems
}

/// Suffixes that are no part of an identifier, else names that two cells share.
fn misnamed(declarations: &[Declaration], cells: &[Cell]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    for cell in cells.iter().filter(|cell| !is_fragment(cell.id().as_str())) {
        for declaration in declarations {
            let (option, value) = (declaration.name, cell.value(declaration.name));
            let suffix = declaration.name_part(value, cell.choices());
            if value != declaration.default_value() && !suffix.is_empty() && !is_fragment(&suffix) {
                let problem = Problem::SuffixName { option, value, suffix, place: declaration.place };
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
        }
    }
    if !problems.is_empty() {
        return problems;
    }
    let mut named: BTreeMap<&CellId, &Cell> = BTreeMap::new();
    for cell in cells {
        let Some(first) = named.insert(cell.id(), cell) else { continue };
        let differ = |declaration: &&Declaration| first.value(declaration.name) != cell.value(declaration.name);
        let differing: Vec<&Declaration> = declarations.iter().filter(differ).collect();
        let values = |cell: &Cell| {
            let named = |d: &&Declaration| format!("{}={}", d.name, cell.value(d.name));
            differing.iter().map(named).collect::<Vec<_>>().join(" ")
        };
        problems.push(Problem::IdClash {
            id: cell.id().clone(),
            first: values(first),
            second: values(cell),
            places: differing.iter().map(|declaration| declaration.place).collect(),
        });
        // One pair of values that share a suffix makes many such cells; the first says it.
        break;
    }
    problems
}
