//! An error that is there because of what one of the product's services said.

use super::ClusterError;
use crate::microovn::Cause;

impl ClusterError {
    /// This error as one that is there because of what a service of `member` said.
    pub(in crate::cluster) fn because(self, member: String, cause: Cause) -> Self {
        let attempt = match &self {
            Self::Dialog { member, .. } | Self::DialogExit { member, .. } | Self::Endless { member, .. } => {
                format!("`microovn init` on {member:?}")
            }
            Self::Command { command, member, .. } => format!("`{command}` on {member:?}"),
            Self::Microcloud(error) => error.attempt(),
            Self::Control { call, member, .. } => {
                // The body is in what was seen.
                let call: Vec<&str> = call.split(' ').take(2).collect();
                format!("`{}` on the control socket of {member:?}", call.join(" "))
            }
            Self::NotReady { member, .. } => format!("the start of member {member:?}"),
            Self::BadToken { bootstrap, member, .. } | Self::NoToken { bootstrap, member } => {
                format!("issuing a join token for {member:?} on {bootstrap:?}")
            }
            _ => "forming the cluster".to_owned(),
        };
        let mut seen = self.to_string();
        let mut source = std::error::Error::source(&self);
        while let Some(error) = source {
            seen.push_str(&format!(": {error}"));
            source = error.source();
        }
        Self::Because { attempt, member, cause: Box::new(cause), seen }
    }
}
