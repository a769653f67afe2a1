//! Databases elsewhere: instances that are no members make a cluster of their own, and the cluster uses its databases.

use std::collections::BTreeSet;

use testkit::journey::{Act, Handed, Step, StepKind};
use testkit::plan::{KeyAlgorithm, KeyForm, Member, Need, Presence, Service, State, UserCa};

use super::{
    add, cannot_reissue, centrals, find, find_mut, name, no_such, not_online, numbers, other, reissued, says_reissued,
    set_ca, without_leader,
};

pub(super) const KIND: StepKind = StepKind {
    name: "elsewhere",
    about: "instances outside make a cluster of their own, of the same authority, and the cluster uses its databases",
    possible: |state| {
        let last = state.members.len();
        let found = |first| {
            let lasts = BTreeSet::from([first, last]).into_iter();
            lasts.filter_map(move |last| other(state, first).map(|by| FoundElsewhere { first, last, by }))
        };
        let mut steps = StepKind::of(state, numbers(state).flat_map(found));
        let each = |member| numbers(state).map(move |elsewhere| UseElsewhere { member, elsewhere });
        steps.extend(StepKind::of(state, numbers(state).flat_map(each)));
        steps
    },
};

/// Instances outside make a cluster of their own, with nothing but central, and both clusters are given the same authority.
#[derive(Debug, Clone, Copy)]
pub struct FoundElsewhere {
    /// The number of the instance that bootstraps.
    pub first: usize,
    /// That of the last which enters: the first itself, where it stays alone.
    pub last: usize,
    /// Which member gives this cluster the authority.
    pub by: usize,
}

/// The cluster, which has no central, is told to use the databases of another.
#[derive(Debug, Clone, Copy)]
pub struct UseElsewhere {
    /// The number of the member that is told.
    pub member: usize,
    /// The number of one of the instances that have the databases.
    pub elsewhere: usize,
}

/// The option.
const KEY: &str = "ovn.central-ips";

/// The instances of the other cluster.
fn elsewhere(state: &State) -> impl Iterator<Item = &Member> {
    state.members.iter().filter(|it| it.presence == Presence::Elsewhere)
}

impl FoundElsewhere {
    fn authority() -> UserCa {
        UserCa::new(KeyAlgorithm::Ecdsa, KeyForm::Pkcs8)
    }

    /// Why one of them cannot be in that cluster, if it cannot.
    fn cannot(state: &State, number: usize) -> Option<String> {
        let it = find(state, number)?;
        if it.bare {
            return Some(format!("the snap of member {number} was removed"));
        }
        if it.presence != Presence::Outside {
            return Some(format!("member {number} is {}", it.presence));
        }
        // `cluster bootstrap` listens where it finds an address, which is one of IPv4.
        it.address.is_ipv6().then(|| format!("{} is to listen on an IPv6 address", it.name))
    }
}

impl Step for FoundElsewhere {
    fn words(&self) -> String {
        match self.last {
            last if last == self.first => format!("found_elsewhere_{last}"),
            last => format!("found_elsewhere_{}_to_{last}", self.first),
        }
    }

    fn about(&self) -> String {
        let who = match self.last {
            last if last == self.first => format!("instance {last} makes a cluster of its own"),
            last => format!("instances {} to {last} make a cluster of their own", self.first),
        };
        format!("{who} with central alone, and both are given one authority")
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let (first, last) = (self.first, self.last);
        let backwards = || (last < first).then(|| format!("{last} is before {first}"));
        let another = elsewhere(state).next();
        no_such(state, first)
            .or_else(|| no_such(state, last))
            .or_else(backwards)
            .or_else(|| another.map(|it| format!("{} has made one already", it.name)))
            .or_else(|| (first..=last).find_map(|number| Self::cannot(state, number)))
            .or_else(|| cannot_reissue(state, self.by))
    }

    fn needs(&self) -> Vec<Need> {
        [vec![Need::CoreApi], set_ca::needs()].concat()
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let run = |number, words: &[&str]| Act::run(&name(state, number), words.iter().copied());
        let offered = |member| set_ca::offer(state, member, Self::authority(), Handed::Combined);
        let mut acts = Vec::new();
        for number in self.first..=self.last {
            match number == self.first {
                true => acts.push(run(number, &["microovn", "cluster", "bootstrap"])),
                false => acts.extend(add::enters(state, number, self.first)),
            }
            for service in ["chassis", "switch"] {
                acts.push(run(number, &["microovn", "disable", service]).says(format!("Service {service} disabled")));
            }
        }
        acts.push(offered(self.first).says("New CA certificate: Issued"));
        acts.push(says_reissued(offered(self.by), state));
        acts
    }

    fn effect(&self, state: &mut State) {
        for number in self.first..=self.last {
            if let Some(it) = find_mut(state, number) {
                it.presence = Presence::Elsewhere;
                it.services = BTreeSet::from([Service::Central]);
            }
        }
        reissued(state, Some(Self::authority()));
    }
}

impl Step for UseElsewhere {
    fn words(&self) -> String {
        format!("use_elsewhere_{}_{}", self.elsewhere, self.member)
    }

    fn about(&self) -> String {
        format!(
            "member {} is told that the databases are those of the cluster of instance {}",
            self.member, self.elsewhere
        )
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
        let addresses: Vec<String> = elsewhere(state).map(|it| it.address.to_string()).collect();
        let set = ["microovn", "config", "set", KEY, &addresses.join(",")];
        vec![Act::run(&name, set).says(format!("Successfully set config option '{KEY}'"))]
    }

    fn effect(&self, state: &mut State) {
        state.central_ips = elsewhere(state).map(|it| it.address).collect();
    }
}
