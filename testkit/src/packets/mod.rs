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
        for line in text.lines() {
            match line.split_once(' ') {
                Some(("ping", rest)) => traffic.pings.push(
                    Ping::parse(rest).ok_or_else(|| ParseError::expected(WHAT, "ADDRESS : xmt/rcv/%loss = …", line))?,
                ),
                Some(("wire", rest)) => {
                    let mut words = rest.split(' ');
                    let mut word = || words.next().unwrap_or_default();
                    let wire = Wire::parse(word(), word(), word());
                    traffic.wires.push(wire.map_err(|problem| {
                        ParseError::expected(WHAT, format!("a capture, which it is not: {problem}"), line)
                    })?);
                }
                None if line == "end" => return Ok(traffic),
                _ => return Err(ParseError::expected(WHAT, "ping, wire or end", line)),
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
    /// `red 56 198.19.1.2 : xmt/rcv/%loss = 20/20/0%, min/avg/max = …`
    fn parse(text: &str) -> Option<Self> {
        let (head, tail) = text.split_once(" : ")?;
        let [from, payload, to] = head.split_whitespace().collect::<Vec<_>>()[..] else { return None };
        let mut counts = tail.split_once("= ")?.1.split('/');
        Some(Self {
            from: from.to_owned(),
            payload: payload.parse().ok()?,
            to: to.parse().ok()?,
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
        let text = "ping red 56 198.19.1.2 : xmt/rcv/%loss = 20/19/5%, min/avg/max = 0.30/0.52/1.10\n\
                    ping blue 1375 fd42:6f76:2::3  : xmt/rcv/%loss = 1/0/100%\nend\n";
        let traffic = Traffic::parse(text).expect("traffic");
        let ping = |from: &str, payload, to: &str, sent, received| Ping {
            from: from.to_owned(),
            payload,
            to: to.parse().expect("an address"),
            sent,
            received,
        };
        assert_eq!(traffic.pings, [ping("red", 56, "198.19.1.2", 20, 19), ping("blue", 1375, "fd42:6f76:2::3", 1, 0)]);
        for bad in ["ping red 56 198.19.1.2 : xmt\nend\n", "ping red 56 198.19.1.2\nend\n", "", "wire eth1 0 !\nend\n"]
        {
            assert!(Traffic::parse(bad).is_err(), "{bad:?}");
        }
    }
}
