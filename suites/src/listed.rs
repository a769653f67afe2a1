//! A list of suites as a program: what the runner sees is what it sees of suites that are functions, and nothing is compiled for
//! each. A function, with a fixture, of each test of `full` costs the compiler minutes and gigabytes.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::fixtures::suite;

/// Suites that have the same checks.
#[derive(Debug)]
pub struct Group {
    /// The checks of each.
    pub checks: &'static [&'static str],
    /// Those of packets, which are ignored where nobody asks for any.
    pub traffic: &'static [&'static str],
    /// The cells.
    pub cells: &'static [&'static str],
}

/// The program: lists its tests, or runs those that its arguments choose. `exe` is the `testkit` command as it was built.
#[must_use]
pub fn main(groups: &[Group], exe: &'static str) -> ExitCode {
    let arguments = Arguments::from_args();
    let one = arguments.filter.as_deref().filter(|_| arguments.exact);
    let tests = tests(groups, one, exe);
    libtest_mimic::run(&arguments, tests).exit_code()
}

/// All tests, or those of the suite that the `one` that is run is of: a process runs one, and there are many.
fn tests(groups: &[Group], one: Option<&str>, exe: &'static str) -> Vec<Trial> {
    let wanted = one.and_then(|test| test.split_once("::")).map(|(cell, _)| cell);
    let mut tests = Vec::new();
    for Group { checks, traffic, cells } in groups {
        let ordinary = checks.iter().map(|check| (check, false));
        let named: Vec<_> = ordinary.chain(traffic.iter().map(|check| (check, true))).collect();
        for cell in cells.iter().filter(|cell| wanted.is_none_or(|wanted| wanted == **cell)) {
            tests.extend(named.iter().map(|(check, of_traffic)| {
                let (cell, check) = (*cell, **check);
                Trial::test(format!("{cell}::{check}"), move || run(cell, check, exe)).with_ignored_flag(*of_traffic)
            }));
        }
    }
    tests
}

/// Runs one. What it says of a failure is said as by a test that is a function, which is where a runner looks for it.
fn run(cell: &'static str, check: &str, exe: &str) -> Result<(), Failed> {
    suite(cell).check(check, exe).map_err(|failure| {
        eprintln!("Error: {failure:?}");
        Failed::without_message()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: &[Group] = &[
        Group { checks: &["members", "services"], traffic: &["east_west"], cells: &["a", "ab"] },
        Group { checks: &["members"], traffic: &[], cells: &["b"] },
    ];

    fn names(one: Option<&str>) -> Vec<(String, bool)> {
        tests(GROUPS, one, "testkit").iter().map(|test| (test.name().to_owned(), test.has_ignored_flag())).collect()
    }

    #[test]
    fn every_check_of_every_suite_is_listed_and_those_of_packets_are_ignored() {
        let all = ["a::members", "a::services", "a::east_west", "ab::members", "ab::services", "ab::east_west"];
        let all: Vec<_> =
            all.iter().chain(&["b::members"]).map(|it| ((*it).to_owned(), it.ends_with("west"))).collect();
        assert_eq!(names(None), all);
    }

    #[test]
    fn to_run_one_the_others_are_not_made() {
        let of_a: Vec<_> = names(None).into_iter().filter(|(name, _)| name.starts_with("a::")).collect();
        assert_eq!(names(Some("a::services")), of_a);
        assert_eq!(names(Some("none::services")), []);
    }
}
