//! Geneve, as it is on the wire (RFC 8926).

use std::fmt;

use serde::{Deserialize, Serialize};

/// The class of OVN's own options (RFC 8926, section 3.5; OVN, ovn-architecture(7), "Tunnel Encapsulations").
const OVN_CLASS: u16 = 0x0102;
/// The type of its option, critical: the logical ports that a packet comes from and goes to.
const OVN_TYPE: u8 = 0x80;
/// How many bytes that has.
const OVN_LENGTH: usize = 4;
/// The protocol of what is inside: Ethernet.
pub const ETHERNET: u16 = 0x6558;
/// The fixed part of the header, in bytes.
const FIXED: usize = 8;

/// A header, and how the UDP around it has its checksum.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Header {
    /// The version.
    pub version: u8,
    /// The protocol of what is inside.
    pub protocol: u16,
    /// The virtual network.
    pub vni: u32,
    /// Whether it is a packet of control, which is not for the virtual network.
    pub control: bool,
    /// Its options, in order.
    pub options: Vec<GeneveOption>,
    /// Whether the UDP in front has a checksum.
    pub checksum: bool,
}

/// An option, without what is in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GeneveOption {
    /// Its class.
    pub class: u16,
    /// Its type, the critical bit included.
    pub kind: u8,
    /// How many bytes it has.
    pub length: usize,
}

impl GeneveOption {
    /// The one that OVN gives every packet of a logical network.
    pub const OVN: Self = Self { class: OVN_CLASS, kind: OVN_TYPE, length: OVN_LENGTH };
}

impl fmt::Display for GeneveOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "class {:#06x} type {:#04x} of {} bytes", self.class, self.kind, self.length)
    }
}

impl Header {
    /// Reads a header and returns it with what is behind it. `checksum` is of the UDP in front.
    ///
    /// # Errors
    /// How the bytes are none.
    pub fn parse(bytes: &[u8], checksum: bool) -> Result<(Self, &[u8]), String> {
        let short = |what: &str| format!("{} bytes, and too few for {what}", bytes.len());
        let (fixed, mut rest) = bytes.split_at_checked(FIXED).ok_or_else(|| short("a header"))?;
        let length = usize::from(fixed[0] & 0x3f) * 4;
        let (mut left, inner) = rest.split_at_checked(length).ok_or_else(|| short("its options"))?;
        rest = inner;
        let mut options = Vec::new();
        while !left.is_empty() {
            let (head, behind) = left.split_at_checked(4).ok_or_else(|| short("an option"))?;
            let length = usize::from(head[3] & 0x1f) * 4;
            let (_, behind) = behind.split_at_checked(length).ok_or_else(|| short("an option's data"))?;
            options.push(GeneveOption { class: u16::from_be_bytes([head[0], head[1]]), kind: head[2], length });
            left = behind;
        }
        let header = Self {
            version: fixed[0] >> 6,
            protocol: u16::from_be_bytes([fixed[2], fixed[3]]),
            vni: u32::from_be_bytes([0, fixed[4], fixed[5], fixed[6]]),
            control: fixed[1] & 0x80 != 0,
            options,
            checksum,
        };
        Ok((header, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As captured between two members: one option of OVN's, then Ethernet.
    const SEEN: [u8; 18] =
        [0x02, 0x40, 0x65, 0x58, 0x00, 0x00, 0x01, 0x00, 0x01, 0x02, 0x80, 0x01, 0x00, 0x01, 0x00, 0x02, 0xaa, 0xbb];

    #[test]
    fn a_header_of_ovns_is_read_with_its_option() {
        let (header, inner) = Header::parse(&SEEN, true).expect("a header");
        let wanted = Header {
            version: 0,
            protocol: ETHERNET,
            vni: 1,
            control: false,
            options: vec![GeneveOption::OVN],
            checksum: true,
        };
        assert_eq!((header, inner), (wanted, &[0xaa, 0xbb][..]));
    }

    #[test]
    fn what_is_cut_off_is_refused_with_what_is_missing() {
        for (length, what) in [(4, "a header"), (12, "its options")] {
            let error = Header::parse(&SEEN[..length], true).expect_err("too short");
            assert!(error.ends_with(what), "{error}");
        }
        let mut long = SEEN;
        long[11] = 2;
        assert!(Header::parse(&long, true).expect_err("too long an option").ends_with("an option's data"));
    }
}
