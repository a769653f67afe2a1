//! A snap of MicroOVN from a channel of the store.

use std::path::{Path, PathBuf};

use super::cache::Cache;
use super::error::Error;
use super::hash::Hasher;
use super::program::Program;

/// The artifact's name in the cache.
const STEM: &str = "microovn-of-channel";

/// The snap of a channel such as `24.03/stable`, as it was fetched last; with `anew` it is fetched again, because a channel
/// gets other snaps in time.
///
/// # Errors
/// [`Error::Snap`] when the store does not give it.
pub fn fetch(cache: &Cache, channel: &str, anew: bool) -> Result<PathBuf, Error> {
    let hash = Hasher::new(STEM).text("channel", channel).finish();
    if anew {
        cache.forget(STEM, "snap", &hash)?;
    }
    cache.ensure(STEM, "snap", &hash, |made| download(channel, made).map_err(|error| refused(channel, &error)))
}

fn download(channel: &str, made: &Path) -> Result<(), Error> {
    let folder = made.parent().unwrap_or(Path::new("."));
    Program::new("fetch a snap", "snap")
        .args(["download", "microovn", "--basename=artifact"])
        .arg(format!("--channel={channel}"))
        .arg(format!("--target-directory={}", folder.display()))
        .run()
        .map(drop)
}

fn refused(channel: &str, error: &Error) -> Error {
    let why = match error {
        Error::Program { said, .. } => {
            said.lines().next_back().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
        Error::NoProgram { .. } => "this host has no `snap`".to_owned(),
        other => other.to_string(),
    };
    Error::Snap {
        path: channel.into(),
        problem: format!("it is taken for a channel of the snap store, and nothing came from there ({why})"),
        mend: "name a snap's file with MICROOVN_UPGRADE_FROM; `snap download microovn --channel=…` fetches one where the store \
               can be reached"
            .to_owned(),
    }
}
