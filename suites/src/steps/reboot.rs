//! A member is booted again, or all of them at the same time.

use testkit::journey::{Act, Step, StepKind, What};
use testkit::plan::{Presence, State};

use super::{all_are_new, find_mut, name, not_online, numbers};

pub(super) const KIND: StepKind = StepKind {
    name: "reboot",
    about: "the instance of a member is booted again, or those of all at the same time",
    possible: |state| {
        let one = numbers(state).map(|member| Reboot { member: Some(member) });
        StepKind::of(state, one.chain([Reboot { member: None }]))
    },
};

/// The instance of a member is booted again.
#[derive(Debug, Clone, Copy)]
pub struct Reboot {
    /// The member's number; `None` is all of them, at the same time.
    pub member: Option<usize>,
}

impl Reboot {
    fn numbers(self, state: &State) -> Vec<usize> {
        numbers(state)
            .filter(|number| self.member.is_none_or(|it| it == *number) && not_online(state, *number).is_none())
            .collect()
    }
}

impl Step for Reboot {
    fn words(&self) -> String {
        self.member.map_or_else(|| "reboot_all".to_owned(), |member| format!("reboot_{member}"))
    }

    fn about(&self) -> String {
        match self.member {
            Some(member) => format!("the instance of member {member} is booted again"),
            None => "the instances of all members are booted again at the same time".to_owned(),
        }
    }

    fn impossible(&self, state: &State) -> Option<String> {
        match self.member {
            Some(member) => not_online(state, member),
            None => {
                let down = state.members.iter().find(|member| member.presence == Presence::Down);
                down.map(|member| format!("{} is down", member.name))
            }
        }
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let mut names = self.numbers(state).into_iter().map(|number| name(state, number));
        let first = names.next();
        first.map(|first| Act::of(&first, What::Reboot { with: names.collect() })).into_iter().collect()
    }

    // Recorded: all is as before but the processes, also where everybody was gone.
    fn effect(&self, state: &mut State) {
        for number in self.numbers(state) {
            if let Some(member) = find_mut(state, number) {
                member.booted();
            }
            all_are_new(state, number);
        }
    }
}
