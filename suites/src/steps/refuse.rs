//! MicroOVN refuses to enable or disable a service, says why, and nothing changes.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Need, Service, State};

use super::{SERVICES, by, cannot_tell, centrals, disable, find, name, numbers, tellers};

pub(super) const KIND: StepKind = StepKind {
    name: "refuse",
    about: "MicroOVN refuses to enable or disable a service, says why, and nothing changes",
    possible: |state| {
        let own = |member| {
            let each = move |service| [Refused::EnabledAlready(service), Refused::NotEnabled(service)];
            let unknown = [Refused::EnableOnNobody, Refused::DisableOnNobody];
            let last = tellers(state, member).map(|from| Refused::LastCentral { from });
            SERVICES.into_iter().flat_map(each).chain(unknown).chain(last).map(move |what| Refuse { member, what })
        };
        StepKind::of(state, numbers(state).flat_map(own))
    },
};

/// MicroOVN refuses something.
#[derive(Debug, Clone, Copy)]
pub struct Refuse {
    /// The number of the member that it is about; the one that is told, where it is about none.
    pub member: usize,
    /// What is refused.
    pub what: Refused,
}

/// What is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// To enable what the member runs.
    EnabledAlready(Service),
    /// To disable what it does not run.
    NotEnabled(Service),
    /// To enable a service on a node that there is not.
    EnableOnNobody,
    /// To disable one there.
    DisableOnNobody,
    /// To disable the last central, where nobody insists.
    LastCentral {
        /// Who is told, with `--node`; `None` is the member itself.
        from: Option<usize>,
    },
}

/// The name of no node.
const NOBODY: &str = "nosuch";

impl Step for Refuse {
    fn words(&self) -> String {
        let member = self.member;
        match self.what {
            Refused::EnabledAlready(service) => format!("refuse_to_enable_{service}_{member}"),
            Refused::NotEnabled(service) => format!("refuse_to_disable_{service}_{member}"),
            Refused::EnableOnNobody => format!("refuse_to_enable_on_nobody_from_{member}"),
            Refused::DisableOnNobody => format!("refuse_to_disable_on_nobody_from_{member}"),
            Refused::LastCentral { from } => format!("refuse_to_disable_the_last_central_{member}{}", by(from)),
        }
    }

    fn about(&self) -> String {
        let member = self.member;
        match self.what {
            Refused::EnabledAlready(service) => format!("{service} is not enabled again on member {member}"),
            Refused::NotEnabled(service) => format!("{service}, which is off, is not disabled on member {member}"),
            Refused::EnableOnNobody => format!("member {member} does not enable central on a node that there is not"),
            Refused::DisableOnNobody => format!("member {member} does not disable central on a node that there is not"),
            Refused::LastCentral { from: None } => {
                format!("the last central, member {member}, is not disabled where nobody insists")
            }
            Refused::LastCentral { from: Some(from) } => {
                format!("the last central, member {member}, is not disabled by member {from} where nobody insists")
            }
        }
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let member = self.member;
        let runs = |service| find(state, member).is_some_and(|it| it.runs(service));
        match self.what {
            Refused::EnabledAlready(service) => cannot_tell(state, member, None)
                .or_else(|| (!runs(service)).then(|| format!("member {member} does not run {service}"))),
            Refused::NotEnabled(service) => cannot_tell(state, member, None)
                .or_else(|| runs(service).then(|| format!("member {member} runs {service}"))),
            Refused::EnableOnNobody | Refused::DisableOnNobody => cannot_tell(state, member, None),
            Refused::LastCentral { from } => cannot_tell(state, member, from).or_else(|| {
                let last = centrals(state) == 1 && runs(Service::Central);
                (!last).then(|| format!("member {member} is not the last central"))
            }),
        }
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::CoreApi]
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let member = self.member;
        let own = |verb, service| disable::command(state, verb, member, service, None, &[]);
        let refused = |act: Act, verb: &str, service, why: &str| {
            act.refused(format!("Error: failed to {verb} service '{service}': '{why}'"))
        };
        let nobody = |verb| {
            let act = disable::command(state, verb, member, Service::Central, None, &["--node", NOBODY]);
            let why = format!(
                "Failed to get cluster member for request target name \"{NOBODY}\": CoreClusterMember not found"
            );
            refused(act, verb, Service::Central, &why)
        };
        vec![match self.what {
            Refused::EnabledAlready(service) => {
                refused(own("enable", service), "enable", service, "this service is already enabled")
            }
            Refused::NotEnabled(service) => {
                refused(own("disable", service), "disable", service, "this service is not enabled")
            }
            Refused::EnableOnNobody => nobody("enable"),
            Refused::DisableOnNobody => nobody("disable"),
            Refused::LastCentral { from } => {
                let act = disable::command(state, "disable", member, Service::Central, from, &[]);
                let why = "cannot disable last central node without explicit confirmation";
                let target = name(state, member);
                let why = match from {
                    Some(_) => format!("Failed to send request to target \"{target}\": {why}"),
                    None => why.to_owned(),
                };
                refused(act, "disable", Service::Central, &why)
            }
        }]
    }

    fn effect(&self, _state: &mut State) {}
}
