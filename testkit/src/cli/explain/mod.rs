//! One cell in words: what is provisioned, asked, answered and expected.

mod journey;
mod steps;

use std::fmt::Write;

pub(super) use journey::explain as explain_journey;
pub(super) use steps::possible as steps_possible;

use super::cells::checks;
use crate::matrix::Cell;
use crate::microcloud::{Part, part};
use crate::plan::{Content, Cue, ETHERNET_MTU, Formation, Member, Plan, Reply, Role, Service};

/// The whole plan of a cell, for a person.
pub(super) fn explain(cell: &Cell, plan: &Plan) -> String {
    let mut text = format!("{}\n", cell.id());
    for (option, value) in cell.choices() {
        let _ = writeln!(text, "  {option} = {value}");
    }
    let _ = writeln!(text, "\nformed by {}, {} members", plan.formation, plan.state.members.len());
    for need in &plan.needs {
        let _ = writeln!(text, "needs {need}");
    }
    if let Some(attempt) = &plan.refused {
        let words = attempt.refusal.as_deref().unwrap_or("an error, in whatever words");
        let _ = writeln!(text, "before that it must be refused that {}: {words}", attempt.about);
    }
    for member in &plan.state.members {
        text.push('\n');
        explain_member(&mut text, plan, member);
    }
    text.push_str("\nchecked\n");
    for check in checks(plan) {
        let _ = writeln!(text, "  {:<20} {}", check.name, check.about);
    }
    text.push_str("\naddresses are examples: a run picks ranges that are free\n");
    text
}

fn explain_member(text: &mut String, plan: &Plan, member: &Member) {
    let recipe = plan.recipe(member);
    let role = match plan.role(member) {
        Role::Bootstrap => "bootstraps",
        Role::Join => "joins",
    };
    let named = if member.name == member.hostname { String::new() } else { format!(", named {}", member.name) };
    let _ = writeln!(text, "{}{named}, {role}", member.hostname);
    for nic in &member.nics {
        let addresses: Vec<String> = nic.addresses.iter().map(ToString::to_string).collect();
        let addresses = if addresses.is_empty() { "no address".to_owned() } else { addresses.join(", ") };
        let mtu = if nic.mtu == ETHERNET_MTU { String::new() } else { format!(", MTU {}", nic.mtu) };
        let port = nic.bridge.as_ref().map(|bridge| format!(", a port of {bridge}")).unwrap_or_default();
        let _ = writeln!(text, "  provisioned  {} with {addresses}{mtu}{port}", nic.device);
        for route in &nic.routes {
            let (destination, gateway) = (route.destination, route.gateway);
            let _ = writeln!(text, "  provisioned  route to {destination} by {gateway} from {}", route.source);
        }
    }
    for address in &member.loopback {
        let _ = writeln!(text, "  provisioned  lo with {address}");
    }
    for file in &recipe.files {
        let content = match file.content {
            Content::Text(_) => "a text",
            Content::CaCertificate => "the authority's certificate",
            Content::CaKey => "the authority's key",
        };
        let _ = writeln!(text, "  provisioned  {} with {content}", file.path);
    }
    for answer in &recipe.answers {
        let replies: Vec<String> = answer.replies.iter().map(reply).collect();
        let _ = writeln!(text, "  asked        {}\n  answered     {}", answer.prompt, replies.join(", then "));
    }
    if plan.formation == Formation::MicrocloudDialog {
        explain_part(text, &part(plan, member, recipe.cues.clone()));
    }
    if !recipe.added.is_empty() {
        let _ = writeln!(text, "  added by     microcloud add, on another member");
        explain_cues(text, &recipe.added);
    }
    for (key, value) in &recipe.preseed {
        let _ = writeln!(text, "  preseeded    {key}: {value}");
    }
    for argument in &recipe.arguments {
        let _ = writeln!(text, "  told         {argument}");
    }
    for (key, value) in &recipe.config {
        let who = if plan.formation.is_microcloud() { " by MicroCloud" } else { "" };
        let _ = writeln!(text, "  told         config {key} = {value}{who}");
    }
    let services: Vec<String> = member.services.iter().map(ToString::to_string).collect();
    let _ = writeln!(text, "  expected     member at {}, services {}", member.address, services.join(", "));
    if member.runs(Service::Chassis) {
        let encap = &member.encap;
        let _ =
            writeln!(text, "  expected     tunnels end at {} on {}, peers by {}", encap.ip, encap.device, encap.via);
    }
    if let Some(user_ca) = &plan.state.user_ca {
        let (kind, form) = (user_ca.algorithm, user_ca.key_form());
        let rank = if user_ca.intermediate { "intermediate authority" } else { "authority" };
        let _ = writeln!(text, "  expected     certificates signed by the given {kind} {rank}, its key as {form}");
    }
}

/// What is said to and by a party of MicroCloud's conversation.
fn explain_part(text: &mut String, part: &Part) {
    let _ = writeln!(text, "  runs         {}", part.command());
    explain_cues(text, &part.cues);
    for shows in &part.shows {
        let _ = writeln!(text, "  shows        the {}, behind {:?}", shows.secret, shows.behind);
    }
}

/// What is done by what is shown.
fn explain_cues(text: &mut String, cues: &[Cue]) {
    for cue in cues {
        let deeds: Vec<String> = cue.deeds.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "  shown        {}\n  answered     {}", cue.shown, deeds.join(", then "));
    }
}

fn reply(reply: &Reply) -> String {
    match reply {
        Reply::Text(text) if text.is_empty() => "(the default)".to_owned(),
        Reply::Text(text) => text.clone(),
        Reply::JoinToken => "(the join token)".to_owned(),
        Reply::IssueToken(name) => format!("{name} (and a join token is printed)"),
    }
}
