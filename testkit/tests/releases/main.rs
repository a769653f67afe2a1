//! The same on every release of LXD, and on Incus: the client, the setup, golden images and their copies, images of image servers, the sweep and the teardown, over a fake LXD
//! that answers as each release was recorded to.

mod again;
mod client;
#[path = "../fake_lxd/mod.rs"]
#[expect(dead_code, reason = "a part of the fake is used")]
mod fake_lxd;
mod golden;
mod images;
mod setup;
mod spread;
mod sweep;
mod teardown;

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
