//! Every command of the snap is used on every member, rightly and wrongly, and the snap is off and on again.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{Answer, HaltDaemon, Misuse, Propagate, Toggle, Trace};

const ABOUT: &str = "every command of the snap answers on every member, and refuses what it does not take; the daemon is waited \
                     for in vain where it is stopped, and nothing but the processes is another when the snap was off and on again";

pub(super) const CLI_OVSOVN: Journey =
    Journey { name: "cli_ovsovn", about: ABOUT, cell: &[], members: None, outside: 0, steps };

pub(super) const CLI_OVSOVN_IPV6: Journey = Journey {
    name: "cli_ovsovn_ipv6",
    about: ABOUT,
    cell: &[("address_family", "ipv6")],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    for member in 1..=3 {
        steps.take(Answer { member });
    }
    steps.take(Trace);
    for member in 1..=3 {
        steps.take(Misuse { member });
    }
    for member in 1..=3 {
        steps.take(HaltDaemon { member });
    }
    for member in 1..=3 {
        steps.take(Toggle { member });
        steps.take(Propagate);
    }
    steps.take(Answer { member: 1 });
}
