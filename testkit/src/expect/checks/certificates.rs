//! The certificates of OVN's services, and who signed them.

use crate::expect::{Check, MemberObservation, Observation, Reading, Subject, Verdict, VerdictBuilder};
use crate::microovn::{AUTHORITY, Certificate, planned_certificates};
use crate::plan::{Member, Plan};

pub(super) const CHECK: Check = Check {
    name: "certificates",
    about: "the authority that was given at init is the one every member trusts, and it signed the certificate of \
            every service",
    reads: &[Subject::Certificates],
    applies: |plan| plan.user_ca.is_some(),
    judge,
};

const TABLE: &str = "data/pki";

fn judge(plan: &Plan, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    let Some(user_ca) = &plan.user_ca else { return verdict.finish() };
    match Certificate::parse(&user_ca.certificate) {
        Ok(given) => {
            for member in &plan.members {
                judge_member(member, &given, observation.find(&member.name), &mut verdict);
            }
        }
        Err(error) => drop(verdict.unread("the plan", TABLE, format!("the given authority: {error}"))),
    }
    verdict.finish()
}

fn judge_member(member: &Member, given: &Certificate, seen: Option<&MemberObservation>, verdict: &mut VerdictBuilder) {
    let not_read = Reading::NotRead;
    let read = |file: &str| seen.and_then(|seen| seen.certificates.get(file)).unwrap_or(&not_read).get();
    match read(AUTHORITY) {
        Ok(authority) => {
            let column = format!("{AUTHORITY} SHA-256");
            let note = (authority.sha256 != given.sha256).then(|| format!("its subject is {}", authority.subject));
            let holds = authority.sha256 == given.sha256;
            verdict.judge(holds, &member.name, TABLE, &column, &given.sha256, &authority.sha256, note);
        }
        Err(reason) => drop(verdict.unread(&member.name, AUTHORITY, reason)),
    }
    for file in planned_certificates(&member.services) {
        match read(file) {
            Ok(certificate) => {
                let signed = certificate.is_signed_by(given);
                let wanted = format!("signed by {}", given.subject);
                let seen = if signed { wanted.clone() } else { format!("not; its issuer is {}", certificate.issuer) };
                verdict.compare(&member.name, TABLE, file, wanted, seen);
            }
            Err(reason) => drop(verdict.unread(&member.name, file, reason)),
        }
    }
}
