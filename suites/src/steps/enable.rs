//! A service is enabled on a member that does not run it.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Need, Service, State, Turnover};

use super::{
    SERVICES, by, cannot_tell, centrals, disable, find, no_quorum, northd_restarts, numbers, of_another_release,
    tellers,
};

pub(super) const KIND: StepKind = StepKind {
    name: "enable",
    about: "a service is enabled on a member, there or from another member",
    possible: |state| {
        let services = move |member| {
            let each = move |from| SERVICES.map(|service| Enable { member, service, from });
            tellers(state, member).flat_map(each)
        };
        StepKind::of(state, numbers(state).flat_map(services))
    },
};

/// A service is enabled on a member that does not run it.
#[derive(Debug, Clone, Copy)]
pub struct Enable {
    /// The member's number.
    pub member: usize,
    /// The service.
    pub service: Service,
    /// Who is told, with `--node`; `None` is the member itself.
    pub from: Option<usize>,
}

impl Step for Enable {
    fn words(&self) -> String {
        format!("enable_{}_{}{}", self.service, self.member, by(self.from))
    }

    fn about(&self) -> String {
        let Self { member, service, from } = self;
        match from {
            Some(from) => format!("member {from} enables {service} on member {member}"),
            None => format!("{service} is enabled on member {member}"),
        }
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let Self { member, service, from } = *self;
        let of_state = || {
            let it = find(state, member)?;
            if it.runs(service) {
                return Some(format!("member {member} runs {service} already"));
            }
            match service {
                // Recorded: it is refused after 30 s, and enabled later all the same.
                Service::Central if !state.central_ips.is_empty() => {
                    Some("the cluster was told of databases elsewhere".to_owned())
                }
                Service::Central if of_another_release(state, member).is_some() => of_another_release(state, member),
                Service::Central if centrals(state) > 0 => no_quorum(state),
                Service::Chassis if !it.runs(Service::Switch) => Some(format!("the switch of member {member} is off")),
                Service::Chassis => no_quorum(state),
                Service::Bgp | Service::Central | Service::Switch => None,
            }
        };
        cannot_tell(state, member, from).or_else(of_state)
    }

    fn needs(&self) -> Vec<Need> {
        // Releases before it know neither `enable` nor `disable`.
        vec![Need::CoreApi]
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let act = disable::command(state, "enable", self.member, self.service, self.from, &[]);
        let then = centrals(state) + usize::from(self.service == Service::Central);
        vec![disable::warns(act.says(format!("Service {} enabled", self.service)), self.service, then)]
    }

    // Recorded: new certificates, and with a central ovn-northd starts again on every other. The first central after there was
    // none begins new databases.
    fn effect(&self, state: &mut State) {
        let Self { member, service, .. } = *self;
        let first = centrals(state) == 0;
        let stems: &[&str] = match service {
            Service::Central => &["ovnnb", "ovnsb", "ovn-northd"],
            Service::Chassis => &["ovn-controller"],
            Service::Bgp | Service::Switch => &[],
        };
        if let Some(it) = member.checked_sub(1).and_then(|index| state.members.get_mut(index)) {
            it.services.insert(service);
            it.had.remove(&service);
            if let Some(changes) = &mut state.since {
                stems.iter().for_each(|stem| changes.certificate(&it.name, stem, Turnover::Fresh));
                if service == Service::Central && first {
                    changes.databases = Turnover::Fresh;
                }
            }
        }
        northd_restarts(state, disable::turnover(service));
    }
}
