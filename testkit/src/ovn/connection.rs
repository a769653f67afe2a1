//! Connection methods of OVSDB: `ssl:10.0.0.1:6642,ssl:[fd42::1]:6642`.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::excerpt;
use super::{ParseError, parse_host};

const WHAT: &str = "connection string";

/// One active connection method (ovsdb(7), "Connection Methods").
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Connection {
    /// `ssl` or `tcp`.
    pub scheme: String,
    /// The host, which MicroOVN always gives as an address.
    pub host: IpAddr,
    /// The TCP port.
    pub port: u16,
}

impl Connection {
    /// The only kind MicroOVN makes.
    pub fn ssl(host: IpAddr, port: u16) -> Self {
        Self { scheme: "ssl".to_owned(), host, port }
    }

    /// One without encryption, which operators can make.
    pub fn tcp(host: IpAddr, port: u16) -> Self {
        Self { scheme: "tcp".to_owned(), host, port }
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.scheme, SocketAddr::new(self.host, self.port))
    }
}

impl FromStr for Connection {
    type Err = ParseError;

    /// Reads `scheme:host:port`, IPv6 in brackets.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let wrong = || ParseError::expected(WHAT, "scheme:address:port", text);
        let (scheme, rest) = text.split_once(':').ok_or_else(wrong)?;
        let (host, port) = rest.rsplit_once(':').ok_or_else(wrong)?;
        if !matches!(scheme, "ssl" | "tcp") {
            return Err(ParseError::expected(WHAT, "the scheme ssl or tcp", text));
        }
        // `u16::from_str` takes a leading plus sign, which OVSDB does not.
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|_| digits).ok_or_else(wrong)?;
        let host = parse_host(host).map_err(|_| wrong())?;
        Ok(Self { scheme: scheme.to_owned(), host, port })
    }
}

/// A set of connection methods; MicroOVN writes them in an order that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Connections(pub BTreeSet<Connection>);

impl FromStr for Connections {
    type Err = ParseError;

    /// Reads a comma-separated list; an empty list, an empty element and a repeated element are errors.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut set = BTreeSet::new();
        for part in text.split(',') {
            let connection: Connection = part.parse().map_err(|error: ParseError| ParseError {
                // The element is what is wrong, the whole is where to look for it.
                seen: if part == text { error.seen } else { format!("{} in {}", error.seen, excerpt(text)) },
                ..error
            })?;
            if !set.insert(connection) {
                return Err(ParseError::duplicate(WHAT, part, text));
            }
        }
        Ok(Self(set))
    }
}

impl FromIterator<Connection> for Connections {
    fn from_iter<I: IntoIterator<Item = Connection>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

impl fmt::Display for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, connection) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str(",")?;
            }
            write!(f, "{connection}")?;
        }
        Ok(())
    }
}
