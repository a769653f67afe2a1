//! Images and snaps: what nodes are made of, built here, cached by what it is built from.
//!
//! | what | where |
//! |---|---|
//! | recipes under `images/` | [`Workspace`] |
//! | artifacts, complete or absent | [`Cache`] |
//! | node image: root file system and templates | [`build_node`] |
//! | snapd, base and stand-in snaps | [`build_snaps`] |
//! | the stand-in for MicroCloud | [`build_microcloud`] |
//! | the distribution's LXD for members | [`build_lxd`] |
//! | what a given snap file is | [`Snap`] |
//! | snaps from the snap store | [`SnapStore`] |
//! | the node image in LXD | [`ensure_node_image`] |
//! | the instance that nodes are copied from | [`ensure_golden`] |

mod build;
mod cache;
mod dpkg;
mod error;
mod golden;
mod hash;
mod lxd;
mod microcloud;
mod node;
mod program;
mod pulls;
mod recipe;
mod remote;
mod requirements;
mod snap;
mod snap_store;
mod snaps;
mod store;
mod tree;
mod unprivileged;
mod version;

pub(crate) use build::static_programs;
pub use build::{Progress, bootstrap_to, debian_architecture};
pub use cache::{Cache, Scratch};
pub use error::Error;
pub use golden::{
    DAEMON_ANSWERS, DATAPATH_KEY, Full, Golden, GoldenSpec, HOSTNAME_KEY, KIND_KEY, Maker, NEWER, NodeNic, READY_KEY,
    Unconnected, ensure_golden, ensure_golden_on, found_full, golden_lock_path, golden_name, is_golden,
};
pub use hash::{Hash, Hasher, of_file};
pub use lxd::{build_lxd, has_lxd};
pub use microcloud::build_microcloud;
pub use node::{NodeImage, build_node, node_snapd};
pub use program::{Interrupted, Program, end_programs_on_signals};
pub use pulls::Late;
pub use recipe::Workspace;
pub use remote::{Named, find_or_pull, find_or_pull_within};
pub use requirements::{NodeSnapd, require};
pub(crate) use snap::Description;
pub use snap::{Command, Plug, Snap, words_of};
pub use snap_store::SnapStore;
pub use snaps::{Snaps, build_base, build_snapd, build_snaps, build_stand_in, choose_release, find_older_release};
pub use store::{NODE_ALIAS, OWNER, OWNER_KEY, ensure_node_image, is_ours};
pub use unprivileged::{Obstacle, SubordinateIds, obstacle};
