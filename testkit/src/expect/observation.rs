//! What the members said.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Read;
use crate::microovn::{
    Api, CertificateList, ClusterMember, Daemon, Device, Health, Listener, Northd, OvnEnv, Pki, Plugs, Remains, Route,
    SnapService, Status, Told, Unit, parse_devices, parse_members, parse_services, parse_snap_version, parse_units,
    redact,
};
use crate::ovn::{Bindings, ParseError, RaftStatus, Southbound, Switch};
use crate::packets::Traffic;

/// One thing that can be read, in the state it is in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading<T> {
    /// Nobody has read it.
    #[default]
    NotRead,
    /// It was read and that failed, for this reason.
    Failed(String),
    /// It was read.
    Seen(T),
}

impl<T> Reading<T> {
    fn is_not_read(&self) -> bool {
        matches!(self, Self::NotRead)
    }

    /// What was read.
    ///
    /// # Errors
    /// Why there is nothing, in words for a person.
    pub fn get(&self) -> Result<&T, String> {
        match self {
            Self::Seen(value) => Ok(value),
            Self::Failed(reason) => Err(format!("failed: {reason}")),
            Self::NotRead => Err("not read".to_owned()),
        }
    }
}

impl<T, E: std::fmt::Display> From<Result<T, E>> for Reading<T> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Self::Seen(value),
            Err(error) => Self::Failed(error.to_string()),
        }
    }
}

/// Everything read from a cluster. Stored as JSON, so that one process reads and others judge.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Observation {
    /// By the name the plan gives the member.
    pub members: BTreeMap<String, MemberObservation>,
}

/// Everything read from one member.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MemberObservation {
    /// Its local switch.
    pub switch: Reading<Switch>,
    /// The Southbound as it reads it.
    pub southbound: Reading<Southbound>,
    /// Its Northbound server.
    pub nb_raft: Reading<RaftStatus>,
    /// Its Southbound server.
    pub sb_raft: Reading<RaftStatus>,
    /// The cluster as it lists it.
    pub members: Reading<Vec<ClusterMember>>,
    /// Its snap services.
    pub services: Reading<Vec<SnapService>>,
    /// The units of its snap services.
    #[serde(default)]
    pub units: Reading<Vec<Unit>>,
    /// What is connected to its snap's plugs.
    #[serde(default)]
    pub plugs: Reading<Plugs>,
    /// The version of its snap.
    #[serde(default)]
    pub version: Reading<String>,
    /// What MicroOVN says of the databases.
    #[serde(default)]
    pub status: Reading<Status>,
    /// The schema of its Northbound server.
    #[serde(default)]
    pub nb_schema: Reading<String>,
    /// The schema of its Southbound server.
    #[serde(default)]
    pub sb_schema: Reading<String>,
    /// Its `ovn.env`.
    pub ovn_env: Reading<OvnEnv>,
    /// Its ovn-northd.
    pub northd: Reading<Northd>,
    /// Its network devices.
    pub devices: Reading<Vec<Device>>,
    /// Its way to each peer's tunnel endpoint.
    pub routes: BTreeMap<IpAddr, Reading<Route>>,
    /// Its keys and certificates.
    #[serde(default)]
    pub pki: Reading<Pki>,
    /// Its certificates as MicroOVN lists them.
    #[serde(default)]
    pub certificate_list: Reading<CertificateList>,
    /// The same as text.
    #[serde(default)]
    pub certificate_text: Reading<CertificateList>,
    /// What its database servers show and answer a client without a certificate.
    #[serde(default)]
    pub listeners: Reading<Vec<Listener>>,
    /// What MicroOVN's daemon shows.
    #[serde(default)]
    pub api: Reading<Api>,
    /// Its daemons.
    #[serde(default)]
    pub daemons: Reading<Vec<Daemon>>,
    /// How its services have fared.
    #[serde(default)]
    pub health: Reading<Health>,
    /// What is left of its snap.
    #[serde(default)]
    pub remains: Reading<Remains>,
    /// What its MicroOVN was told by who formed the cluster.
    #[serde(default, skip_serializing_if = "Reading::is_not_read")]
    pub told: Reading<Vec<Told>>,
    /// The keys of the logical networks, and who has the gateways of routers.
    #[serde(default, skip_serializing_if = "Reading::is_not_read")]
    pub bindings: Reading<Bindings>,
    /// What came of sending packets to the others.
    #[serde(default, skip_serializing_if = "Reading::is_not_read")]
    pub traffic: Reading<Traffic>,
    /// The same with packets that are too large.
    #[serde(default, skip_serializing_if = "Reading::is_not_read")]
    pub large_packets: Reading<Traffic>,
}

impl Observation {
    /// What was read from a member; `None` when nothing ever was.
    pub fn find(&self, member: &str) -> Option<&MemberObservation> {
        self.members.get(member)
    }

    /// One reading of a member.
    ///
    /// # Errors
    /// Why there is nothing, in words for a person.
    pub(super) fn get<'a, T: 'a>(
        &'a self,
        member: &str,
        reading: impl FnOnce(&'a MemberObservation) -> &'a Reading<T>,
    ) -> Result<&'a T, String> {
        self.find(member).ok_or_else(|| "not read".to_owned()).and_then(|seen| reading(seen).get())
    }

    /// Keeps what was seen of the databases before where nobody has them any more, so that those that come next can be compared
    /// with them.
    pub fn remember_databases(&mut self, before: &Self) {
        let unread = |member: &MemberObservation| {
            matches!((&member.nb_raft, &member.sb_raft), (Reading::NotRead, Reading::NotRead))
        };
        if !self.members.values().all(unread) {
            return;
        }
        for (name, was) in &before.members {
            if let Some(member) = self.members.get_mut(name) {
                member.nb_raft.clone_from(&was.nb_raft);
                member.sb_raft.clone_from(&was.sb_raft);
            }
        }
    }

    /// Keeps of members that were not read at all what was seen of them before, so that one that is down can be compared with
    /// itself when it is back.
    pub fn remember(&mut self, before: &Self) {
        for (name, member) in &before.members {
            self.members.entry(name.clone()).or_insert_with(|| member.clone());
        }
    }

    /// Whether of packets that were sent to somebody some came through and others did not.
    pub fn loses_packets(&self) -> bool {
        let pings =
            self.members.values().filter_map(|member| member.traffic.get().ok()).flat_map(|traffic| &traffic.pings);
        pings.into_iter().any(|ping| ping.received > 0 && ping.received < ping.sent)
    }

    /// Files what a read of `member` printed, or why it printed nothing, replacing an earlier reading.
    pub fn record(&mut self, member: &str, read: Read, output: Result<&str, String>) {
        self.members.entry(member.to_owned()).or_default().record(read, output);
    }
}

impl MemberObservation {
    /// Files what a read printed, or why it printed nothing, replacing an earlier reading. Output that does not parse
    /// is a failed reading.
    pub fn record(&mut self, read: Read, output: Result<&str, String>) {
        match read {
            Read::Switch => self.switch = reading(output, Switch::parse),
            Read::Southbound | Read::LostSouthbound => self.southbound = reading(output, Southbound::parse),
            Read::NbRaft => self.nb_raft = reading(output, RaftStatus::parse),
            Read::SbRaft => self.sb_raft = reading(output, RaftStatus::parse),
            Read::Members => self.members = reading(output, parse_members),
            Read::Services => {
                self.units = reading(output.clone(), parse_units);
                self.services = reading(output, parse_services);
            }
            Read::Plugs => self.plugs = reading(output, Plugs::parse),
            Read::Version => self.version = reading(output, parse_snap_version),
            Read::Status => self.status = reading(output, Status::parse),
            Read::NbSchema => self.nb_schema = reading(output, |text| Ok(text.trim().to_owned())),
            Read::SbSchema => self.sb_schema = reading(output, |text| Ok(text.trim().to_owned())),
            Read::OvnEnv => self.ovn_env = reading(output, OvnEnv::parse),
            Read::Devices => self.devices = reading(output, parse_devices),
            Read::Route(peer) => drop(self.routes.insert(peer, reading(output, Route::parse))),
            Read::Health => self.health = reading(output, Health::parse),
            Read::Remains => self.remains = reading(output, Remains::parse),
            Read::Told => self.told = reading(output, Told::parse_all),
            Read::Bindings => self.bindings = reading(output, Bindings::parse),
            Read::LargePackets => self.large_packets = reading(output, Traffic::parse),
            Read::Packets => self.traffic = reading(output, Traffic::parse),
            Read::Pki => self.pki = reading(output, Pki::parse),
            Read::CertificateList => self.certificate_list = reading(output, CertificateList::parse),
            Read::CertificateText => self.certificate_text = reading(output, CertificateList::parse_text),
            Read::Api(_) => self.api = reading(output, Api::parse),
            Read::Listeners(_) => self.listeners = reading(output, Listener::parse_all),
            Read::Daemons => {
                self.northd = reading(output.clone(), |text| Northd::find(&Daemon::parse_all(text)?));
                self.daemons = reading(output, Daemon::parse_all);
            }
        }
    }
}

fn reading<T>(output: Result<&str, String>, parse: impl FnOnce(&str) -> Result<T, ParseError>) -> Reading<T> {
    match output {
        Ok(text) => parse(text).into(),
        // A program's complaint may quote what it was given.
        Err(reason) => Reading::Failed(redact(&reason)),
    }
}
