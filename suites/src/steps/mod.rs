//! Today's steps, one file each: what can be done to a cluster, and what that makes of it.
//!
//! Members are named by their number, counted from 1, in the order of the plan.

use testkit::journey::StepKind;
use testkit::plan::{Member, Presence, State};

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
    propagate,
    regenerate_ca,
    reissue,
    restart,
}

/// The numbers of all members, in order.
fn numbers(state: &State) -> std::ops::RangeInclusive<usize> {
    1..=state.members.len()
}

/// The member of that number.
fn find(state: &State, number: usize) -> Option<&Member> {
    state.members.get(number.checked_sub(1)?)
}

/// Why nothing can be done on the member of that number, if nothing can: there is none, or it cannot be asked.
fn not_online(state: &State, number: usize) -> Option<String> {
    match find(state, number) {
        None => Some(format!("there is no member {number}, but {}", state.members.len())),
        Some(Member { presence: Presence::Online, .. }) => None,
        Some(member) => Some(format!("member {number} is {}", member.presence)),
    }
}

/// Why MicroOVN can change nothing, if it cannot: its own database has no leader.
fn without_leader(state: &State) -> Option<String> {
    (!state.has_majority()).then(|| "no more than half of the members are up".to_owned())
}

/// The name of a member that is there.
fn name(state: &State, number: usize) -> String {
    find(state, number).map(|member| member.name.clone()).unwrap_or_default()
}
