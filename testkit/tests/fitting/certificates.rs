//! Certificates as MicroOVN issues them, and what is said of them.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use serde_json::json;
use testkit::microovn::{AUTHORITY, planned_certificates};
use testkit::plan::{Changes, Member, State};

use super::number;

/// A certificate authority.
pub(crate) struct Authority {
    pub(crate) certificate: String,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// Several of the same name; they are as those that MicroOVN makes. What is formed has the first, and the second is the next
/// that is made; the others are to be given.
pub(crate) static AUTHORITIES: LazyLock<[Authority; 4]> = LazyLock::new(|| std::array::from_fn(|_| authority()));

/// When the clusters of tests were formed, and the day after: in seconds since 1970.
pub(crate) const FORMED: i64 = 1_767_225_600;
const NOW: i64 = FORMED + 24 * 3600;

/// Certificates as MicroOVN issues them: of this unit and name, for two years.
pub(crate) fn issued(unit: &str, name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in
        [(DnType::OrganizationName, "MicroOVN"), (DnType::OrganizationalUnitName, unit), (DnType::CommonName, name)]
    {
        params.distinguished_name.push(kind, value);
    }
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2028, 1, 1));
    params
}

fn authority() -> Authority {
    let mut params = issued("MicroOVN CA", "MicroOVN CA");
    params.not_after = date_time_ymd(2035, 12, 30);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    Authority { certificate: issuer.pem(), issuer }
}

impl Authority {
    /// Signs a certificate; its PEM, and that of its public key.
    pub(crate) fn sign(&self, params: &CertificateParams) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.public_key_pem())
    }
}

/// What was issued: made once, because it takes a while. By its authority, its member, the stem of its files, and how often it
/// was issued before.
type Issued = BTreeMap<(usize, String, String, usize), (String, String)>;
static ISSUED: LazyLock<Mutex<Issued>> = LazyLock::new(Mutex::default);

/// Which of the authorities it is: the one that the state gives, or else the next at each time that MicroOVN makes one.
fn authority_of(state: &State, changes: &Changes) -> usize {
    let given = state.user_ca.as_ref();
    let given = given.and_then(|given| AUTHORITIES.iter().position(|one| one.certificate == given.certificate));
    given.unwrap_or(number(changes.authority))
}

/// A member's folder of certificates.
pub(super) fn folder(state: &State, member: &Member, changes: &Changes) -> String {
    let authority = authority_of(state, changes);
    let mut text = format!("now {NOW}\n");
    let mut add = |name: &str, content: &str| text += &format!("== 600 root:root {FORMED} {name}\n{content}");
    add(AUTHORITY, &AUTHORITIES[authority].certificate);
    for stem in planned_certificates(&member.services) {
        let (certificate, key) = pair(authority, member, stem, changes);
        add(&format!("{stem}-cert.pem"), &certificate);
        add(&format!("{stem}-privkey.pem"), &key);
    }
    text
}

/// The certificate of a service of a member and its public key.
fn pair(authority: usize, member: &Member, stem: &str, changes: &Changes) -> (String, String) {
    let generation = number(changes.of_certificate(&member.name, stem));
    let mut issued_before = ISSUED.lock().unwrap();
    let one = issued_before.entry((authority, member.name.clone(), stem.to_owned(), generation));
    one.or_insert_with(|| AUTHORITIES[authority].sign(&issued(stem, &member.name))).clone()
}

/// What a database server shows: its certificate, and its authority's.
pub(super) fn shown(state: &State, member: &Member, changes: &Changes, stem: &str) -> String {
    let authority = authority_of(state, changes);
    pair(authority, member, stem, changes).0 + &AUTHORITIES[authority].certificate
}

/// What the daemon of a host shows, made once.
pub(super) fn own(host: &str) -> String {
    static OWN: LazyLock<Mutex<BTreeMap<String, String>>> = LazyLock::new(Mutex::default);
    let mut made = OWN.lock().unwrap();
    made.entry(host.to_owned()).or_insert_with(|| rcgen::generate_simple_self_signed([]).unwrap().cert.pem()).clone()
}

/// The titles of `certificates list`.
const TITLES: [(&str, &str); 5] = [
    ("ovnnb", "OVN Northbound Database"),
    ("ovnsb", "OVN Southbound Database"),
    ("ovn-northd", "OVN Northd Service"),
    ("ovn-controller", "OVN Chassis Service"),
    ("client", "Client"),
];

/// `microovn certificates list`
pub(super) fn certificate_text(state: &State, member: &Member) -> String {
    let path = |file: &str| format!("/var/snap/microovn/common/data/pki/{file} (OK: Present)");
    let date = |until: &str| format!("expiration date: {until} 00:00:00 +0000 UTC");
    let renewed = state.user_ca.is_none();
    let mut text = format!("[OVN CA]\n{}\n{}\nAuto-renew: {renewed}\n", path(AUTHORITY), date("2035-12-30"));
    let planned = planned_certificates(&member.services);
    for (stem, title) in TITLES {
        let (cert, key) = (path(&format!("{stem}-cert.pem")), path(&format!("{stem}-privkey.pem")));
        text += &match planned.contains(&stem) {
            true => format!("\n[{title}]\n{cert}\n{}\n{key}\n", date("2028-01-01")),
            false => format!("\n[{title}]\nNot present.\n"),
        };
    }
    text
}

/// `microovn certificates list`
pub(super) fn certificate_list(state: &State, member: &Member) -> String {
    let path = |file: &str| format!("/var/snap/microovn/common/data/pki/{file}");
    let mut list = json!({"ca": {
        "cert": path(AUTHORITY), "auto_renew": state.user_ca.is_none(), "expiration_date": "2035-12-30 00:00:00 +0000 UTC"
    }});
    let planned = planned_certificates(&member.services);
    for service in ["ovnnb", "ovnsb", "ovn-northd", "ovn-controller", "client"] {
        list[service] = planned
            .contains(&service)
            .then(|| {
                json!({
                    "cert": path(&format!("{service}-cert.pem")), "key": path(&format!("{service}-privkey.pem")),
                    "expiration_date": "2028-01-01 00:00:00 +0000 UTC"
                })
            })
            .into();
    }
    list.to_string()
}
