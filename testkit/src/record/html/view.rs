//! The record as the templates show it.

use std::io;

use jiff::Timestamp;

use super::bars::{Axis, Phases, Row, between, duration};
use super::check::{CheckView, Mark, mark};
use super::inline::{Inlined, Inliner};
use super::journey::{JourneyView, StationView};
use super::picture::Picture;
use crate::headline;
use crate::record::closer;
use crate::record::schema::{
    Carried, Cell, CheckInfo, InitOption, Outcome, Record, RunState, Totals, Tunnel, TunnelState,
};

/// A line of facts about the run.
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) value: String,
    /// Whether it is a hash or a version, to be read by letter.
    pub(super) code: bool,
}

/// The run in one line.
pub(super) struct Summary {
    pub(super) class: &'static str,
    pub(super) verdict: &'static str,
    pub(super) note: Option<&'static str>,
}

impl Summary {
    pub(super) fn of(record: &Record) -> Self {
        let Totals { passed, failed, skipped, known, .. } = record.totals;
        let (class, verdict) = match (failed, passed, skipped) {
            (1.., ..) => ("failed", "failed"),
            _ if known > 0 => ("known", "nothing but what is known failed"),
            (0, 1.., 1..) => ("skipped", "passed, with skips"),
            (0, 1.., 0) => ("passed", "passed"),
            _ => ("skipped", "nothing was tested"),
        };
        let (class, note) = match record.state {
            RunState::Finished => (class, None),
            RunState::Running => (class, Some("The run is still going: this is how far it had come.")),
            RunState::Interrupted => ("failed", Some("The run was interrupted: checks that had begun never ended.")),
        };
        let verdict = if record.state == RunState::Interrupted && failed == 0 { "interrupted" } else { verdict };
        let verdict = if record.state == RunState::Running && failed == 0 { "running" } else { verdict };
        Self { class, verdict, note }
    }
}

/// How much was tested: `13 checks in 1 cell and 4 stations in 1 journey`.
pub(super) fn scope(record: &Record) -> String {
    let counted = |journeys: bool, one: &str, of: &str| {
        let cells = || record.cells.iter().filter(|cell| cell.journey.is_some() == journeys);
        let (count, all): (usize, usize) = (cells().count(), cells().map(|cell| cell.checks.len()).sum());
        let plural = |count, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        (count > 0 || !journeys).then(|| format!("{} in {}", plural(all, one), plural(count, of)))
    };
    let (cells, journeys) = (counted(false, "check", "cell"), counted(true, "station", "journey"));
    match (cells, journeys) {
        (Some(_), Some(journeys)) if record.cells.iter().all(|cell| cell.journey.is_some()) => journeys,
        (cells, journeys) => cells.into_iter().chain(journeys).collect::<Vec<_>>().join(" and "),
    }
}

/// What is worth knowing of where and when.
pub(super) fn facts(record: &Record) -> Vec<Fact> {
    let fact = |name, value: String| Fact { name, value, code: false };
    let host = &record.host;
    let mut facts = Vec::new();
    match &record.product {
        Some(product) => {
            let what = if product.stand_in { "stand-in for " } else { "" };
            facts.push(fact("Product", format!("{what}{} {}", product.name, product.version)));
            facts.push(Fact { name: "sha256", value: product.sha256.clone(), code: true });
        }
        None => facts.push(fact("Product", "not known: no image of it was made".to_owned())),
    }
    if let Some(datapath) = record.datapath {
        facts.push(fact("Datapath", datapath.to_string()));
    }
    let memory = host.memory_mib.div_ceil(1024);
    facts.push(fact(
        "Host",
        format!(
            "{}, Linux {}, {}, {} processors, {memory} GiB",
            host.system, host.kernel, host.architecture, host.processors
        ),
    ));
    let lxd =
        if host.lxd.is_empty() { "did not answer".to_owned() } else { format!("{} on {}", host.lxd, host.lxd_system) };
    facts.push(fact("LXD", lxd));
    match record.again {
        0 => {}
        1 => facts.push(fact("Tried again", "once, when LXD had not begun with what it was asked for".to_owned())),
        times => {
            let text = format!("{times} times, when LXD had not begun with what it was asked for");
            facts.push(fact("Tried again", text));
        }
    }
    if let Some(round) = &record.round {
        facts.push(fact("Repetition", round.clone()));
    }
    facts.push(fact("Started", moment(record.started)));
    facts.push(fact("Duration", duration(between(record.started, record.ended))));
    facts.push(fact("testkit", record.testkit.clone()));
    facts
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The value a cell has for an option.
pub(super) struct Choice<'a> {
    pub(super) option: &'a str,
    pub(super) value: &'a str,
    pub(super) default: bool,
}

/// The evidence of one member.
pub(super) struct MemberEvidence {
    pub(super) member: String,
    pub(super) files: Vec<Inlined>,
}

/// A cell.
pub(super) struct CellView<'a> {
    pub(super) cell: &'a Cell,
    /// Its stations, where it is a journey.
    pub(super) journey: Option<JourneyView<'a>>,
    pub(super) mark: Mark,
    pub(super) totals: Totals,
    pub(super) choices: Vec<Choice<'a>>,
    pub(super) checks: Vec<CheckView<'a>>,
    /// The result of every check that has a column; `None` where this cell does not have it.
    pub(super) results: Vec<Option<CheckView<'a>>>,
    pub(super) picture: Option<Picture>,
    pub(super) phases: Phases,
    pub(super) rows: Vec<Row<'a>>,
    pub(super) evidence: Vec<MemberEvidence>,
    /// Why there is no cluster: the line that says most, and the rest.
    pub(super) problem: Option<(String, String)>,
    /// What a person types to stand in this cluster.
    pub(super) closer: Vec<String>,
    /// What the search looks through.
    pub(super) words: String,
}

impl<'a> CellView<'a> {
    pub(super) fn new(
        record: &'a Record,
        cell: &'a Cell,
        columns: &[&CheckInfo],
        axis: &Axis,
        inliner: &mut Inliner,
    ) -> io::Result<Self> {
        let checks: Vec<CheckView<'_>> = cell.checks.iter().map(|check| CheckView::new(record, check)).collect();
        let result = |name: &str| Some(CheckView::new(record, cell.checks.iter().find(|check| check.name == name)?));
        let results = columns.iter().map(|info| result(&info.name)).collect();
        let journey = cell.journey.as_ref().map(|journey| JourneyView::new(record, journey));
        let choices: Vec<Choice<'_>> = record.options.iter().filter_map(|option| choice(cell, option)).collect();
        let totals = cell.totals();
        let outcome = match totals {
            Totals { failed: 1.., .. } => Outcome::Failed,
            Totals { known: 1.., unfinished: 0, .. } => Outcome::Known,
            Totals { skipped: 1.., .. } => Outcome::Skipped,
            Totals { unfinished: 1.., .. } => worst_unfinished(cell),
            _ => Outcome::Passed,
        };
        let failing = checks.iter().filter(|it| it.check.outcome.is_red()).map(|it| it.check.name.as_str());
        let mut words: Vec<&str> = vec![&cell.name];
        words.extend(choices.iter().flat_map(|choice| [choice.option, choice.value]));
        words.extend(failing);
        // What failed at a station is looked for by the name of its check, too.
        words.extend(
            journey.iter().flat_map(|journey| &journey.journey.stations).flat_map(|it| &it.causes).map(String::as_str),
        );
        Ok(Self {
            mark: mark(outcome),
            totals,
            results,
            picture: Picture::of(cell),
            phases: axis.phases(cell),
            rows: Axis::rows(cell),
            evidence: evidence(cell, inliner)?,
            problem: cell.problem.as_ref().map(|text| split(text)),
            closer: closer(record, cell).into(),
            words: words.join(" "),
            choices,
            checks,
            journey,
            cell,
        })
    }

    /// Whether something in it must be looked at.
    pub(super) fn needs_a_look(&self) -> bool {
        self.totals.failed > 0 || self.checks.iter().any(|it| it.check.outcome == Outcome::Interrupted)
    }

    /// The checks that failed, the likely cause of the others first.
    pub(super) fn failing(&self) -> impl Iterator<Item = &CheckView<'a>> {
        self.cell.causes.iter().filter_map(|name| self.checks.iter().find(|it| it.check.name == *name))
    }

    /// The station that a journey ended at, where it is not as it must be.
    pub(super) fn wrong(&self) -> Option<(&JourneyView<'a>, &StationView<'a>)> {
        let journey = self.journey.as_ref()?;
        Some((journey, journey.wrong()?))
    }

    /// The one that is likely the cause of the others.
    pub(super) fn cause(&self) -> Option<&CheckView<'a>> {
        self.failing().next()
    }

    /// The choices that are not the default.
    pub(super) fn told(&self) -> impl Iterator<Item = &Choice<'a>> {
        self.choices.iter().filter(|choice| !choice.default)
    }

    /// The tunnels that are not as planned.
    pub(super) fn wrong_tunnels(&self) -> Vec<&'a Tunnel> {
        let tunnels = self.cell.network.iter().flat_map(|network| &network.tunnels);
        tunnels.filter(|tunnel| tunnel.state != TunnelState::Right).collect()
    }

    /// What NICs carried, what was not planned first.
    pub(super) fn carried(&self) -> Vec<&'a Carried> {
        let mut all: Vec<&Carried> = self.cell.network.iter().flat_map(|network| &network.carried).collect();
        all.sort_by_key(|it| it.planned);
        all
    }

    /// Whether a dialog ended at a question that no option answers.
    pub(super) fn unanswered(&self) -> bool {
        self.cell.transcripts.iter().any(|transcript| transcript.lines.iter().any(|line| line.unanswered))
    }

    /// How many checks took too little time to be shown.
    pub(super) fn instant(&self) -> usize {
        self.cell.stages.len() - self.rows.len()
    }
}

fn worst_unfinished(cell: &Cell) -> Outcome {
    let unfinished = [Outcome::Interrupted, Outcome::Running];
    unfinished.into_iter().find(|outcome| cell.checks.iter().any(|check| check.outcome == *outcome)).unwrap_or(
        if cell.checks.iter().any(|it| it.outcome == Outcome::Passed) { Outcome::Passed } else { Outcome::NotRun },
    )
}

fn choice<'a>(cell: &'a Cell, option: &'a InitOption) -> Option<Choice<'a>> {
    let value = cell.choices.get(&option.name)?;
    Some(Choice { option: &option.name, value, default: option.values.first() == Some(value) })
}

/// The line that says most of why there is no cluster, and the whole story where there is more to it.
fn split(text: &str) -> (String, String) {
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    (headline::of(text), rest.to_owned())
}

/// The evidence that is no transcript, by member.
fn evidence(cell: &Cell, inliner: &mut Inliner) -> io::Result<Vec<MemberEvidence>> {
    let mut members: Vec<MemberEvidence> = Vec::new();
    let transcripts = ["dialog.txt", "commands.txt", "rest.txt"];
    for evidence in cell.evidence.iter().filter(|it| !transcripts.contains(&it.name.as_str())) {
        let inlined = inliner.take(evidence)?;
        match members.last_mut().filter(|last| last.member == evidence.member) {
            Some(last) => last.files.push(inlined),
            None => members.push(MemberEvidence { member: evidence.member.clone(), files: vec![inlined] }),
        }
    }
    Ok(members)
}
