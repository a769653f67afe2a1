//! Which services a member runs.

use std::collections::BTreeSet;

use testkit::matrix::{Constraint, Declaration};
use testkit::plan::{Answer, InitOption, Member, Need, Plan, Service};

const SELECT: &str = "Please select comma-separated list services you would like to enable";

/// `services`: auto, where MicroOVN gives the first three members `central` | explicit, where the members differ.
pub(super) struct Services;

impl InitOption for Services {
    fn declaration(&self) -> Declaration {
        Declaration::new("services", &["auto", "explicit"]).suffix(|_, _| "services".to_owned())
    }

    fn constraints(&self) -> Vec<Constraint> {
        let why = "`cluster bootstrap` and `cluster join` take no services";
        vec![Constraint::new(why).when("formation", &["cli"]).then("services", &["auto"])]
    }

    /// The first member runs everything, the third nothing but the switch, every other one chassis and switch.
    fn shape(&self, value: &str, plan: &mut Plan) {
        if value == "auto" {
            return;
        }
        for (n, member) in (1..).zip(&mut plan.members) {
            member.services = match n {
                1 => BTreeSet::from([Service::Central, Service::Chassis, Service::Switch]),
                3 => BTreeSet::from([Service::Switch]),
                _ => BTreeSet::from([Service::Chassis, Service::Switch]),
            };
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
