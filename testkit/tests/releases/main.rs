//! The same on every release of LXD, and on Incus: the client, the setup, golden images and their copies, and the sweep, over a fake LXD
//! that answers as each release was recorded to.

mod again;
mod client;
#[path = "../fake_lxd/mod.rs"]
#[expect(dead_code, reason = "a part of the fake is used")]
mod fake_lxd;
mod golden;
mod setup;
mod sweep;

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
