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
