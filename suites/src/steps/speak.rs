//! A database's server on a member is replaced by hand, so that it talks with the others otherwise: by TLS, or in the clear.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Database, Member, Presence, Process, Service, State, Turnover};

use super::{find, find_mut, name, not_online, numbers};

pub(super) const KIND: StepKind = StepKind {
    name: "speak",
    about: "a database's server on a member leaves its cluster and joins it again by TLS, or in the clear",
    possible: |state| {
        let each = |member| Database::ALL.map(|database| [true, false].map(|tls| Speak { member, database, tls }));
        StepKind::of(state, numbers(state).flat_map(each).flatten())
    },
};

/// A database's server on a member leaves its cluster and joins it again by TLS, or in the clear, as a cluster of MicroOVN's first
/// releases does.
#[derive(Debug, Clone, Copy)]
pub struct Speak {
    /// The member's number.
    pub member: usize,
    /// The database.
    pub database: Database,
    /// Whether its server is to speak TLS.
    pub tls: bool,
}

/// Where the control sockets of the database servers are.
const RUN: &str = "/var/snap/microovn/common/run/ovn";
/// Where their files are.
const DB: &str = "/var/snap/microovn/common/data/central/db";
/// What is stopped for it, and started again.
const UNITS: [&str; 3] = ["microovn.ovn-ovsdb-server-nb", "microovn.ovn-ovsdb-server-sb", "microovn.ovn-northd"];

/// Where the server of a member listens for the others.
fn address(member: &Member, database: Database, tls: bool) -> String {
    let scheme = if tls { "ssl" } else { "tcp" };
    format!("{scheme}:{}", std::net::SocketAddr::new(member.address, database.port()))
}

impl Speak {
    fn speaks_tls(self, member: &Member) -> bool {
        !member.plain.contains(&self.database)
    }

    /// What a server says of its cluster.
    fn status(self, member: &Member) -> Act {
        let socket = format!("{RUN}/ovn{}_db.ctl", self.database.short());
        let name = self.database.name();
        Act::wait(&member.name, ["microovn.ovn-appctl", "-t", &socket, "cluster/status", name])
            .says(format!("Name: {name}"))
            .says("Status: cluster member")
    }

    /// It has left, the others say, and its files are gone.
    fn leave(self, member: &Member, others: &[&Member]) -> Vec<Act> {
        let run = |words: &[&str]| Act::run(&member.name, words.iter().copied());
        let socket = format!("{RUN}/ovn{}_db.ctl", self.database.short());
        let file = format!("{DB}/ovn{}_db.db", self.database.short());
        let listed = format!("    …at {})", address(member, self.database, self.speaks_tls(member)));
        let mut acts = vec![run(&["microovn.ovn-appctl", "-t", &socket, "cluster/leave", self.database.name()])];
        // Who heard of it lately says when.
        let gone = |other: &&Member| self.status(other).never_says(&listed).never_says(format!("{listed}…"));
        acts.extend(others.iter().map(gone));
        acts.extend(UNITS.map(|unit| run(&["snap", "stop", unit]).says("Stopped.")));
        acts.push(run(&["rm", &file]));
        acts
    }

    /// It joins again through another, and takes part like the others.
    fn join(self, member: &Member, others: &[&Member]) -> Vec<Act> {
        let run = |words: &[&str]| Act::run(&member.name, words.iter().copied());
        let file = format!("{DB}/ovn{}_db.db", self.database.short());
        let own = address(member, self.database, self.tls);
        let through = others.first().map(|other| address(other, self.database, self.speaks_tls(other)));
        let words = ["join-cluster", &file, self.database.name(), &own, &through.unwrap_or_default()];
        let mut acts = vec![run(&[&["microovn.ovsdb-tool"], &words[..]].concat())];
        acts.extend(UNITS.map(|unit| run(&["snap", "restart", unit]).says("Restarted.")));
        acts.push(self.status(member).says(format!("Address: {own}")).says("Entries not yet applied: 0"));
        acts
    }
}

impl Step for Speak {
    fn words(&self) -> String {
        let (database, how) = (self.database.process().word(), if self.tls { "tls" } else { "tcp" });
        format!("{database}_over_{how}_{}", self.member)
    }

    fn about(&self) -> String {
        let how = if self.tls { "by TLS" } else { "in the clear" };
        format!("the server of {} on member {} is made to talk with the others {how}", self.database, self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let number = self.member;
        let servers = || {
            let member = find(state, number)?;
            if !member.runs(Service::Central) {
                return Some(format!("member {number} has no database server"));
            }
            if self.speaks_tls(member) == self.tls {
                return Some(format!("the server of member {number} does so already"));
            }
            let centrals = || state.members_with(Service::Central);
            let amiss = centrals().find(|it| it.presence != Presence::Online || !it.dead.is_empty());
            let alone = (centrals().count() < 2).then(|| "nobody would be left in its cluster".to_owned());
            amiss.map(|it| format!("{} is {}, or something of it was killed", it.name, it.presence)).or(alone)
        };
        not_online(state, number).or_else(servers)
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let Some(member) = find(state, self.member) else { return Vec::new() };
        let others: Vec<&Member> = state.members_with(Service::Central).filter(|it| it.name != member.name).collect();
        [self.leave(member, &others), self.join(member, &others)].concat()
    }

    // The page stops and starts both servers and ovn-northd, whichever of them it is about.
    fn effect(&self, state: &mut State) {
        let name = name(state, self.member);
        if let Some(member) = find_mut(state, self.member) {
            if self.tls {
                member.plain.remove(&self.database);
            } else {
                member.plain.insert(self.database);
            }
        }
        if let Some(changes) = &mut state.since {
            for process in [Process::Northbound, Process::Southbound, Process::Northd] {
                changes.process(&name, process, Turnover::Fresh);
            }
        }
    }
}
