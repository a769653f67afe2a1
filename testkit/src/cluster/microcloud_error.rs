//! Why MicroCloud does not form a cluster.

use crate::microcloud::ConversationError;

/// A cluster that MicroCloud did not form, or formed though it must not.
#[derive(Debug, thiserror::Error)]
pub enum MicrocloudError {
    /// A party of MicroCloud's conversation failed.
    #[error("`{command}` on {member:?} failed; meanwhile {}", meanwhile(.others))]
    Conversation {
        /// Where.
        member: String,
        /// The program.
        command: String,
        /// The other members, and the last that was said there.
        others: Vec<(String, String)>,
        /// What happened, with what was said.
        source: Box<ConversationError>,
    },
    /// It goes on and on.
    #[error("`{command}` on {member:?} does not end: after {seconds} s its last line is {last:?}")]
    Endless {
        /// Where.
        member: String,
        /// The program.
        command: String,
        /// How long it was listened to.
        seconds: u64,
        /// The last line, redacted.
        last: String,
    },
    /// What MicroCloud must refuse it did not.
    #[error("`{command}` on {member:?} must refuse that {about}: wanted {wanted}, seen {seen}")]
    NotRefused {
        /// What was told it.
        command: &'static str,
        /// Where.
        member: String,
        /// What was wrong with what it was told.
        about: String,
        /// How it must refuse.
        wanted: String,
        /// What came instead.
        seen: String,
    },
    /// It refused, and formed something all the same.
    #[error("`{command}` refused that {about}, and MicroOVN on {member:?} is formed all the same; nothing must be")]
    FormedThoughRefused {
        /// What was told it.
        command: &'static str,
        /// Where.
        member: String,
        /// What was wrong with what it was told.
        about: String,
    },
    /// A single member is to enter a cluster that MicroCloud forms.
    #[error("{0:?} cannot enter by itself: MicroCloud forms this cluster, all members at once")]
    AllAtOnce(String),
}

impl MicrocloudError {
    /// What was attempted, and on which member.
    pub(super) fn attempt(&self) -> String {
        match self {
            Self::Conversation { command, member, .. } | Self::Endless { command, member, .. } => {
                format!("`{command}` on {member:?}")
            }
            Self::NotRefused { command, member, .. } | Self::FormedThoughRefused { command, member, .. } => {
                format!("`{command}` on {member:?}")
            }
            Self::AllAtOnce(member) => format!("the entry of {member:?}"),
        }
    }
}

/// What other parties were at.
fn meanwhile(others: &[(String, String)]) -> String {
    let told: Vec<String> = others.iter().map(|(member, last)| format!("{member} was at {last:?}")).collect();
    if told.is_empty() { "nobody else took part".to_owned() } else { told.join(", ") }
}
