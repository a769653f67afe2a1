//! MicroOVN is called with arguments that it does not take, says so, and nothing changes.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Need, State};

use super::{name, not_online, numbers};

pub(super) const KIND: StepKind = StepKind {
    name: "misuse",
    about: "every command of MicroOVN that takes arguments is called with others, and says so",
    possible: |state| StepKind::of(state, numbers(state).map(|member| Misuse { member })),
};

/// Every command of MicroOVN that takes arguments is called with others on a member.
#[derive(Debug, Clone, Copy)]
pub struct Misuse {
    /// The member's number.
    pub member: usize,
}

/// What is wrong with an argument.
enum Wrong {
    /// So many are taken, and not as many as are given.
    Number(usize),
    /// This is not among those that are taken.
    Value(&'static str),
    /// It has its own words.
    Words(&'static str),
}

/// The commands, each with what is wrong with it. Recorded, but for that of `bootstrap`, whose words are those of the others.
const COMMANDS: &[(&[&str], Wrong)] = &[
    (&["cluster", "add"], Wrong::Number(1)),
    (&["cluster", "remove"], Wrong::Number(1)),
    (&["cluster", "join"], Wrong::Number(1)),
    (&["cluster", "bootstrap", "something"], Wrong::Number(0)),
    (&["certificates", "reissue"], Wrong::Number(1)),
    (&["certificates", "reissue", "bogus"], Wrong::Value("bogus")),
    (&["enable"], Wrong::Number(1)),
    (&["enable", "switchh"], Wrong::Value("switchh")),
    (&["disable"], Wrong::Number(1)),
    (&["disable", "switchh"], Wrong::Value("switchh")),
    (&["config", "set", "ovn.central-ips"], Wrong::Number(2)),
    (
        &["config", "get", "nosuch"],
        Wrong::Words("failed to get config option 'nosuch': config key 'nosuch' is not a recognized config option"),
    ),
];

impl Wrong {
    /// What MicroOVN says of it.
    fn said(&self, command: &[&str]) -> String {
        match self {
            Self::Number(taken) => {
                // Those that are no words of the command itself.
                let words = if ["enable", "disable"].contains(&command[0]) { 1 } else { 2 };
                format!("Error: accepts {taken} arg(s), received {}", command.len() - words)
            }
            Self::Value(value) => {
                let words = &command[..command.len() - 1];
                format!("Error: invalid argument \"{value}\" for \"microovn {}\"", words.join(" "))
            }
            Self::Words(words) => format!("Error: {words}"),
        }
    }
}

impl Step for Misuse {
    fn words(&self) -> String {
        format!("misuse_{}", self.member)
    }

    fn about(&self) -> String {
        format!("member {} is given commands with arguments that they do not take", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        not_online(state, self.member)
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::CoreApi]
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let name = name(state, self.member);
        let refused = |(command, wrong): &(&[&str], Wrong)| {
            Act::run(&name, ["microovn"].into_iter().chain(command.iter().copied())).refused(wrong.said(command))
        };
        COMMANDS.iter().map(refused).collect()
    }

    fn effect(&self, _state: &mut State) {}
}
