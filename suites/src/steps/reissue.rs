//! A member gets new certificates from the authority that there is.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Member, State, Turnover, planned_certificates};

use super::{find, name, not_online, numbers, without_leader};

pub(super) const KIND: StepKind = StepKind {
    name: "reissue",
    about: "the certificate of a service is issued anew on a member, or those of all",
    possible: |state| {
        let services = ["ovnnb", "ovnsb", "ovn-northd", "ovn-controller", "client"];
        let of = |member| services.into_iter().map(move |service| Reissue { member, service: Some(service) });
        let all = numbers(state).flat_map(|member| of(member).chain([Reissue { member, service: None }]));
        let refused = |member| services.into_iter().map(move |service| ReissueRefused { member, service });
        let mut steps = StepKind::of(state, all);
        steps.extend(StepKind::of(state, numbers(state).flat_map(refused)));
        steps
    },
};

/// The certificate of a service is issued anew on a member.
#[derive(Debug, Clone, Copy)]
pub struct Reissue {
    /// The member's number.
    pub member: usize,
    /// The service; `None` is all of them.
    pub service: Option<&'static str>,
}

/// The certificate of a service that a member does not have is not issued there.
#[derive(Debug, Clone, Copy)]
pub struct ReissueRefused {
    /// The member's number.
    pub member: usize,
    /// The service.
    pub service: &'static str,
}

fn services(member: &Member) -> Vec<&'static str> {
    planned_certificates(&member.services)
}

fn command(state: &State, member: usize, service: &str) -> Act {
    Act::run(&name(state, member), ["microovn", "certificates", "reissue", service])
}

impl Reissue {
    /// The services that get new certificates.
    fn stems(self, state: &State) -> Vec<&'static str> {
        let all = find(state, self.member).map(services).unwrap_or_default();
        all.into_iter().filter(|stem| self.service.is_none_or(|service| service == *stem)).collect()
    }
}

impl Step for Reissue {
    fn words(&self) -> String {
        format!("reissue_{}_{}", self.service.unwrap_or("all").replace('-', "_"), self.member)
    }

    fn about(&self) -> String {
        let what = self.service.map_or_else(|| "every certificate".to_owned(), |it| format!("the certificate of {it}"));
        format!("{what} is issued anew on member {}", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        not_online(state, self.member).or_else(|| without_leader(state)).or_else(|| {
            let missing = self.stems(state).is_empty();
            missing.then(|| format!("member {} has no {}", self.member, self.service.unwrap_or("certificate")))
        })
    }

    // Recorded: it says the names of all, a line each.
    fn acts(&self, state: &State) -> Vec<Act> {
        let act = command(state, self.member, self.service.unwrap_or("all"));
        let said = act.says("Local certificates reissued successfully:");
        vec![self.stems(state).into_iter().fold(said, Act::says)]
    }

    // Recorded: the servers take the new files in as they are, and no process is another.
    fn effect(&self, state: &mut State) {
        let (name, stems) = (name(state, self.member), self.stems(state));
        if let Some(changes) = &mut state.since {
            stems.into_iter().for_each(|stem| changes.certificate(&name, stem, Turnover::Fresh));
        }
    }
}

impl Step for ReissueRefused {
    fn words(&self) -> String {
        format!("reissue_{}_{}_refused", self.service.replace('-', "_"), self.member)
    }

    fn about(&self) -> String {
        format!("no certificate of {} is issued on member {}, which does not have it", self.service, self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        not_online(state, self.member).or_else(|| without_leader(state)).or_else(|| {
            let has = find(state, self.member).is_some_and(|member| services(member).contains(&self.service));
            has.then(|| format!("member {} has {}", self.member, self.service))
        })
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let enabled = find(state, self.member).map(services).unwrap_or_default().join(", ");
        let Self { service, .. } = self;
        vec![command(state, self.member, service).refused(format!(
            "Error: command failed: failed to reissue certificate: can't issue certificate for service '{service}', \
             service is not enabled on this member, enabled services: {enabled}"
        ))]
    }

    fn effect(&self, _state: &mut State) {}
}
