//! Databases elsewhere: an instance that is no member makes a cluster of its own, and the cluster uses its databases.

use std::collections::BTreeSet;

use testkit::journey::{Act, Handed, Step, StepKind};
use testkit::plan::{KeyAlgorithm, KeyForm, Need, Presence, Service, State, UserCa};

use super::{
    cannot_reissue, centrals, find, find_mut, name, no_such, not_online, numbers, other, reissued, says_reissued,
    set_ca, without_leader,
};

pub(super) const KIND: StepKind = StepKind {
    name: "elsewhere",
    about: "an instance outside makes a cluster of its own, of the same authority, and the cluster uses its databases",
    possible: |state| {
        let found = |member| other(state, member).map(|by| FoundElsewhere { member, by });
        let mut steps = StepKind::of(state, numbers(state).flat_map(found));
        let each = |member| numbers(state).map(move |elsewhere| UseElsewhere { member, elsewhere });
        steps.extend(StepKind::of(state, numbers(state).flat_map(each)));
        steps
    },
};

/// An instance outside makes a cluster of its own, with nothing but central, and both clusters are given the same authority.
#[derive(Debug, Clone, Copy)]
pub struct FoundElsewhere {
    /// The number of the instance.
    pub member: usize,
    /// Which member gives this cluster the authority.
    pub by: usize,
}

/// The cluster, which has no central, is told to use the databases of another.
#[derive(Debug, Clone, Copy)]
pub struct UseElsewhere {
    /// The number of the member that is told.
    pub member: usize,
    /// The number of the instance that has the databases.
    pub elsewhere: usize,
}

/// The option.
const KEY: &str = "ovn.central-ips";

impl FoundElsewhere {
    fn authority() -> UserCa {
        UserCa::new(KeyAlgorithm::Ecdsa, KeyForm::Pkcs8)
    }
}

impl Step for FoundElsewhere {
    fn words(&self) -> String {
        format!("found_elsewhere_{}", self.member)
    }

    fn about(&self) -> String {
        format!(
            "instance {} makes a cluster of its own with central alone, and both are given one authority",
            self.member
        )
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let outside = || {
            let it = find(state, self.member)?;
            (it.presence != Presence::Outside).then(|| format!("member {} is {}", self.member, it.presence))
        };
        // `cluster bootstrap` listens where it finds an address, which is one of IPv4.
        let address = || find(state, self.member).filter(|it| it.address.is_ipv6());
        no_such(state, self.member)
            .or_else(outside)
            .or_else(|| address().map(|it| format!("{} is to listen on an IPv6 address", it.name)))
            .or_else(|| cannot_reissue(state, self.by))
    }

    fn needs(&self) -> Vec<Need> {
        [vec![Need::CoreApi], set_ca::needs()].concat()
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let Some(it) = find(state, self.member) else { return Vec::new() };
        let run = |words: &[&str]| Act::run(&it.name, words.iter().copied());
        let offered = |member| set_ca::offer(state, member, Self::authority(), Handed::Combined);
        vec![
            run(&["microovn", "cluster", "bootstrap"]),
            run(&["microovn", "disable", "chassis"]).says("Service chassis disabled"),
            run(&["microovn", "disable", "switch"]).says("Service switch disabled"),
            offered(self.member).says("New CA certificate: Issued"),
            says_reissued(offered(self.by), state),
        ]
    }

    fn effect(&self, state: &mut State) {
        if let Some(it) = find_mut(state, self.member) {
            it.presence = Presence::Elsewhere;
            it.services = BTreeSet::from([Service::Central]);
        }
        reissued(state, Some(Self::authority()));
    }
}

impl Step for UseElsewhere {
    fn words(&self) -> String {
        format!("use_elsewhere_{}_{}", self.elsewhere, self.member)
    }

    fn about(&self) -> String {
        format!("member {} is told that the databases are those of instance {}", self.member, self.elsewhere)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let (member, elsewhere) = (self.member, self.elsewhere);
        let is = || find(state, elsewhere).is_some_and(|it| it.presence == Presence::Elsewhere);
        let own = || (centrals(state) > 0).then(|| "the cluster has databases of its own".to_owned());
        let told = || (!state.central_ips.is_empty()).then(|| "it was told already".to_owned());
        not_online(state, member)
            .or_else(|| (!is()).then(|| format!("instance {elsewhere} has no databases of its own")))
            .or_else(|| without_leader(state))
            .or_else(own)
            .or_else(told)
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::CoreApi]
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let name = name(state, self.member);
        let Some(address) = find(state, self.elsewhere).map(|it| it.address.to_string()) else { return Vec::new() };
        let set = ["microovn", "config", "set", KEY, &address];
        vec![Act::run(&name, set).says(format!("Successfully set config option '{KEY}'"))]
    }

    fn effect(&self, state: &mut State) {
        state.central_ips = find(state, self.elsewhere).map(|it| it.address).into_iter().collect();
    }
}
