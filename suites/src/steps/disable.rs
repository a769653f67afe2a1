//! A service is disabled on a member that runs it.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Need, Service, State, Turnover};

use super::{SERVICES, by, cannot_tell, centrals, find, name, no_quorum, northd_restarts, numbers, tellers};

pub(super) const KIND: StepKind = StepKind {
    name: "disable",
    about: "a service is disabled on a member, there or from another member, the last central too where that is insisted on",
    possible: |state| {
        let services = move |member| {
            let each = move |from| {
                let ways = SERVICES.map(|service| Disable { member, service, from, insist: false });
                ways.into_iter().chain([Disable { member, service: Service::Central, from, insist: true }])
            };
            tellers(state, member).flat_map(each)
        };
        StepKind::of(state, numbers(state).flat_map(services))
    },
};

/// A service is disabled on a member that runs it.
#[derive(Debug, Clone, Copy)]
pub struct Disable {
    /// The member's number.
    pub member: usize,
    /// The service.
    pub service: Service,
    /// Who is told, with `--node`; `None` is the member itself.
    pub from: Option<usize>,
    /// With `--allow-disable-last-central`.
    pub insist: bool,
}

/// The command that enables or disables a service.
pub(super) fn command(
    state: &State,
    verb: &str,
    member: usize,
    service: Service,
    from: Option<usize>,
    more: &[&str],
) -> Act {
    let (service, target) = (service.to_string(), name(state, member));
    let node: &[&str] = if from.is_some() { &["--node", &target] } else { &[] };
    let words = [&["microovn", verb, &service], node, more].concat();
    Act::run(&name(state, from.unwrap_or(member)), words)
}

/// What is to be said where so many centrals are there afterwards. Recorded of each number from 0 to 4.
pub(super) fn warns(act: Act, service: Service, centrals: usize) -> Act {
    let (even, few) = match service {
        Service::Central => (centrals > 0 && centrals.is_multiple_of(2), (1..3).contains(&centrals)),
        Service::Bgp | Service::Chassis | Service::Switch => (false, false),
    };
    let lines = [("OVN Cluster has even number of members", even), ("OVN Cluster has critically few members", few)];
    lines.into_iter().fold(act, |act, (warning, due)| {
        let line = format!("[{service}] Warning: {warning}");
        if due { act.says(line) } else { act.never_says(line) }
    })
}

/// Where the centrals change, ovn-northd is told other databases on its command line. Whether it is told again when anything
/// else changes is MicroOVN's affair.
pub(super) fn turnover(service: Service) -> Turnover {
    match service {
        Service::Central => Turnover::Fresh,
        Service::Bgp | Service::Chassis | Service::Switch => Turnover::Any,
    }
}

impl Step for Disable {
    fn words(&self) -> String {
        let insist = if self.insist { "_the_last" } else { "" };
        format!("disable_{}_{}{}{insist}", self.service, self.member, by(self.from))
    }

    fn about(&self) -> String {
        let Self { member, service, from, insist } = self;
        let last = if *insist { ", the last one, which is insisted on," } else { "" };
        match from {
            Some(from) => format!("member {from} disables {service}{last} on member {member}"),
            None => format!("{service}{last} is disabled on member {member}"),
        }
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let Self { member, service, from, insist } = *self;
        let of_state = || {
            let it = find(state, member)?;
            if !it.runs(service) {
                return Some(format!("member {member} does not run {service}"));
            }
            match (service, centrals(state)) {
                (Service::Central, 1) if !insist => Some("it is the last central".to_owned()),
                (Service::Central, 1) => None,
                (Service::Central, _) if insist => Some("it is not the last central".to_owned()),
                // A server leaves its cluster by the consent of the others, and a chassis its database.
                (Service::Chassis, _) if !it.runs(Service::Switch) => {
                    Some(format!("the switch of member {member} is off"))
                }
                (Service::Central | Service::Chassis, _) => no_quorum(state),
                (Service::Bgp | Service::Switch, _) => None,
            }
        };
        cannot_tell(state, member, from).or_else(of_state)
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::CoreApi]
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let more: &[&str] = if self.insist { &["--allow-disable-last-central"] } else { &[] };
        let act = command(state, "disable", self.member, self.service, self.from, more);
        let then = centrals(state) - usize::from(self.service == Service::Central);
        vec![warns(act.says(format!("Service {} disabled", self.service)), self.service, then)]
    }

    // Recorded: what was told of the service stays on disk, keys and the switch's settings, and of the others only ovn-northd
    // is another.
    fn effect(&self, state: &mut State) {
        if let Some(it) = self.member.checked_sub(1).and_then(|index| state.members.get_mut(index)) {
            it.services.remove(&self.service);
            it.had.insert(self.service);
        }
        northd_restarts(state, turnover(self.service));
    }
}
