//! What `POST /core/control` asks for.

use std::net::SocketAddr;

use serde_json::Value;

use crate::address;
use crate::error::{Error, Result};
use crate::faults::{self, Fault, Release};
use crate::paths::Paths;

/// A request to form a cluster or to join one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    /// The name of the member.
    pub(crate) name: String,
    /// The name on the certificate of the member, which a join token is for.
    pub(crate) certified_name: String,
    /// Where it is to listen.
    pub(crate) address: SocketAddr,
    /// Whether to form a cluster.
    pub(crate) bootstrap: bool,
    /// The token to join with; empty without one.
    pub(crate) join_token: String,
    /// The custom encapsulation address.
    pub(crate) encap_ip: Option<String>,
    /// The services to run; `None` lets the cluster decide.
    pub(crate) services: Option<Vec<String>>,
    /// The files with the certificate and the key of a CA.
    pub(crate) ca: Option<(String, String)>,
}

impl Request {
    /// Reads the body of the request. Nothing of the configuration is checked: MicroOVN does not either.
    ///
    /// # Errors
    ///
    /// There is no name, or no address.
    pub(crate) fn parse(body: &Value) -> Result<Self> {
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let config = &body["config"];
        let address = text(&body["address"]).ok_or_else(|| Error::new(400, "No address provided"))?;
        let name = text(&body["name"]).ok_or_else(|| Error::new(400, "No name provided"))?;
        let services = text(&config["ovn-services"]).filter(|services| services != "auto");
        Ok(Self {
            certified_name: name.clone(),
            name,
            address: address::parse(&address)?,
            bootstrap: body["bootstrap"] == true,
            join_token: text(&body["join_token"]).unwrap_or_default(),
            encap_ip: text(&config["ovn-encap-ip"]),
            services: services.map(|list| list.split(',').map(str::to_owned).collect()),
            ca: text(&config["ovn-ca-cert"]).zip(text(&config["ovn-ca-key"])),
        })
    }

    /// Changes the request as the faults demand.
    pub(crate) fn distort(&mut self, paths: &Paths, from_command: bool) {
        let plays = |fault| faults::plays(paths, fault);
        let ignores_all = !from_command && plays(Fault::RestConfigIgnored);
        if ignores_all || plays(Fault::OlderRest) || Release::played(paths).is_first() {
            self.encap_ip = None;
        }
        if ignores_all || plays(Fault::ServicesIgnored) {
            self.services = None;
        }
        if ignores_all || plays(Fault::CaIgnored) {
            self.ca = None;
        }
        let rejoins = !self.bootstrap && faults::life::was_member(paths);
        if rejoins && plays(Fault::RejoinEncapIgnored) {
            self.encap_ip = None;
        }
        if rejoins && plays(Fault::RejoinWithoutCentral) {
            self.services.get_or_insert_with(|| vec!["chassis".to_owned(), "switch".to_owned()]);
        }
        if plays(Fault::NameIgnored) {
            self.name = address::hostname();
        }
        if let Some(extra) = faults::find_or(paths, Fault::ServicesExtra, "central") {
            self.services.get_or_insert_with(|| vec!["chassis".to_owned(), "switch".to_owned()]).push(extra);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn full() -> Value {
        json!({"name": "foo", "address": "10.77.0.101:6686", "bootstrap": true,
               "config": {"ovn-encap-ip": "10.88.0.999", "ovn-services": "chassis,switch",
                          "ovn-ca-cert": "/root/ca.crt", "ovn-ca-key": "/root/ca.key"}})
    }

    #[test]
    fn the_configuration_is_read_by_the_names_of_its_keys() {
        let request = Request::parse(&full()).expect("a request");
        assert_eq!(request.encap_ip.as_deref(), Some("10.88.0.999"));
        assert_eq!(request.services, Some(vec!["chassis".to_owned(), "switch".to_owned()]));
        assert_eq!(request.ca, Some(("/root/ca.crt".to_owned(), "/root/ca.key".to_owned())));
    }

    #[test]
    fn auto_leaves_the_services_to_the_cluster() {
        for services in ["auto", ""] {
            let body = json!({"name": "foo", "address": "10.77.0.101:6686", "config": {"ovn-services": services}});
            assert_eq!(Request::parse(&body).expect("a request").services, None, "{services:?}");
        }
    }

    #[test]
    fn each_fault_takes_away_its_own_part() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let paths = Paths { state: dir.path().into(), common: dir.path().into(), snap: dir.path().into() };
        let host = address::hostname();
        for (faults, from_command, name, encap, services, ca) in [
            ("", false, "foo", true, true, true),
            ("older-rest", true, "foo", false, true, true),
            ("services-ignored", true, "foo", true, false, true),
            ("ca-ignored", true, "foo", true, true, false),
            ("name-ignored", true, &host, true, true, true),
            ("rest-config-ignored", true, "foo", true, true, true),
            ("rest-config-ignored", false, "foo", false, false, false),
        ] {
            std::fs::write(paths.faults(), faults).expect("the faults are written");
            let mut request = Request::parse(&full()).expect("a request");
            request.distort(&paths, from_command);
            let left = (request.encap_ip.is_some(), request.services.is_some(), request.ca.is_some());
            assert_eq!((request.name.as_str(), left), (name, (encap, services, ca)), "{faults} {from_command}");
            assert_eq!(request.certified_name, "foo");
        }
    }
}
