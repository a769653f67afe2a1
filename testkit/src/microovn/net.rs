//! Addresses and routes of a member, from iproute2's JSON.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::ovn::{ParseError, Problem};

/// A network device with its addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// `eth1`
    pub name: String,
    /// `UP`, `LOWER_UP`, `BROADCAST` and others.
    pub flags: Vec<String>,
    /// `UP`, `DOWN`, `UNKNOWN` and others (RFC 2863, as the kernel reports it).
    pub operstate: String,
    /// The largest IP packet that it carries, in bytes; `None` in what was noted when nobody asked for it.
    #[serde(default)]
    pub mtu: Option<u32>,
    /// Addresses of both families, each with its prefix.
    pub addresses: Vec<IpNet>,
}

/// The way to one destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The destination asked for.
    pub dst: IpAddr,
    /// The device it leaves by.
    pub dev: String,
    /// The router on the way, if the destination is not on the link.
    pub gateway: Option<IpAddr>,
    /// The source address the kernel would choose, if it says.
    pub prefsrc: Option<IpAddr>,
}

#[derive(Deserialize)]
struct PrintedDevice {
    ifname: String,
    flags: Vec<String>,
    operstate: String,
    mtu: Option<u32>,
    addr_info: Vec<PrintedAddress>,
}

#[derive(Deserialize)]
struct PrintedAddress {
    local: IpAddr,
    prefixlen: u8,
}

/// Decodes a list of `T`. iproute2 prints `{}` for entries that its filters left out.
fn entries<T: serde::de::DeserializeOwned>(what: &'static str, text: &str) -> Result<Vec<T>, ParseError> {
    let json = |error: serde_json::Error| ParseError::new(what, Problem::Json(error.to_string()), text);
    let values: Vec<serde_json::Value> = serde_json::from_str(text).map_err(json)?;
    values
        .into_iter()
        .filter(|value| value.as_object().is_none_or(|object| !object.is_empty()))
        .map(|value| serde_json::from_value(value).map_err(json))
        .collect()
}

/// Reads `ip -j address show`.
///
/// # Errors
/// When it is not the JSON of iproute2, or an address has a prefix longer than the address.
pub fn parse_devices(text: &str) -> Result<Vec<Device>, ParseError> {
    const WHAT: &str = "ip address";
    entries::<PrintedDevice>(WHAT, text)?
        .into_iter()
        .map(|device| {
            let addresses = device
                .addr_info
                .iter()
                .map(|address| {
                    IpNet::new(address.local, address.prefixlen)
                        .map_err(|error| ParseError::expected(WHAT, format!("a prefix length: {error}"), text))
                })
                .collect::<Result<_, _>>()?;
            let PrintedDevice { ifname: name, flags, operstate, mtu, .. } = device;
            Ok(Device { name, flags, operstate, mtu, addresses })
        })
        .collect()
}

impl Device {
    /// Whether it can carry traffic: administratively up, with a carrier, and not reported down. Devices without
    /// carrier detection report `UNKNOWN`.
    pub fn is_up(&self) -> bool {
        let flagged = |flag: &str| self.flags.iter().any(|seen| seen == flag);
        flagged("UP") && flagged("LOWER_UP") && matches!(self.operstate.as_str(), "UP" | "UNKNOWN")
    }
}

impl Route {
    /// Reads `ip -j route get ADDRESS`.
    ///
    /// # Errors
    /// When it is not the JSON of iproute2, or not one route.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        const WHAT: &str = "ip route get";
        let mut routes = entries::<Self>(WHAT, text)?.into_iter();
        match (routes.next(), routes.next()) {
            (Some(route), None) => Ok(route),
            _ => Err(ParseError::expected(WHAT, "one route", text)),
        }
    }
}
