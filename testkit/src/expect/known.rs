//! What is not as it must be since an earlier station: a journey goes on behind it, and neither waits for it again nor tells
//! of it as if it were new.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Difference, Verdict};

/// What was found at earlier stations and was still there at the last, each with the station that it was found at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known(Vec<Found>);

/// Something that is not as it must be. What is seen there may change meanwhile, as a count does; and so may what is wanted,
/// when a step changes that, while what is too much there or missing is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Found {
    check: String,
    member: String,
    table: String,
    column: String,
    wanted: String,
    seen: String,
    at: String,
}

impl Known {
    /// At which station this was found; `None` where it is news.
    fn since(&self, check: &str, difference: &Difference) -> Option<&str> {
        let Difference { member, table, column, wanted, seen, .. } = difference;
        let is_it = |found: &&Found| {
            [check, member, table, column]
                == [&found.check, &found.member, &found.table, &found.column].map(String::as_str)
                && (*wanted == found.wanted || apart(wanted, seen).is_subset(&apart(&found.wanted, &found.seen)))
        };
        self.0.iter().find(is_it).map(|found| found.at.as_str())
    }

    /// Whether a failed check says something that is not known.
    pub fn is_news(&self, verdict: &Verdict) -> bool {
        // One that compared nothing has no difference, and is never what was known.
        verdict.compared == 0 || verdict.differences.iter().any(|it| self.since(&verdict.check, it).is_none())
    }

    /// The verdict with a note at each difference that is known, which says since when.
    pub fn tell(&self, mut verdict: Verdict) -> Verdict {
        for difference in &mut verdict.differences {
            if let Some(at) = self.since(&verdict.check, difference) {
                let note = difference.note.take().map(|note| format!("{note}; ")).unwrap_or_default();
                difference.note = Some(format!("{note}since {at}"));
            }
        }
        verdict
    }

    /// What is known behind the station `at`, where these checks failed. What was known and is not there any more is not.
    #[must_use]
    pub fn after<'a>(&self, at: &str, failed: impl IntoIterator<Item = &'a Verdict>) -> Self {
        let found = |verdict: &Verdict, difference: &Difference| Found {
            check: verdict.check.clone(),
            member: difference.member.clone(),
            table: difference.table.clone(),
            column: difference.column.clone(),
            wanted: difference.wanted.clone(),
            seen: difference.seen.clone(),
            at: self.since(&verdict.check, difference).unwrap_or(at).to_owned(),
        };
        let of = |verdict: &'a Verdict| verdict.differences.iter().map(move |it| found(verdict, it));
        Self(failed.into_iter().flat_map(of).collect())
    }
}

/// What is too much of what is seen, and what is missing: of lists their elements, of numbers by how much.
fn apart(wanted: &str, seen: &str) -> BTreeSet<(bool, String)> {
    if let (Ok(wanted), Ok(seen)) = (wanted.parse::<i64>(), seen.parse::<i64>()) {
        return BTreeSet::from([(seen > wanted, seen.abs_diff(wanted).to_string())]);
    }
    let elements = |list: &str| list.split(", ").map(str::to_owned).collect::<BTreeSet<String>>();
    let (wanted, seen) = (elements(wanted), elements(seen));
    let more = seen.difference(&wanted).map(|it| (true, it.clone()));
    more.chain(wanted.difference(&seen).map(|it| (false, it.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(all: &[(&str, &str)]) -> Verdict {
        let mut verdict = Verdict::builder("sb_encap");
        for (member, seen) in all {
            verdict.compare(member, "Encap", "ip", "10.0.0.1", seen);
        }
        verdict.finish()
    }

    #[test]
    fn what_is_known_is_no_news_until_it_was_right_again() {
        let (one, both) = (verdict(&[("a", "10.0.0.2")]), verdict(&[("a", "10.0.0.3"), ("b", "nothing")]));
        let nothing = Known::default();
        assert!(nothing.is_news(&one));
        let known = nothing.after("s1_x", [&one]);
        assert!(!known.is_news(&one) && known.is_news(&both), "the other member's is news");
        assert!(known.is_news(&verdict(&[])), "what compares nothing is never known");
        let other = Verdict { check: "ovs_encap_ip".to_owned(), ..one.clone() };
        assert!(known.is_news(&other), "another check found something else");

        let later = known.after("s2_y", [&both]);
        assert!(!later.is_news(&both));
        let notes =
            |known: &Known| known.tell(both.clone()).differences.into_iter().map(|it| it.note).collect::<Vec<_>>();
        assert_eq!(notes(&later), [Some("since s1_x".to_owned()), Some("since s2_y".to_owned())]);
        assert_eq!(notes(&known), [Some("since s1_x".to_owned()), None]);
        assert!(later.after("s3_z", []).is_news(&one), "it was right again");
    }

    #[test]
    fn what_is_too_much_stays_known_when_another_number_or_list_is_wanted() {
        let verdict = |wanted: &str, seen: &str| {
            let mut verdict = Verdict::builder("sb_chassis");
            verdict.compare("a", "Chassis", "rows", wanted, seen);
            verdict.finish()
        };
        for (before, same, other) in [
            (("a, b, c", "a, b, c, d"), ("a, b", "a, b, d"), ("a, b", "a, b, c, d")),
            (("3", "4"), ("2", "3"), ("2", "1")),
        ] {
            let known = Known::default().after("s8_x", [&verdict(before.0, before.1)]);
            assert!(!known.is_news(&verdict(same.0, same.1)), "{before:?}, {same:?}");
            assert!(known.is_news(&verdict(other.0, other.1)), "{before:?}, {other:?}");
        }
    }
}
