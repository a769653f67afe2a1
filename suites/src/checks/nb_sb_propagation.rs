//! A change made in the Northbound on any member reaches the Southbound.

use testkit::cluster;

use super::{Body, Check};

pub(super) const CHECK: Check = Check {
    name: "nb_sb_propagation",
    about: "a logical switch added on every member is a datapath in the Southbound, is taken in by every chassis where \
            chassis have datapaths, and goes again",
    applies: |_| true,
    body: Body::Live(|client, manifest| {
        Box::pin(cluster::propagation(client, &manifest.plan.state, &manifest.instances))
    }),
};
