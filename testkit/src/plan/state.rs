//! What must be so: the model of a cluster at one moment, which checks judge by.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Changes, Datapath, Member, Presence, Release, Service, UserCa};

/// A cluster as it must be. Pure, comparable and printable; a step makes the next one of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct State {
    /// The authority of OVN's certificates; `None` where MicroOVN makes one.
    pub user_ca: Option<UserCa>,
    /// What carries packets on members; `None` in a plan that was only drawn.
    #[serde(default)]
    pub datapath: Option<Datapath>,
    /// What the release under test has of itself.
    #[serde(default)]
    pub release: Release,
    /// What must be another than at the station before, and what therefore must not; `None` where there is none before.
    #[serde(default)]
    pub since: Option<Changes>,
    /// Every member there ever is, also those that are still outside or have left, in the order of their numbers.
    pub members: Vec<Member>,
}

impl State {
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
        self.members.iter().filter(|member| !matches!(member.presence, Presence::Down | Presence::Gone))
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

    /// Whether so many centrals are up that the databases can be written: more than half of them.
    pub fn has_quorum(&self) -> bool {
        2 * self.online_with(Service::Central).count() > self.members_with(Service::Central).count()
    }

    /// Whether so many members are up that MicroOVN's own database has a leader: more than half of them. Of more than three
    /// members MicroOVN chooses which of them vote, so this is certain only while no more than one of those is down.
    pub fn has_majority(&self) -> bool {
        2 * self.online().count() > self.members().count()
    }
}

/// One line: every member by its number with what it runs, and how it is where it is not online.
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
        }
        Ok(())
    }
}
