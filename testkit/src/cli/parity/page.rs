//! What holds upstream's tests, to be read: as a table on a terminal, and in the page about them.

use std::fmt::Write;

use comfy_table::Table;
use comfy_table::presets::NOTHING;

use super::{ACT, Extent, Held, UpstreamSuite, UpstreamTest, WATCH};

/// Between these lines of the page stands what is generated.
const BEGIN: &str = "<!-- from suites/parity.toml by `testkit generate`; what is changed here is lost -->";
const END: &str = "<!-- until here -->";

/// The page with its generated part as it must be; `None` where that has no place in it.
pub(in super::super) fn written(page: &str, suites: &[UpstreamSuite]) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n{END}{after}", in_markdown(suites)))
}

/// Every suite, and every test of it.
pub(in super::super) fn in_markdown(suites: &[UpstreamSuite]) -> String {
    let mut text =
        String::from("| suite | tests | held | in part | not yet | what runs for it |\n|---|---|---|---|---|---|\n");
    let mut sums = [0; 4];
    for suite in suites {
        let counts = counts(suite);
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        let places: Vec<String> = suite.held_in().iter().map(|place| format!("`{place}`")).collect();
        let places = if places.is_empty() { "nothing".to_owned() } else { places.join(", ") };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| [{0}](#{0}) | {1} | {places} |", suite.name, told(counts));
    }
    let _ = writeln!(text, "| all {} | {} | |", suites.len(), told(sums));
    for suite in suites {
        let _ = write!(text, "\n### {}\n\n| test | held by |\n|---|---|\n", suite.name);
        for test in &suite.tests {
            let by = grouped(&test.held).into_iter().map(|(suite, stations, checks)| {
                let at = if stations.is_empty() { String::new() } else { format!(" at {}", quoted(&stations)) };
                let checks: Vec<String> = checks.iter().map(|check| in_the_page(check)).collect();
                format!("`{suite}`{at}: {}", checks.join(", "))
            });
            let how = if test.held.is_empty() { "nothing yet" } else { "but not" };
            let lacking = test.lacking.as_ref().map(|why| format!("{how}: {why}"));
            let told: Vec<String> = by.chain(lacking).collect();
            let _ = writeln!(text, "| {} | {} |", test.name, told.join("; "));
        }
    }
    text
}

/// One suite for a terminal, and what would be run for it.
pub(in super::super) fn in_words(suite: &UpstreamSuite) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["test", "cell or journey", "station", "by"]);
    for test in &suite.tests {
        let mut name = test.name.as_str();
        for held in &test.held {
            table.add_row([name, &held.suite, held.station.as_deref().unwrap_or_default(), &held.by.join(", ")]);
            name = "";
        }
        if test.held.is_empty() {
            table.add_row([name, "", "", "nothing yet"]);
        }
    }
    let [all, held, part, none] = counts(suite);
    let mut text = format!("{table}\n{}: {all} tests, {held} held, {part} in part, {none} not yet\n", suite.name);
    for lacking in suite.tests.iter().filter_map(UpstreamTest::lacks) {
        let _ = writeln!(text, "  {lacking}");
    }
    match &suite.held_in()[..] {
        [] => text.push_str("nothing is run for it\n"),
        places => {
            let _ = writeln!(text, "`testkit run --upstream {}` runs {}", suite.name, places.join(", "));
        }
    }
    text
}

/// How many tests there are, and how many are held, in part, and not.
fn counts(suite: &UpstreamSuite) -> [usize; 4] {
    let are = |extent| suite.tests.iter().filter(|test| test.extent() == extent).count();
    [suite.tests.len(), are(Extent::Held), are(Extent::InPart), are(Extent::NotHeld)]
}

fn told(counts: [usize; 4]) -> String {
    counts.map(|count| count.to_string()).join(" | ")
}

/// What judges, as the page calls it.
fn in_the_page(check: &str) -> String {
    match check {
        ACT => "what is said".to_owned(),
        WATCH => "what is watched meanwhile".to_owned(),
        check => format!("`{check}`"),
    }
}

fn quoted(names: &[impl AsRef<str>]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

/// What holds a test, each cell or journey once, with its stations.
fn grouped(held: &[Held]) -> Vec<(&str, Vec<&str>, &[String])> {
    let mut groups: Vec<(&str, Vec<&str>, &[String])> = Vec::new();
    for Held { suite, station, by } in held {
        let index = groups.iter().position(|(name, _, checks)| name == suite && checks == by);
        let index = index.unwrap_or_else(|| {
            groups.push((suite, Vec::new(), by));
            groups.len() - 1
        });
        groups[index].1.extend(station.as_deref());
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite() -> UpstreamSuite {
        let held = |station: &str| Held {
            suite: "tls".to_owned(),
            station: Some(station.to_owned()),
            by: vec![ACT.to_owned(), "certificates".to_owned()],
        };
        let test = |name: &str, held, lacking: Option<&str>| UpstreamTest {
            name: name.to_owned(),
            held,
            lacking: lacking.map(str::to_owned),
        };
        let cell = Held { suite: "init_cluster".to_owned(), station: None, by: vec!["members".to_owned()] };
        let tests = vec![
            test("one", vec![held("s1_a"), held("s2_b"), cell], None),
            test("two", vec![held("s1_a")], Some("the rest")),
            test("three", Vec::new(), Some("nobody came to it")),
        ];
        UpstreamSuite { name: "s".to_owned(), tests }
    }

    #[test]
    fn a_page_keeps_what_is_written_by_hand_and_gets_every_test() {
        let page = format!("above\n{BEGIN}\nold\n{END}\nbelow\n");
        let page = written(&page, &[suite()]).expect("a place");
        assert!(page.starts_with("above\n") && page.ends_with("\nbelow\n") && !page.contains("old"), "{page}");
        assert!(page.contains("| [s](#s) | 3 | 1 | 1 | 1 | `tls`, `init_cluster` |"), "{page}");
        assert!(
            page.contains("| one | `tls` at `s1_a`, `s2_b`: what is said, `certificates`; `init_cluster`: `members` |"),
            "{page}"
        );
        assert!(page.contains("| two | `tls` at `s1_a`: what is said, `certificates`; but not: the rest |"), "{page}");
        assert!(page.contains("| three | nothing yet: nobody came to it |"), "{page}");
        assert_eq!(written(&page, &[suite()]).as_deref(), Some(&*page), "written again it is the same");
        assert_eq!(written("a page", &[suite()]), None);
    }

    #[test]
    fn a_terminal_is_told_what_is_not_held_and_what_would_be_run() {
        let told = in_words(&suite());
        assert!(told.contains("\ns: 3 tests, 1 held, 1 in part, 1 not yet\n  IN PART two: not the rest\n"), "{told}");
        assert!(
            told.contains("\n  NOT HELD three: nobody came to it\n`testkit run --upstream s` runs tls, init_cluster\n"),
            "{told}"
        );
    }
}
