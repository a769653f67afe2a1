//! What only root can do on a host: it is asked for by name, all at once, and once.

use super::SetupOptions;
use super::error::Error;
use super::limits::is_root;
use super::packages;
use super::search::to_start;
use crate::daemon::Daemon;
use crate::image::{Program, Progress, SubordinateIds};
use crate::lxd::Endpoint;

/// What root types, who needs nothing but this program for it: cargo would leave files of root in the checkout.
pub(super) fn command() -> String {
    let program = std::env::current_exe().map_or_else(|_| "testkit".to_owned(), |path| path.display().to_string());
    format!("sudo {program} setup --host")
}

/// Fails where something is missing that this user cannot bring: everything that is, in one.
pub(super) fn require(found: Option<&Endpoint>, options: &SetupOptions) -> Result<(), Error> {
    if is_root() {
        return Ok(());
    }
    let daemon = found.is_none().then(|| to_start(options));
    lacking(&packages::missing(daemon, true), daemon, command())
}

fn lacking(packages: &[&str], daemon: Option<Daemon>, command: String) -> Result<(), Error> {
    let mut lacking = Vec::new();
    if !packages.is_empty() {
        lacking.push(format!("packages are missing: {}", packages.join(", ")));
    }
    lacking.extend(daemon.map(|daemon| format!("{daemon} is not running")));
    if lacking.is_empty() { Ok(()) } else { Err(Error::NeedsRoot { lacking: lacking.join(", and "), command }) }
}

/// Gives the user who called this by `sudo` the ids that it takes to unpack packages without root.
pub(super) fn give_ids(
    options: &SetupOptions,
    changes: &mut Vec<String>,
    progress: &mut Progress<'_>,
) -> Result<(), Error> {
    let Some(user) = &options.for_user else { return Ok(()) };
    let Some(words) = SubordinateIds::of(user).lacking() else { return Ok(()) };
    let attempt = format!("give {user} ids for a user namespace");
    progress(&attempt);
    let given = Program::new(&attempt, &words[0]).args(&words[1..]).run().map(drop);
    given.map_err(|source| Error::Program {
        attempt: attempt.clone(),
        mend: format!("try it by hand: `{}`", words.join(" ")),
        source: Box::new(source),
    })?;
    changes.push(format!("gave {user} ids for a user namespace"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_only_root_can_do_is_asked_for_at_once() {
        let told = |packages: &[&str], daemon| {
            lacking(packages, daemon, "sudo it".to_owned()).map_err(|error| error.to_string())
        };
        assert_eq!(told(&[], None), Ok(()));
        let both = told(&["mmdebstrap", "lxd"], Some(Daemon::Lxd)).expect_err("two things");
        assert_eq!(
            both,
            "this host cannot run nodes yet: packages are missing: mmdebstrap, lxd, and LXD is not running; only root can \
             mend that, once: `sudo it`"
        );
    }
}
