//! The line of an error that says most. Whatever shows an error in a line shows this one.

/// What was attempted and the last cause, of an error in lines as [`chain`](crate::report::chain) writes it.
pub(crate) fn of(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let cause = lines.filter_map(|line| line.strip_prefix("caused by: ")).next_back();
    cause.map_or_else(|| first.to_owned(), |cause| format!("{first}: {cause}"))
}

/// What a parser of YAML says, in a line: it quotes the text in further lines, and says the same again as its cause. In the first line
/// it may go on to what a program that uses it could do about it.
pub(crate) fn of_yaml(error: &impl std::fmt::Display) -> String {
    let said = error.to_string();
    let line = said.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let advice = [", set DuplicateKeyPolicy", "; use from_str"].iter().filter_map(|start| line.find(start)).min();
    line[..advice.unwrap_or(line.len())].to_owned()
}

#[cfg(test)]
mod tests {
    use super::{of, of_yaml};

    #[test]
    fn of_a_parser_of_yaml_one_line_is_enough() {
        let said =
            "error: line 1 column 10: unclosed bracket '['\n --> <input>:1:10\n  |\n1 | remotes: [\n  |          ^";
        assert_eq!(of_yaml(&said), "line 1 column 10: unclosed bracket '['");
        assert_eq!(of_yaml(&"line 2: a key twice, set DuplicateKeyPolicy to allow it"), "line 2: a key twice");
    }

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
