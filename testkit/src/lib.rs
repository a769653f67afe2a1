//! System tests for MicroOVN: real clusters on LXD, formed from a matrix of init options, checked against what the
//! nodes say.
//!
//! One run is a pipeline, and the modules are its stages:
//!
//! | stage | module |
//! |---|---|
//! | matrix → cell | [`matrix`] |
//! | cell → plan | [`plan`] |
//! | plan → stations | [`journey`] |
//! | lease | [`session`] |
//! | cluster | [`cluster`], on [`host`], [`image`] and [`lxd`] |
//! | observation | [`microovn`], [`microcloud`], [`ovn`] and [`packets`] parse it, [`cluster`] takes it |
//! | verdict | [`expect`], and [`known`] of what is red |
//! | evidence | [`report`] |
//! | record | [`record`] |

pub mod cargo;
// A reader that has gone away is no reason to end as one that panics.
#[deny(clippy::print_stdout, clippy::print_stderr)]
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod daemon;
pub mod dist;
pub mod expect;
pub mod folder;
#[doc(hidden)]
pub mod fuzzing;
mod headline;
pub mod host;
pub mod image;
pub mod journey;
pub mod known;
mod like;
pub mod lxd;
pub mod matrix;
pub mod microcloud;
pub mod microovn;
mod nearest;
pub mod ovn;
pub mod packets;
pub mod placement;
pub mod plan;
pub mod record;
pub mod report;
pub mod session;
pub mod wait;
pub mod written;
