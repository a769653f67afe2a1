//! What is near its end is renewed, by the run of every day or when the daemon starts, unless it is a user's.

use testkit::journey::{Act, Handed, Step, StepKind, What};
use testkit::plan::{KeyAlgorithm, KeyForm, Need, Process, State, Turnover, UserCa, planned_certificates};

use super::set_ca::{needs, offer};
use super::{cannot_reissue, find, name, not_online, numbers, reissued, without_leader};

pub(super) const KIND: StepKind = StepKind {
    name: "renew",
    about: "what is near its end is renewed, by the run of every day or when the daemon starts, unless it is a user's",
    possible: |state| {
        let own = |member| {
            let each = SERVICES.map(|service| Renew { member, service: Some(service), by: By::Day });
            let all = [By::Day, By::Start].map(|by| Renew { member, service: None, by });
            each.into_iter().chain(all).chain([Renew { member, service: Some("client"), by: By::StartAfterTheEnd }])
        };
        let mut steps = StepKind::of(state, numbers(state).flat_map(own));
        let authorities = |member| [RenewAuthority { member, users: false }, RenewAuthority { member, users: true }];
        steps.extend(StepKind::of(state, numbers(state).flat_map(authorities)));
        steps.extend(StepKind::of(state, numbers(state).map(|member| RenewNothing { member })));
        steps
    },
};

/// Everything that has a certificate, in the order in which the run looks at them.
const SERVICES: [&str; 5] = ["client", "ovn-controller", "ovn-northd", "ovnnb", "ovnsb"];
/// In how many days what is to be renewed ends: less than the ten that MicroOVN renews it ahead.
const NEAR: u32 = 5;
const PKI: &str = "/var/snap/microovn/common/data/pki";

/// Certificates of a member are near their end, and are renewed.
#[derive(Debug, Clone, Copy)]
pub struct Renew {
    /// The member's number.
    pub member: usize,
    /// The service; `None` is all that the member has.
    pub service: Option<&'static str>,
    /// What renews them.
    pub by: By,
}

/// What renews certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The run of every day.
    Day,
    /// The daemon, when it starts.
    Start,
    /// The daemon, when it starts, after the certificate has ended.
    StartAfterTheEnd,
}

/// The authority is near its end when the run of every day comes, which renews it unless it is a user's.
#[derive(Debug, Clone, Copy)]
pub struct RenewAuthority {
    /// The number of the member on which the run comes.
    pub member: usize,
    /// Whether it is a user's.
    pub users: bool,
}

/// The run of every day comes where nothing is near its end, and changes nothing.
#[derive(Debug, Clone, Copy)]
pub struct RenewNothing {
    /// The number of the member on which it comes.
    pub member: usize,
}

/// Why what is renewed on a member is not known, if it is not.
fn unknown(state: &State, member: usize) -> Option<String> {
    not_online(state, member).or_else(|| without_leader(state)).or_else(|| {
        let alias = find(state, member).is_some_and(|it| it.name != it.hostname);
        alias.then(|| format!("MicroOVN lists no certificates of member {member}, which is not called as its host"))
    })
}

fn stems(state: &State, member: usize) -> Vec<&'static str> {
    find(state, member).map(|it| planned_certificates(&it.services)).unwrap_or_default()
}

/// The run of every day. snapd's own timer starts it at night alone; this is what that runs. Recorded: it looks at every service, and
/// says so.
fn run_of_the_day(state: &State, member: usize, renewed: &[&str]) -> Act {
    let act = Act::run(&name(state, member), ["snap", "run", "microovn.refresh-expiring-certs"]);
    let mut act = act.says("Checking if CA certificate is automatically renewable");
    for service in SERVICES {
        act = act.says(format!("Checking {service} certificate expiration"));
        let soon = format!("Certificate {PKI}/{service}-cert.pem is about to expire, refreshing...");
        act = match (stems(state, member).contains(&service), renewed.contains(&service)) {
            (false, _) => act.says(format!("Service {service} is not present on the node. Skipping")),
            (true, true) => act.says(soon).says("Local certificates reissued successfully:").says(service),
            (true, false) => act.never_says(soon),
        };
    }
    act
}

/// Whether it renews the authority, or what it says of a user's.
fn looks_at_the_authority(act: Act, users: bool) -> Act {
    match users {
        true => act.says("CA is not eligible for renewal. Skipping"),
        false => act.says("Checking CA certificate expiration"),
    }
}

impl Renew {
    /// The services whose certificates are renewed.
    fn stems(self, state: &State) -> Vec<&'static str> {
        let all = stems(state, self.member).into_iter();
        all.filter(|stem| self.service.is_none_or(|service| service == *stem)).collect()
    }
}

impl Step for Renew {
    fn words(&self) -> String {
        let service = self.service.unwrap_or("all").replace('-', "_");
        let by = match self.by {
            By::Day => "by_the_day",
            By::Start => "at_start",
            By::StartAfterTheEnd => "at_start_after_its_end",
        };
        format!("renew_{service}_{}_{by}", self.member)
    }

    fn about(&self) -> String {
        let what = self.service.map_or_else(|| "every certificate".to_owned(), |it| format!("the certificate of {it}"));
        let (when, by) = match self.by {
            By::Day => (format!("ends in {NEAR} days"), "the run of the day"),
            By::Start => (format!("ends in {NEAR} days"), "the daemon when it starts"),
            By::StartAfterTheEnd => ("has ended".to_owned(), "the daemon when it starts"),
        };
        format!("{what} on member {}, which {when}, is renewed by {by}", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        unknown(state, self.member).or_else(|| {
            let missing = self.stems(state).is_empty();
            missing.then(|| format!("member {} has no {}", self.member, self.service.unwrap_or("certificate")))
        })
    }

    fn needs(&self) -> Vec<Need> {
        needs()
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let name = name(state, self.member);
        let stems = self.stems(state);
        let near = i32::try_from(NEAR).unwrap_or_default();
        let days = if self.by == By::StartAfterTheEnd { -1 } else { near };
        let forge = What::Forge { stems: stems.iter().map(|stem| (*stem).to_owned()).collect(), days };
        let mut acts = vec![Act::of(&name, forge)];
        if self.by == By::StartAfterTheEnd {
            acts.push(Act::run(&name, ["microovn", "status"]).says("Client certificate has expired"));
        }
        acts.push(match self.by {
            By::Day => {
                let act = run_of_the_day(state, self.member, &stems);
                looks_at_the_authority(act, state.user_ca.is_some())
            }
            By::Start | By::StartAfterTheEnd => {
                Act::run(&name, ["snap", "restart", "microovn.daemon"]).says("Restarted.")
            }
        });
        acts
    }

    // Recorded: a certificate that is near its end or past it is issued anew, and no other; the daemon does so some seconds after its
    // start.
    fn effect(&self, state: &mut State) {
        let (name, stems) = (name(state, self.member), self.stems(state));
        let Some(changes) = &mut state.since else { return };
        stems.into_iter().for_each(|stem| changes.certificate(&name, stem, Turnover::Fresh));
        if self.by != By::Day {
            changes.process(&name, Process::Daemon, Turnover::Fresh);
        }
    }
}

impl RenewAuthority {
    /// The one that is near its end.
    fn authority() -> UserCa {
        UserCa::new(KeyAlgorithm::Ecdsa, KeyForm::Pkcs8).valid_for(NEAR)
    }
}

impl Step for RenewAuthority {
    fn words(&self) -> String {
        let whose = if self.users { "keep_users_ca" } else { "renew_ca" };
        format!("{whose}_{}", self.member)
    }

    fn about(&self) -> String {
        let Self { member, users } = self;
        match users {
            true => format!("an authority that is given, and ends in {NEAR} days, is not renewed on member {member}"),
            false => {
                format!("an authority of MicroOVN's own, which ends in {NEAR} days, is renewed on member {member}")
            }
        }
    }

    fn impossible(&self, state: &State) -> Option<String> {
        unknown(state, self.member).or_else(|| cannot_reissue(state, self.member))
    }

    fn needs(&self) -> Vec<Need> {
        needs()
    }

    // One of MicroOVN's own is one that it may renew, which is a row in its database.
    fn acts(&self, state: &State) -> Vec<Act> {
        let mut acts =
            vec![offer(state, self.member, Self::authority(), Handed::Files).says("New CA certificate: Issued")];
        let run = looks_at_the_authority(run_of_the_day(state, self.member, &[]), self.users);
        let renews = format!("CA Certificate {PKI}/cacert.pem is about to expire, regenerating CA...");
        if self.users {
            acts.push(run.never_says(renews).never_says("New CA certificate: Issued"));
        } else {
            let row = "update config set value = 'yes' where key = 'ca_auto_renew'";
            acts.push(Act::run(&name(state, self.member), ["microovn", "cluster", "sql", row]));
            acts.push(super::says_reissued(run.says(renews), state));
        }
        acts
    }

    fn effect(&self, state: &mut State) {
        reissued(state, self.users.then(Self::authority));
    }
}

impl Step for RenewNothing {
    fn words(&self) -> String {
        format!("renew_nothing_{}", self.member)
    }

    fn about(&self) -> String {
        format!("the run of the day comes on member {}, where nothing is near its end", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let near = state.user_ca.as_ref().is_some_and(|given| given.days == NEAR);
        unknown(state, self.member).or_else(|| near.then(|| "the authority is near its end".to_owned()))
    }

    fn needs(&self) -> Vec<Need> {
        needs()
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let act = run_of_the_day(state, self.member, &[]).never_says("New CA certificate: Issued");
        vec![looks_at_the_authority(act, state.user_ca.is_some())]
    }

    fn effect(&self, _state: &mut State) {}
}
