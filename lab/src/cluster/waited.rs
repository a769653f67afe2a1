//! Waiting in what is no task, by the framework's own wait: with a deadline, and with what was seen last.

use std::io;

use testkit::wait::{self, Pace, Poll, WaitError};

/// Looks until it is there, never will be, or the deadline has passed.
pub(super) fn until<T>(
    what: &str,
    pace: Pace,
    mut look: impl FnMut() -> Poll<T, io::Error>,
) -> Result<T, WaitError<io::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|source| WaitError::Failed { what: what.to_owned(), source })?;
    runtime.block_on(wait::until(what, pace, || std::future::ready(look())))
}

/// What a wait that came to nothing says.
pub(super) fn told(error: &WaitError<io::Error>) -> String {
    testkit::report::chain(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_comes_is_told_with_what_was_seen_last() {
        let mut looks = 0;
        let late = until("the moon", Pace::new(0, 1), || {
            looks += 1;
            Poll::<(), _>::NotYet(format!("cloud {looks}"))
        });
        let said = told(&late.expect_err("late"));
        assert!(said.starts_with("gave up waiting for the moon") && said.contains("last seen: "), "{said}");
        let failed = until("the moon", Pace::new(60, 1), || Poll::<(), _>::Failed(io::Error::other("it set")));
        assert_eq!(told(&failed.expect_err("failed")), "waiting for the moon failed\n  caused by: it set");
        assert_eq!(until("a cloud", Pace::new(60, 1), || Poll::Ready(7)).expect("there"), 7);
    }
}
