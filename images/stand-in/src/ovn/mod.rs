//! The distribution's OVN and Open vSwitch: their environment file, certificates, services and tools.

pub(crate) mod bgp;
pub(crate) mod ca_key;
mod databases;
pub(crate) mod env;
pub(crate) mod pki;
pub(crate) mod raft;
pub(crate) mod reissued;
pub(crate) mod schema;
pub(crate) mod services;
pub(crate) mod snapctl;
pub(crate) mod tools;
pub(crate) mod user_ca;
