//! The keys and certificates of OVN's services: whose they are, who signed them, for how long, and who may read them.

mod list;

use std::collections::BTreeSet;

use super::sorted;
use crate::expect::{Check, Judge, Observation, Subject, Verdict, VerdictBuilder};
use crate::microovn::{AUTHORITY, Certificate, Pki, planned_certificates};
use crate::plan::{Member, State};

pub(super) const CHECK: Check = Check {
    name: "certificates",
    about: "every service of every member has a key and a certificate of its own, for two years and signed by the one \
            authority, which is the one that was given or made by MicroOVN for ten, nobody else may read them, and \
            `certificates list` says so, as text and as JSON",
    reads: &[Subject::Certificates],
    applies: super::everywhere,
    judge: Judge::Now(judge),
};

const TABLE: &str = "data/pki";
const DAY: i64 = 24 * 3600;
/// Recorded, and in MicroOVN's `certificates.go`: two years for a service whatever its authority has left, ten for an
/// authority that MicroOVN makes.
const SERVICE_DAYS: i64 = 2 * 365;
const AUTHORITY_DAYS: i64 = 10 * 365;
/// Recorded: the subject of an authority that MicroOVN makes.
const GENERATED: &str = "O=MicroOVN, OU=MicroOVN CA, CN=MicroOVN CA";
/// How far a certificate's first moment may be from that in which its file was written, in seconds. A busy host takes
/// its time between the two.
const WRITING: i64 = 300;

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    let given = match state.user_ca.as_ref().map(|given| Certificate::parse_all(&given.certificate)) {
        Some(Err(error)) => {
            verdict.unread("the plan", TABLE, format!("the given authority: {error}"));
            return verdict.finish();
        }
        given => given.and_then(Result::ok),
    };
    // Which authority MicroOVN makes is what the first member that answers says; the others must agree.
    let made = state.online().find_map(|member| {
        let pki = observation.get(&member.name, |seen| &seen.pki).ok()?;
        pki.certificates(AUTHORITY).ok().map(<[Certificate]>::to_vec)
    });
    let authority = given.as_deref().or(made.as_deref()).unwrap_or_default();
    for member in state.online() {
        match observation.get(&member.name, |seen| &seen.pki) {
            Ok(pki) => {
                let mut seen = Folder { member, pki, authority, verdict: &mut verdict };
                seen.judge_files();
                seen.judge_authority(given.is_some());
                planned_certificates(&member.services).into_iter().for_each(|service| seen.judge_service(service));
            }
            Err(reason) => drop(verdict.unread(&member.name, TABLE, reason)),
        }
        if state.has_majority() {
            list::judge(state, member, observation, &mut verdict);
        }
    }
    verdict.finish()
}

/// One member's folder, the authority that it should trust, and what was found.
struct Folder<'a> {
    member: &'a Member,
    pki: &'a Pki,
    authority: &'a [Certificate],
    verdict: &'a mut VerdictBuilder,
}

impl Folder<'_> {
    fn compare(&mut self, column: &str, wanted: impl ToString, seen: impl ToString) {
        self.verdict.compare(&self.member.name, TABLE, column, wanted.to_string(), seen.to_string());
    }

    /// The files are those of the planned services, and for their owner only.
    fn judge_files(&mut self) {
        let services = planned_certificates(&self.member.services);
        let files = |stem: &&str| [format!("{stem}-cert.pem"), format!("{stem}-privkey.pem")];
        let wanted: BTreeSet<String> = services.iter().flat_map(files).chain([AUTHORITY.to_owned()]).collect();
        // Recorded: those of a service stay when it is disabled.
        let may: BTreeSet<String> = planned_certificates(&self.member.had).iter().flat_map(files).collect();
        let seen = self.pki.files.keys().filter(|file| wanted.contains(*file) || !may.contains(*file));
        self.compare("files", sorted(&wanted), sorted(seen));
        for (name, file) in &self.pki.files {
            self.compare(&format!("{name} mode"), "600 root:root", format!("{} {}", file.mode, file.owner));
        }
    }

    fn judge_authority(&mut self, given: bool) {
        let seen = match self.pki.certificates(AUTHORITY) {
            Ok(seen) => seen,
            Err(reason) => {
                self.compare(AUTHORITY, "the authority's certificate", reason);
                return;
            }
        };
        let prints = |chain: &[Certificate]| chain.iter().map(|it| it.sha256.as_str()).collect::<Vec<_>>().join(", ");
        let (wanted, shown) = (prints(self.authority), prints(seen));
        let note = (wanted != shown).then(|| {
            let subjects: Vec<&str> = seen.iter().map(|it| it.subject.as_str()).collect();
            format!("its subject is {}", subjects.join(", then "))
        });
        let column = format!("{AUTHORITY} SHA-256");
        self.verdict.judge(wanted == shown, &self.member.name, TABLE, &column, wanted, shown, note);
        if given {
            return;
        }
        let [made] = seen else {
            self.compare(&format!("{AUTHORITY} certificates"), 1, seen.len());
            return;
        };
        self.compare(&format!("{AUTHORITY} subject"), GENERATED, &made.subject);
        let signer = |signs: bool| if signs { "an authority, signed by itself" } else { "not" };
        let holds = made.may_sign && made.is_signed_by(made);
        self.compare(&format!("{AUTHORITY} kind"), signer(true), signer(holds));
        self.judge_lifetime(AUTHORITY, made, AUTHORITY_DAYS);
    }

    fn judge_service(&mut self, service: &str) {
        let (file, key_file) = (format!("{service}-cert.pem"), format!("{service}-privkey.pem"));
        let certificate = match self.pki.certificates(&file) {
            Ok([certificate]) => certificate,
            Ok(several) => {
                self.compare(&format!("{file} certificates"), 1, several.len());
                return;
            }
            Err(reason) => {
                self.compare(&file, "a certificate", reason);
                return;
            }
        };
        let subject = format!("O=MicroOVN, OU={service}, CN={}", self.member.name);
        self.compare(&format!("{file} subject"), subject, &certificate.subject);
        if let Some(authority) = self.authority.first() {
            let wanted = format!("signed by {}", authority.subject);
            let signed = certificate.is_signed_by(authority);
            let seen = if signed { wanted.clone() } else { format!("not; its issuer is {}", certificate.issuer) };
            self.compare(&file, wanted, seen);
        }
        let kind = |signs: bool| if signs { "an authority's" } else { "a service's" };
        self.compare(&format!("{file} kind"), kind(false), kind(certificate.may_sign));
        self.judge_lifetime(&file, certificate, SERVICE_DAYS);
        let written = self.pki.files.get(&file).map_or(i64::MAX, |file| file.written);
        let late = certificate.not_before.saturating_sub(written);
        let (wanted, seen) = ("when the file was written".to_owned(), format!("{late} s after that"));
        let column = format!("{file} begins");
        self.verdict.judge(late.abs() <= WRITING, &self.member.name, TABLE, &column, wanted, seen, None);
        // The key itself stays on the member.
        let belongs = self.pki.key(&key_file).map(|digest| digest == certificate.public_key);
        let seen = belongs.map_or_else(|reason| reason, |it| if it { "its key" } else { "another key" }.to_owned());
        self.compare(&format!("{key_file} of {file}"), "its key", seen);
    }

    /// It is valid for so many days, and now is among them, by the member's clock.
    fn judge_lifetime(&mut self, file: &str, certificate: &Certificate, days: i64) {
        let seconds = certificate.not_after - certificate.not_before;
        let whole = |seconds: i64| format!("{} days", seconds / DAY);
        let seen = if seconds % DAY == 0 { whole(seconds) } else { format!("{seconds} s, {}", whole(seconds)) };
        self.compare(&format!("{file} lifetime"), whole(days * DAY), seen);
        let now = self.pki.now;
        let seen = if now < certificate.not_before {
            format!("in {} s", certificate.not_before - now)
        } else if now > certificate.not_after {
            format!("until {} s ago", now - certificate.not_after)
        } else {
            "now".to_owned()
        };
        self.compare(&format!("{file} valid"), "now", seen);
    }
}
