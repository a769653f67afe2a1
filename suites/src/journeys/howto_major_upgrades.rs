//! MicroOVN's page "Upgrade MicroOVN across major versions", as it is written, but that the snaps are files and in no channel.

use testkit::journey::{Itinerary, Journey};
use testkit::plan::Database;

use crate::steps::{ElectionTimer, Propagate, Refresh, Show, Shown};

/// As many members as the page has.
pub(super) const HOWTO_MAJOR_UPGRADES: Journey = Journey {
    name: "howto_major_upgrades",
    about: "the page on major upgrades: every member is online, the election timers of both databases are raised step by step and not \
            by more than twice, the members are refreshed one after the other, and the schemas follow",
    cell: &[],
    members: Some(4),
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    steps.take(Show { member: 1, what: Shown::Members });
    for database in Database::ALL {
        let timer = |ms| ElectionTimer { database, ms };
        // MicroOVN starts from what the page asks for.
        steps.take(timer(4_000));
        for ms in [9_000, 8_000, 17_000, 16_000, 32_001] {
            steps.take(timer(ms));
        }
    }
    steps.take(Show { member: 1, what: Shown::Raft });
    for member in [1, 2, 3, 4] {
        steps.take(Refresh { member });
        steps.take(Show { member, what: Shown::Members });
        steps.take(Show { member, what: Shown::Status });
    }
    steps.take(Propagate);
}
