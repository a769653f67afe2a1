//! What was probably meant by a name that there is not.

/// So similar are slips of the keyboard and names of which a part was left out, and other names are not.
const SIMILAR: f64 = 0.65;

/// The candidate that a person most probably meant, if one is close.
pub(crate) fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let similar = candidates.into_iter().map(|candidate| (candidate, strsim::jaro(given, candidate)));
    let close = similar.filter(|(_, similarity)| *similarity > SIMILAR);
    // Of equals the first.
    close.min_by(|(_, one), (_, other)| other.total_cmp(one)).map(|(candidate, _)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_parts_are_answered_and_strangers_are_not() {
        let known = ["encap-late", "encap-with-mask", "encap-other", "t3", "full"];
        for (given, wanted) in [
            ("encap-mask", Some("encap-with-mask")),
            ("encap-ohter", Some("encap-other")),
            ("t2", Some("t3")),
            ("ful", Some("full")),
            ("zzz", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, known), wanted, "{given:?}");
        }
        assert_eq!(nearest("x", []), None);
    }
}
