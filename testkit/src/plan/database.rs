//! The two databases of OVN, each kept by a cluster of servers.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Process;

/// After how many milliseconds without a word from its leader a server stands for election. Recorded, and `ELECTION_TIMER` in
/// MicroOVN's `ovn-central.env`: OVN's own is 1000.
pub const ELECTION_TIMER: u64 = 16_000;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Database {
    /// What is wanted.
    Northbound,
    /// What follows from it.
    Southbound,
}

impl Database {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Northbound, Self::Southbound];

    /// As its servers call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Northbound => "OVN_Northbound",
            Self::Southbound => "OVN_Southbound",
        }
    }

    /// As its files, its sockets and its service are called.
    pub fn short(self) -> &'static str {
        match self {
            Self::Northbound => "nb",
            Self::Southbound => "sb",
        }
    }

    /// Where its servers listen for each other. Recorded.
    pub fn port(self) -> u16 {
        match self {
            Self::Northbound => 6643,
            Self::Southbound => 6644,
        }
    }

    /// Its server.
    pub fn process(self) -> Process {
        match self {
            Self::Northbound => Process::Northbound,
            Self::Southbound => Process::Southbound,
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Northbound => "the Northbound",
            Self::Southbound => "the Southbound",
        })
    }
}
