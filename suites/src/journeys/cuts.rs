//! Members stand still and go on, and lose the links of their NICs and get them back.

use testkit::journey::{Itinerary, Journey};
use testkit::plan::Network;

use crate::steps::{Cut, Freeze, Heal, Propagate, Thaw};

pub(super) const CUTS: Journey = Journey {
    name: "cuts",
    about: "a member stands still and goes on, and each NIC loses its link and gets it back, and all is as it was",
    cell: &[("encap", "ipv4")],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    steps.take(Freeze { member: 3 });
    steps.take(Propagate);
    steps.take(Thaw { member: 3 });
    steps.take(Propagate);
    steps.take(Cut { member: 2, network: Network::Underlay });
    steps.take(Heal { member: 2, network: Network::Underlay });
    steps.take(Propagate);
    steps.take(Cut { member: 2, network: Network::Management });
    steps.take(Heal { member: 2, network: Network::Management });
    steps.take(Propagate);
    steps.take(Cut { member: 1, network: Network::Management });
    steps.take(Propagate);
    steps.take(Heal { member: 1, network: Network::Management });
    steps.take(Propagate);
}
