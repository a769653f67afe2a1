//! Faults in what is renewed when it is near its end.

use crate::paths::Paths;

use super::certificates::concerns;
use super::{Fault, plays};

/// Whether the run of every day leaves the certificate of a service as it is, though it says otherwise.
pub(crate) fn ignores(paths: &Paths, service: &str) -> bool {
    concerns(paths, Fault::RenewalIgnored, service)
}

/// Whether the run of every day renews a user's authority, though it says otherwise.
pub(crate) fn takes_users(paths: &Paths) -> bool {
    plays(paths, Fault::UserCaRenewed)
}

/// Whether the daemon renews nothing when it starts.
pub(crate) fn sleeps_at_start(paths: &Paths) -> bool {
    plays(paths, Fault::StartRenewsNothing)
}
