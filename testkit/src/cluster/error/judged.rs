//! Whose an error is: the product's, or of what was given, and whether it says why.

use super::ClusterError;
use crate::microovn::dialog::DialogProblem;
use crate::report::chain;

/// What commands say of a failure that happened elsewhere, and that they know nothing of.
const BLUNT: [&str; 13] = [
    "EOF",
    "deadline exceeded",
    "timed out",
    "timeout",
    "nothing more was printed",
    "nothing was printed",
    "connection closed",
    "connection re",
    "broken pipe",
    "no answer",
    "not ready",
    "had not ended",
    "gave up waiting",
];

impl ClusterError {
    /// Whether the product failed, and not the framework, LXD or who wrote the plan.
    pub(in crate::cluster) fn is_products(&self) -> bool {
        match self {
            Self::Dialog { source, .. } => matches!(
                source.problem,
                DialogProblem::Refused { .. }
                    | DialogProblem::Failed { .. }
                    | DialogProblem::TokenNotIssued { .. }
                    | DialogProblem::BadToken { .. }
                    | DialogProblem::NeverAsked { .. }
                    | DialogProblem::Silence { .. }
            ),
            Self::NotReady { .. }
            | Self::DialogExit { .. }
            | Self::Microcloud(_)
            | Self::Command { .. }
            | Self::Control { .. }
            | Self::BadToken { .. }
            | Self::NoToken { .. } => true,
            // A command that never ended.
            Self::Lxd(error) => error.is_timeout(),
            _ => false,
        }
    }

    /// Whether there is no cluster because of what the product did, so that another host would have none either.
    pub fn is_of_product(&self) -> bool {
        matches!(self, Self::Because { .. } | Self::Endless { .. }) || self.is_products()
    }

    /// Whether it says why, and not only that something was waited for in vain.
    pub(in crate::cluster) fn gives_a_reason(&self) -> bool {
        let text = chain(self);
        // What was said before it failed is no reason.
        let text = text.split("\nthe dialog so far:").next().unwrap_or_default();
        let text = text.split("\nthe conversation so far:").next().unwrap_or_default();
        !BLUNT.iter().any(|part| text.contains(part))
    }

    /// Whether it is about what was given or about the host, and not about the making.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Image(error) => error.is_usage(),
            Self::Config(_)
            | Self::Host(_)
            | Self::Run(_)
            | Self::NoSubnet
            | Self::FaultWithoutMember { .. }
            | Self::NoMember(_)
            | Self::NotSpread(_) => true,
            Self::ExtraAlone(_) | Self::OtherSnap { .. } | Self::UpgradeAlone(_) | Self::NewerBefore { .. } => true,
            _ => false,
        }
    }
}
