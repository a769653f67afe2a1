//! The line of an error that says most. Whatever shows an error in a line shows this one.

/// What was attempted and the last cause, of an error in lines as [`chain`](crate::report::chain) writes it.
pub(crate) fn of(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let cause = lines.filter_map(|line| line.strip_prefix("caused by: ")).next_back();
    cause.map_or_else(|| first.to_owned(), |cause| format!("{first}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn an_error_is_what_was_attempted_and_its_last_cause() {
        assert_eq!(
            of("no LXD\n  caused by: no socket\n  caused by: it is not there\nand more"),
            "no LXD: it is not there"
        );
        assert_eq!(of("\n no LXD\nand more"), "no LXD");
        assert_eq!(of(""), "");
    }
}
