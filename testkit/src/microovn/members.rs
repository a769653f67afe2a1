//! `microovn cluster list --format json`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::SocketAddr;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::redact;
use crate::ovn::{ParseError, Problem};

const WHAT: &str = "cluster list";

/// A member as the cluster knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterMember {
    /// Its name.
    pub name: String,
    /// Where its API listens.
    pub address: SocketAddr,
    /// `voter`, `stand-by`, `spare`, or `PENDING` for seconds after a join.
    pub role: String,
    /// `ONLINE`, `UNREACHABLE` and others.
    pub status: String,
    /// SHA-256 of its certificate, in hexadecimal, as the table format prints it; `None` when no certificate was
    /// printed that decodes.
    pub fingerprint: Option<String>,
}

/// One element of the list. The real one has more (recorded: `schema_internal_version`, `extensions`, …).
#[derive(Deserialize)]
struct Printed {
    name: String,
    address: String,
    role: String,
    status: String,
    #[serde(default)]
    certificate: String,
}

/// Reads `cluster list --format json`. IPv6 addresses are `[fd42:77::101]:6686` there.
///
/// # Errors
/// When it is not a JSON array of members, an address is not an address and a port, or a name comes twice.
pub fn parse_members(text: &str) -> Result<Vec<ClusterMember>, ParseError> {
    // The list has a `secret` field; an error must not carry it into a log.
    let error = |problem| ParseError::new(WHAT, problem, &redact(text));
    let printed: Vec<Printed> =
        serde_json::from_str(text).map_err(|reason| error(Problem::Json(redact(&reason.to_string()))))?;
    let mut names = BTreeSet::new();
    let mut members = Vec::with_capacity(printed.len());
    for member in printed {
        if !names.insert(member.name.clone()) {
            return Err(error(Problem::Duplicate(format!("member {:?}", member.name))));
        }
        let address = member
            .address
            .parse()
            .map_err(|_| error(Problem::Expected(format!("address:port, not {:?}", member.address))))?;
        members.push(ClusterMember {
            name: member.name,
            address,
            role: member.role,
            status: member.status,
            fingerprint: fingerprint(&member.certificate),
        });
    }
    Ok(members)
}

fn fingerprint(pem: &str) -> Option<String> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let mut text = String::new();
    for byte in Sha256::digest(certificate.as_ref()) {
        write!(text, "{byte:02x}").ok()?;
    }
    Some(text)
}
