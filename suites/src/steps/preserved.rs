//! What a member that was removed had is in a backup on its disk, and nothing of it is left in its place.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Member, Presence, Service, State};

use super::{find, name, numbers};

pub(super) const KIND: StepKind = StepKind {
    name: "preserved",
    about: "what a member that was removed had is in a backup on its disk, and nothing of it is left in its place",
    possible: |state| StepKind::of(state, numbers(state).map(|member| Preserved { member })),
};

/// What a member that was removed had is in a backup on its disk.
#[derive(Debug, Clone, Copy)]
pub struct Preserved {
    /// The member's number.
    pub member: usize,
}

/// Where the snap keeps its data.
const COMMON: &str = "/var/snap/microovn/common";

/// What is found: how it is called, and where.
type Find = (&'static str, String);

/// What a backup has, by where it is in one. Logs may be empty: daemons write them only where they are told to.
fn kept(member: &Member) -> Vec<Find> {
    let had = |service| member.runs(service) || member.had.contains(&service);
    let in_a_backup = |what, path: &str| (what, format!("{COMMON}/backup_*/{path}"));
    let mut kept = vec![
        in_a_backup("the authority", "data/pki/cacert.pem"),
        in_a_backup("the certificate of the clients", "data/pki/client-cert.pem"),
        in_a_backup("the key of the clients", "data/pki/client-privkey.pem"),
        in_a_backup("what the services are told", "data/env/ovn.env"),
    ];
    if had(Service::Switch) {
        kept.push(in_a_backup("the database of the switch", "data/switch/db/conf.db"));
        kept.push(in_a_backup("the log of ovs-vswitchd", "logs/ovs-vswitchd.log"));
    }
    if had(Service::Chassis) {
        kept.push(in_a_backup("the key of ovn-controller", "data/pki/ovn-controller-privkey.pem"));
        kept.push(in_a_backup("the log of ovn-controller", "logs/ovn-controller.log"));
    }
    if had(Service::Central) {
        // Recorded: disabled, a database is called by the time of that.
        kept.push(in_a_backup("the Northbound", "data/central/db/ovnnb_db*.db"));
        kept.push(in_a_backup("the Southbound", "data/central/db/ovnsb_db*.db"));
        kept.push(in_a_backup("the key of ovn-northd", "data/pki/ovn-northd-privkey.pem"));
    }
    kept
}

/// Recorded: neither folder is there until it enters again.
fn gone() -> [Find; 2] {
    [("data in its place", format!("{COMMON}/data")), ("logs in their place", format!("{COMMON}/logs"))]
}

impl Step for Preserved {
    fn words(&self) -> String {
        format!("preserved_{}", self.member)
    }

    fn about(&self) -> String {
        format!("what member {} had is in a backup on its disk", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let there = |it: &testkit::plan::Member| it.presence == Presence::Left && !it.bare;
        (!find(state, self.member).is_some_and(there)).then(|| format!("member {} has not left", self.member))
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let Some(member) = find(state, self.member) else { return Vec::new() };
        let (kept, gone) = (kept(member), gone());
        let mut words = vec!["find".to_owned(), COMMON.to_owned(), "-maxdepth".to_owned(), "6".to_owned()];
        for (what, path) in kept.iter().chain(&gone) {
            words.extend(["(", "-path", path, "-printf", &format!("{what}\\n"), ")", ","].map(str::to_owned));
        }
        words.push("-false".to_owned());
        let act = Act::run(&name(state, self.member), words.iter().map(String::as_str));
        let act = kept.iter().fold(act, |act, (what, _)| act.says(*what));
        vec![gone.iter().fold(act, |act, (what, _)| act.never_says(*what))]
    }

    fn effect(&self, _state: &mut State) {}
}
