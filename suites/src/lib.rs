//! The MicroOVN system tests: init options, checks, steps, journeys and fixtures. See ARCHITECTURE.md.

mod failure;
pub mod fixtures;
mod ground;
pub mod journeys;
mod judged;
pub mod listed;
pub mod options;
mod sharing;
pub mod stations;
pub mod steps;

use std::path::Path;

use testkit::cli::{Catalogue, KnownFile, ParityFile};

/// Whether this is of a checkout, and may name its folders; what is of a distribution names none of who built it.
pub const IN_CHECKOUT: bool = !testkit::dist::IS_ONE;

/// The command, where tests run in the checkout that they were built in. Elsewhere their runner says where it is.
#[macro_export]
macro_rules! command_here {
    () => {
        if $crate::IN_CHECKOUT { env!("CARGO_BIN_EXE_testkit") } else { "" }
    };
}

/// The faults of products that are known.
pub(crate) const KNOWN: KnownFile = KnownFile { name: "suites/known.toml", text: include_str!("../known.toml") };

/// What a command that runs these suites has to know of them.
#[must_use]
pub fn catalogue() -> Catalogue {
    let here = Path::new(if IN_CHECKOUT { env!("CARGO_MANIFEST_DIR") } else { "" });
    Catalogue {
        options: options::OPTIONS,
        matrix: options::matrix,
        core: options::core,
        journeys: journeys::JOURNEYS,
        steps: steps::STEPS,
        tests: here.join("tests"),
        parity: ParityFile {
            name: "suites/parity.toml",
            text: include_str!("../parity.toml"),
            page: here.with_file_name("docs/migrating-from-bats.md"),
        },
        known: KNOWN,
    }
}

/// Makes suites: for every cell that is named a module with one test for every check that is named. Those of traffic are
/// ignored where nobody asks for packets to be sent.
#[macro_export]
macro_rules! suites {
    (checks $checks:tt traffic $traffic:tt cells { $($cell:ident),* $(,)? }) => {
        $( $crate::suite!($cell $checks $traffic); )*
    };
}

/// Makes the suite of one cell.
#[macro_export]
macro_rules! suite {
    ($cell:ident { $($check:ident),* $(,)? } { $($packets:ident),* $(,)? }) => {
        mod $cell {
            use rstest::rstest;
            use $crate::fixtures::{Failure, Suite, suite};

            $(
                #[rstest]
                fn $check(#[with(stringify!($cell))] suite: Suite) -> Result<(), Failure> {
                    suite.check(stringify!($check), $crate::command_here!())
                }
            )*
            $(
                #[rstest]
                #[ignore = "sends packets: testkit run --traffic"]
                fn $packets(#[with(stringify!($cell))] suite: Suite) -> Result<(), Failure> {
                    suite.check(stringify!($packets), $crate::command_here!())
                }
            )*
        }
    };
}

/// Makes the program of a list of suites that is too long to make a function of each of its tests: groups of suites that have
/// the same checks, each as for [`suites!`].
#[macro_export]
macro_rules! listed_suites {
    ($({
        checks { $($check:ident),* $(,)? }
        traffic { $($packets:ident),* $(,)? }
        cells { $($cell:ident),* $(,)? }
    })*) => {
        fn main() -> std::process::ExitCode {
            const GROUPS: &[$crate::listed::Group] = &[
                $($crate::listed::Group {
                    checks: &[$(stringify!($check)),*],
                    traffic: &[$(stringify!($packets)),*],
                    cells: &[$(stringify!($cell)),*],
                }),*
            ];
            $crate::listed::main(GROUPS, $crate::command_here!())
        }
    };
}

/// Makes the tests of journeys: for every journey that is named a module with one test for every station that is named.
#[macro_export]
macro_rules! journeys {
    ($($journey:ident { $($station:ident),* $(,)? })*) => {
        $(
            mod $journey {
                use rstest::rstest;
                use $crate::fixtures::Failure;
                use $crate::stations::{Voyage, voyage};

                $(
                    #[rstest]
                    fn $station(#[with(stringify!($journey))] voyage: Voyage) -> Result<(), Failure> {
                        voyage.station(stringify!($station), $crate::command_here!())
                    }
                )*
            }
        )*
    };
}
