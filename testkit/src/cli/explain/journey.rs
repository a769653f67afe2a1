//! A journey in words: every step, what is done, what is wanted of that, and what must be so afterwards.

use std::fmt::Write;

use super::super::cells::checks_of;
use super::super::suites::Suite;
use crate::journey::{Journey, Station, What};
use crate::plan::Changes;

/// The whole plan of a journey, for a person. Writing to a String cannot fail.
pub(in super::super) fn explain(journey: &Journey, suite: &Suite, stations: &[Station]) -> String {
    let mut text = format!("{}\n  {}\n", journey.name, journey.about);
    let _ = writeln!(text, "\nfrom {}, {} members", suite.cell.id(), suite.plan.state.members().count());
    for member in suite.plan.state.members.iter().filter(|member| !member.belongs()) {
        let _ = writeln!(text, "  and {}, which is outside at first", member.name);
    }
    for need in &suite.plan.needs {
        let _ = writeln!(text, "needs {need}");
    }
    let mut before = None;
    for station in stations {
        text.push('\n');
        explain_station(&mut text, suite, station, before);
        before = Some(station.state.to_string());
    }
    text.push_str("\nchecked at every station, where there is something to compare\n");
    for check in checks_of(stations.iter().map(|station| &station.state)) {
        let _ = writeln!(text, "  {:<20} {}", check.name, check.about);
    }
    let _ = writeln!(
        text,
        "\nwhat is not said to be new must be what it was; `testkit plan --explain {}` has how the cluster is formed; addresses \
         are examples: a run picks ranges that are free",
        suite.cell.id()
    );
    text
}

fn explain_station(text: &mut String, suite: &Suite, station: &Station, before: Option<String>) {
    let _ = writeln!(text, "{}: {}", station.test(), station.about);
    for act in &station.acts {
        let _ = writeln!(text, "  done      {}\n  wanted    {}", act.to_string().replace('\n', " "), act.want);
        if let What::AddByMicrocloud { by } = &act.what
            && let Some(member) = suite.plan.state.find(&act.on)
        {
            let recipe = suite.plan.recipe(member);
            for (who, cue) in
                recipe.added.iter().map(|cue| (by, cue)).chain(recipe.cues.iter().map(|cue| (&act.on, cue)))
            {
                let deeds: Vec<String> = cue.deeds.iter().map(ToString::to_string).collect();
                let _ = writeln!(text, "  shown     {who}: {}\n  answered  {}", cue.shown, deeds.join(", then "));
            }
        }
    }
    for watch in &station.watches {
        let _ = writeln!(text, "  meanwhile {watch}");
    }
    for new in station.state.since.iter().flat_map(Changes::told) {
        let _ = writeln!(text, "  new       {new}");
    }
    let state = station.state.to_string();
    let _ = match before.is_some_and(|before| before == state) {
        true => writeln!(text, "  then      as before"),
        false => writeln!(text, "  then      {state}"),
    };
}
