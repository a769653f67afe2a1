//! Calls that LXD never began with are made again.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use super::error::Fault;

/// How often a call is made again that LXD never began with: for about half a minute, if its deadline is later.
const AGAIN: usize = 20;

/// Is told what was attempted, and why it had failed.
type Note = dyn Fn(&str, &str) + Send + Sync;

/// Who is told of each call that is made again.
#[derive(Clone)]
pub(super) struct Again(Arc<Note>);

/// The tries of one call.
pub(super) struct Tries<'a> {
    told: &'a Again,
    attempt: &'a str,
    begun: Instant,
    deadline: Duration,
    pauses: ExponentialBackoff,
}

impl Again {
    pub(super) fn nobody() -> Self {
        Self(Arc::new(|_, _| {}))
    }

    pub(super) fn telling(note: impl Fn(&str, &str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(note))
    }
}

impl fmt::Debug for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Again")
    }
}

impl<'a> Tries<'a> {
    pub(super) fn new(told: &'a Again, attempt: &'a str, deadline: Duration) -> Self {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(2))
            .with_max_times(AGAIN)
            .with_jitter()
            .build();
        Self { told, attempt, begun: Instant::now(), deadline, pauses }
    }

    /// The time that is left for this try.
    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_sub(self.begun.elapsed())
    }

    /// Returns when it is to be tried again: after a pause, if it is certain that LXD never began and there is time.
    /// Otherwise the fault is the call's.
    pub(super) async fn again(&mut self, fault: Fault) -> Result<(), Fault> {
        let left = self.left();
        let pause = if fault.never_began() { self.pauses.next().filter(|pause| *pause < left) } else { None };
        let Some(pause) = pause else { return Err(fault) };
        tracing::warn!(attempt = self.attempt, %fault, "LXD never began; again");
        (self.told.0)(self.attempt, &fault.to_string());
        tokio::time::sleep(pause).await;
        Ok(())
    }
}
