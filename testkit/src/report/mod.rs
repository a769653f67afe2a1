//! What a person needs to understand a run without running it again.

pub mod again;
mod evidence;
mod progress;
pub mod spent;
pub mod timeline;
mod work;

pub use evidence::Evidence;
pub use progress::{Activity, Doing, Progress};
pub use timeline::{Owner, Stage, Timeline};
pub use work::Work;

/// An error with its causes, one line each, the way every error of the framework is shown.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str("\n  caused by: ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
