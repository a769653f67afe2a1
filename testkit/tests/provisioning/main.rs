//! From members that run to a cluster that is judged, over a fake LXD whose instances say what a test tells them to.

mod because;
mod commands;
#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "a part of what is common is used")]
mod common;
#[path = "../fake_lxd/mod.rs"]
#[expect(dead_code, reason = "a part of the fake is used")]
mod fake_lxd;
mod formation;
mod settle;

use testkit::cluster::Members;
use testkit::plan::Plan;

/// Instances named as their members.
fn instances(plan: &Plan) -> Members {
    plan.state.members.iter().map(|member| (member.name.clone(), member.name.clone())).collect()
}
