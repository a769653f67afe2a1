//! Hands on what a cluster says: the parts of an observation that mutations change.

use std::net::IpAddr;

use rcgen::CertificateParams;
use testkit::expect::{MemberObservation, Observation, Reading};
use testkit::microovn::health::{Kind, Trouble};
use testkit::microovn::{
    Api, Certificate, CertificateList, ClusterMember, Daemon, Device, Health, ListedCertificate, Listener, Northd,
    OvnEnv, Pki, PkiContent, PkiFile, Plugs, Route, SnapService, Unit,
};
use testkit::ovn::{RaftStatus, Southbound, Switch};
use testkit::plan::State;

use crate::common;

/// The member the mutations are made on: a central that joined.
pub(crate) const VICTIM: usize = 1;

/// The observation and the state it is of.
pub(crate) struct Case<'a> {
    pub(crate) state: &'a State,
    pub(crate) seen: &'a mut Observation,
}

pub(crate) fn inner<T>(reading: &mut Reading<T>) -> &mut T {
    match reading {
        Reading::Seen(value) => value,
        _ => panic!("the unchanged observation has every reading"),
    }
}

impl Case<'_> {
    pub(crate) fn name(&self, n: usize) -> String {
        self.state.members[n].name.clone()
    }
    pub(crate) fn at(&mut self, n: usize) -> &mut MemberObservation {
        self.seen.members.get_mut(&self.state.members[n].name).unwrap()
    }
    pub(crate) fn victim(&mut self) -> &mut MemberObservation {
        self.at(VICTIM)
    }
    pub(crate) fn switch(&mut self) -> &mut Switch {
        inner(&mut self.victim().switch)
    }
    pub(crate) fn external_id(&mut self, key: &str, value: impl ToString) {
        self.switch().open_vswitch.external_ids.insert(key.to_owned(), value.to_string()).unwrap();
    }
    pub(crate) fn southbound(&mut self) -> &mut Southbound {
        inner(&mut self.victim().southbound)
    }
    pub(crate) fn nb(&mut self) -> &mut RaftStatus {
        inner(&mut self.victim().nb_raft)
    }
    pub(crate) fn sb(&mut self) -> &mut RaftStatus {
        inner(&mut self.victim().sb_raft)
    }
    pub(crate) fn members(&mut self) -> &mut Vec<ClusterMember> {
        inner(&mut self.victim().members)
    }
    pub(crate) fn services(&mut self) -> &mut Vec<SnapService> {
        inner(&mut self.victim().services)
    }
    pub(crate) fn service(&mut self, name: &str) -> &mut SnapService {
        self.services().iter_mut().find(|service| service.name == name).unwrap()
    }
    pub(crate) fn plugs(&mut self) -> &mut Plugs {
        inner(&mut self.victim().plugs)
    }
    pub(crate) fn env(&mut self) -> &mut OvnEnv {
        inner(&mut self.victim().ovn_env)
    }
    pub(crate) fn northd(&mut self) -> &mut Northd {
        inner(&mut self.victim().northd)
    }
    pub(crate) fn units(&mut self) -> &mut Vec<Unit> {
        inner(&mut self.victim().units)
    }
    pub(crate) fn health(&mut self) -> &mut Health {
        inner(&mut self.victim().health)
    }
    /// One line more in the victim's journal.
    pub(crate) fn says(&mut self, kind: Kind, text: &str, per_second: u32) {
        let (who, text) = ("ovn-controller".to_owned(), text.to_owned());
        self.health().troubles.push(Trouble { kind, who, text, count: per_second, per_second });
    }
    pub(crate) fn devices(&mut self) -> &mut Vec<Device> {
        inner(&mut self.victim().devices)
    }
    /// The device that carries the victim's tunnels.
    pub(crate) fn device(&mut self) -> &mut Device {
        let name = self.state.members[VICTIM].encap.device.clone();
        self.devices().iter_mut().find(|device| device.name == name).unwrap()
    }
    pub(crate) fn route(&mut self) -> &mut Route {
        inner(self.victim().routes.values_mut().next().unwrap())
    }
    pub(crate) fn pki(&mut self) -> &mut Pki {
        inner(&mut self.victim().pki)
    }
    pub(crate) fn file(&mut self, name: &str) -> &mut PkiFile {
        self.pki().files.get_mut(name).unwrap()
    }
    /// What the victim shows as this certificate.
    pub(crate) fn certificate(&mut self, file: &str, pem: &str) {
        self.file(file).content = PkiContent::Certificates(Certificate::parse_all(pem).unwrap());
    }
    /// The victim's certificate of a service, as MicroOVN issues it but for what is changed; the key goes with it.
    pub(crate) fn reissue(&mut self, service: &str, change: impl FnOnce(&mut CertificateParams)) {
        let mut params = common::issued(service, &self.name(VICTIM));
        change(&mut params);
        let (certificate, key) = common::AUTHORITIES[0].sign(&params);
        self.certificate(&format!("{service}-cert.pem"), &certificate);
        let text = format!("now 0\n== 600 root:root 0 x-privkey.pem\n{key}");
        let key = Pki::parse(&text).unwrap().files.remove("x-privkey.pem").unwrap().content;
        self.file(&format!("{service}-privkey.pem")).content = key;
    }
    pub(crate) fn list(&mut self) -> &mut CertificateList {
        inner(&mut self.victim().certificate_list)
    }
    /// The same as text.
    pub(crate) fn text(&mut self) -> &mut CertificateList {
        inner(&mut self.victim().certificate_text)
    }
    pub(crate) fn listed(&mut self, service: &str) -> &mut ListedCertificate {
        self.list().services.get_mut(service).unwrap().as_mut().unwrap()
    }
    pub(crate) fn listener(&mut self, port: u16) -> &mut Listener {
        inner(&mut self.victim().listeners).iter_mut().find(|listener| listener.port == port).unwrap()
    }
    pub(crate) fn api(&mut self) -> &mut Api {
        inner(&mut self.victim().api)
    }
    pub(crate) fn daemons(&mut self) -> &mut Vec<Daemon> {
        inner(&mut self.victim().daemons)
    }
    /// The victim's daemon of this program one of whose arguments contains a text.
    pub(crate) fn daemon(&mut self, program: &str, about: &str) -> &mut Daemon {
        let is = |daemon: &&mut Daemon| daemon.program == program && daemon.argv.iter().any(|it| it.contains(about));
        self.daemons().iter_mut().find(is).unwrap()
    }
    /// Replaces a text in the arguments of that daemon.
    pub(crate) fn argument(&mut self, program: &str, about: &str, old: &str, new: &str) {
        let daemon = self.daemon(program, about);
        daemon.argv = daemon.argv.iter().map(|argument| argument.replace(old, new)).collect();
    }
    pub(crate) fn encap(&self, n: usize) -> IpAddr {
        self.state.members[n].encap.ip
    }
    pub(crate) fn stranger(&self) -> IpAddr {
        if self.encap(0).is_ipv6() { "fd42:ffff::1".parse().unwrap() } else { "192.0.2.1".parse().unwrap() }
    }
    /// The central addresses as a connection string, without the last.
    pub(crate) fn fewer(&self, port: u16) -> String {
        let host = |n: usize| std::net::SocketAddr::new(self.state.members[n].address, port);
        format!("ssl:{},ssl:{}", host(0), host(1))
    }
    /// The central addresses as a connection string, and one more.
    pub(crate) fn more(&self, port: u16) -> String {
        let host = |n: usize| std::net::SocketAddr::new(self.state.members[n].address, port);
        format!("ssl:{},ssl:{},ssl:{},ssl:{}", host(0), host(1), host(2), host(3))
    }
}
