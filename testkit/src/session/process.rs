//! The identity of a process, which a recycled pid does not fake.

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::str::FromStr;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::{Deserialize, Serialize};

/// A process of this boot: its pid, and when it started, in clock ticks since boot (proc(5), `stat` field 22).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The kernel's boot id.
    pub boot: String,
    /// The process id.
    pub pid: u32,
    /// Start time in clock ticks since boot.
    pub started: u64,
}

impl Process {
    /// The process with this pid; `None` when there is none or it has ended.
    pub fn find(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The command name is in parentheses and may itself contain them.
        let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace();
        let state = fields.next()?;
        if matches!(state, "Z" | "X") {
            return None;
        }
        let started = fields.nth(18)?.parse().ok()?;
        Some(Self { boot: boot_id(), pid, started })
    }

    /// This process.
    pub fn current() -> Self {
        let pid = std::process::id();
        Self::find(pid).unwrap_or(Self { boot: boot_id(), pid, started: 0 })
    }

    /// Whether it still runs. `None` when it belongs to another boot or another host, where nobody here can tell.
    pub fn is_alive(&self) -> Option<bool> {
        (self.boot == boot_id()).then(|| Self::find(self.pid).as_ref() == Some(self))
    }

    /// A descriptor that becomes readable when the process ends (pidfd_open(2)); `None` when it has ended already.
    pub fn pidfd(&self) -> Option<OwnedFd> {
        let pid = Pid::from_raw(i32::try_from(self.pid).ok()?)?;
        let fd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        // The pid may have been recycled before it was opened; from here on it cannot be.
        (self.is_alive() == Some(true)).then_some(fd)
    }

    /// Waits until the process has ended.
    ///
    /// # Errors
    /// When the kernel cannot be asked.
    pub async fn ended(&self) -> io::Result<()> {
        let Some(fd) = self.pidfd() else { return Ok(()) };
        let (tell, told) = tokio::sync::oneshot::channel();
        // A thread of its own, since a runtime waits for its blocking tasks when it shuts down.
        std::thread::Builder::new().name("pidfd".to_owned()).spawn(move || tell.send(wait_readable(&fd)))?;
        told.await.map_err(io::Error::other)?
    }
}

/// Blocks until a descriptor is readable, which a pidfd is once its process has ended.
fn wait_readable(fd: &OwnedFd) -> io::Result<()> {
    loop {
        match poll(&mut [PollFd::new(fd, PollFlags::IN)], None) {
            Err(Errno::INTR) => {}
            result => return result.map(drop).map_err(io::Error::from),
        }
    }
}

/// `boot:pid:started`.
impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.boot, self.pid, self.started)
    }
}

impl FromStr for Process {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let (Some(boot), Some(pid), Some(started), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(format!("{text:?} is not boot:pid:started"));
        };
        let number = |error: std::num::ParseIntError| format!("{text:?} is not boot:pid:started: {error}");
        Ok(Self { boot: boot.to_owned(), pid: pid.parse().map_err(number)?, started: started.parse().map_err(number)? })
    }
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn text_form_round_trips() {
        let me = Process::current();
        assert_eq!(me.to_string().parse::<Process>().expect("parses"), me);
        assert!("a:b".parse::<Process>().is_err());
    }

    #[test]
    fn a_recycled_pid_is_not_the_same_process() {
        let me = Process::current();
        assert_eq!(me.is_alive(), Some(true));
        assert_eq!(Process { started: me.started + 1, ..me.clone() }.is_alive(), Some(false));
        assert_eq!(Process { boot: "another".into(), ..me }.is_alive(), None);
    }

    #[tokio::test]
    async fn the_end_of_a_process_is_noticed_even_before_it_is_reaped() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat starts");
        let process = Process::find(child.id()).expect("it runs");
        drop(child.stdin.take());
        process.ended().await.expect("waits");
        assert_eq!(process.is_alive(), Some(false));
        child.wait().expect("reaped");
        process.ended().await.expect("a process that is gone has ended");
    }
}
