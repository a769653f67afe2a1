//! A clock that nobody can set.

use std::time::Duration;

use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// The wall clock as it was once, and from then on the time that has passed. When somebody sets the host's clock, this
/// one goes on: what is read from it before and after lies as far apart as it really was.
///
/// It can be handed to other processes of the same boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// What the wall clock said.
    wall: Timestamp,
    /// How long the host had been up then.
    up: Duration,
}

impl Clock {
    /// A clock that says what the wall clock says now.
    pub fn start() -> Self {
        let reading = || {
            let up = uptime();
            let wall = Timestamp::now();
            (uptime().saturating_sub(up), Self { wall, up })
        };
        // Who is held up between the two is wrong by as much.
        let (mut best, mut clock) = reading();
        for (took, other) in (0..4).map(|_| reading()) {
            if took < best {
                (best, clock) = (took, other);
            }
        }
        clock
    }

    /// What it says now.
    pub fn now(self) -> Timestamp {
        self.after(uptime().saturating_sub(self.up))
    }

    /// What it says when so much time has passed since it was started.
    fn after(self, passed: Duration) -> Timestamp {
        self.wall.checked_add(passed).unwrap_or(self.wall)
    }
}

/// How long the host has been up, sleep included, which no one can set (`CLOCK_BOOTTIME` of clock_gettime(2)).
fn uptime() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(test)]
impl Clock {
    /// A clock that says `wall` now: as if the host's had been set since.
    pub(crate) fn saying(wall: Timestamp) -> Self {
        Self { wall, ..Self::start() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_from_where_it_was_started_whatever_the_wall_clock_says() {
        let wall: Timestamp = "2020-02-29T23:59:59.5Z".parse().expect("a time");
        let clock = Clock::saying(wall);
        assert_eq!(clock.after(Duration::from_millis(1_500)).to_string(), "2020-03-01T00:00:01Z");
        let (first, second) = (clock.now(), clock.now());
        assert!(wall <= first && first <= second, "{wall} {first} {second}");
        assert!(second.duration_since(wall).as_secs() < 60, "{second} is the wall clock's");
    }

    #[test]
    fn another_process_reads_the_same_from_it() {
        let clock = Clock::start();
        let text = serde_json::to_string(&clock).expect("JSON");
        assert_eq!(serde_json::from_str::<Clock>(&text).expect("read"), clock);
    }
}
