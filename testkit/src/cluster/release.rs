//! What the plan takes from the release under test, as far as the snap tells it.

use crate::image::{Golden, Snap, Unconnected};
use crate::plan::{Plug, Release, Schemas};

/// The release that a golden image has.
pub(super) fn of(golden: &Golden) -> Release {
    of_snap(&golden.snap, &golden.unconnected)
}

/// The release that copies of a golden image can be refreshed to, where they can; `older` is the one that they have. Recorded: the
/// port stays. A plug that is new has not been refused yet, but where it waits for another snap.
pub(super) fn newer(golden: &Golden, older: &Release) -> Option<Release> {
    let mut newer = of_snap(golden.newer.as_ref()?, &golden.unconnected);
    newer.member_port = older.member_port;
    let new = newer.plugs.iter_mut().filter(|(name, _)| !older.plugs.contains_key(*name));
    for (_, plug) in new.filter(|(_, plug)| plug.interface == "content") {
        plug.refused = Some("it was not there when the members' image was made".to_owned());
    }
    Some(newer)
}

fn of_snap(snap: &Snap, unconnected: &[Unconnected]) -> Release {
    let refused = |name: &str| unconnected.iter().find(|plug| plug.plug == name).map(|plug| plug.reason.clone());
    let plug = |plug: &crate::image::Plug| {
        (plug.name.clone(), Plug { interface: plug.interface.clone(), refused: refused(&plug.name) })
    };
    Release {
        version: snap.version.clone(),
        services: snap.services.clone(),
        plugs: snap.plugs.iter().map(plug).collect(),
        schemas: snap.schemas.clone().map(|[northbound, southbound]| Schemas { northbound, southbound }),
        ..Release::default()
    }
}
