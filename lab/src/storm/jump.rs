//! The host's clock, set to another time for a while.
//!
//! Whoever attacks runs may itself be killed, and a clock that stays wrong harms everybody on the host. So a process of
//! its own sets it, and puts it back as soon as the pipe from the attacker ends, however that came about.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

use jiff::{SignedDuration, Timestamp};
use rustix::time::{ClockId, Timespec, clock_settime};
use tokio::signal::unix::{SignalKind, signal};

use testkit::cli::Failure;
use testkit::clock::Clock;
use testkit::report::chain;

/// What the process says when the clock is set.
const JUMPED: &str = "jumped";

/// A jump of the host's clock. It is put back when this is dropped, or its process ends.
pub(super) struct Jump(Child);

impl Jump {
    /// Sets the clock by so many seconds, back where they are negative. `exe` is this command.
    pub(super) fn by(exe: &Path, seconds: i64) -> Result<Self, Failure> {
        let mut command = Command::new(exe);
        // A group of its own, so that what is sent to that of its parent does not reach it.
        command.args(["jump", "--by", &seconds.to_string()]).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(Failure::usage)?;
        let stdout = child.stdout.take().ok_or_else(|| Failure::usage(io::Error::from(io::ErrorKind::BrokenPipe)))?;
        let mut stdout = BufReader::new(stdout);
        let jump = Self(child);
        let mut said = String::new();
        stdout.read_line(&mut said).map_err(Failure::usage)?;
        if said.trim_end() == JUMPED {
            return Ok(jump);
        }
        stdout.read_to_string(&mut said).map_err(Failure::usage)?;
        Err(Failure::Usage(said.trim_end().to_owned()))
    }
}

impl Drop for Jump {
    fn drop(&mut self) {
        // To wait ends the pipe first, and that is what puts the clock back.
        if let Err(error) = self.0.wait() {
            eprintln!("nobody knows whether the host's clock was put back: {error}");
        }
    }
}

/// The process itself: sets the clock, and puts it back when its input ends or it is asked to end.
pub(crate) async fn jump(seconds: i64) -> Result<ExitCode, Failure> {
    let asked = |kind| signal(kind).map_err(Failure::usage);
    let (mut interrupt, mut terminate) = (asked(SignalKind::interrupt())?, asked(SignalKind::terminate())?);
    let mut hangup = asked(SignalKind::hangup())?;
    let clock = Clock::start();
    let aim = clock.now().checked_add(SignedDuration::from_secs(seconds)).map_err(Failure::usage)?;
    let _back = match set(aim) {
        Ok(()) => Back(clock),
        Err(error) => {
            print!("{}", chain(&error));
            return Ok(ExitCode::from(2));
        }
    };
    // Nobody may be there to hear it any more, and then the input has ended too.
    let _ = writeln!(io::stdout(), "{JUMPED}");
    let (mut input, mut nowhere) = (tokio::io::stdin(), tokio::io::sink());
    tokio::select! {
        _ = tokio::io::copy(&mut input, &mut nowhere) => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Puts the clock back when it is dropped. What it was set to plays no part in that: somebody else may have set it too.
struct Back(Clock);

impl Drop for Back {
    fn drop(&mut self) {
        if let Err(error) = set(self.0.now()) {
            eprintln!("the host's clock stays wrong: {error}; it should be {}", self.0.now());
        }
    }
}

/// A clock that cannot be set.
#[derive(Debug, thiserror::Error)]
#[error("failed to set the host's clock; it takes the capability CAP_SYS_TIME, which root of a container has not")]
struct CannotSet(#[source] io::Error);

fn set(to: Timestamp) -> Result<(), CannotSet> {
    let (tv_sec, tv_nsec) = (to.as_second(), to.subsec_nanosecond().into());
    clock_settime(ClockId::Realtime, Timespec { tv_sec, tv_nsec }).map_err(|error| CannotSet(error.into()))
}

#[cfg(test)]
mod tests {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

    use super::*;

    #[test]
    fn without_the_capability_it_is_an_error_that_names_it() {
        // Capabilities are a thread's own.
        let tried = std::thread::spawn(|| {
            let mut sets = capabilities(None).expect("known");
            sets.effective.remove(CapabilitySet::SYS_TIME);
            set_capabilities(None, sets).expect("given up");
            set(Timestamp::now())
        });
        let error = tried.join().expect("no panic").expect_err("refused");
        let said = chain(&error);
        assert!(said.contains("CAP_SYS_TIME") && said.contains("caused by: Operation not permitted"), "{said}");
    }
}
