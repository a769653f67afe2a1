//! What a line of the journal tells of.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::microovn::crash::{is_asked_for, is_crash};

/// A way of not being well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A program crashed and left its memory.
    CoreDump,
    /// A program met what it cannot go on with: a panic or fatal error of Go's, a fault of the processor's, a heap that is
    /// not as the C library left it, a report of a sanitizer.
    Panic,
    /// A program found that what it takes for granted is not so.
    Assertion,
    /// A process ended that nobody asked to.
    Ended,
    /// A service was started again that nobody asked to, or no more because of that.
    Restarted,
    /// A service could not be started, or ended in failure.
    Failed,
    /// AppArmor or seccomp refused something to the snap.
    Denied,
    /// A line came many times a second.
    Repeated,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::CoreDump,
        Self::Panic,
        Self::Assertion,
        Self::Ended,
        Self::Restarted,
        Self::Failed,
        Self::Denied,
        Self::Repeated,
    ];

    /// What a line tells of; `None` for one that is nothing to worry about. `who` is its writer as the journal has it.
    ///
    /// The texts are those of systemd, the kernel's audit, Go's runtime, the C library, sanitizers and OVS' logging
    /// (`lib/vlog.c`, `lib/daemon-unix.c`), as recorded and as their sources print them.
    pub fn of(who: &str, text: &str) -> Option<Self> {
        let text = text.to_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
        let refused = text.contains("denied") && has(&["apparmor=", "avc:"]);
        if refused || text.contains("type=1326") || (text.contains("seccomp") && text.contains("syscall=")) {
            return is_of_the_snap(who, &text).then_some(Self::Denied);
        }
        if !is_of_the_snap(who, &text) {
            return None;
        }
        // What systemd says of a unit: everything else comes from the programs themselves.
        if who == "systemd" {
            return of_unit(&text);
        }
        if has(CORE_DUMPS) || who == "systemd-coredump" {
            return Some(Self::CoreDump);
        }
        if has(ASSERTIONS) || (text.contains("assertion") && has(&["failed", "violated"])) {
            return Some(Self::Assertion);
        }
        let panics = has(PANICS) || is_crash(&text);
        if panics && !has(&["non-fatal", "nonfatal", "not fatal"]) {
            return Some(Self::Panic);
        }
        if has(ENDS) || is_told_by_a_monitor(&text) {
            return Some(Self::Ended);
        }
        None
    }
}

/// Lines of each kind, as who said them and what: several unlike ones each.
pub const EXAMPLES: &[(Kind, &str, &str)] = &[
    (Kind::CoreDump, "systemd-coredump", "Process 1234 (ovn-northd) of user 0 dumped core."),
    (Kind::CoreDump, "systemd", "snap.microovn.chassis.service: Main process exited, code=dumped, status=11/SEGV"),
    (
        Kind::CoreDump,
        "ovs-vswitchd",
        "ovs|00006|daemon_unix(monitor)|ERR|1 crashes: pid 252 died, killed (Aborted), core dumped",
    ),
    (Kind::Panic, "microovn.daemon", "panic: runtime error: invalid memory address or nil pointer dereference"),
    (Kind::Panic, "microovn.daemon", "fatal error: all goroutines are asleep - deadlock!"),
    (Kind::Panic, "microovn.chassis", "*** stack smashing detected ***: terminated"),
    (Kind::Panic, "kernel", "ovn-northd[912]: segfault at 8 ip 00005581 sp 00007ffd error 4 in ovn-northd[5581+1b000]"),
    (
        Kind::Assertion,
        "ovsdb-server",
        "ovs|00004|util|EMER|../ovsdb/ovsdb-server.c:611: assertion txn_json failed in parse_txn()",
    ),
    (Kind::Assertion, "microovn.ovn-northd", "ovn-northd: ../northd/northd.c:1: assertion od failed in build()"),
    (Kind::Assertion, "microovn.bird", "bird: ../lib/lists.c:7: add_tail: Assertion `n->prev' failed."),
    (Kind::Ended, "systemd", "snap.microovn.ovn-northd.service: Main process exited, code=killed, status=9/KILL"),
    (Kind::Ended, "ovs-vswitchd", "ovs|00006|daemon_unix(monitor)|INFO|pid 252 died, killed (Killed), exiting"),
    (Kind::Ended, "kernel", "Out of memory: Killed process 252 (ovs-vswitchd) total-vm:210000kB"),
    (Kind::Restarted, "systemd", "snap.microovn.chassis.service: Scheduled restart job, restart counter is at 8."),
    (Kind::Restarted, "systemd", "snap.microovn.ovn-northd.service: Start request repeated too quickly."),
    (Kind::Failed, "systemd", "snap.microovn.switch.service: Failed with result 'exit-code'."),
    (
        Kind::Failed,
        "systemd",
        "Failed to start snap.microovn.switch.service - Service for snap application microovn.switch.",
    ),
    (
        Kind::Denied,
        "audit",
        "AVC apparmor=\"DENIED\" operation=\"open\" profile=\"snap.microovn.daemon\" name=\"/etc/shadow\" requested_mask=\"r\"",
    ),
    (
        Kind::Denied,
        "kernel",
        "audit: type=1326 audit(1.2:3): subj=snap.microovn.switch comm=\"ovs-vswitchd\" sig=0 syscall=159",
    ),
];

const CORE_DUMPS: &[&str] = &["core dumped", "dumped core", "dumping core"];
const ASSERTIONS: &[&str] = &["|emer|", "assertion failed", "ovs_assert", "assertion `"];
/// What programs say of panics besides crashes.
const PANICS: &[&str] = &[
    "panic:",
    "panicked at",
    "panic(",
    "fatal error",
    "level=fatal",
    "level=panic",
    "sigsegv",
    "sigabrt",
    "sigbus",
    "sigill",
    "sigfpe",
    "sigquit: quit",
    "segfault at",
    "segmentation violation",
    "general protection fault",
    "bus error",
    "traps:",
    ": runtime error:",
    "data race",
];
const ENDS: &[&str] = &["out of memory", "oom-kill", "oom killer", "cannot allocate memory, aborting"];

/// Whether a line is about the snap. Lines of its units are; the kernel's and the core dumps' name a program.
fn is_of_the_snap(who: &str, text: &str) -> bool {
    match who {
        "kernel" | "audit" | "systemd-coredump" => {
            let names = ["microovn", "snap-confine", "ovn-", "ovs-", "ovsdb-", "ovn_", "ovs_"];
            names.iter().any(|name| text.contains(name))
        }
        _ => true,
    }
}

/// What systemd says of a unit, in lower case.
fn of_unit(text: &str) -> Option<Kind> {
    let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    if has(&["code=dumped", "'core-dump'"]) {
        return Some(Kind::CoreDump);
    }
    if has(&["scheduled restart job", "start request repeated too quickly", "start-limit-hit"]) {
        return Some(Kind::Restarted);
    }
    if has(&["failed with result", "failed to start", "failed to run", "failed to execute", "failed at step"])
        || has(&["dependency failed", "unable to locate executable", "watchdog timeout"])
    {
        return Some(Kind::Failed);
    }
    if has(&["process exited, code="]) {
        // Somebody asked it to: systemd's signal, and the exit code that shells make of it.
        let asked = has(&["status=15/term", "status=0/success", "status=143/n/a", "status=143"]);
        return (!asked).then_some(Kind::Ended);
    }
    has(&["oom killer", "oom-kill", "timed out. killing", "operation timed out"]).then_some(Kind::Ended)
}

/// OVS' monitor process says so of the daemon it watches: `pid 252 died, killed (Killed), exiting`. One that was asked to end
/// is told by the same words.
fn is_told_by_a_monitor(text: &str) -> bool {
    text.match_indices("pid ").any(|(at, _)| {
        let rest = text[at + 4..].trim_start_matches(|c: char| c.is_ascii_digit());
        let ended = rest.len() < text.len() - at - 4 && rest.starts_with(" died,");
        ended && !is_asked_for(rest)
    })
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CoreDump => "core dump",
            Self::Panic => "panic",
            Self::Assertion => "failed assertion",
            Self::Ended => "process that ended",
            Self::Restarted => "restart",
            Self::Failed => "failed service",
            Self::Denied => "denial",
            Self::Repeated => "repeated line",
        })
    }
}
