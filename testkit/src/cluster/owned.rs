//! What marks an LXD object as the run's own, and until when.

use jiff::{Timestamp, ToSpan};

use super::Site;
use crate::session::Tags;

/// After this time a sweep from another host may remove the objects.
const LIFETIME_HOURS: i64 = 6;

/// What an object of a member of a cell is tagged with in this run.
pub fn tags(site: &Site, cell: &str, node: &str) -> Tags {
    Tags {
        run: site.run.id().clone(),
        runner: site.run.runner().clone(),
        cell: cell.to_owned(),
        node: node.to_owned(),
        expires: expires(),
    }
}

/// When a sweep may take what is made, or left for somebody to look at, at this moment.
pub(super) fn expires() -> Timestamp {
    let now = Timestamp::now();
    now.checked_add(LIFETIME_HOURS.hours()).unwrap_or(now)
}
