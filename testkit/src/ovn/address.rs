//! Addresses as text that should be one, and hosts as OVN writes them.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::ParseError;

/// A database column that should hold an address. OVN stores it as it was typed (`FD42:88:0::0011` stays so, and over
/// REST even `10.88.0.999` is stored), so the text is kept and what it means is a second question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AddressText(String);

impl AddressText {
    /// Wraps the text of a column.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address it means; `None` when it is not exactly one address (a mask, brackets, a host name, white space).
    pub fn parsed(&self) -> Option<IpAddr> {
        self.0.parse().ok()
    }
}

impl fmt::Display for AddressText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a host as OVN's connection methods and `ovn.env` write it: IPv4 bare, IPv6 in brackets.
///
/// # Errors
/// When it is neither: a bare IPv6 address, brackets around IPv4, a host name.
pub fn parse_host(text: &str) -> Result<IpAddr, ParseError> {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let host = match bracketed {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse::<IpAddr>().ok().filter(IpAddr::is_ipv4),
    };
    host.ok_or_else(|| ParseError::expected("host", "an IPv4 address, or an IPv6 address in brackets", text))
}
