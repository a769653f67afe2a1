//! The way out of the logical networks: a router whose gateway is on one member at a time, and what is outside.

use std::net::IpAddr;

use super::traffic::{Overlay, Place};
use super::{Member, Process, Service, State};

/// The router, as the Northbound names it.
pub const ROUTER: &str = "edge";
/// The network that joins it to what is outside, and the port of the router there.
pub const UPLINK: &str = "uplink";
/// The network that the uplink is, as members map it to a bridge.
pub const PHYSICAL: &str = "testkit";
/// The bridge of it on each member, as OVN's own examples call it.
pub const UPLINK_BRIDGE: &str = "br-ex";
/// The port that is bound to the chassis that has the gateway: `cr-` and the name of the router's port (ovn-northd(8)).
pub const GATEWAY_PORT: &str = "cr-uplink-router";

/// The number of the uplink among networks, and of routers on each.
const NET: u8 = 9;
const HOST: u8 = 254;

impl Place {
    /// Where the router is on the network of this number.
    pub(super) const fn of_router(net: u8) -> Self {
        Self::new(net, HOST)
    }

    /// Where the router is on the uplink.
    pub const UPLINK: Self = Self::of_router(NET);
    /// Where what is outside is.
    pub const OUTSIDE: Self = Self::new(NET, 1);
}

/// The network that a packet between these two is on: one that leaves for what is outside has the router behind it already. `None`
/// where it is of none, as what members ask each other to know whether they are there.
pub fn network_between((from, to): (IpAddr, IpAddr)) -> Option<String> {
    if to == Place::OUTSIDE.address(to.is_ipv6()) {
        return Some(ROUTER.to_owned());
    }
    Overlay::of(from).or(Overlay::of(to)).map(|overlay| overlay.to_string())
}

impl Member {
    /// Whether its switch forwards packets, as other members see it: what they tell each other by goes on where nobody can reach
    /// the member otherwise, and where its ovn-controller was killed.
    fn forwards(&self) -> bool {
        let has = self.runs(Service::Chassis) && self.runs(Service::Switch);
        let stands = self.standstill.is_some() || self.bare || self.dead.contains(&Process::Switch);
        self.belongs() && has && !stands && !self.tunnels_are_cut()
    }
}

impl State {
    /// The member that has the router's gateway: the first of those that may have it and that the others hear.
    pub fn gateway(&self) -> Option<&Member> {
        self.gateways.iter().filter_map(|name| self.find(name)).find(|member| member.forwards())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Network, Outline, Plan, Presence, Segments, Standstill, Trial};

    fn state() -> State {
        let cell = crate::matrix::Cell::new(&[], &[]).expect("a cell").id().clone();
        let mut state = Plan::outlined(cell, Outline::default(), Segments::documentation()).state;
        state.lay_traffic();
        state
    }

    fn number(state: &State) -> Option<usize> {
        let gateway = state.gateway()?;
        state.members.iter().position(|member| member.name == gateway.name).map(|at| at + 1)
    }

    #[test]
    fn the_next_takes_over_from_who_is_not_heard_any_more_and_gives_it_back() {
        let as_laid = state();
        assert_eq!(number(&as_laid), Some(1));
        type Change = fn(&mut Member);
        let lose: [Change; 5] = [
            |it| it.standstill = Some(Standstill::Frozen),
            |it| it.presence = Presence::Left,
            |it| it.services.retain(|service| *service != Service::Chassis),
            |it| it.dead.extend([Process::Switch]),
            |it| it.cut.extend([Network::Management]),
        ];
        for change in lose {
            let mut state = as_laid.clone();
            change(&mut state.members[0]);
            assert_eq!(number(&state), Some(2), "{state}");
        }
        let keep: [Change; 2] = [|it| it.presence = Presence::Down, |it| it.dead.extend([Process::Controller])];
        for change in keep {
            let mut state = as_laid.clone();
            change(&mut state.members[0]);
            assert_eq!(number(&state), Some(1), "{state}");
        }
    }

    #[test]
    fn what_is_outside_is_sent_to_by_the_first_network_alone_and_only_where_the_gateway_has_an_uplink() {
        let mut state = state();
        let outward = |state: &State| -> Vec<_> {
            let bursts = state.bursts(&state.members[1]).into_iter();
            bursts.filter(|it| it.trial == Trial::Outward).map(|it| (it.from.to_string(), it.to)).collect()
        };
        let to = |address: std::net::IpAddr| ("red".to_owned(), vec![("outside".to_owned(), address)]);
        assert_eq!(outward(&state), [to([198, 19, 9, 1].into()), to("fd42:6f76:9::1".parse().expect("an address"))]);
        // It left and came back: the Northbound still names it, and it has no bridge any more.
        state.members[0].talks = false;
        assert_eq!((number(&state), outward(&state).len()), (Some(1), 0));
    }

    #[test]
    fn networks_that_are_gone_have_no_gateway() {
        let mut state = state();
        state.since =
            Some(crate::plan::Changes { databases: crate::plan::Turnover::Fresh, ..crate::plan::Changes::default() });
        state.forget_servers();
        assert_eq!(number(&state), None);
    }
}
