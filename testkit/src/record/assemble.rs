//! From the folder of a run to its record.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::parts::{CellPart, CheckPart, RunPart};
use super::schema::{
    Cell, Check, CheckInfo, Difference, Evidence, Host, Outcome, Phase, Product, Record, RunState, SCHEMA, Settled,
    Stage, Totals,
};
use super::{observed, planned, transcript};
use crate::cluster::{self, Manifest, Planned};
use crate::config::Round;
use crate::expect;
use crate::folder::{self, CellFolder, RunFolder};
use crate::headline;
use crate::microovn::redact;
use crate::plan::Plan;
use crate::report::{Work, again, timeline};
use crate::session::Unprovisioned;

/// The record of the run in this folder, as far as it has come. `alive` says whether its runner is at work.
///
/// # Errors
/// When the folder has no run part, or one of its files cannot be read.
pub fn assemble(dir: &Path, alive: bool) -> io::Result<Record> {
    let none = || io::Error::new(io::ErrorKind::NotFound, format!("{} is not the folder of a run", dir.display()));
    let part = RunPart::find(dir)?.ok_or_else(none)?;
    // What was found out once is with the first round.
    let first = if part.first.is_empty() { dir.to_owned() } else { dir.with_file_name(&part.first) };
    let (golden, _) = RunFolder::new(&first).once("golden");
    let mut product = folder::read::<(serde_json::Value, cluster::Product)>(&golden)?.map(|(_, it)| it);
    let mut cells = Vec::new();
    for path in folder::files(dir)? {
        if path.is_dir()
            && let Some(cell_part) = CellPart::find(&path)?
        {
            let manifest: Option<Manifest> = CellFolder::new(&path).read()?;
            product = product.or_else(|| manifest.as_ref().map(|manifest| manifest.product.clone()));
            cells.push(cell(dir, &path, cell_part, manifest, alive)?);
        }
    }
    let mut totals = Totals::default();
    let checks: Vec<&Check> = cells.iter().flat_map(|(_, cell)| &cell.checks).collect();
    checks.iter().for_each(|check| totals.count(check.outcome));
    let state = match alive {
        true => RunState::Running,
        false if checks.iter().any(|check| check.outcome == Outcome::Interrupted) => RunState::Interrupted,
        false => RunState::Finished,
    };
    let ended = cells.iter().map(|(_, cell)| last_moment(cell)).fold(part.started, Timestamp::max);
    Ok(Record {
        schema: SCHEMA,
        run: part.run,
        round: (part.round != Round::FIRST).then(|| part.round.to_string()),
        state,
        started: part.started,
        ended,
        testkit: part.testkit,
        datapath: product.as_ref().and_then(|product| product.datapath),
        product: product.map(|cluster::Product { stand_in, name, version, sha256, .. }| Product {
            stand_in,
            name,
            version,
            sha256,
        }),
        faults: part.faults.iter().flat_map(|all| all.lines()).map(|line| redact(line.trim())).collect(),
        host: RunFolder::new(dir).read::<Host>()?.unwrap_or_default(),
        options: part.options,
        checks: all_checks(cells.iter().map(|(part, _)| part)),
        totals,
        again: again::read(dir)?.len(),
        cells: cells.into_iter().map(|(_, cell)| cell).collect(),
    })
}

/// Every check of some cell, those that judge an observation in the order of their list.
fn all_checks<'a>(cells: impl Iterator<Item = &'a CellPart>) -> Vec<CheckInfo> {
    let mut all: Vec<CheckInfo> = Vec::new();
    for check in cells.flat_map(|cell| &cell.checks) {
        if !all.contains(check) {
            all.push(check.clone());
        }
    }
    let place = |check: &CheckInfo| expect::CHECKS.iter().position(|known| known.name == check.name);
    all.sort_by_key(|check| place(check).unwrap_or(usize::MAX));
    all
}

/// When the last thing that is recorded of a cell happened.
fn last_moment(cell: &Cell) -> Timestamp {
    let stages = cell.stages.iter().map(|stage| {
        let took = SignedDuration::from_millis(i64::try_from(stage.ms).unwrap_or_default());
        stage.at.checked_add(took).unwrap_or(stage.at)
    });
    let checks = cell.checks.iter().filter_map(|check| check.ended.or(check.started));
    stages.chain(checks).max().unwrap_or(Timestamp::MIN)
}

fn cell(
    run: &Path,
    path: &Path,
    part: CellPart,
    manifest: Option<Manifest>,
    alive: bool,
) -> io::Result<(CellPart, Cell)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let planned = match &manifest {
        Some(manifest) => Some((manifest.plan.clone(), manifest.instances.clone())),
        None => Planned::find(path)?.map(|planned| (planned.plan, planned.instances)),
    };
    let plan = planned.as_ref().map(|(plan, _)| plan);
    let parts = CheckPart::all(path)?;
    let judged = |info: &CheckInfo| check(&name, plan, &part, parts.get(&info.name), &info.name, alive);
    let checks: Vec<Check> = part.checks.iter().map(judged).collect();
    let problem = CellFolder::new(path).read::<Unprovisioned>()?.map(|failed| redact(&failed.message));
    let causes = causes(&checks, &parts);
    let headline = match (&problem, causes.first()) {
        (Some(problem), _) => Some(format!("no cluster, {}", headline::of(problem))),
        (None, Some(first)) => checks.iter().find(|check| check.name == *first).map(|check| told(check, &parts)),
        (None, None) => None,
    };
    let cell = Cell {
        choices: part.choices.clone(),
        skipped: part.skipped.as_deref().map(redact),
        problem,
        headline,
        causes,
        plan: planned.as_ref().map(|(plan, instances)| planned::plan(plan, instances)),
        settled: manifest.as_ref().map(|Manifest { settled, .. }| Settled {
            ms: settled.ms,
            looks: settled.looks,
            unsatisfied: settled.unsatisfied.clone(),
        }),
        network: manifest.as_ref().map(|manifest| observed::network(&manifest.plan, &manifest.observation)),
        stages: stages(path, plan)?,
        checks,
        transcripts: transcript::all(path, plan)?,
        evidence: evidence(run, path)?,
        name: name.clone(),
    };
    Ok((part, cell))
}

fn check(
    cell: &str,
    plan: Option<&Plan>,
    cell_part: &CellPart,
    part: Option<&CheckPart>,
    name: &str,
    alive: bool,
) -> Check {
    let end = part.and_then(|part| part.end.as_ref());
    let verdict = end.and_then(|end| end.verdict.as_ref());
    let outcome = match (part, end) {
        _ if cell_part.skipped.is_some() => Outcome::Skipped,
        (None, _) => Outcome::NotRun,
        (Some(_), None) if alive => Outcome::Running,
        (Some(_), None) => Outcome::Interrupted,
        (Some(_), Some(end)) => match (&end.failure, verdict) {
            (None, _) => Outcome::Passed,
            (Some(_), Some(verdict)) if !verdict.passed() => Outcome::Failed,
            (Some(_), _) => Outcome::Error,
        },
    };
    let differences: Vec<&expect::Difference> = verdict.map(expect::Verdict::in_order).unwrap_or_default();
    let look = plan.and_then(|plan| look(cell, plan, name, differences.first()?));
    let differences = differences.into_iter().map(difference).collect();
    Check {
        name: name.to_owned(),
        outcome,
        compared: verdict.map_or(0, |verdict| verdict.compared),
        look,
        differences,
        message: end.and_then(|end| end.failure.clone()),
        started: part.map(|part| part.started),
        ended: end.map(|end| end.at),
    }
}

/// The names of the checks that failed, the likely cause of the others first. What was not judged is a cause of nothing.
fn causes(checks: &[Check], parts: &BTreeMap<String, CheckPart>) -> Vec<String> {
    let failed = || checks.iter().filter(|check| check.outcome.is_failure());
    let judged = expect::likely_causes(failed().filter_map(|check| verdict(parts, &check.name)));
    let mut names: Vec<String> = judged.into_iter().map(|verdict| verdict.check.clone()).collect();
    let others: Vec<String> = failed().map(|check| check.name.clone()).filter(|name| !names.contains(name)).collect();
    names.extend(others);
    names
}

/// What is told in a line of a check that failed.
fn told(check: &Check, parts: &BTreeMap<String, CheckPart>) -> String {
    match verdict(parts, &check.name).filter(|verdict| !verdict.passed()) {
        Some(verdict) => verdict.headline(),
        None => format!("{}: {}", check.name, check.message.as_deref().map(headline::of).unwrap_or_default()),
    }
}

fn verdict<'a>(parts: &'a BTreeMap<String, CheckPart>, check: &str) -> Option<&'a expect::Verdict> {
    parts.get(check)?.end.as_ref()?.verdict.as_ref()
}

fn difference(difference: &expect::Difference) -> Difference {
    let expect::Difference { member, table, column, wanted, seen, note, .. } = difference.clone();
    Difference { member, table, column, wanted, seen, note }
}

/// The command that shows what a difference is about, on its member.
fn look(cell: &str, plan: &Plan, check: &str, difference: &expect::Difference) -> Option<String> {
    let number = plan.state.members.iter().position(|member| member.name == difference.member)?;
    let argv = expect::look(&plan.state, &plan.state.members[number], check, Some(difference))?;
    let words: Vec<String> = argv.iter().map(|word| quote(word)).collect();
    Some(format!("testkit shell {cell}:{} -- {}", number + 1, words.join(" ")))
}

/// A word as a shell takes it.
fn quote(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=,@+".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// The stages of the cell in this folder by their begin. Members enter in the order of the plan, so the n-th stage of a
/// kind is the n-th member's; those that members have side by side carry its number.
///
/// # Errors
/// When what was noted of them cannot be read.
pub fn stages(path: &Path, plan: Option<&Plan>) -> io::Result<Vec<Stage>> {
    let mut waited = 0;
    let mut entered = 0;
    let find =
        |n: usize| plan.and_then(|plan| plan.state.members.get(n.checked_sub(1)?)).map(|member| member.name.clone());
    let mut stages: Vec<Stage> = timeline::read(path)?
        .into_iter()
        .map(|stage| {
            let (phase, count) = match &stage.work {
                Work::WaitForMember => (Phase::Provision, Some(&mut waited)),
                Work::Bootstrap | Work::Join => (Phase::Form, Some(&mut entered)),
                Work::Settle => (Phase::Form, None),
                Work::Check(_) => (Phase::Check, None),
                _ => (Phase::Provision, None),
            };
            let number = count.map(|count| {
                *count += 1;
                *count
            });
            let (name, number) = match stage.work.of_member() {
                Some((kind, number)) => (kind.to_owned(), Some(number)),
                None => (stage.work.to_string(), number),
            };
            let owner = format!("{:?}", stage.owner).to_lowercase();
            Stage { name, member: number.and_then(find), owner, phase, at: stage.at, ms: stage.ms }
        })
        .collect();
    stages.sort_by_key(|stage| stage.at);
    Ok(stages)
}

/// The files in the folders of the members.
fn evidence(run: &Path, path: &Path) -> io::Result<Vec<Evidence>> {
    let mut all = Vec::new();
    for folder in CellFolder::new(path).members()? {
        for file in folder::files(&folder)? {
            let text = |path: &Path| path.to_string_lossy().into_owned();
            let name = |path: &Path| path.file_name().map(Path::new).map(text).unwrap_or_default();
            all.push(Evidence {
                member: name(&folder),
                name: name(&file),
                path: text(file.strip_prefix(run).unwrap_or(&file)),
                bytes: file.metadata()?.len(),
            });
        }
    }
    Ok(all)
}
