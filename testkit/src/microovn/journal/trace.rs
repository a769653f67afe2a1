//! Where a program that crashed was: Go's goroutines, Rust's panics, Python's tracebacks.

/// The most lines that are looked at behind a crash.
const LOOKED: usize = 200;

/// What is worth telling of the lines behind the first line of a crash, which are `after`: the place of the product's own
/// code that it came from, or what the lines say in the end.
pub(super) fn place<'a>(first: &str, after: impl Iterator<Item = &'a str>) -> Option<String> {
    let after: Vec<&str> = after.take(LOOKED).collect();
    if first.starts_with("Traceback (most recent call last)") {
        let end = after.iter().find(|line| !line.is_empty() && !line.starts_with([' ', '\t']))?;
        return Some((*end).to_owned());
    }
    if first.starts_with("thread '") {
        // The place is in the first line, the message in the second.
        return after.first().map(|said| said.trim().to_owned());
    }
    goroutine(&after)
}

/// The function and place of the frame that a goroutine was in: the first that is neither Go's own nor a library's, of
/// those behind the call of `panic` where there is one.
fn goroutine(after: &[&str]) -> Option<String> {
    let begin = after.iter().position(|line| line.starts_with("goroutine "))? + 1;
    let stack = &after[begin..];
    // Of several goroutines the first is the one that ended the program.
    let stack = &stack[..stack.iter().position(|line| line.starts_with("goroutine ")).unwrap_or(stack.len())];
    let frames: Vec<(&str, &str)> = stack
        .windows(2)
        .filter(|pair| is_function(pair[0]) && is_place(pair[1]))
        .map(|pair| (pair[0].trim(), pair[1].trim()))
        .collect();
    let panicked = frames.iter().rposition(|(function, _)| function.starts_with("panic(")).map_or(0, |at| at + 1);
    let frames = &frames[panicked..];
    let product = |(function, _): &&(&str, &str)| function.contains("/microovn/") || function.starts_with("main.");
    let foreign = |(function, _): &&(&str, &str)| is_foreign(function);
    let (function, place) =
        frames.iter().find(product).or_else(|| frames.iter().find(foreign)).or_else(|| frames.first())?;
    Some(format!("in {} at {}", short_function(function), short_place(place)))
}

fn is_function(line: &str) -> bool {
    !line.starts_with(['\t', ' ']) && (line.ends_with(')') || line.starts_with("created by "))
}

/// `\t/path/file.go:123 +0x1d`
fn is_place(line: &str) -> bool {
    line.trim_start().split(' ').next().is_some_and(|place| place.contains(".go:"))
}

/// Whether a function is of none of Go's own packages: the paths of others begin with a domain.
fn is_foreign(function: &str) -> bool {
    let package = function.split('(').next().unwrap_or(function);
    package.split_once('/').is_some_and(|(first, _)| first.contains('.'))
}

/// `github.com/canonical/microovn/microovn/ovn.Bootstrap(0xc0, ...)` -> `ovn.Bootstrap`
fn short_function(function: &str) -> &str {
    // The arguments come last; a method's receiver is in parentheses, too.
    let named = function.rfind('(').map_or(function, |end| &function[..end]);
    named.rsplit('/').next().unwrap_or(named)
}

/// `/build/x/microovn/ovn/bootstrap.go:12 +0x1` -> `microovn/ovn/bootstrap.go:12`
fn short_place(place: &str) -> String {
    let path = place.split(' ').next().unwrap_or(place);
    let parts: Vec<&str> = path.split('/').collect();
    parts[parts.len().saturating_sub(3)..].join("/")
}
