//! Texts of which not all is known before.

/// Whether a text is as wanted: each ellipsis stands for some text, which is not empty.
pub(crate) fn is_like(seen: &str, wanted: &str) -> bool {
    let Some((before, behind)) = wanted.split_once('…') else { return seen == wanted };
    let Some(rest) = seen.strip_prefix(before) else { return false };
    rest.char_indices().skip(1).any(|(at, _)| is_like(&rest[at..], behind)) || (!rest.is_empty() && behind.is_empty())
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn an_ellipsis_is_some_text_and_all_else_is_itself() {
        for (seen, wanted, like) in [
            ("a b c", "a b c", true),
            ("a b c", "a … c", true),
            ("a b c", "…", true),
            ("a b c", "a …", true),
            ("a  c", "a … c", false),
            ("a b c d", "a … c", false),
            ("a c c", "a … c", true),
            ("", "…", false),
            ("a b", "… b …", false),
        ] {
            assert_eq!(is_like(seen, wanted), like, "{seen:?} {wanted:?}");
        }
    }
}
