//! What was captured on a device: Geneve, summed up by what is alike.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};
use serde::{Deserialize, Serialize};

use super::Header;
use super::stream::Reader;

/// What went over a device.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Wire {
    /// The device.
    pub device: String,
    /// How many packets the kernel could not hand over, so that nobody knows what they were; `None` where it did not say.
    pub dropped: Option<u64>,
    /// What was seen, in no order that means anything.
    pub flows: Vec<Flow>,
}

/// Packets that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// What they are like.
    pub like: Like,
    /// How many.
    pub packets: u64,
    /// How many bytes they have together, with the outer Ethernet header.
    pub bytes: u64,
}

/// What packets are like.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Like {
    /// Where the outer packet comes from.
    pub source: IpAddr,
    /// Where it goes to.
    pub destination: IpAddr,
    /// Geneve's header, or how it is none.
    pub header: Result<Header, String>,
    /// Where the inner packet comes from and goes to, where it is one of IP.
    pub inner: Option<(IpAddr, IpAddr)>,
}

impl Wire {
    /// Reads a capture in the format of pcap, in base64.
    ///
    /// # Errors
    /// How it is none.
    pub fn parse(device: &str, dropped: &str, capture: &str) -> Result<Self, String> {
        let bytes = STANDARD.decode(capture).map_err(|error| format!("no base64: {error}"))?;
        let mut reader = Reader::default();
        // The last packet may be cut off where the capture was ended.
        let frames = reader.push(&bytes)?;
        if !reader.has_begun() {
            return Err("no header of pcap".to_owned());
        }
        let mut all: BTreeMap<Like, (u64, u64)> = BTreeMap::new();
        for frame in frames {
            if let Some(like) = Like::of(&frame.data) {
                let (packets, bytes) = all.entry(like).or_default();
                *packets += 1;
                *bytes += u64::from(frame.length);
            }
        }
        let flows = all.into_iter().map(|(like, (packets, bytes))| Flow { like, packets, bytes }).collect();
        Ok(Self { device: device.to_owned(), dropped: dropped.parse().ok(), flows })
    }
}

impl Like {
    /// A frame of Ethernet with UDP; `None` where it is anything else.
    fn of(frame: &[u8]) -> Option<Self> {
        let outer = LaxSlicedPacket::from_ethernet(frame).ok()?;
        let (source, destination) = ends(&outer)?;
        let Some(TransportSlice::Udp(udp)) = &outer.transport else { return None };
        let (header, inner) = match Header::parse(udp.payload(), udp.checksum() != 0) {
            Ok((header, inside)) => {
                let inner = LaxSlicedPacket::from_ethernet(inside).ok();
                (Ok(header), inner.as_ref().and_then(ends))
            }
            Err(problem) => (Err(problem), None),
        };
        Some(Self { source, destination, header, inner })
    }
}

fn ends(packet: &LaxSlicedPacket<'_>) -> Option<(IpAddr, IpAddr)> {
    match packet.net.as_ref()? {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header();
            Some((header.source_addr().into(), header.destination_addr().into()))
        }
        LaxNetSlice::Ipv6(ip) => {
            let header = ip.header();
            Some((header.source_addr().into(), header.destination_addr().into()))
        }
        LaxNetSlice::Arp(_) => None,
    }
}
