//! Packets between members: what endpoints are made by, what they send, and what is seen of it. Reads what others print and
//! capture; does no I/O.

mod geneve;
mod pulse;
pub mod stream;
mod wire;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use geneve::{ETHERNET, GeneveOption, Header};
pub use pulse::{Heard, heard};
pub use wire::{Flow, Like, Wire};

use crate::ovn::ParseError;

/// Gives a member its endpoints; the file says by which arguments.
pub const LAY: &str = include_str!("lay.sh");
/// Takes them from a member that left; the file says by which arguments.
pub const UNLAY: &str = include_str!("unlay.sh");
/// Makes them, which it is given.
pub const ENDPOINTS: &str = include_str!("endpoints.sh");
/// Sends from one of them all the time, and prints what [`heard`] reads.
pub const PULSE: &str = include_str!("pulse.sh");
/// Sends from them, and prints what [`Traffic::parse`] reads.
pub const PROBE: &str = include_str!("probe.sh");

const WHAT: &str = "what came of sending packets";

/// What came of sending packets from a member's endpoints, and what went over its devices meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Traffic {
    /// What came back.
    pub pings: Vec<Ping>,
    /// What went over each device.
    pub wires: Vec<Wire>,
}

/// What came back of echo requests that were sent to one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// The network they were sent from.
    pub from: String,
    /// How many bytes each carried behind the header of ICMP.
    pub payload: u16,
    /// Whom they were sent to.
    pub to: IpAddr,
    /// How many were sent.
    pub sent: u32,
    /// How many were answered.
    pub received: u32,
}

impl Traffic {
    /// Reads what [`PROBE`] prints.
    ///
    /// # Errors
    /// When it is of another form, or ends early.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut traffic = Self::default();
        let mut burst: Option<(&str, u16)> = None;
        for line in text.lines() {
            match (line.split_once(' '), burst) {
                (Some(("burst", rest)), _) => {
                    let read = rest.split_once(' ').and_then(|(from, payload)| Some((from, payload.parse().ok()?)));
                    burst = Some(read.ok_or_else(|| ParseError::expected(WHAT, "burst NETWORK PAYLOAD", line))?);
                }
                (Some(("wire", rest)), _) => {
                    let mut words = rest.split(' ');
                    let mut word = || words.next().unwrap_or_default();
                    let wire = Wire::parse(word(), word(), word());
                    traffic.wires.push(wire.map_err(|problem| {
                        ParseError::expected(WHAT, format!("a capture, which it is not: {problem}"), line)
                    })?);
                }
                // What a router answered instead, which is counted as lost.
                (Some(("ICMP", _)), Some(_)) => {}
                (Some(_), Some((from, payload))) => {
                    let ping = Ping::parse(from, payload, line);
                    let ping = ping.ok_or_else(|| ParseError::expected(WHAT, "ADDRESS : xmt/rcv/%loss = …", line))?;
                    traffic.pings.push(ping);
                }
                (None, _) if line == "end" => return Ok(traffic),
                _ => return Err(ParseError::expected(WHAT, "burst, what fping says, wire or end", line)),
            }
        }
        Err(ParseError::expected(WHAT, "end at the end", text))
    }

    /// What went over a device; `None` where nobody looked.
    pub fn find_wire(&self, device: &str) -> Option<&Wire> {
        self.wires.iter().find(|wire| wire.device == device)
    }
}

impl Ping {
    /// `198.19.1.2 : xmt/rcv/%loss = 20/20/0%, min/avg/max = …`
    fn parse(from: &str, payload: u16, text: &str) -> Option<Self> {
        let (to, tail) = text.split_once(" : ")?;
        let mut counts = tail.split_once("= ")?.1.split('/');
        Some(Self {
            from: from.to_owned(),
            payload,
            to: to.trim().parse().ok()?,
            sent: counts.next()?.parse().ok()?,
            received: counts.next()?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fping_says_of_addresses_that_answer_and_of_those_that_do_not_is_read() {
        let text = "burst red 56\n198.19.1.2      : xmt/rcv/%loss = 20/19/5%, min/avg/max = 0.30/0.52/1.10\n\
                    ICMP Host Unreachable from 198.19.1.254 for ICMP Echo sent to 198.19.9.1\n\
                    burst blue 1375\nfd42:6f76:2::3  : xmt/rcv/%loss = 1/0/100%\nend\n";
        let traffic = Traffic::parse(text).expect("traffic");
        let ping = |from: &str, payload, to: &str, sent, received| Ping {
            from: from.to_owned(),
            payload,
            to: to.parse().expect("an address"),
            sent,
            received,
        };
        assert_eq!(traffic.pings, [ping("red", 56, "198.19.1.2", 20, 19), ping("blue", 1375, "fd42:6f76:2::3", 1, 0)]);
        let line = "198.19.1.2 : xmt/rcv/%loss = 1/1/0%\n";
        let bad = [
            "burst red 56\n198.19.1.2 : xmt\nend\n".to_owned(),
            format!("burst red\n{line}end\n"),
            format!("{line}end\n"),
            format!("burst red 56\n{line}"),
            "wire eth1 0 !\nend\n".to_owned(),
        ];
        for bad in &bad {
            assert!(Traffic::parse(bad).is_err(), "{bad:?}");
        }
    }
}
