//! How the cluster is formed: who creates it, and how the others get their join tokens.

use testkit::matrix::Declaration;
use testkit::plan::{self, Answer, InitOption, Member, Need, Outline, Plan, Reply, Role};

/// `formation`: dialog, on a terminal as a person would | dialog_piped, without one as a script would | cli, with
/// `cluster bootstrap`, `add` and `join` | rest, on the control socket as MicroCloud does.
pub(super) struct Formation;

impl InitOption for Formation {
    fn declaration(&self) -> Declaration {
        Declaration::new("formation", &["dialog", "dialog_piped", "cli", "rest"]).suffix(|value, _| match value {
            "dialog_piped" => "piped".to_owned(),
            value => value.to_owned(),
        })
    }

    fn outline(&self, value: &str, outline: &mut Outline) {
        outline.formation = match value {
            "dialog_piped" => plan::Formation::DialogPiped,
            "cli" => plan::Formation::Cli,
            "rest" => plan::Formation::Rest,
            _ => plan::Formation::Dialog,
        };
    }

    fn needs(&self, value: &str, _plan: &Plan) -> Vec<Need> {
        if value == "rest" { vec![Need::CoreApi] } else { Vec::new() }
    }

    fn answers(&self, _value: &str, plan: &Plan, member: &Member) -> Vec<Answer> {
        let create = "Would you like to create a new MicroOVN cluster?";
        let answer = |prompt: &str, replies| Answer { option: "formation".into(), prompt: prompt.into(), replies };
        match plan.role(member) {
            Role::Join => vec![
                Answer::text("formation", create, "no"),
                answer("Please enter your join token", vec![Reply::JoinToken]),
            ],
            Role::Bootstrap => {
                let alone = plan.joiners().next().is_none();
                let names = plan.joiners().map(|joiner| Reply::IssueToken(joiner.name.clone()));
                let add = if alone { "no" } else { "yes" };
                let mut answers = vec![
                    Answer::text("formation", create, "yes"),
                    Answer::text("formation", "Would you like to add additional servers to the cluster?", add),
                ];
                if !alone {
                    // An empty name ends the list.
                    let replies = names.chain([Reply::Text(String::new())]).collect();
                    answers.push(answer("What's the name of the new MicroOVN server?", replies));
                }
                answers
            }
        }
    }
}
