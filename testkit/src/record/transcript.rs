//! What was said while members were formed, read from the evidence.

use std::io;
use std::path::Path;

use super::schema::{Line, Transcript};
use crate::folder::CellFolder;
use crate::microovn::redact;
use crate::plan::{Answer, Plan};

/// Which files are transcripts, and of what.
const KINDS: [(&str, &str); 3] = [("dialog.txt", "dialog"), ("commands.txt", "commands"), ("rest.txt", "rest")];

/// The transcripts of a cell's members, in the order of the plan.
pub(super) fn all(cell: &Path, plan: Option<&Plan>) -> io::Result<Vec<Transcript>> {
    let mut all = Vec::new();
    for folder in CellFolder::new(cell).members()? {
        let member = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let answers = plan.and_then(|plan| plan.state.members.iter().find(|it| it.name == member));
        let answers =
            answers.zip(plan).map(|(member, plan)| plan.recipe(member).answers.as_slice()).unwrap_or_default();
        for (file, kind) in KINDS {
            let path = folder.join(file);
            if path.exists() {
                let text = redact(&String::from_utf8_lossy(&std::fs::read(path)?));
                let lines = lines(&text, (kind == "dialog").then_some(answers));
                all.push(Transcript { member: member.clone(), kind: kind.to_owned(), lines });
            }
        }
    }
    let place = |name: &str| plan.and_then(|plan| plan.state.members.iter().position(|member| member.name == name));
    all.sort_by_key(|transcript| place(&transcript.member).unwrap_or(usize::MAX));
    Ok(all)
}

/// The lines of a transcript; with the questions and answers told apart where it is a dialog.
fn lines(text: &str, answers: Option<&[Answer]>) -> Vec<Line> {
    let texts: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let last = texts.len().saturating_sub(1);
    let line = |(number, text): (usize, &&str)| {
        let plain = || Line { text: (*text).to_owned(), typed: None, option: None, unanswered: false };
        let Some(answers) = answers else { return plain() };
        let Some(answer) = answers.iter().find(|answer| text.starts_with(&answer.prompt)) else {
            // A program that has more to print ends its line; one that waits does not.
            return Line { unanswered: number == last && text.ends_with(['?', ':']), ..plain() };
        };
        // The prompt goes on behind what is planned of it, and ends with the first colon.
        let rest = &text[answer.prompt.len()..];
        let end = rest.find(": ").map(|at| at + 1).or_else(|| rest.ends_with(':').then_some(rest.len()));
        let end = answer.prompt.len() + end.unwrap_or(rest.len());
        Line {
            text: text[..end].to_owned(),
            typed: Some(text[end..].trim().to_owned()),
            option: Some(answer.option.clone()),
            unanswered: false,
        }
    };
    texts.iter().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialog_is_told_apart_into_questions_and_answers() {
        let answers = [Answer::text("encap", "Would you like", "no")];
        let text = "Would you like it? (yes/no) [default=no]: no\r\n\r\nWorking\nWhy: me? ";
        let lines = lines(text, Some(&answers));
        let all: Vec<_> = lines.iter().map(|it| (&*it.text, it.typed.as_deref(), it.unanswered)).collect();
        assert_eq!(
            all,
            [
                ("Would you like it? (yes/no) [default=no]:", Some("no"), false),
                ("Working", None, false),
                ("Why: me?", None, true)
            ]
        );
        assert_eq!(lines[0].option.as_deref(), Some("encap"));
    }

    #[test]
    fn commands_are_left_as_they_are() {
        let lines = lines("$ microovn cluster add x\nWhy?\n", None);
        assert!(lines.iter().all(|line| line.typed.is_none() && !line.unanswered), "{lines:?}");
    }
}
