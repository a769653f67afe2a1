//! Which certificates were issued anew.

use super::{after_a_step, compare};
use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::microovn::{AUTHORITY, Certificate, Pki, planned_certificates};
use crate::plan::{Changes, State};

pub(in crate::expect::checks) const CHECK: Check = Check {
    name: "certificates_since",
    about: "the certificates and keys that the step issues are others than before, and all others are the same, the \
            authority's among them",
    reads: &[Subject::Certificates],
    applies: after_a_step,
    judge: Judge::Since(judge),
};

const TABLE: &str = "data/pki";

fn judge(changes: &Changes, state: &State, seen: &Observation, before: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for member in state.online() {
        let now = match seen.get(&member.name, |seen| &seen.pki) {
            Ok(pki) => pki,
            Err(reason) => {
                verdict.unread(&member.name, TABLE, reason);
                continue;
            }
        };
        // Of a member that could not be asked before, nothing is known.
        let Ok(then) = before.get(&member.name, |seen| &seen.pki) else { continue };
        let mut file = |file: &str, turnover| {
            let (Some(was), Some(is)) = (find(then, file), find(now, file)) else { return };
            compare(&mut verdict, (&member.name, TABLE, file), turnover, short(&was.sha256), short(&is.sha256));
            let column = format!("key of {file}");
            compare(
                &mut verdict,
                (&member.name, TABLE, &column),
                turnover,
                short(&was.public_key),
                short(&is.public_key),
            );
        };
        file(AUTHORITY, changes.authority);
        for stem in planned_certificates(&member.services) {
            file(&format!("{stem}-cert.pem"), changes.of_certificate(&member.name, stem));
        }
    }
    verdict.finish()
}

fn find<'a>(pki: &'a Pki, file: &str) -> Option<&'a Certificate> {
    pki.certificates(file).ok()?.first()
}

/// The beginning of a digest, which is enough for a person and for comparing.
fn short(digest: &str) -> &str {
    digest.get(..16).unwrap_or(digest)
}
