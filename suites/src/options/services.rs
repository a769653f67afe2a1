//! Which services a member runs.

use testkit::matrix::{Constraint, Declaration};
use testkit::plan::{Answer, InitOption, Member, Need, Plan, Service};

const SELECT: &str = "Please select comma-separated list services you would like to enable";

/// `services`: auto, where MicroOVN gives the first three members `central` | explicit, where the members differ |
/// late_central, where the first member has none, so that the databases come with the second, and more after that |
/// central_only, where centrals are no chassis, and one of them joins after a member without central | datapath, where nobody has
/// central, and so there are no databases | control, where all are centrals and nothing else.
pub(super) struct Services;

const EVERYTHING: &[Service] = &[Service::Central, Service::Chassis, Service::Switch];
const CHASSIS: &[Service] = &[Service::Chassis, Service::Switch];

/// Where no member differs from another.
const ALIKE: &[&str] = &["datapath", "control"];

/// What the n-th member runs, counted from 1; `None` where MicroOVN decides.
fn layout(value: &str, n: usize) -> Option<&'static [Service]> {
    Some(match (value, n) {
        ("auto", _) => return None,
        ("late_central", 1) => CHASSIS,
        ("late_central", _) => EVERYTHING,
        ("central_only", 2) => &[Service::Central],
        ("central_only", 3) => CHASSIS,
        ("central_only", 4..) => &[Service::Central, Service::Switch],
        ("datapath", _) => CHASSIS,
        ("control", _) => &[Service::Central],
        (_, 1) => EVERYTHING,
        (_, 3) => &[Service::Switch],
        _ => CHASSIS,
    })
}

impl InitOption for Services {
    fn declaration(&self) -> Declaration {
        let values = &["auto", "explicit", "late_central", "central_only", "datapath", "control"];
        Declaration::new("services", values).suffix(|value, _| match value {
            "explicit" => "services".to_owned(),
            layout => format!("services_{layout}"),
        })
    }

    fn constraints(&self) -> Vec<Constraint> {
        let cli = "`cluster bootstrap` and `cluster join` take no services";
        let alone = "members that differ are more than one, and none is its own late central";
        let alike =
            "clusters of members that are all alike are of four, and what issues certificates does not depend on them";
        let no_chassis = "where there is no chassis there are no tunnels";
        vec![
            Constraint::new(cli).when("formation", &["cli"]).then("services", &["auto"]),
            Constraint::new(alone).when("members", &["1"]).then("services", &["auto", "explicit"]),
            Constraint::new(alike).when("services", ALIKE).then("members", &["4"]),
            Constraint::new(alike).when("services", ALIKE).then("user_ca", &["generated", "ecdsa"]),
            Constraint::new(no_chassis).when("services", &["control"]).then("encap", &["default"]),
        ]
    }

    fn shape(&self, value: &str, plan: &mut Plan) {
        for (n, member) in (1..).zip(&mut plan.state.members) {
            if let Some(services) = layout(value, n) {
                member.services = services.iter().copied().collect();
                member.told = Some(member.services.clone());
            }
        }
    }

    fn needs(&self, value: &str, _plan: &Plan) -> Vec<Need> {
        // A release that does not ask for services ignores them over REST.
        if value == "auto" { Vec::new() } else { vec![Need::Prompt(SELECT.to_owned())] }
    }

    fn answers(&self, value: &str, _plan: &Plan, member: &Member) -> Vec<Answer> {
        // An empty line accepts the default, `auto`.
        vec![Answer::text("services", SELECT, if value == "auto" { String::new() } else { list(member) })]
    }

    fn config(&self, value: &str, _plan: &Plan, member: &Member) -> Vec<(String, String)> {
        if value == "auto" { Vec::new() } else { vec![("ovn-services".to_owned(), list(member))] }
    }
}

/// `central,chassis,switch`: without spaces, which MicroOVN refuses.
fn list(member: &Member) -> String {
    let services: Vec<String> = member.services.iter().map(Service::to_string).collect();
    services.join(",")
}

#[cfg(test)]
mod tests {
    use testkit::matrix::{Cell, Tier};
    use testkit::plan::Reply;

    use super::super::tests::{drawn, plan};
    use super::super::{OPTIONS, core, matrix};
    use super::*;

    #[test]
    fn layouts_differ_by_member_and_are_told_as_they_are_planned() {
        let everything = "central,chassis,switch";
        for (layout, wanted) in [
            ("explicit", [everything, "chassis,switch", "switch", "chassis,switch"]),
            ("late_central", ["chassis,switch", everything, everything, everything]),
            ("central_only", [everything, "central", "chassis,switch", "central,switch"]),
            ("datapath", ["chassis,switch"; 4]),
            ("control", ["central"; 4]),
        ] {
            let chosen = [("services", layout), ("members", "4")];
            for (formation, told) in [("dialog", "answer"), ("rest", "config")] {
                let plan = plan(&[&chosen[..], &[("formation", formation)]].concat());
                for (member, wanted) in plan.state.members.iter().zip(wanted) {
                    let planned: Vec<String> = member.services.iter().map(Service::to_string).collect();
                    assert_eq!(planned.join(","), wanted);
                    let said = if told == "config" {
                        plan.recipe(member).config.get("ovn-services").cloned()
                    } else {
                        let answer = plan.recipe(member).answers.iter().find(|answer| answer.option == "services");
                        answer.map(|answer| match &answer.replies[..] {
                            [Reply::Text(text)] => text.clone(),
                            other => panic!("{other:?}"),
                        })
                    };
                    assert_eq!(said.as_deref(), Some(wanted), "{layout} {formation}");
                }
            }
        }
        assert!(plan(&[("formation", "rest")]).recipes.values().all(|recipe| recipe.config.is_empty()));
    }

    /// What members learn of each other depends on who joins after whom, so each of these is formed on every push to main.
    #[test]
    fn pairs_have_every_order_of_central_members_with_four_of_them() {
        let matrix = matrix().expect("a matrix");
        let cells = matrix.select(Tier::Pairwise, &core(&matrix).expect("a core"));
        let plans: Vec<Plan> = cells.iter().map(drawn).collect();
        let four = || plans.iter().filter(|plan| plan.state.members.len() == 4);
        let central = |member: &&Member| member.runs(Service::Central);
        assert!(four().any(|plan| !central(&&plan.state.members[0])), "a first member without central");
        assert!(
            four().any(|plan| plan.state.members.iter().any(|it| central(&it) && !it.runs(Service::Chassis))),
            "a central without chassis"
        );
        let late = |plan: &Plan| {
            let without = plan.state.members.iter().position(|member| !central(&member));
            central(&&plan.state.members[0])
                && without.is_some_and(|at| plan.state.members[at..].iter().any(|member| central(&member)))
        };
        assert!(four().any(late), "a central that joins after a member without one");
        for value in OPTIONS.iter().map(|it| it.declaration()).find(|it| it.name == "services").expect("it").values {
            let has = |cell: &&Cell| cell.value("services") == *value && cell.value("members") == "4";
            assert!(cells.iter().any(|cell| has(&cell)), "{value} with four members");
        }
    }
}
