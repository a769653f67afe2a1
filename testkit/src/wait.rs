//! Waiting: poll a condition until it holds, fails for good, or the deadline passes.
//!
//! A wait always says what it waits for, and on expiry what it saw last.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// What one look at a condition found.
#[derive(Debug)]
pub enum Poll<T, E> {
    /// It holds.
    Ready(T),
    /// Not yet; the text is the status, reported if the deadline passes.
    NotYet(String),
    /// It never will.
    Failed(E),
}

/// Why a wait ended without its condition.
#[derive(Debug, thiserror::Error)]
pub enum WaitError<E: std::error::Error + 'static> {
    /// The deadline passed.
    #[error("gave up waiting for {what} after {} s; last seen: {last}", waited.as_secs())]
    Deadline {
        /// The condition.
        what: String,
        /// The last status.
        last: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The condition cannot come true any more.
    #[error("waiting for {what} failed")]
    Failed {
        /// The condition.
        what: String,
        /// Why.
        source: E,
    },
}

/// How long and how often.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// When to give up.
    pub deadline: Duration,
    /// Time between the starts of two looks.
    pub every: Duration,
}

impl Pace {
    /// A deadline in seconds and an interval in milliseconds.
    pub const fn new(deadline_s: u64, every_ms: u64) -> Self {
        Self { deadline: Duration::from_secs(deadline_s), every: Duration::from_millis(every_ms) }
    }
}

/// How long a host may take to start and end a process before deadlines get longer. Most take 1 ms, and User-Mode Linux 13.
const START: Duration = Duration::from_millis(3);
/// So often that is measured; the quickest counts, because the others may have been busy.
const STARTS: u32 = 10;
/// No deadline gets longer than so many times itself.
const SLOWEST: f64 = 6.0;
/// From so much on a host counts as slow, and had better do one thing at a time.
const SLOW: f64 = 2.0;

/// How many times slower this host is than the deadlines are made for: 1 where it is not. Measured once in a process.
pub fn slowness() -> f64 {
    static SLOWNESS: OnceLock<f64> = OnceLock::new();
    *SLOWNESS.get_or_init(|| {
        let start = || {
            let begun = Instant::now();
            let ran = Command::new("true").stdin(Stdio::null()).stdout(Stdio::null()).status();
            ran.ok().map(|_| begun.elapsed())
        };
        slowness_of((0..STARTS).filter_map(|_| start()))
    })
}

/// What times of starting a process say.
fn slowness_of(starts: impl Iterator<Item = Duration>) -> f64 {
    starts.min().map_or(1.0, |quickest| (quickest.as_secs_f64() / START.as_secs_f64()).clamp(1.0, SLOWEST))
}

/// Whether this host had better do one thing at a time.
pub fn is_slow() -> bool {
    slowness() > SLOW
}

/// A deadline on this host.
pub fn patience(deadline: Duration) -> Duration {
    deadline.mul_f64(slowness())
}

/// Looks at a condition at once and then at every interval, until it is ready, failed or too late.
///
/// The look that is running when the deadline passes is dropped. On a slow host the deadline is later.
///
/// # Errors
/// [`WaitError::Deadline`] with the last status seen, or [`WaitError::Failed`] as soon as the probe says so.
pub async fn until<T, E, F, Fut>(what: impl fmt::Display, pace: Pace, probe: F) -> Result<T, WaitError<E>>
where
    E: std::error::Error + 'static,
    F: FnMut() -> Fut,
    Fut: Future<Output = Poll<T, E>>,
{
    until_told(what, pace, std::future::pending(), probe).await
}

/// The same, with a look besides as soon as `told` is done.
///
/// # Errors
/// Those of [`until`].
pub async fn until_told<T, E, F, Fut>(
    what: impl fmt::Display,
    pace: Pace,
    told: impl Future<Output = ()>,
    mut probe: F,
) -> Result<T, WaitError<E>>
where
    E: std::error::Error + 'static,
    F: FnMut() -> Fut,
    Fut: Future<Output = Poll<T, E>>,
{
    let started = Instant::now();
    let mut last = "nothing yet".to_owned();
    let mut ticks = tokio::time::interval(pace.every.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let polling = async {
        let mut told = pin!(told);
        let mut knows = false;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = &mut told, if !knows => knows = true,
            }
            match probe().await {
                Poll::Ready(value) => return Ok(value),
                Poll::NotYet(status) => last = status,
                Poll::Failed(source) => {
                    return Err(WaitError::Failed { what: what.to_string(), source });
                }
            }
        }
    };
    let ended = {
        let mut polling = pin!(polling);
        match tokio::time::timeout(pace.deadline, &mut polling).await {
            Ok(ended) => Ok(ended),
            // To measure a host takes longer than most waits, so it is left to those that last.
            Err(_) => {
                let rest = patience(pace.deadline).saturating_sub(started.elapsed());
                tokio::time::timeout(rest, polling).await
            }
        }
    };
    ended.unwrap_or_else(|_| Err(WaitError::Deadline { what: what.to_string(), last, waited: started.elapsed() }))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn a_host_is_as_slow_as_its_quickest_start_of_a_process() {
        let of = |starts: &[u64]| slowness_of(starts.iter().map(|ms| Duration::from_millis(*ms)));
        assert_eq!(of(&[1, 2]).to_string(), "1");
        assert_eq!(of(&[300, 2]).to_string(), "1", "it was busy once");
        assert_eq!(of(&[14, 12]).to_string(), "4");
        assert_eq!(of(&[500]).to_string(), "6");
        assert_eq!(of(&[]).to_string(), "1");
    }

    #[tokio::test]
    async fn a_condition_that_holds_later_is_found() {
        let mut looks = 0;
        let found = until("three", Pace::new(60, 1), || {
            looks += 1;
            let now = looks;
            async move { if now < 3 { Poll::NotYet(format!("{now}")) } else { Poll::<_, Infallible>::Ready(now) } }
        });
        assert_eq!(found.await.expect("ready"), 3);
    }

    #[tokio::test]
    async fn who_is_told_looks_at_once() {
        let mut looks = 0;
        let found = until_told("a word", Pace::new(3600, 1_800_000), std::future::ready(()), || {
            looks += 1;
            let now = looks;
            async move { if now < 2 { Poll::NotYet(format!("{now}")) } else { Poll::<_, Infallible>::Ready(now) } }
        });
        let found = tokio::time::timeout(Duration::from_secs(60), found).await.expect("not only when it is due");
        assert_eq!(found.expect("ready"), 2);
    }

    #[tokio::test]
    async fn expiry_names_the_condition_and_the_last_status() {
        let pace = Pace { deadline: Duration::from_millis(40), every: Duration::from_millis(5) };
        let never = until("the moon", pace, || async { Poll::<(), Infallible>::NotYet("clouds".to_owned()) });
        let error = never.await.expect_err("late").to_string();
        // A host that is busy comes to it late.
        let wanted = ("gave up waiting for the moon after ", " s; last seen: clouds");
        assert!(error.starts_with(wanted.0) && error.ends_with(wanted.1), "{error}");
    }

    #[tokio::test]
    async fn a_look_that_hangs_does_not_outlive_the_deadline() {
        let pace = Pace { deadline: Duration::from_millis(40), every: Duration::from_millis(5) };
        let hung = until("a reply", pace, std::future::pending::<Poll<(), Infallible>>);
        let error = hung.await.expect_err("late").to_string();
        assert!(error.ends_with("last seen: nothing yet"), "{error}");
    }

    #[tokio::test]
    async fn failure_ends_the_wait_at_once() {
        let failed =
            until("a file", Pace::new(60, 1), || async { Poll::<(), _>::Failed(std::io::Error::other("gone")) });
        assert!(matches!(failed.await, Err(WaitError::Failed { .. })));
    }
}
