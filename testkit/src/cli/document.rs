//! Tables that commands keep current in documents.

use std::fs;
use std::path::Path;

use super::Failure;

/// Puts `text` into a document, between `<!-- name: begin -->` and `<!-- name: end -->`, in place of what is there.
///
/// # Errors
/// When the document cannot be read or written, or lacks the marks.
pub(super) fn write(path: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let failed = |what: &dyn std::fmt::Display| Failure::Usage(format!("failed to write {}: {what}", path.display()));
    let old = fs::read_to_string(path).map_err(|error| failed(&error))?;
    let (begin, end) = (format!("<!-- {name}: begin -->"), format!("<!-- {name}: end -->"));
    let parts = old.split_once(&begin).and_then(|(head, rest)| Some((head, rest.split_once(&end)?.1)));
    let (head, tail) = parts.ok_or_else(|| failed(&format!("it lacks the lines {begin} and {end}")))?;
    // Tables are padded to the width of their longest row, which says nothing to a reader of the source.
    let text = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    fs::write(path, format!("{head}{begin}\n\n{text}\n\n{end}{tail}")).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_the_marks_is_replaced_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("document.md");
        fs::write(&path, "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n").expect("written");
        write(&path, "x", "new").expect("replaced");
        let text = fs::read_to_string(&path).expect("read");
        assert_eq!(text, "a\n<!-- x: begin -->\n\nnew\n\n<!-- x: end -->\nb\n");
        assert!(write(&path, "y", "new").is_err());
    }
}
