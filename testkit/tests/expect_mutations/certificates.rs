//! The mutations of keys and certificates, all of which one check must find.

use rcgen::{BasicConstraints, DnType, IsCa, KeyUsagePurpose, date_time_ymd};
use testkit::expect::Reading;
use testkit::microovn::{Certificate, PkiContent};

use crate::common;
use crate::table::Mutation;

const BY: &[&str] = &["certificates"];
/// Of what a database server shows, too, which is that of before.
const SHOWN: &[&str] = &["certificates", "mutual_tls"];

pub(crate) const MUTATIONS: &[Mutation] = &[
    // The authority
    ("another authority of the same name", SHOWN, |c| c.certificate("cacert.pem", &common::AUTHORITIES[1].certificate)),
    ("one authority more", SHOWN, |c| {
        let both = [0, 1].map(|n| common::AUTHORITIES[n].certificate.as_str()).concat();
        c.certificate("cacert.pem", &both);
    }),
    ("no authority", SHOWN, |c| drop(c.pki().files.remove("cacert.pem").unwrap())),
    ("an authority that all may read", BY, |c| c.file("cacert.pem").mode = "644".to_owned()),
    // Whose they are
    ("a certificate signed by another authority of the same name", SHOWN, |c| {
        let (other, _) = common::AUTHORITIES[1].sign(&common::issued("ovnsb", &c.name(1)));
        c.certificate("ovnsb-cert.pem", &other);
    }),
    ("a certificate that signed itself", BY, |c| {
        c.certificate("ovn-controller-cert.pem", &common::AUTHORITIES[1].certificate);
    }),
    ("another member's certificate", SHOWN, |c| {
        let other = c.name(0);
        c.reissue("ovnnb", |params| params.distinguished_name.push(DnType::CommonName, other));
    }),
    ("another service's certificate", BY, |c| {
        c.reissue("ovn-northd", |params| params.distinguished_name.push(DnType::OrganizationalUnitName, "ovnnb"));
    }),
    ("another organisation's certificate", BY, |c| {
        c.reissue("client", |params| params.distinguished_name.push(DnType::OrganizationName, "Another"));
    }),
    ("a certificate with more of a subject", BY, |c| {
        c.reissue("client", |params| params.distinguished_name.push(DnType::CountryName, "DE"));
    }),
    ("a service that may sign others", BY, |c| {
        c.reissue("client", |params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        });
    }),
    // For how long
    ("a certificate for a year", SHOWN, |c| {
        c.reissue("ovnsb", |params| params.not_after = date_time_ymd(2027, 1, 1));
    }),
    ("a certificate for ten years", SHOWN, |c| {
        c.reissue("ovnsb", |params| params.not_after = date_time_ymd(2035, 12, 30));
    }),
    ("a certificate that has expired", BY, |c| {
        c.reissue("client", |params| {
            (params.not_before, params.not_after) = (date_time_ymd(2023, 12, 31), date_time_ymd(2025, 12, 30));
        });
    }),
    ("a certificate that is half over", BY, |c| {
        c.reissue("client", |params| {
            (params.not_before, params.not_after) = (date_time_ymd(2025, 1, 1), date_time_ymd(2027, 1, 1));
        });
    }),
    ("a certificate that is not valid yet", BY, |c| {
        c.reissue("client", |params| {
            (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 3), date_time_ymd(2028, 1, 3));
        });
    }),
    // The files
    ("another key", BY, |c| {
        let key = c.file("client-privkey.pem").content.clone();
        c.file("ovnnb-privkey.pem").content = key;
    }),
    ("a key that cannot be read", BY, |c| {
        c.file("ovnnb-privkey.pem").content = PkiContent::Unusable("Could not read key".to_owned());
    }),
    ("no client certificate", BY, |c| drop(c.pki().files.remove("client-cert.pem").unwrap())),
    ("no client key", BY, |c| drop(c.pki().files.remove("client-privkey.pem").unwrap())),
    ("a certificate twice in its file", BY, |c| {
        let PkiContent::Certificates(certificates) = &mut c.file("client-cert.pem").content else { panic!() };
        let twice: Certificate = certificates[0].clone();
        certificates.push(twice);
    }),
    ("a key that all may read", BY, |c| c.file("ovn-northd-privkey.pem").mode = "644".to_owned()),
    ("a certificate that the group may read", BY, |c| c.file("ovn-northd-cert.pem").mode = "640".to_owned()),
    ("a key of somebody else", BY, |c| c.file("client-privkey.pem").owner = "nobody:root".to_owned()),
    ("a file that nobody planned", BY, |c| {
        let copy = c.file("client-privkey.pem").clone();
        c.pki().files.insert("copy-privkey.pem".to_owned(), copy);
    }),
    ("the folder was not read", SHOWN, |c| c.victim().pki = Reading::NotRead),
    // certificates list
    ("the list says otherwise of renewal", BY, |c| {
        let renewed = c.list().ca.auto_renew.unwrap();
        c.list().ca.auto_renew = Some(!renewed);
    }),
    ("the list has another authority", BY, |c| c.list().ca.cert = "/etc/ssl/cacert.pem".to_owned()),
    ("the list has another end of the authority", BY, |c| {
        c.list().ca.expiration_date = Some("2036-12-30 00:00:00 +0000 UTC".to_owned());
    }),
    ("the list lacks a service", BY, |c| drop(c.list().services.insert("ovnnb".to_owned(), None).unwrap())),
    ("the list lacks every service", BY, |c| c.list().services.values_mut().for_each(|listed| *listed = None)),
    ("the list has a service that is not enabled", BY, |c| {
        let listed = c.list().services["ovnnb"].clone();
        let list = crate::case::inner(&mut c.at(3).certificate_list);
        list.services.insert("ovnnb".to_owned(), listed).unwrap();
    }),
    ("the list has another certificate", BY, |c| c.listed("client").cert = "/root/client-cert.pem".to_owned()),
    ("the list has another key", BY, |c| c.listed("client").key.push('x')),
    ("the list has another end", BY, |c| {
        c.listed("client").expiration_date = Some("2027-01-01 00:00:00 +0000 UTC".to_owned());
    }),
    ("the list lacks an end", BY, |c| c.listed("client").expiration_date = None),
    ("the text says otherwise of renewal", BY, |c| c.text().ca.auto_renew = None),
    ("the text has another end of the authority", BY, |c| {
        c.text().ca.expiration_date = Some("2036-12-30 00:00:00 +0000 UTC".to_owned());
    }),
    ("the text lacks a service", BY, |c| drop(c.text().services.insert("ovnnb".to_owned(), None).unwrap())),
    ("the text does not name a service", BY, |c| drop(c.text().services.remove("ovnnb").unwrap())),
    ("the text misses a file", BY, |c| {
        c.text().services.get_mut("client").unwrap().as_mut().unwrap().key.push_str(" (Missing)");
    }),
    ("the text failed", BY, |c| c.victim().certificate_text = Reading::Failed("exit 1".to_owned())),
    ("the list failed", BY, |c| c.victim().certificate_list = Reading::Failed("exit 1".to_owned())),
];
