//! What is left on a host of a snap that was removed.

use serde::{Deserialize, Serialize};

use crate::ovn::ParseError;

const WHAT: &str = "what is left of the snap";

/// What is on a host that is of the snap, or may be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Remains {
    /// Every network device, of whomever it is.
    pub devices: Vec<String>,
    /// Where something of the snap is mounted.
    pub mounts: Vec<String>,
    /// Processes of the snap, each as its process id and its command line.
    pub processes: Vec<String>,
    /// Files and folders that are there only with the snap.
    pub files: Vec<String>,
}

impl Remains {
    /// Reads what [`commands::remains`](super::commands::remains) prints: `device`, `mount`, `process` or `file` with what it is
    /// behind a space, one a line, and at last `end`.
    ///
    /// # Errors
    /// When the text is of another form, or ends early.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut remains = Self::default();
        for line in text.lines() {
            let Some((kind, what)) = line.split_once(' ') else {
                return if line == "end" { Ok(remains) } else { Err(ParseError::expected(WHAT, "KIND WHAT", line)) };
            };
            let of_kind = match kind {
                "device" => &mut remains.devices,
                "mount" => &mut remains.mounts,
                "process" => &mut remains.processes,
                "file" => &mut remains.files,
                _ => return Err(ParseError::expected(WHAT, "device, mount, process or file", line)),
            };
            of_kind.push(what.to_owned());
        }
        Err(ParseError::expected(WHAT, "end at the end", text))
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;
    use crate::microovn::commands;

    #[test]
    fn what_is_cut_off_or_unknown_is_none() {
        let whole = "device lo\nmount /snap/microovn/x1\nprocess 7 ovn-controller unix:a b\nfile /snap/microovn\nend\n";
        let read = Remains::parse(whole).expect("all of it");
        assert_eq!(read.processes, ["7 ovn-controller unix:a b"]);
        assert_eq!((read.devices.len(), read.mounts.len(), read.files.len()), (1, 1, 1));
        assert!(Remains::parse(whole.strip_suffix("end\n").expect("its end")).is_err());
        assert!(Remains::parse("bridge br-int\nend\n").is_err());
    }

    #[test]
    fn a_process_is_found_by_how_it_is_called_and_who_asks_is_none() {
        // It goes on until its input ends, and one of its arguments has several lines.
        let mut left = Command::new("bash");
        let script = "exec -a /var/snap/microovn/common/left sh -c 'read x' \"two\nlines\"";
        let mut left = left.args(["-c", script]).stdin(Stdio::piped()).spawn().expect("bash runs");
        let id = left.id().to_string();
        let called =
            || std::fs::read_to_string(format!("/proc/{id}/cmdline")).is_ok_and(|it| it.starts_with("/var/snap"));
        while !called() {
            std::thread::yield_now();
        }
        let argv = commands::remains();
        let mut asking = Command::new(&argv[0]);
        let asking = asking.args(&argv[1..]).stdout(Stdio::piped()).spawn().expect("bash runs");
        let asker = asking.id().to_string();
        let output = asking.wait_with_output().expect("it ends");
        left.kill().and_then(|()| left.wait()).expect("it ends");
        let seen = Remains::parse(&String::from_utf8_lossy(&output.stdout)).expect("all of it");
        // Others of this host may have something of a snap, too.
        let of = |process: &str| -> Vec<&str> {
            let words = seen.processes.iter().filter_map(|it| it.split_once(' ')).filter(|(id, _)| *id == process);
            words.map(|(_, words)| words).collect()
        };
        assert_eq!(of(&id), ["/var/snap/microovn/common/left -c read x two lines"], "{seen:?}");
        assert_eq!(of(&asker), [] as [&str; 0], "{seen:?}");
        assert!(seen.devices.iter().any(|device| device == "lo"), "{seen:?}");
    }
}
