//! The end of a command, which is waited for and not for ever.

use std::io;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use testkit::wait::{Pace, Poll, WaitError};

use super::waited::{told, until};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// How long a command may take, and how long to end when it was told to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) longest: Duration,
    pub(super) told: Duration,
}

impl Patience {
    /// For anything that is typed here: a tier of hundreds of cells on the processors of one machine is the longest, and who is told to
    /// end removes its clusters first.
    pub(super) const USUAL: Self = Self { longest: Duration::from_secs(6 * 3600), told: Duration::from_secs(600) };
}

/// How a command ended. It is told to end when it takes too long, which is an error, and where this is interrupted; what does not end
/// then is killed.
pub(super) fn end_of(
    child: &mut Child,
    patience: Patience,
    interrupted: impl Fn() -> bool,
) -> Result<ExitStatus, String> {
    let began = Instant::now();
    let looked = |child: &mut Child, otherwise: &dyn Fn() -> Poll<Option<ExitStatus>, io::Error>| match child.try_wait()
    {
        Ok(Some(status)) => Poll::Ready(Some(status)),
        Ok(None) => otherwise(),
        Err(error) => Poll::Failed(error),
    };
    let runs = || Poll::NotYet("it runs".to_owned());
    let pace = |deadline: Duration| Pace { deadline, every: LOOK.min(deadline) };
    let first = until("the command to end", pace(patience.longest), || {
        looked(child, &|| if interrupted() { Poll::Ready(None) } else { runs() })
    });
    let late = match first {
        Ok(Some(status)) => return Ok(status),
        Ok(None) => false,
        Err(WaitError::Deadline { .. }) => true,
        Err(error) => return Err(told(&error)),
    };
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    // It has ended meanwhile, or else hears it.
    let _ = pid.map(|pid| rustix::process::kill_process(pid, Signal::INT));
    match until("the command to end, as it was told to", pace(patience.told), || looked(child, &runs)) {
        Ok(Some(status)) if late => {
            Err(format!("it took longer than {} s, and was told to end: {status}", patience.longest.as_secs()))
        }
        Ok(status) => status.ok_or_else(|| "it has not ended".to_owned()),
        Err(WaitError::Deadline { .. }) => {
            let killed = child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
            let (all, told) = (began.elapsed().as_secs(), patience.told.as_secs());
            Err(format!("after {all} s it had not ended, {told} s after it was told to: {killed}"))
        }
        Err(error) => Err(told(&error)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    const SHORT: Patience = Patience { longest: Duration::from_millis(20), told: Duration::from_secs(30) };

    /// A shell that does this and then waits for what never comes. Returned when it has begun to.
    fn waiting(script: &str) -> Child {
        let script = format!("{script}; echo; read x");
        let mut child = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let said = child.stdout.as_mut().expect("a pipe");
        BufReader::new(said).read_line(&mut String::new()).expect("it has begun");
        child
    }

    #[test]
    fn what_takes_too_long_is_told_to_end_and_killed_if_it_does_not() {
        let late = end_of(&mut waiting("true"), SHORT, || false).expect_err("late");
        assert!(late.starts_with("it took longer than 0 s, and was told to end: signal: 2"), "{late}");
        let patience = Patience { told: Duration::from_millis(20), ..SHORT };
        let deaf = end_of(&mut waiting("trap '' INT"), patience, || false).expect_err("late");
        assert!(deaf.ends_with("after it was told to: signal: 9 (SIGKILL)"), "{deaf}");
    }

    #[test]
    fn what_ends_and_what_is_interrupted_are_no_errors() {
        let mut good = Command::new("true").spawn().expect("it starts");
        assert!(end_of(&mut good, Patience::USUAL, || false).expect("it ends").success());
        let interrupted = end_of(&mut waiting("true"), Patience::USUAL, || true).expect("it ends");
        assert_eq!(interrupted.code(), None, "by the signal");
    }
}
