//! What the plan takes from the release under test, as far as the snap tells it.

use crate::image::Golden;
use crate::plan::{Plug, Release};

/// The release that a golden image has.
pub(super) fn of(golden: &Golden) -> Release {
    let refused = |name: &str| golden.unconnected.iter().find(|plug| plug.plug == name).map(|plug| plug.reason.clone());
    let plug = |plug: &crate::image::Plug| {
        (plug.name.clone(), Plug { interface: plug.interface.clone(), refused: refused(&plug.name) })
    };
    Release {
        services: golden.snap.services.clone(),
        plugs: golden.snap.plugs.iter().map(plug).collect(),
        ..Release::default()
    }
}
