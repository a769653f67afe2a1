//! From a plan and a lease to a cluster: instances from the golden image, formed as planned, settled and read.

mod authority;
mod batch;
mod capabilities;
mod clone;
mod control;
mod error;
mod evidence;
mod expected;
mod faults;
mod formation;
mod golden;
mod keep;
mod manifest;
mod names;
mod network;
mod observe;
mod provision;
mod settle;
mod site;
mod subnets;
mod words;

pub use batch::{PATH, in_turn, while_good};
pub use capabilities::{Capabilities, capabilities};
pub use clone::{CloneTime, time_clone, time_golden};
pub use error::ClusterError;
pub use evidence::collect;
pub use expected::expected;
pub use formation::form;
pub use golden::{Product, given_snaps, golden, ingredients};
pub use keep::{forget, keep, keep_unformed, kept, kept_cells, reuse};
pub use manifest::{Manifest, Planned, Settled};
pub use observe::{Members, observe};
pub use provision::{Order, provision, tags};
pub use settle::settle;
pub use site::Site;
pub(crate) use words::Words;
