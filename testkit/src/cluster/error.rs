//! Why there is no cluster.

mod because;
mod judged;

use std::io;
use std::path::PathBuf;

use super::microcloud_error::MicrocloudError;
use crate::config::ConfigError;
use crate::folder::FolderError;
use crate::lxd;
use crate::microovn::dialog::DialogError;
use crate::microovn::{Cause, ControlError, TokenError};
use crate::plan::Need;
use crate::session::reaper::ReaperError;
use crate::session::sweep::SweepError;
use crate::session::{LedgerError, RunError};
use crate::wait::WaitError;
use crate::{host, image};

/// A cell that could not be provisioned.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A journey cannot be gone; the text says which step, where it is written and why.
    #[error("{0}")]
    Journey(String),
    /// It is not decided what is tested.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The run cannot be taken part in.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Intents cannot be recorded.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Nobody would clean up.
    #[error(transparent)]
    Reaper(#[from] ReaperError),
    /// What dead runs left cannot be removed.
    #[error(transparent)]
    Sweep(#[from] SweepError),
    /// There is no image to clone.
    #[error(transparent)]
    Image(#[from] image::Error),
    /// The host is not set up.
    #[error(transparent)]
    Host(#[from] host::Error),
    /// LXD refused or failed.
    #[error(transparent)]
    Lxd(#[from] lxd::Error),
    /// No address range is free.
    #[error(
        "found no free address range for the cluster below 10.128.0.0/9; every /24 of it overlaps a network of the LXD host"
    )]
    NoSubnet,
    /// Snaps to install first, and none to test.
    #[error(
        "MICROOVN_EXTRA_SNAPS names {}, to be installed before the snap under test, and MICROOVN_SNAP_PATH names \
         none; set both, or neither for the stand-in, which brings its own", .0.display()
    )]
    ExtraAlone(PathBuf),
    /// A variable names another snap than it is about.
    #[error("{variable} names a snap of {found}; it is for one of {name}")]
    OtherSnap {
        /// The variable.
        variable: &'static str,
        /// What it is about.
        name: &'static str,
        /// What it names.
        found: String,
    },
    /// A snap to upgrade from, and none to upgrade to.
    #[error(
        "MICROOVN_UPGRADE_FROM names {0}, to upgrade from, and MICROOVN_SNAP_PATH names nothing to upgrade to; set both, or \
         neither for the stand-in, which has releases of its own"
    )]
    UpgradeAlone(String),
    /// What would be upgraded from is newer than what would be upgraded to.
    #[error(
        "MICROOVN_UPGRADE_FROM is {} of version {}, which is newer than the {} of MICROOVN_SNAP_PATH, {}; an upgrade goes from \
         the older to the newer, so exchange them",
        older.path.display(), older.version, newer.version, newer.path.display()
    )]
    NewerBefore {
        /// What would be upgraded from.
        older: Box<image::Snap>,
        /// What would be upgraded to.
        newer: Box<image::Snap>,
    },
    /// A bridge could not be made.
    #[error("failed to make the bridge {name:?}")]
    NoBridge {
        /// Which.
        name: String,
        /// What LXD said last.
        source: WaitError<lxd::Error>,
    },
    /// No pair of bridges came free on a member of an LXD cluster, and none could be made.
    #[error(
        "found no bridges for the cell on LXD member {member:?}, and could make none, which takes every member of the LXD \
         cluster; {seen}"
    )]
    NoLane {
        /// The member.
        member: String,
        /// What was waited for, and what was seen last.
        seen: String,
    },
    /// The members of a cell cannot be on several hosts.
    #[error("the members of a cell cannot be on several hosts: {0}")]
    NotSpread(String),
    /// No networks between hosts came free in an LXD cluster.
    #[error("found no networks between hosts for the cell; {0}")]
    NoJoint(String),
    /// Networks between hosts could not be made.
    #[error("failed to make a network between hosts, which are to be joined by {over}; {mend}")]
    NotJoined {
        /// What was to join them.
        over: String,
        /// What a person can do.
        mend: &'static str,
        /// LXD's word on it.
        source: lxd::Error,
    },
    /// The host that a cluster was on went away.
    #[error(
        "LXD member {member:?}, on which this cluster was, went away: {why}; what is left there goes with the next sweep once \
         it is back\n  seen as: {seen}"
    )]
    MemberAway {
        /// The member.
        member: String,
        /// What LXD says of it.
        why: String,
        /// What failed because of it.
        seen: String,
    },
    /// No member of an LXD cluster can be used.
    #[error("no member of the LXD cluster can be used: {0}; `testkit doctor` says what is wrong with each")]
    NoMember(String),
    /// An instance did not come up.
    #[error("member {member:?} did not come up")]
    NotReady {
        /// Which.
        member: String,
        /// The condition and what was seen last.
        source: WaitError<lxd::Error>,
    },
    /// A member's dialog went wrong.
    #[error("`microovn init` on {member:?} failed")]
    Dialog {
        /// Which.
        member: String,
        /// What happened, with the transcript.
        source: Box<DialogError>,
    },
    /// A member's dialog ended with an exit code.
    #[error("`microovn init` on {member:?} exited with {code}; its output ended with:\n{tail}")]
    DialogExit {
        /// Which.
        member: String,
        /// The code.
        code: i32,
        /// The end of the output, redacted.
        tail: String,
    },
    /// A member's dialog goes on and on.
    #[error(
        "`microovn init` on {member:?} does not end: it still prints after {seconds} s; its output ends with:\n{tail}"
    )]
    Endless {
        /// Which.
        member: String,
        /// How long it was listened to.
        seconds: u64,
        /// The end of the output, redacted.
        tail: String,
    },
    /// MicroCloud does not form the cluster, or does not refuse to.
    #[error(transparent)]
    Microcloud(#[from] MicrocloudError),
    /// A command that forms the cluster exited with an error.
    #[error("`{command}` on {member:?} exited with {code}: {tail}")]
    Command {
        /// The command, without what may be secret.
        command: String,
        /// Where.
        member: String,
        /// The code.
        code: i32,
        /// What it complained about, redacted.
        tail: String,
    },
    /// A call to the control socket did not succeed.
    #[error("`{call}` on the control socket of {member:?} failed")]
    Control {
        /// Where.
        member: String,
        /// The call, redacted.
        call: String,
        /// What came back.
        source: ControlError,
    },
    /// What was issued as a join token is none.
    #[error("{bootstrap:?} issued no join token for {member:?}")]
    BadToken {
        /// Who issued it.
        bootstrap: String,
        /// For whom.
        member: String,
        /// What is wrong with it.
        source: TokenError,
    },
    /// A certificate authority could not be made.
    #[error("failed to make a certificate authority with openssl on this host: {0}")]
    Authority(String),
    /// The bootstrap member printed no token for a joiner.
    #[error("{bootstrap:?} issued no join token for {member:?}")]
    NoToken {
        /// Who should have printed it.
        bootstrap: String,
        /// For whom.
        member: String,
    },
    /// The product cannot do what the cell is about.
    #[error(
        "skipped: {product} lacks {lacking}; a test cannot be skipped while it runs, so use `testkit run`, which leaves \
         such cells out and says so"
    )]
    Lacking {
        /// The product.
        product: String,
        /// What it lacks, comma-separated.
        lacking: String,
    },
    /// Faults were asked of a real product.
    #[error("TESTKIT_FAULTS is set, and only the stand-in can be told to have faults; the product is {0}")]
    FaultsNeedStandIn(String),
    /// A fault for a member that the cluster does not have.
    #[error("a fault is for member {member}, and {cell} has {members} members; nothing would play it")]
    FaultWithoutMember {
        /// The cell.
        cell: String,
        /// How many members it has.
        members: usize,
        /// The member that the fault is for, from 1 on.
        member: usize,
    },
    /// There is no cluster because of what one of the product's services said.
    #[error("{attempt} failed because of {} on {member:?}: {}\n  seen as: {seen}", cause.who, cause.text)]
    Because {
        /// What was attempted, and on what.
        attempt: String,
        /// The member whose service it was, which need not be the one that something was attempted on.
        member: String,
        /// What the service said.
        cause: Box<Cause>,
        /// What became of the attempt, with its causes.
        seen: String,
    },
    /// The product gave up on itself.
    #[error(
        "MicroOVN's own client has 30 s for each call, and {member:?} took {seconds} s to enter; that is the product's limit \
         and not one of this framework: use a faster host, or do less on this one meanwhile"
    )]
    ProductLimit {
        /// Which member did not enter.
        member: String,
        /// How long it tried.
        seconds: u64,
        /// What it said.
        source: Box<ClusterError>,
    },
    /// A plan without members.
    #[error("the plan of {0} has no members")]
    Empty(String),
    /// A file of the framework cannot be used.
    #[error("failed to {action} {}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl From<FolderError> for ClusterError {
    fn from(FolderError { action, path, source }: FolderError) -> Self {
        Self::Io { action, path, source }
    }
}

impl ClusterError {
    /// The product lacks what a plan needs.
    pub(super) fn lacking(product: impl ToString, needs: &[&Need]) -> Self {
        let lacking = needs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        Self::Lacking { product: product.to_string(), lacking }
    }
}
