//! Typed rows of Open vSwitch and OVN, decoded from what their tools print. Parsing only.
//!
//! | text | type |
//! |---|---|
//! | `ovs-vsctl --format=json list …` | [`Switch`]: [`OpenVSwitch`] and [`Interface`] |
//! | `ovn-sbctl --format=json list …` | [`Southbound`]: [`Chassis`] and [`Encap`]; [`Bindings`] |
//! | `ovn-appctl … cluster/status` | [`RaftStatus`] |
//! | `ssl:10.0.0.1:6642,ssl:[fd42::1]:6642` | a set of [`Connection`] |
//!
//! Unknown is an error: a column that is missing, a shape that is not the expected one or a heading that comes twice
//! is a [`ParseError`] with the text that was seen.

mod address;
mod bindings;
mod connection;
mod error;
mod ovsdb;
mod raft;
mod southbound;
mod switch;

pub use address::{AddressText, parse_host};
pub use bindings::Bindings;
pub use connection::{Connection, Connections};
pub(crate) use error::excerpt;
pub use error::{ParseError, Problem};
pub use ovsdb::{Atom, Row, Table, Value, parse_tables};
pub use raft::{Leader, RaftServer, RaftStatus};
pub use southbound::{Chassis, Encap, Southbound};
pub use switch::{Interface, OpenVSwitch, Switch};
