//! A member loses the link of a NIC, and gets it back.

use testkit::journey::{Act, Step, StepKind, What};
use testkit::plan::{Network, Service, State};

use super::{find, find_mut, learns, name, no_such, not_online, not_spared, numbers, vote};

pub(super) const KIND: StepKind = StepKind {
    name: "cut",
    about: "a member loses the link of a NIC, or gets it back",
    possible: |state| {
        let networks = || [Network::Management, Network::Underlay];
        let cut = |member| networks().map(move |network| Cut { member, network });
        let heal = |member| networks().map(move |network| Heal { member, network });
        let mut steps = StepKind::of(state, numbers(state).flat_map(cut));
        steps.extend(StepKind::of(state, numbers(state).flat_map(heal)));
        steps
    },
};

/// A member loses the link of its NIC on a network.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// The member's number.
    pub member: usize,
    /// The network.
    pub network: Network,
}

/// A member gets the link of its NIC on a network back.
#[derive(Debug, Clone, Copy)]
pub struct Heal {
    /// The member's number.
    pub member: usize,
    /// The network.
    pub network: Network,
}

impl Step for Cut {
    fn words(&self) -> String {
        format!("cut_{}_{}", self.network, self.member)
    }

    fn about(&self) -> String {
        format!("member {} is cut off from the {} network", self.member, self.network)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let Self { member: number, network } = *self;
        let Some(member) = find(state, number) else { return no_such(state, number) };
        if member.cut.contains(&network) || member.find_nic(network).is_none() {
            return Some(format!("member {number} is not on the {network} network"));
        }
        if network == Network::Underlay && !member.runs(Service::Chassis) {
            return Some(format!("member {number} has no use for the {network} network"));
        }
        let mut after = member.clone();
        after.cut.insert(network);
        after.reckon();
        // One that is not reached any more leaves the others by themselves.
        if after.presence == member.presence { not_online(state, number) } else { not_spared(state, number) }
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let vote = vote(state, self.member).filter(|_| self.network == Network::Management);
        vote.into_iter().chain([Act::of(&name(state, self.member), What::Cut(self.network))]).collect()
    }

    fn effect(&self, state: &mut State) {
        if let Some(member) = find_mut(state, self.member) {
            member.cut.insert(self.network);
            member.reckon();
        }
    }
}

impl Step for Heal {
    fn words(&self) -> String {
        format!("heal_{}_{}", self.network, self.member)
    }

    fn about(&self) -> String {
        format!("member {} is back on the {} network", self.member, self.network)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let Self { member: number, network } = *self;
        let Some(member) = find(state, number) else { return no_such(state, number) };
        if let Some(standstill) = member.standstill {
            return Some(format!("member {number} is {standstill}"));
        }
        (!member.cut.contains(&network)).then(|| format!("member {number} is not cut off from the {network} network"))
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        vec![Act::of(&name(state, self.member), What::Heal(self.network))]
    }

    fn effect(&self, state: &mut State) {
        let was_reached = not_online(state, self.member).is_none();
        if let Some(member) = find_mut(state, self.member) {
            member.cut.remove(&self.network);
            member.reckon();
        }
        if !was_reached {
            learns(state, self.member);
        }
    }
}
