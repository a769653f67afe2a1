//! The state of one server of a clustered database, from `ovn-appctl … cluster/status`, which prints text only.

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::{Connection, ParseError};

const WHAT: &str = "cluster/status";

#[expect(clippy::unwrap_used, reason = "the patterns are constants that a test compiles")]
static IDENTITY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^([0-9a-f]{4}) \(([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\)$").unwrap()
});

// "    c24f (c24f at ssl:10.77.0.103:6643) next_index=12 …": nickname, id, address, remarks.
#[expect(clippy::unwrap_used, reason = "the patterns are constants that a test compiles")]
static SERVER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s+\S+ \(([0-9a-f]{4}) at (\S+)\)((?: .*)?)$").unwrap());

/// One server's view of its cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaftStatus {
    /// `OVN_Northbound` or `OVN_Southbound`.
    pub name: String,
    /// The cluster's full id; `None` while the server does not know it, before its join has succeeded.
    pub cluster_id: Option<String>,
    /// The first four digits of this server's id, as others refer to it.
    pub server_id: String,
    /// Where this server listens for its peers.
    pub address: Connection,
    /// `cluster member` when all is well.
    pub status: String,
    /// `leader`, `follower` or `candidate`.
    pub role: String,
    /// Who leads, as far as this server knows.
    pub leader: Leader,
    /// After how many milliseconds without a word from the leader a server stands for election.
    ///
    /// 0 in what was noted before it was read.
    #[serde(default)]
    pub election_timer: u64,
    /// Every server of the cluster, this one among them.
    pub servers: Vec<RaftServer>,
}

/// Who leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leader {
    /// This server.
    Myself,
    /// The server with this short id.
    Server(String),
    /// Nobody that this server knows of.
    Unknown,
}

/// One line under `Servers:`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaftServer {
    /// Its short id.
    pub id: String,
    /// Where it listens for its peers.
    pub address: Connection,
    /// Whether it is the server that was asked.
    pub myself: bool,
}

impl RaftStatus {
    /// Reads the answer of `cluster/status`.
    ///
    /// # Errors
    /// When a line this type needs is missing, comes twice or does not parse.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let (head, servers) =
            text.split_once("\nServers:").ok_or_else(|| ParseError::missing(WHAT, "Servers", text))?;
        let field = |name: &str| -> Result<&str, ParseError> {
            let mut values = head.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            match (values.next(), values.next()) {
                (Some(value), None) => Ok(value.trim()),
                (None, _) => Err(ParseError::missing(WHAT, name, text)),
                (Some(_), Some(_)) => Err(ParseError::duplicate(WHAT, name, text)),
            }
        };
        let cluster_id = match field("Cluster ID")? {
            "not yet known" => None,
            id => Some(identity(id)?.1),
        };
        let servers: Vec<RaftServer> =
            servers.lines().filter(|line| !line.trim().is_empty()).map(server).collect::<Result<_, _>>()?;
        if servers.is_empty() && cluster_id.is_some() {
            return Err(ParseError::expected(WHAT, "a server under Servers", text));
        }
        Ok(Self {
            name: field("Name")?.to_owned(),
            cluster_id,
            server_id: identity(field("Server ID")?)?.0,
            address: field("Address")?.parse()?,
            status: field("Status")?.to_owned(),
            role: field("Role")?.to_owned(),
            leader: match field("Leader")? {
                "self" => Leader::Myself,
                "unknown" => Leader::Unknown,
                id => Leader::Server(id.to_owned()),
            },
            election_timer: milliseconds(field("Election timer")?)?,
            servers,
        })
    }

    /// The short id of the leader; `None` when this server knows none.
    pub fn find_leader(&self) -> Option<&str> {
        match &self.leader {
            Leader::Myself => Some(&self.server_id),
            Leader::Server(id) => Some(id),
            Leader::Unknown => None,
        }
    }
}

/// Short and full id from `d3bb (d3bb6d22-78cc-4304-b6c3-525746d46a73)`.
fn identity(text: &str) -> Result<(String, String), ParseError> {
    let found = IDENTITY.captures(text).ok_or_else(|| ParseError::expected(WHAT, "a short and a full id", text))?;
    Ok((found[1].to_owned(), found[2].to_owned()))
}

fn milliseconds(text: &str) -> Result<u64, ParseError> {
    text.parse().map_err(|_| ParseError::expected(WHAT, "a number of milliseconds", text))
}

fn server(line: &str) -> Result<RaftServer, ParseError> {
    let found = SERVER.captures(line).ok_or_else(|| ParseError::expected(WHAT, "a server with its address", line))?;
    let myself = found[3].split_whitespace().any(|remark| remark == "(self)");
    Ok(RaftServer { id: found[1].to_owned(), address: found[2].parse()?, myself })
}
