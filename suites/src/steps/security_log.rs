//! What concerns security is in the journal of MicroOVN's daemon, unless the snap is told otherwise.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Member, Need, Presence, Process, State, Turnover};

use super::{find, find_mut, name, not_online, numbers};

pub(super) const KIND: StepKind = StepKind {
    name: "security_log",
    about: "what concerns security is looked for in the journal of a member, turned off and on, and told wrongly",
    possible: |state| {
        let ways = [Logging::Read, Logging::Set(false), Logging::Set(true), Logging::Misuse];
        let each = |member| ways.map(|what| SecurityLog { member, what });
        StepKind::of(state, numbers(state).flat_map(each))
    },
};

/// Something about the security log of a member.
#[derive(Debug, Clone, Copy)]
pub struct SecurityLog {
    /// The member's number.
    pub member: usize,
    /// What.
    pub what: Logging,
}

/// What is done about a security log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logging {
    /// It is read: it tells of the start, of services and of what became of the member in its cluster.
    Read,
    /// It is turned on or off, which counts from the daemon's next start.
    Set(bool),
    /// The snap is told what is neither.
    Misuse,
}

/// The snap's option.
const OPTION: &str = "security-logging";

/// What the daemon that runs now has said. Whatever was on its way to the journal is waited for first.
const SINCE_START: &str = "journalctl --sync && exec journalctl --no-pager --output=cat \
     _SYSTEMD_INVOCATION_ID=\"$(systemctl show --property=InvocationID --value snap.microovn.daemon.service)\"";

/// What any daemon of the member has said.
const ALL: &str = "journalctl --sync && exec journalctl --no-pager --output=cat --unit=snap.microovn.daemon.service";

/// A line of the log. The fields come in the order of their names. Recorded.
fn line(message: &str, fields: &str) -> String {
    format!("time=\"…\" level=info msg=\"{message}\" {fields}")
}

fn starts(node: &str) -> String {
    let fields = format!("category=SYS event=sys_startup node={node} security=true");
    line(&format!("MicroOVN daemon starting on '{node}'"), &fields)
}

fn reissues() -> String {
    let fields = "action=issue_certificate category=AUTHN event=authn_password_changed security=true service=client";
    line("Certificate reissue requested for service 'client'", fields)
}

/// What an administrator had done.
fn done(message: &str, action: &str, rest: &str) -> String {
    line(message, &format!("action={action} category=AUTHZ event=authz_admin {rest}"))
}

/// The journal of a member, read by one of the scripts above.
fn journal(member: &Member, script: &str) -> Act {
    Act::run(&member.name, ["sh", "-c", script])
}

/// A certificate is issued anew, which is logged or not. That it is done is said either way.
fn reissue(member: &Member, logged: bool) -> [Act; 2] {
    let read = journal(member, SINCE_START).says(line_of_work());
    let read = if logged { read.says(reissues()) } else { read.never_says("…security=true…") };
    let reissue = Act::run(&member.name, ["microovn", "certificates", "reissue", "client"]).says("client");
    [reissue, read]
}

fn line_of_work() -> String {
    "time=\"…\" level=info msg=\"Issuing new certificate for 'client' service.\"".to_owned()
}

/// What the log says of a member as it is.
fn read(member: &Member) -> Act {
    let name = &member.name;
    let act = journal(member, ALL).says(starts(name));
    if member.presence == Presence::Left {
        // Upstream's own words: MicroOVN's `ovn/leave.go`.
        let stops = format!("category=SYS event=sys_shutdown node={name} security=true");
        let stops = line(&format!("Node '{name}' shutting down OVN services before departure"), &stops);
        let left = done(&format!("Node '{name}' left cluster"), "cluster_leave", &format!("node={name} security=true"));
        return act.says(stops).says(left);
    }
    let enables = |service| {
        let message = format!("Enabling service '{service}' on node '{name}'");
        done(&message, "enable_service", &format!("node={name} security=true service={service}"))
    };
    member.services.iter().map(enables).fold(act, Act::says)
}

impl SecurityLog {
    fn set(member: &Member, on: bool) -> Vec<Act> {
        let run = |words: &[&str]| Act::run(&member.name, words.iter().copied());
        let value = format!("{OPTION}={on}");
        let mut acts = vec![
            run(&["snap", "set", "microovn", &value]),
            run(&["snap", "get", "microovn", OPTION]).says(on.to_string()),
        ];
        // The daemon that runs does not know.
        acts.extend(reissue(member, member.logs_security()));
        acts.push(run(&["snap", "restart", "microovn.daemon"]).says("Restarted."));
        acts.push(run(&["microovn", "waitready", "-t", "60"]));
        if on {
            acts.push(journal(member, SINCE_START).says(starts(&member.name)));
        }
        acts.extend(reissue(member, on));
        acts
    }

    fn misuse(member: &Member) -> Vec<Act> {
        let run = |words: &[&str]| Act::run(&member.name, words.iter().copied());
        let refused = |value: &str| {
            let why = format!("{OPTION} must be \"true\" or \"false\", got \"{value}\"");
            run(&["snap", "set", "microovn", &format!("{OPTION}={value}")])
                .refused(format!("- Run configure hook of \"microovn\" snap (run hook \"configure\": {why})"))
        };
        let get = run(&["snap", "get", "microovn", OPTION]);
        let get = match member.security_log {
            Some(on) => get.says(on.to_string()),
            None => get.refused(format!("error: snap \"microovn\" has no \"{OPTION}\" configuration option")),
        };
        vec![refused("maybe"), refused("1"), get]
    }
}

impl Step for SecurityLog {
    fn words(&self) -> String {
        let how = match self.what {
            Logging::Read => "read",
            Logging::Set(true) => "turn_on",
            Logging::Set(false) => "turn_off",
            Logging::Misuse => "misuse",
        };
        format!("{how}_security_log_{}", self.member)
    }

    fn about(&self) -> String {
        let member = self.member;
        match self.what {
            Logging::Read => format!("the security log of member {member} tells what became of it"),
            Logging::Set(on) => {
                format!("the security log of member {member} is turned {}", if on { "on" } else { "off" })
            }
            Logging::Misuse => format!("the snap of member {member} is told neither to keep a security log nor not to"),
        }
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let Some(member) = find(state, self.member) else { return not_online(state, self.member) };
        // What became of one that left can be read, too.
        if (member.presence != Presence::Left || member.bare || self.what != Logging::Read)
            && let Some(why) = not_online(state, self.member)
        {
            return Some(why);
        }
        match self.what {
            Logging::Read => (member.security_log.is_some()).then(|| "it was not kept all the time".to_owned()),
            Logging::Set(on) => (member.security_log == Some(on)).then(|| format!("it was told {on} already")),
            Logging::Misuse => None,
        }
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::CoreApi]
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let Some(member) = find(state, self.member) else { return Vec::new() };
        match self.what {
            Logging::Read => vec![read(member)],
            Logging::Set(on) => Self::set(member, on),
            Logging::Misuse => Self::misuse(member),
        }
    }

    fn effect(&self, state: &mut State) {
        let Logging::Set(on) = self.what else { return };
        let name = name(state, self.member);
        if let Some(member) = find_mut(state, self.member) {
            member.security_log = Some(on);
        }
        if let Some(changes) = &mut state.since {
            changes.process(&name, Process::Daemon, Turnover::Fresh);
            changes.certificate(&name, "client", Turnover::Fresh);
        }
    }
}
