//! MicroOVN's surfaces, as far as they are pure: what its commands print, what its dialog asks, and the argv to run.
//!
//! | surface | module |
//! |---|---|
//! | `microovn init` on a terminal | [`dialog`] |
//! | `cluster list --format json` | [`ClusterMember`] |
//! | `snap services microovn` | [`SnapService`] |
//! | snapd's list of connections | [`Plugs`] |
//! | `microovn status`, `snap list microovn` | [`Status`], [`parse_snap_version`] |
//! | `ovn.env` | [`OvnEnv`] |
//! | ovn-northd's arguments | [`Northd`] |
//! | `ip -j address`, `ip -j route get` | [`Device`], [`Route`] |
//! | the control socket | [`ControlCall`], [`parse_control`] |
//! | what somebody else told it there | [`Told`] |
//! | the journal and the log files | [`JournalLine`], [`find_cause`] |
//! | certificates of OVN's services | [`Certificate`], [`Pki`] |
//! | `certificates list`, as JSON and as text | [`CertificateList`] |
//! | the daemons' arguments | [`Daemon`] |
//! | what database servers show and answer strangers | [`Listener`] |
//! | what MicroOVN's daemon shows them | [`Api`] |
//! | journal and units of the services | [`Health`], [`Unit`] |
//! | what is left of a snap that was removed | [`Remains`] |
//! | join tokens and what must not be shown | [`JoinToken`], [`redact`] |
//! | what to run to read all this | [`commands`] |

mod api;
mod certificate_list;
mod certificates;
pub mod commands;
mod control;
mod crash;
mod daemons;
pub mod dialog;
mod env;
pub mod health;
mod journal;
mod listeners;
mod members;
mod net;
mod northd;
mod pki;
mod plugs;
mod remains;
mod services;
mod status;
mod token;
mod told;

pub use crate::plan::planned_certificates;
pub use api::Api;
pub use certificate_list::{CertificateList, ListedAuthority, ListedCertificate};
pub use certificates::{AUTHORITY, Certificate};
pub use control::{CONTROL_SOCKET, ControlCall, ControlError, parse_control};
pub use daemons::{Arguments, Daemon};
pub use env::OvnEnv;
pub use health::{Health, Unit, parse_units};
pub use journal::{Cause, Gravity, JournalLine, Origin, find_cause, parse_journal, parse_logs, says_end};
pub use listeners::{Attempt, LISTENERS, Listener};
pub use members::{ClusterMember, parse_members};
pub use net::{Device, Route, parse_devices};
pub use northd::Northd;
pub use pki::{Pki, PkiContent, PkiFile};
pub use plugs::Plugs;
pub use remains::Remains;
pub use services::{Activity, SnapService, Startup, parse_services, planned_services};
pub use status::{Status, Summary, parse_snap_version};
pub use token::{JoinToken, TokenError, redact};
pub use told::Told;
