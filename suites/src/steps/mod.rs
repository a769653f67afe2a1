//! Today's steps, one file each: what can be done to a cluster, and what that makes of it.
//!
//! Members are named by their number, counted from 1, in the order of the plan.

use testkit::journey::{Act, StepKind, What};
use testkit::plan::{Member, Presence, Process, Service, Standstill, State, Turnover, UserCa, planned_certificates};

/// Registers the steps: one line is a step's module, which has its `KIND`.
macro_rules! steps {
    ($($module:ident,)*) => {
        $(mod $module;)*

        /// Every kind of step.
        pub const STEPS: &[StepKind] = &[$($module::KIND),*];

        pub use self::{$($module::*),*};
    };
}

steps! {
    add,
    answer,
    bgp,
    central_ips,
    connect,
    cut,
    disable,
    election_timer,
    elsewhere,
    enable,
    freeze,
    halt_daemon,
    install_snap,
    kill,
    logs,
    lxd_network,
    microcloud_add,
    misuse,
    peer,
    power,
    preserved,
    propagate,
    reach,
    reboot,
    refresh,
    refuse,
    regenerate_ca,
    reissue,
    rejoin,
    remove,
    remove_snap,
    renew,
    restart,
    revert,
    set_ca,
    show,
    security_log,
    speak,
    start,
    stop,
    switch_first,
    toggle,
    trace,
    traffic,
}

/// The numbers of all members, in order.
fn numbers(state: &State) -> std::ops::RangeInclusive<usize> {
    1..=state.members.len()
}

/// The member of that number.
fn find(state: &State, number: usize) -> Option<&Member> {
    state.members.get(number.checked_sub(1)?)
}

/// The member of that number, to be changed.
fn find_mut(state: &mut State, number: usize) -> Option<&mut Member> {
    state.members.get_mut(number.checked_sub(1)?)
}

/// Why there is no member of that number, if there is none.
fn no_such(state: &State, number: usize) -> Option<String> {
    find(state, number).is_none().then(|| format!("there is no member {number}, but {}", state.members.len()))
}

/// Why nothing can be done on the member of that number, if nothing can: there is none, or it cannot be asked.
fn not_online(state: &State, number: usize) -> Option<String> {
    no_such(state, number).or_else(|| {
        let presence = find(state, number)?.presence;
        (presence != Presence::Online).then(|| format!("member {number} is {presence}"))
    })
}

/// Why a member cannot go down: it is not up, nobody would be left to ask, or nobody could tell how many of those votes are gone
/// by which MicroOVN's own database goes on. With three members each has one; of more MicroOVN chooses three.
fn not_spared(state: &State, number: usize) -> Option<String> {
    let (members, online) = (state.members().count(), state.online().count());
    not_online(state, number).or_else(|| match (members, online) {
        (_, 1) => Some("it is the last that is up".to_owned()),
        (3, _) => None,
        (members, online) if members > 3 && online == members => None,
        _ => Some(format!("{online} of {members} members are up, and which of them vote is for MicroOVN to choose")),
    })
}

/// What is done before a member goes down: its vote must be one of as many as there can be, or what becomes of MicroOVN's own
/// database is left to how long ago members joined. Where that has no leader nobody votes.
fn vote(state: &State, number: usize) -> Option<Act> {
    state.has_majority().then(|| Act::of(&name(state, number), What::Vote))
}

/// What makes a member stand still, after all that can vote do.
fn acts_of_standstill(state: &State, number: usize, what: What) -> Vec<Act> {
    vote(state, number).into_iter().chain([Act::of(&name(state, number), what)]).collect()
}

/// A member stands still, in this way. Recorded: the others list it as unreachable, and everything that is written of it stays.
fn stands_still(state: &mut State, number: usize, standstill: Standstill) {
    if let Some(member) = find_mut(state, number) {
        member.standstill = Some(standstill);
        member.reckon();
    }
}

/// A member that nobody reached learns what became of the others, and starts its ovn-northd again where that is another set of
/// centrals.
fn learns(state: &mut State, number: usize) {
    let name = name(state, number);
    if let Some(changes) = &mut state.since {
        changes.process(&name, Process::Northd, Turnover::Any);
    }
}

/// Every daemon of a member is another.
fn all_are_new(state: &mut State, number: usize) {
    let name = name(state, number);
    if let Some(changes) = &mut state.since {
        Process::ALL.into_iter().for_each(|process| changes.process(&name, process, Turnover::Fresh));
    }
}

/// Why MicroOVN can change nothing, if it cannot: its own database has no leader.
fn without_leader(state: &State) -> Option<String> {
    (!state.has_majority()).then(|| "no more than half of the members are up".to_owned())
}

/// Why a member cannot enter, or become a central, if that is because of the release that it has, or of what is spoken there.
fn of_another_release(state: &State, number: usize) -> Option<String> {
    let refreshed = find(state, number).is_some_and(|it| it.refreshed);
    let mixed = state.converted != refreshed || state.members().any(|it| it.refreshed != refreshed);
    let plain = state.members().any(|it| !it.plain.is_empty());
    let mixed = mixed.then(|| "of a cluster of which not all have the same release this was not recorded".to_owned());
    let elsewhere = (!state.central_ips.is_empty()).then(|| "the cluster was told of databases elsewhere".to_owned());
    mixed.or(elsewhere).or_else(|| {
        plain.then(|| "the databases' servers talk in the clear, and MicroOVN's would join by TLS".to_owned())
    })
}

/// The name of a member that is there.
fn name(state: &State, number: usize) -> String {
    find(state, number).map(|member| member.name.clone()).unwrap_or_default()
}

/// Every service, as users name them.
const SERVICES: [Service; 3] = [Service::Central, Service::Chassis, Service::Switch];

/// How many members of the cluster have `central`, up or down.
fn centrals(state: &State) -> usize {
    state.members_with(Service::Central).count()
}

/// Another member that can be asked, the first there is. Which one it is makes no difference to what becomes of the cluster.
fn other(state: &State, member: usize) -> Option<usize> {
    numbers(state).find(|other| *other != member && not_online(state, *other).is_none())
}

/// Who can be told to do something on a member: another, or itself, which is `None`.
fn tellers(state: &State, member: usize) -> impl Iterator<Item = Option<usize>> {
    other(state, member).into_iter().map(Some).chain([None])
}

/// Why a service of a member cannot be enabled or disabled by another, or by itself where there is no other.
fn cannot_tell(state: &State, member: usize, from: Option<usize>) -> Option<String> {
    let other = from.and_then(|from| {
        let itself = || (from == member).then(|| format!("member {member} is no other than itself"));
        not_online(state, from).or_else(itself)
    });
    not_online(state, member).or(other).or_else(|| without_leader(state))
}

/// Why what every member must hear of cannot be told, if it cannot: the databases of OVN take no changes.
fn no_quorum(state: &State) -> Option<String> {
    (!state.has_quorum()).then(|| "no majority of the centrals is up".to_owned())
}

/// Of each central ovn-northd becomes another process, or may.
fn northd_restarts(state: &mut State, turnover: Turnover) {
    let names: Vec<String> = state.online_with(Service::Central).map(|central| central.name.clone()).collect();
    if let Some(changes) = &mut state.since {
        names.iter().for_each(|name| changes.process(name, Process::Northd, turnover));
    }
}

/// What is said of every member when another authority took the place of the one before. Recorded: in no certain order.
fn says_reissued(mut act: Act, state: &State) -> Act {
    act = act.says("New CA certificate: Issued");
    for member in state.online() {
        act = act.says(format!("[Host {}]", member.name));
        for stem in planned_certificates(&member.services) {
            act = act.says(format!("{stem}: Success"));
        }
    }
    act
}

/// Every member trusts another authority, and every certificate is another. Recorded: no process is.
fn reissued(state: &mut State, user_ca: Option<UserCa>) {
    state.user_ca = user_ca;
    let all: Vec<_> = state.online().map(|it| (it.name.clone(), planned_certificates(&it.services))).collect();
    let Some(changes) = &mut state.since else { return };
    changes.authority = Turnover::Fresh;
    for (member, stems) in all {
        stems.into_iter().for_each(|stem| changes.certificate(&member, stem, Turnover::Fresh));
    }
}

/// Why another authority cannot be told to all, if it cannot.
fn cannot_reissue(state: &State, member: usize) -> Option<String> {
    let down = state.members.iter().find(|member| member.presence == Presence::Down);
    let elsewhere = || {
        (!state.central_ips.is_empty()).then(|| "it would not be that of the databases, which are elsewhere".to_owned())
    };
    not_online(state, member)
        .or_else(|| without_leader(state))
        .or_else(elsewhere)
        .or_else(|| down.map(|member| format!("{} is down, and would keep the old one", member.name)))
}

/// In how a step is called and told: that another member does it.
fn by(from: Option<usize>) -> String {
    from.map(|from| format!("_from_{from}")).unwrap_or_default()
}
