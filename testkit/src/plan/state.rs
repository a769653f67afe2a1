//! What must be so: the model of a cluster at one moment, which checks judge by.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{
    Changes, Database, Datapath, ELECTION_TIMER, Member, Presence, Programs, Release, Schemas, Service, Turnover,
    UserCa,
};

/// A cluster as it must be. Pure, comparable and printable; a step makes the next one of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct State {
    /// The authority of OVN's certificates; `None` where MicroOVN makes one.
    pub user_ca: Option<UserCa>,
    /// What carries packets on members; `None` in a plan that was only drawn.
    #[serde(default)]
    pub datapath: Option<Datapath>,
    /// What the release has of itself that members are formed of.
    #[serde(default)]
    pub release: Release,
    /// The port that MicroCloud told members to listen on; `None` where it did not form them, and the release chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_port: Option<u16>,
    /// Whether it is known what MicroOVN was told on every member since before it entered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tapped: bool,
    /// The release that members can be refreshed to; `None` where there is none.
    #[serde(default)]
    pub newer: Option<Release>,
    /// Where the databases are that the cluster was told to use instead of its own; empty where it was told of none.
    #[serde(default)]
    pub central_ips: Vec<IpAddr>,
    /// Whether the databases have the schemas of that release.
    #[serde(default)]
    pub converted: bool,
    /// The election timers of the databases that an operator gave another than MicroOVN does, in milliseconds.
    #[serde(default)]
    pub election_timers: BTreeMap<Database, u64>,
    /// The members whose chassis may have the gateway of the logical networks' router, the first before all others; empty where there
    /// are no such networks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<String>,
    /// What must be another than at the station before, and what therefore must not; `None` where there is none before.
    #[serde(default)]
    pub since: Option<Changes>,
    /// Every member there ever is, also those that are still outside or have left, in the order of their numbers.
    pub members: Vec<Member>,
}

impl State {
    /// The programs behind the snap's commands that every member has, whatever it was refreshed to.
    pub fn programs(&self) -> Programs {
        self.release.programs.common(self.newer.as_ref().map(|newer| &newer.programs))
    }

    /// The members of the cluster, up or down.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.belongs())
    }

    /// The members that can be asked, in order.
    pub fn online(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.presence == Presence::Online)
    }

    /// The members whose instances can be asked, also those outside of the cluster.
    pub fn asked(&self) -> impl Iterator<Item = &Member> {
        let silent = |presence| matches!(presence, Presence::Down | Presence::Gone | Presence::Elsewhere);
        self.members.iter().filter(move |member| member.bare || !silent(member.presence))
    }

    /// Those of them that have the snap.
    pub fn equipped(&self) -> impl Iterator<Item = &Member> {
        self.asked().filter(|member| !member.bare)
    }

    /// The members whose snap was removed.
    pub fn bare(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.bare)
    }

    /// The members of the cluster that have `service`, up or down, in order.
    pub fn members_with(&self, service: Service) -> impl Iterator<Item = &Member> {
        self.members().filter(move |member| member.runs(service))
    }

    /// The members that run `service` and can be asked, in order.
    pub fn online_with(&self, service: Service) -> impl Iterator<Item = &Member> {
        self.online().filter(move |member| member.runs(service))
    }

    /// The member of that name, wherever it is.
    pub fn find(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// Whether MicroCloud formed the cluster, which tells members where to listen.
    pub fn is_microclouds(&self) -> bool {
        self.told_port.is_some()
    }

    /// The port that members listen on.
    pub fn member_port(&self) -> u16 {
        self.told_port.unwrap_or(self.release.member_port)
    }

    /// The release that a member has.
    pub fn release_of(&self, member: &Member) -> &Release {
        self.newer.as_ref().filter(|_| member.refreshed).unwrap_or(&self.release)
    }

    /// The schemas that the databases have; `None` where that is not known.
    pub fn schemas(&self) -> Option<&Schemas> {
        self.newer.as_ref().filter(|_| self.converted).unwrap_or(&self.release).schemas.as_ref()
    }

    /// Notes what MicroOVN makes of the databases by itself: it holds their schemas back until every member can be asked and
    /// has the newer release, and nothing takes them back. Databases that begin anew have the schemas of who has them.
    pub fn convert_when_due(&mut self) {
        let is_new = |member: &Member| member.refreshed && member.presence == Presence::Online;
        if self.since.as_ref().is_some_and(|changes| changes.databases == Turnover::Fresh) {
            let newer = self.online_with(Service::Central).any(|central| central.refreshed);
            self.converted = newer;
        }
        if self.members_with(Service::Central).next().is_some() && self.members().all(is_new) {
            self.converted = true;
        }
    }

    /// After how many milliseconds without a word from its leader a server of this database stands for election.
    pub fn election_timer(&self, database: Database) -> u64 {
        self.election_timers.get(&database).copied().unwrap_or(ELECTION_TIMER)
    }

    /// Notes what an operator's changes to the databases' servers end with: a server that there is no more, and databases that
    /// begin anew.
    pub fn forget_servers(&mut self) {
        let anew = self.since.as_ref().is_some_and(|changes| changes.databases == Turnover::Fresh);
        if anew {
            self.election_timers.clear();
            self.gateways.clear();
        }
        for member in &mut self.members {
            if anew || !member.belongs() || !member.runs(Service::Central) {
                member.plain.clear();
            }
            // Logical networks are in the Northbound, and who leaves has no bridge for endpoints any more.
            member.talks &= !anew && member.belongs();
            if !member.belongs() {
                member.unbridge();
            }
            // What left has nothing of what it was told.
            if !member.belongs() && !member.is_peer() {
                member.routes = None;
            }
        }
    }

    /// Where the databases are: on every central, or where the cluster was told.
    pub fn databases(&self) -> Vec<IpAddr> {
        match &self.central_ips[..] {
            [] => self.members_with(Service::Central).map(|central| central.address).collect(),
            told => told.to_vec(),
        }
    }

    /// Whether members have been told of each other's tunnel endpoints: there is a Southbound, or there was one.
    pub fn has_had_centrals(&self) -> bool {
        let mut entered = self.members.iter().filter(|member| member.presence != Presence::Outside);
        !self.central_ips.is_empty()
            || entered.any(|member| member.runs(Service::Central) || member.had.contains(&Service::Central))
    }

    /// Whether the databases can be written: more than half of the centrals are up, or they are elsewhere, where they are.
    pub fn has_quorum(&self) -> bool {
        !self.central_ips.is_empty()
            || 2 * self.online_with(Service::Central).count() > self.members_with(Service::Central).count()
    }

    /// Whether so many members are up that MicroOVN's own database has a leader: more than half of them. Of more than three
    /// members MicroOVN chooses which of them vote, so this is certain only while no more than one of those is down.
    pub fn has_majority(&self) -> bool {
        2 * self.online().count() > self.members().count()
    }
}

/// One line: every member by its number with what it runs, how it is where it is not online, and what became of its snap.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, member) in (1..).zip(&self.members) {
            if number > 1 {
                f.write_str(", ")?;
            }
            let services: Vec<String> = member.services.iter().map(ToString::to_string).collect();
            match member.presence {
                Presence::Online => {
                    let silent = if member.logs_security() { "" } else { " without security log" };
                    write!(f, "{number} {}{silent}", services.join("+"))?;
                }
                presence => write!(f, "{number} {presence}")?,
            }
            match member.routes {
                Some(_) if member.is_peer() => f.write_str(", a peer by BGP")?,
                Some(table) => write!(f, " with routes in table {table}")?,
                None => {}
            }
            if member.bare {
                f.write_str(" without its snap")?;
            }
            if member.refreshed {
                f.write_str(" (refreshed)")?;
            }
            for database in &member.plain {
                write!(f, " ({} in the clear)", database.short())?;
            }
        }
        if !self.central_ips.is_empty() {
            f.write_str(", databases elsewhere")?;
        }
        if self.has_traffic() {
            write!(f, ", {} send packets", self.talkers().count())?;
        }
        for (database, milliseconds) in &self.election_timers {
            write!(f, ", {} elects after {milliseconds} ms", database.short())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Changes, Outline, Plan, Segments};

    fn state() -> State {
        let cell = crate::matrix::Cell::new(&[], &[]).expect("a cell").id().clone();
        let plan = Plan::outlined(cell, Outline::default(), Segments::documentation());
        State { release: Release::older(), newer: Some(Release::default()), ..plan.state }
    }

    fn northbound(state: &State) -> &str {
        state.schemas().map(|schemas| schemas.northbound.as_str()).expect("known")
    }

    #[test]
    fn schemas_are_held_back_until_all_can_be_asked_and_have_the_newer_release_and_then_stay() {
        let mut state = state();
        for refreshed in 0..3 {
            state.members[refreshed].refreshed = true;
            state.members[0].presence = Presence::Down;
            state.convert_when_due();
            assert_eq!(northbound(&state), "7.0.0", "with {} refreshed and one down", refreshed + 1);
        }
        state.members[0].presence = Presence::Online;
        state.convert_when_due();
        assert_eq!(northbound(&state), "7.11.0");
        state.members[2].refreshed = false;
        state.convert_when_due();
        assert_eq!(northbound(&state), "7.11.0", "nothing takes them back");
        assert_eq!(state.release_of(&state.members[2]).version, Release::older().version);
        assert_eq!(state.release_of(&state.members[1]).version, Release::default().version);
    }

    #[test]
    fn databases_are_where_the_cluster_was_told() {
        let mut state = state();
        assert_eq!(state.databases().len(), 3);
        for member in &mut state.members {
            member.services.remove(&Service::Central);
        }
        assert!(state.databases().is_empty() && !state.has_quorum());
        let elsewhere = vec![IpAddr::from([192, 0, 2, 1])];
        state.central_ips.clone_from(&elsewhere);
        assert!(state.databases() == elsewhere && state.has_quorum());
        state.members[0].presence = Presence::Elsewhere;
        assert_eq!((state.asked().count(), state.members().count()), (2, 2));
    }

    #[test]
    fn what_was_done_to_servers_ends_with_them() {
        let mut state = state();
        state.election_timers.insert(Database::Southbound, 32_000);
        for member in &mut state.members {
            member.plain.insert(Database::Southbound);
        }
        state.members[1].services.remove(&Service::Central);
        state.members[2].presence = Presence::Left;
        state.forget_servers();
        let plain: Vec<usize> = state.members.iter().map(|member| member.plain.len()).collect();
        assert_eq!((plain, state.election_timer(Database::Southbound)), (vec![1, 0, 0], 32_000));
        assert!(
            state.to_string().contains("(sb in the clear)") && state.to_string().ends_with("sb elects after 32000 ms")
        );
        state.since = Some(Changes { databases: Turnover::Fresh, ..Changes::default() });
        state.forget_servers();
        assert!(state.members[0].plain.is_empty() && state.election_timers.is_empty());
    }

    #[test]
    fn who_has_gone_is_not_waited_for() {
        let mut state = state();
        state.members[0].refreshed = true;
        state.members[1].refreshed = true;
        state.members[2].presence = Presence::Gone;
        state.convert_when_due();
        assert!(state.converted);
    }

    #[test]
    fn databases_that_begin_anew_have_the_schemas_of_who_has_them() {
        let mut state = state();
        state.converted = true;
        for member in &mut state.members[1..] {
            member.services.remove(&Service::Central);
            member.refreshed = true;
        }
        state.since = Some(Changes { databases: Turnover::Fresh, ..Changes::default() });
        state.convert_when_due();
        assert!(!state.converted);
    }
}
