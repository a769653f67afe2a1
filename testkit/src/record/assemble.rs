//! From the folder of a run to its record.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::parts::{CellPart, CheckPart, RunPart};
use super::schema::{
    Cell, Check, CheckInfo, Evidence, Host, Outcome, Phase, Product, Record, RunState, SCHEMA, Settled, Stage, Totals,
};
use super::{journey, judged, known, observed, planned, transcript};
use crate::cluster::{self, Manifest, Placed, Planned};
use crate::config::Round;
use crate::expect;
use crate::folder::{self, CellDocument, CellFolder, RunFolder};
use crate::headline;
use crate::microovn::redact;
use crate::plan::Plan;
use crate::report::{Work, again, timeline};
use crate::session::lease::Unprovisioned;

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
    let (mut cells, mut told) = (Vec::new(), BTreeMap::new());
    for path in folder::files(dir)? {
        if folder::kind(&path)?.is_some_and(|kind| kind.is_dir())
            && let Some(cell_part) = cell_part(&path)?
        {
            let manifest: Option<Manifest> = CellFolder::new(&path).read()?;
            product = product.or_else(|| manifest.as_ref().map(|manifest| manifest.product.clone()));
            let parts = CheckPart::all(&path)?;
            let ends = parts.values().filter_map(|part| part.end.as_ref());
            told.extend(ends.flat_map(|end| &end.known).map(|known| (known.name.clone(), known.clone())));
            cells.push(cell(dir, &path, cell_part, &parts, manifest, alive)?);
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
        traffic: part.traffic,
        faults: part.faults.iter().flat_map(|all| all.lines()).map(|line| redact(line.trim())).collect(),
        host: RunFolder::new(dir).read::<Host>()?.unwrap_or_default(),
        options: part.options,
        checks: all_checks(&cells),
        totals,
        again: again::read(dir)?.len(),
        known: known::all(&told, cells.iter().map(|(_, cell)| cell)),
        cells: cells.into_iter().map(|(_, cell)| cell).collect(),
    })
}

/// What is known of a suite before its cluster is made; `None` where the folder is of no suite.
///
/// # Errors
/// When the folder has what is written later: what was red there would not be told.
fn cell_part(path: &Path) -> io::Result<Option<CellPart>> {
    let part = CellPart::find(path)?;
    let folder = CellFolder::new(path);
    let later = [folder.document(CellDocument::Plan), folder.document(CellDocument::Manifest), folder.checks()];
    match later.iter().find(|later| part.is_none() && later.exists()) {
        Some(later) => {
            let gone = folder.document(CellDocument::Cell);
            let problem = format!("{} is there, and no {}", later.display(), gone.display());
            Err(io::Error::new(io::ErrorKind::InvalidData, problem))
        }
        None => Ok(part),
    }
}

/// Every check that judged something, those that judge an observation in the order of their list. The tests of stations
/// are none: they are with their journeys.
fn all_checks(cells: &[(CellPart, Cell)]) -> Vec<CheckInfo> {
    let mut all: Vec<CheckInfo> = Vec::new();
    let mut add = |check: CheckInfo| {
        if !all.contains(&check) {
            all.push(check);
        }
    };
    for (part, cell) in cells {
        match &cell.journey {
            None => part.checks.iter().cloned().for_each(&mut add),
            Some(journey) => {
                let judged = journey.stations.iter().flat_map(|station| &station.checks);
                let known = judged.filter_map(|check| expect::find_check(&check.name));
                known
                    .map(|check| CheckInfo { name: check.name.to_owned(), about: check.about.to_owned() })
                    .for_each(&mut add);
            }
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
    parts: &BTreeMap<String, CheckPart>,
    manifest: Option<Manifest>,
    alive: bool,
) -> io::Result<(CellPart, Cell)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let planned = match &manifest {
        Some(manifest) => Some((manifest.plan.clone(), manifest.instances.clone())),
        None => Planned::find(path)?.map(|planned| (planned.plan, planned.instances)),
    };
    let plan = planned.as_ref().map(|(plan, _)| plan);
    let state = plan.map(|plan| &plan.state);
    let check = |info: &CheckInfo| judged::check(&name, state, &part, parts.get(&info.name), &info.name, alive);
    let checks: Vec<Check> = part.checks.iter().map(check).collect();
    let problem = CellFolder::new(path).read::<Unprovisioned>()?.map(|failed| redact(&failed.message));
    let causes = judged::causes(&checks, parts);
    let journey = journey::find(path, &name, &part)?;
    let headline = match (&problem, journey.as_ref().and_then(journey::headline), causes.first()) {
        (Some(problem), ..) => Some(format!("no cluster, {}", headline::of(problem))),
        (None, Some(told), Some(_)) => Some(told),
        (None, None, Some(first)) => {
            checks.iter().find(|check| check.name == *first).map(|check| judged::told(check, parts))
        }
        (None, _, None) => None,
    };
    let placed: Option<Placed> = CellFolder::new(path).read()?;
    let (lxd_member, lxd_members) = placed.map_or_else(Default::default, |placed| (Some(placed.member), placed.seats));
    let cell = Cell {
        choices: part.choices.clone(),
        journey,
        skipped: part.skipped.as_deref().map(redact),
        problem,
        headline,
        causes,
        lxd_member,
        lxd_members,
        plan: planned.as_ref().map(|(plan, instances)| planned::plan(plan, instances)),
        settled: manifest.as_ref().map(|Manifest { settled, .. }| Settled {
            ms: settled.ms,
            looks: settled.looks,
            last_ms: settled.last_ms,
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
                Work::Settle | Work::Step(_) | Work::SettleStep(_) => (Phase::Form, None),
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
            let Some(kind) = folder::kind(&file)?.filter(fs::Metadata::is_file) else { continue };
            let text = |path: &Path| path.to_string_lossy().into_owned();
            let name = |path: &Path| path.file_name().map(Path::new).map(text).unwrap_or_default();
            all.push(Evidence {
                member: name(&folder),
                name: name(&file),
                path: text(file.strip_prefix(run).unwrap_or(&file)),
                bytes: kind.len(),
            });
        }
    }
    Ok(all)
}
