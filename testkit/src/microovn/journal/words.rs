//! What programs say of errors, and which of it means that they end.

use crate::microovn::crash::{is_asked_for, is_crash};

/// Programs that run as long as their service does, and what makes their databases.
pub(super) const DAEMONS: [&str; 8] = [
    "microovnd",
    "ovsdb-server",
    "ovsdb-tool",
    "ovn-northd",
    "ovn-controller",
    "ovs-vswitchd",
    "bird",
    "microovn.daemon",
];

/// Error lines of members on which nothing is wrong, each with the reason why it is printed.
const NOISE: [(&str, &str); 9] = [
    ("mlockall failed", "a container may lock little memory, and the switch goes on without"),
    ("cannot set niceness", "a container may not, and the daemon goes on as it is"),
    ("error setting limit", "a container may not raise its limits"),
    ("/etc/resolv.conf", "members have no name server, and no name is looked up"),
    ("failed to open datapath", "the host has no openvswitch module; where that matters, a check says it"),
    ("failed to create datapath", "the host has no openvswitch module"),
    ("failed to enumerate system datapaths", "the host has no openvswitch module"),
    ("failed to create bridge br-int: No such file", "the host has no openvswitch module"),
    ("operation=\"file_inherit\"", "what a service inherits is replaced by nothing, and it goes on"),
];

/// What stands in a line of a program, or behind its name, that says that it cannot go on, besides crashes. Sources: Go's
/// runtime and flag packages, ld.so, shells, getopt, and OVS' `raft_address_validate`.
const DEADLY: [&str; 19] = [
    "runtime: out of memory",
    "error while loading shared libraries",
    "symbol lookup error",
    "version `GLIBC",
    "Exec format error",
    "cannot execute binary file",
    "(core dumped)",
    "syntax error in address",
    "unrecognized option",
    "unknown option",
    "invalid option",
    "requires an argument",
    "unknown flag: ",
    "unknown shorthand flag",
    "flag provided but not defined",
    "unknown command \"",
    "required flag(s) ",
    "already running as pid",
    " crashes: pid ",
];

/// What a line begins with that says the same.
const DEADLY_BEGINNINGS: [&str; 4] = ["panic: ", "fatal error: ", "Traceback (most recent call last)", "thread '"];

/// What looks like an error in the last words of a service.
const ERRORS: [&str; 16] = [
    "error",
    "fail",
    "cannot",
    "can't",
    "could not",
    "unable",
    "not found",
    "no such",
    "denied",
    "invalid",
    "unknown",
    "refus",
    "missing",
    "must ",
    "in use",
    "not permitted",
];

/// Whether this is the name of one of the daemons. The kernel cuts names off behind 15 characters.
pub(super) fn is_daemon(name: &str) -> bool {
    DAEMONS.contains(&name)
}

/// What says somewhere in a text that a program ended, of programs, systemd and the kernel.
const ENDS: [&str; 9] = [
    "|EMER|",
    "panic: ",
    "fatal error: ",
    "dumped core",
    "OOM killer",
    "Main process exited",
    "Failed with result",
    "Failed to start ",
    "ut of memory: Killed process",
];

/// Whether a text, which may quote lines of a journal, says that a program ended by itself.
pub fn says_end(text: &str) -> bool {
    is_deadly(text) || ENDS.iter().any(|part| text.contains(part))
}

/// Whether a line of a program says that a program cannot go on.
pub(super) fn is_deadly(text: &str) -> bool {
    let text = message(text);
    let level = vlog(text).map(|(level, _)| level);
    // The monitor of OVS' daemons says so among what it tells of good days.
    if let Some(at) = text.find(" died, ").filter(|_| text.contains("|daemon_unix")) {
        return !is_asked_for(&text[at..].to_lowercase());
    }
    if is_trace(text) || matches!(level, Some("INFO" | "DBG")) || matches!(logfmt(text), Some((false, _))) {
        return false;
    }
    let signal = text.starts_with("SIG") && text.split_once(": ").is_some_and(|(name, _)| name.len() <= 8);
    let asserted = text.contains("ssertion ") && text.contains(" failed");
    let said = value(text, "level=").unwrap_or_default().to_lowercase();
    let levelled = matches!(said.as_str(), "fatal" | "panic") || level == Some("EMER");
    // `terminating with signal 15 (Terminated)` is how every stop is told.
    let killed = text.contains("terminating with signal") && !text.contains("(Terminated)");
    levelled
        || signal
        || asserted
        || killed
        || matches!(text, "Aborted" | "Killed" | "Bus error")
        || DEADLY_BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
        || DEADLY.iter().any(|part| text.contains(part))
        || is_crash(&text.to_lowercase())
        || is_sanitizers(text)
        || from_daemon(text).is_some()
}

/// `x.c:12:3: runtime error: …`, of the sanitizer of undefined behaviour.
fn is_sanitizers(text: &str) -> bool {
    text.split_once(": runtime error: ").is_some_and(|(place, _)| place.ends_with(|c: char| c.is_ascii_digit()))
}

/// What a daemon says of itself by its name, as OVS' `ovs_fatal` does just before it ends. A wrapper may have begun the
/// line.
pub(super) fn from_daemon(text: &str) -> Option<&str> {
    DAEMONS.iter().find_map(|name| {
        let begin = text.match_indices(name).map(|(at, _)| at).find(|at| {
            let before = text[..*at].chars().next_back();
            before.is_none_or(char::is_whitespace) && text[at + name.len()..].starts_with(": ")
        })?;
        let said = &text[begin..];
        let harmless = ["monitoring pid", "(warning)", "Success"].iter().any(|part| said.contains(part));
        (!harmless).then_some(said)
    })
}

/// Whether a line is a complaint that is not one of those every good member has.
pub(super) fn is_complaint(text: &str) -> bool {
    let text = message(text);
    if is_trace(text) || is_noise(text) {
        return false;
    }
    match (vlog(text), logfmt(text)) {
        (Some((level, _)), _) => matches!(level, "ERR" | "EMER"),
        (None, Some((is_error, _))) => is_error,
        (None, None) => ["Error: ", "error: ", "ERROR: "].iter().any(|begin| text.starts_with(begin)),
    }
}

/// Whether a line is printed on members on which nothing is wrong.
pub(super) fn is_noise(text: &str) -> bool {
    NOISE.iter().any(|(part, _)| text.contains(part))
}

/// Whether something in a line looks like an error, to whoever picks from the last words of a service.
pub(super) fn looks_wrong(text: &str) -> bool {
    let lower = text.to_lowercase();
    ERRORS.iter().any(|part| lower.contains(part)) && !is_noise(text)
}

/// Whether a line tells nothing of what went wrong: what a shell runs, and what is told of good days.
pub(super) fn is_talk(text: &str) -> bool {
    let text = message(text);
    let told = matches!(vlog(text), Some(("INFO" | "DBG", _))) || matches!(logfmt(text), Some((false, _)));
    text.is_empty() || is_trace(text) || told
}

/// What a shell with `-x` prints of each command.
fn is_trace(text: &str) -> bool {
    text.starts_with("+ ") || text.starts_with("++ ")
}

/// A line without the time that Go's `log` puts in front: `2026/11/28 20:00:00 `.
fn message(text: &str) -> &str {
    let text = text.trim();
    let stamped = text.len() > 20 && text.is_char_boundary(20) && {
        let form = |(c, like): (char, char)| if like == '0' { c.is_ascii_digit() } else { c == like };
        text.chars().zip("0000/00/00 00:00:00".chars()).all(form)
    };
    match stamped {
        true => text[19..].split_once(' ').map_or(text, |(_, rest)| rest),
        false => text,
    }
}

/// Level and rest of a line of OVS' log: `<who or when>|<number>|<module>|<level>|<message>`.
fn vlog(text: &str) -> Option<(&str, &str)> {
    let mut parts = text.splitn(5, '|');
    let (_, number) = (parts.next()?, parts.next()?);
    let (module, level) = (parts.next()?, parts.next()?);
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) || module.contains(' ') {
        return None;
    }
    parts.next().map(|said| (level, said))
}

/// Whether a line of the form `level=… msg="…"`, as logrus and Go's slog print, is an error, and its message.
fn logfmt(text: &str) -> Option<(bool, String)> {
    let level = value(text, "level=")?.to_lowercase();
    let mut said = value(text, "msg=")?;
    for key in [" error=", " err="] {
        if let Some(error) = value(text, key) {
            said = format!("{said}: {error}");
        }
    }
    Some((matches!(level.as_str(), "error" | "eror" | "crit" | "fatal" | "panic"), said))
}

/// The value behind a key, without quotes and escapes.
fn value(text: &str, key: &str) -> Option<String> {
    let begin = text.find(key)?;
    let rest = &text[begin + key.len()..];
    let Some(quoted) = rest.strip_prefix('"') else {
        return Some(rest.split(' ').next().unwrap_or(rest).to_owned());
    };
    let mut value = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('n' | 't') | None => value.push(' '),
                Some(other) => value.push(other),
            },
            c => value.push(c),
        }
    }
    Some(value)
}

/// What a line says, without when and by whom it was said.
pub(super) fn essence(text: &str) -> String {
    let text = message(text);
    if let Some((level, said)) = vlog(text) {
        let module = text.split('|').nth(2).unwrap_or_default();
        return format!("{module}|{level}|{said}");
    }
    logfmt(text).map(|(_, said)| said).unwrap_or_else(|| from_daemon(text).unwrap_or(text).to_owned())
}
