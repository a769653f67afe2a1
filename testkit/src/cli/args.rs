//! The arguments of the command. Their documentation is its help.

use clap::{Parser, Subcommand};

use super::bisect::BisectArgs;
use super::capture::CaptureArgs;
use super::dist::DistArgs;
use super::doctor::DoctorArgs;
use super::evidence::EvidenceArgs;
use super::output::Format;
use super::plan::PlanArgs;
use super::report::ReportArgs;
use super::run::RunArgs;
use super::runs::ReapArgs;
use super::step::StepArgs;
use super::summary::SummaryArgs;
use super::up::UpArgs;

/// System tests for MicroOVN: real clusters on LXD, from a matrix of init options.
///
/// Settings come from the environment, then testkit.toml at the workspace root, then defaults.
/// Exit codes: 0 good, 1 checks failed, 2 usage or environment, 3 provisioning failed.
#[derive(Debug, Parser)]
#[command(name = "testkit", version, arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Prepare this host: packages, LXD where none answers, and the framework's own project, pool and bridge.
    Setup {
        /// Only a browser for the tests of the report, where there is none.
        #[arg(long)]
        browser: bool,
        /// Only what root must do: packages, kernel limits, LXD, and what its caller needs to go on without root.
        #[arg(long, conflicts_with = "browser")]
        host: bool,
    },
    /// Look at this host and its LXD, and say what would have to be mended before suites can run.
    Doctor(DoctorArgs),
    /// Remove everything that setup and any run made, and nothing else.
    Teardown,
    /// Images and snaps.
    Image {
        #[command(subcommand)]
        command: Image,
    },
    /// Artifacts that were built on this host: snaps, node images, programs.
    Cache {
        #[command(subcommand)]
        command: Cache,
    },
    /// Show what would be tested: the cells of a tier, one cell in words, what a tier covers, what holds upstream's tests, or
    /// which of it each of two snaps can be tested with.
    Plan(PlanArgs),
    /// Run the suites of a tier, or the named ones: cells and journeys; or what replaces one of upstream's.
    Run(RunArgs),
    /// Find the first of several snaps that a cell or a journey is red with, in as few runs as it takes, and say what differs.
    Bisect(BisectArgs),
    /// Write the report of a run, one HTML file, and print its path; or print the run's record.
    Report(ReportArgs),
    /// Pack everything of a run into one archive for a bug report, without secrets, and print its path and size.
    Evidence(EvidenceArgs),
    /// Print the results of a run as Markdown, from the runner's JUnit file.
    Summary(SummaryArgs),
    /// Form the cluster of a cell, or play a journey, and leave the cluster up.
    Up(UpArgs),
    /// Take steps on a cluster that is up, and judge it after each.
    Step(StepArgs),
    /// Run the checks on a cluster that is up.
    Check {
        /// The cell or the journey.
        cell: String,
        /// One check; all of them when not given.
        check: Option<String>,
    },
    /// Open a terminal on a member of a cluster that is up, or run a command there.
    Shell {
        /// The cell, or cell:member; without a member it is the first. A member may be given by its number.
        node: String,
        /// The command and its arguments; a login shell when not given.
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Remove a cluster that is up.
    Down {
        /// The cell.
        #[arg(required_unless_present = "all")]
        cell: Option<String>,
        /// Every cluster that is up.
        #[arg(long, conflicts_with = "cell")]
        all: bool,
    },
    /// Print what MicroOVN's services say on a member of a cluster that is up, or on all of them.
    Logs {
        /// The cell, or cell:member; without a member it is all of them. A member may be given by its number.
        node: String,
        /// Go on as more is said, until it is interrupted.
        #[arg(short, long)]
        follow: bool,
    },
    /// Write what goes over the NICs of a cluster that is up to standard output, as pcapng: `testkit capture CELL | wireshark -k -i -`.
    Capture(CaptureArgs),
    /// Show what is up: runs, cells and nodes, with their addresses, age and memory.
    Status {
        /// How to show it.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Remove what dead runs left behind.
    Sweep {
        /// Wait for reapers that are still at work.
        #[arg(long)]
        wait: bool,
        /// Say nothing when all is clean.
        #[arg(long)]
        quiet: bool,
    },
    /// Write the lists of suites that the matrix gives, and what holds upstream's tests.
    Generate {
        /// Only say whether they are current; exit code 1 when it is not.
        #[arg(long)]
        check: bool,
    },
    /// Pack an archive for machines without a compiler: the command, the suites, their runner and what images are made of.
    Dist(DistArgs),
    /// Print completions for a shell: `testkit completions bash > /etc/bash_completion.d/testkit`.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, in roff: `testkit man | man -l -`.
    Man,
    /// Wait for a runner to end and remove what its run made.
    #[command(hide = true)]
    Reap(ReapArgs),
}

#[derive(Debug, Subcommand)]
pub(super) enum Image {
    /// Build what is missing: node image, snaps, golden image.
    Build,
    /// Show the golden images and the node image that LXD has.
    Ls {
        /// How to show it.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Remove them from LXD; the next run makes what it needs from the cache.
    Rm,
}

#[derive(Debug, Subcommand)]
pub(super) enum Cache {
    /// Remove all but the newest artifact of each name.
    Gc,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        super::Args::command().debug_assert();
    }
}
