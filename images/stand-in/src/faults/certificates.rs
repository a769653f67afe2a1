//! Faults in keys and certificates, and in what is said of them. Of those that concern one service the value is the stem
//! of its files.

use crate::error::Result;
use crate::ovn::pki::{Ca, Wanted};
use crate::paths::Paths;

use super::{Fault, find, find_or, plays};

/// The service whose certificate is wrong when the fault names none. Others do not notice: nobody connects to it, and
/// another member's does its work.
const SERVICE: &str = "ovn-northd";
/// The file that all may read when the fault names none.
const READABLE: &str = "ovn-northd-privkey.pem";

/// Whether a fault is played on a service.
pub(super) fn concerns(paths: &Paths, fault: Fault, service: &str) -> bool {
    find_or(paths, fault, SERVICE).is_some_and(|named| named == service)
}

/// What the certificate of a service says as the faults leave it.
pub(crate) fn distort(paths: &Paths, service: &str, mut wanted: Wanted) -> Wanted {
    let plays = |fault| concerns(paths, fault, service);
    if plays(Fault::CertOtherName) {
        wanted.name.push_str("-other");
    }
    if plays(Fault::CertOtherUnit) {
        wanted.unit.push_str("-other");
    }
    if plays(Fault::CertShort) {
        wanted.days /= 2;
    }
    if plays(Fault::CertBackdated) {
        wanted.days_ago = 30;
    }
    wanted
}

/// Another authority of the same name, if the certificate of a service is to be signed by one.
pub(crate) fn other_authority(paths: &Paths, service: &str) -> Result<Option<Ca>> {
    concerns(paths, Fault::CertOtherCa, service).then(Ca::generate).transpose()
}

/// Whether a service is to get a key that is not that of its certificate.
pub(crate) fn mixes_up_keys(paths: &Paths, service: &str) -> bool {
    concerns(paths, Fault::CertOtherKey, service)
}

/// The permissions of a file.
pub(crate) fn mode(paths: &Paths, file: &str, right: u32) -> u32 {
    if find_or(paths, Fault::CertMode, READABLE).is_some_and(|named| named == file) { 0o644 } else { right }
}

/// For how many days an authority is to be valid that MicroOVN makes, if not as long as it should be.
pub(crate) fn authority_days(paths: &Paths) -> Option<i64> {
    plays(paths, Fault::CaShort).then_some(365)
}

/// What `certificates list` says of the authority's renewal.
pub(crate) fn renewal(paths: &Paths, right: bool) -> bool {
    right != plays(paths, Fault::CertListRenewal)
}

/// Whether `certificates list` leaves out a service.
pub(crate) fn unlists(paths: &Paths, service: &str) -> bool {
    find(paths, Fault::CertListMissing).is_some() && concerns(paths, Fault::CertListMissing, service)
}

#[cfg(test)]
mod tests {
    use super::super::tests::playing;
    use super::*;

    #[test]
    fn a_fault_concerns_one_service() {
        let right = || Wanted { unit: "ovnnb".to_owned(), name: "real-1".to_owned(), days: 730, days_ago: 0 };
        for (faults, changed) in [
            ("", right()),
            ("cert-other-name", right()),
            ("cert-other-name ovnnb", Wanted { name: "real-1-other".to_owned(), ..right() }),
            ("cert-other-unit ovnnb", Wanted { unit: "ovnnb-other".to_owned(), ..right() }),
            ("cert-short ovnnb", Wanted { days: 365, ..right() }),
            ("cert-backdated ovnnb", Wanted { days_ago: 30, ..right() }),
        ] {
            let (_dir, paths) = playing(faults);
            assert_eq!(distort(&paths, "ovnnb", right()), changed, "{faults}");
        }
        let (_dir, paths) = playing("cert-other-key client\ncert-mode\ncert-list-missing");
        assert!(mixes_up_keys(&paths, "client") && !mixes_up_keys(&paths, "ovn-northd"));
        assert_eq!((mode(&paths, READABLE, 0o600), mode(&paths, "cacert.pem", 0o600)), (0o644, 0o600));
        assert!(unlists(&paths, "ovn-northd") && !unlists(&paths, "client"));
    }
}
