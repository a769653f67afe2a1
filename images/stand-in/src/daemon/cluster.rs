//! The record of the cluster that every member holds, and the changes it can undergo; nothing here does I/O.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::ovn::env::OvnEnv;
use crate::ovn::pki::Ca;

/// What the server can do beyond the first release, as listed in `GET /core/1.0`.
pub(crate) const EXTENSIONS: [&str; 3] =
    ["internal:runtime_extension_v1", "internal:rename_core_endpoints", CUSTOM_ENCAP];

/// The extension that says that a member can have an encapsulation address of its own.
pub(crate) const CUSTOM_ENCAP: &str = "custom_encapsulation_ip";

/// The configuration key for central members elsewhere.
pub(crate) const CENTRAL_IPS: &str = "ovn.central-ips";

/// How many members run the databases when MicroOVN decides.
const AUTO_CENTRALS: usize = 3;

/// How many members of a role there are before further ones get the next.
const VOTERS: usize = 3;
const STAND_BYS: usize = 3;

/// The cluster, at one version.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Cluster {
    /// Counts changes; the higher one is right.
    pub(crate) version: u64,
    /// The members, in the order they joined.
    pub(crate) members: Vec<Member>,
    /// Those that were members, as they were when they left.
    #[serde(default)]
    pub(crate) departed: Vec<Member>,
    /// Tokens nobody has used yet.
    pub(crate) tokens: Vec<TokenRecord>,
    /// Configuration options that are set.
    pub(crate) config: BTreeMap<String, String>,
    /// Who signs the certificates of the OVN services.
    pub(crate) ca: Ca,
}

/// A member.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Member {
    /// Its name, and its chassis' name.
    pub(crate) name: String,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its certificate, as PEM.
    pub(crate) certificate: String,
    /// `PENDING`, `voter`, `stand-by` or `spare`.
    pub(crate) role: String,
    /// When it last answered a heartbeat.
    pub(crate) last_heartbeat: Option<Timestamp>,
    /// The services it runs.
    pub(crate) services: Vec<String>,
    /// Whether its services run; until then it is being formed.
    pub(crate) ready: bool,
}

/// A token that was given out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TokenRecord {
    /// Whom it is for.
    pub(crate) name: String,
    /// What proves that a caller has it.
    pub(crate) secret: String,
    /// The token as it was given out.
    pub(crate) token: String,
    /// When it stops being valid.
    pub(crate) expires_at: Timestamp,
}

/// A change of the cluster.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub(crate) enum Change {
    /// A token is given out.
    AddToken(TokenRecord),
    /// Somebody with a token becomes a member.
    Join(Joining),
    /// A member's services are as listed, and run.
    SetServices {
        /// The member.
        name: String,
        /// Its services.
        services: Vec<String>,
    },
    /// A member is no longer one.
    Remove {
        /// The member.
        name: String,
    },
    /// A configuration option is set, or removed when there is no value.
    SetConfig {
        /// The option.
        key: String,
        /// Its value.
        value: Option<String>,
    },
    /// Another authority signs from now on.
    SetCa(Ca),
    /// These members answered a heartbeat.
    Heartbeat {
        /// Their names.
        answered: Vec<String>,
    },
}

/// What a joining server says about itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Joining {
    /// The secret of its token.
    pub(crate) secret: String,
    /// The name it wants.
    pub(crate) name: String,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its certificate, as PEM.
    pub(crate) certificate: String,
    /// The services it wants; `None` lets the cluster decide.
    pub(crate) services: Option<Vec<String>>,
}

impl Cluster {
    /// A member by name.
    pub(crate) fn find(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// A member by name.
    pub(crate) fn get(&self, name: &str) -> Result<&Member> {
        self.find(name).ok_or_else(|| Error::new(404, format!("No remote exists with the given name \"{name}\"")))
    }

    /// The members as they are shown and named, whoever joined first.
    pub(crate) fn by_address(&self) -> Vec<&Member> {
        let mut members: Vec<&Member> = self.members.iter().collect();
        members.sort_by_key(|member| member.address.to_string());
        members
    }

    /// What `ovn.env` of a member says.
    pub(crate) fn env_of(&self, member: &Member) -> OvnEnv {
        let runs_central = |other: &&Member| {
            other.services.iter().any(|service| service == "central") && (other.ready || other.name == member.name)
        };
        let mut centrals: Vec<IpAddr> =
            self.by_address().into_iter().filter(runs_central).map(|member| member.address.ip()).collect();
        if let Some(ips) = self.config.get(CENTRAL_IPS) {
            centrals = ips.split(',').filter_map(|ip| ip.trim().parse().ok()).collect();
        }
        OvnEnv { centrals, local: member.address.ip() }
    }

    /// How many members run the databases.
    pub(crate) fn centrals(&self) -> usize {
        let runs_central = |member: &&Member| member.services.iter().any(|service| service == "central");
        self.members.iter().filter(runs_central).count()
    }

    /// The services of a new member: those it asked for, or those the cluster needs.
    pub(crate) fn decide_services(&self, wanted: Option<&[String]>) -> Vec<String> {
        let mut services = match wanted {
            Some(wanted) => wanted.to_vec(),
            None if self.centrals() < AUTO_CENTRALS => ["central", "chassis", "switch"].map(str::to_owned).to_vec(),
            None => ["chassis", "switch"].map(str::to_owned).to_vec(),
        };
        services.sort();
        services.dedup();
        services
    }

    /// Makes a change at a point in time; the reply is what the one who asked gets.
    ///
    /// # Errors
    ///
    /// The change is not possible; nothing has changed then.
    pub(crate) fn apply(&mut self, change: Change, now: Timestamp) -> Result<Value> {
        let reply = match change {
            Change::AddToken(record) => {
                self.tokens.retain(|token| token.expires_at > now);
                if self.tokens.iter().any(|token| token.name == record.name) {
                    return Err(Error::internal(
                        "Failed to create \"core_token_records\" entry: UNIQUE constraint failed: \
                         core_token_records.name",
                    ));
                }
                self.tokens.push(record);
                Value::Null
            }
            Change::Join(joining) => self.join(joining, now)?,
            Change::SetServices { name, services } => {
                let member = self.members.iter_mut().find(|member| member.name == name);
                let member = member.ok_or_else(|| Error::new(404, format!("\"{name}\" is no member")))?;
                member.services = services;
                member.ready = true;
                Value::Null
            }
            Change::Remove { name } => {
                let leaving = self.get(&name)?.clone();
                if self.members.len() == 1 {
                    return Err(Error::internal("Cannot leave a cluster with 1 members"));
                }
                self.members.retain(|member| member.name != name);
                self.departed.retain(|gone| gone.name != name);
                self.departed.push(leaving);
                Value::Null
            }
            Change::SetConfig { key, value } => {
                match value {
                    Some(value) => self.config.insert(key, value),
                    None => self.config.remove(&key),
                };
                Value::Null
            }
            Change::SetCa(ca) => {
                self.ca = ca;
                Value::Null
            }
            Change::Heartbeat { answered } => {
                self.heard(&answered, now);
                Value::Null
            }
        };
        self.version += 1;
        Ok(reply)
    }

    fn join(&mut self, joining: Joining, now: Timestamp) -> Result<Value> {
        let Some(index) = self.tokens.iter().position(|token| token.secret == joining.secret) else {
            return Err(Error::new(404, "No core_token_record exists with the given secret"));
        };
        if self.tokens[index].expires_at <= now {
            return Err(Error::new(403, "Token expired"));
        }
        if !crate::tls::names(&joining.certificate, &self.tokens[index].name) {
            return Err(Error::new(403, "Joining server certificate SAN does not contain join token name"));
        }
        if let Some(taken) = self.members.iter().find(|m| m.name == joining.name || m.address == joining.address) {
            let Member { name, address, .. } = taken;
            return Err(Error::new(409, format!("Remote with name \"{name}\" or address \"{address}\" exists")));
        }
        let services = self.decide_services(joining.services.as_deref());
        self.tokens.remove(index);
        let member = Member {
            name: joining.name,
            address: joining.address,
            certificate: joining.certificate,
            role: "PENDING".to_owned(),
            last_heartbeat: None,
            services: services.clone(),
            ready: false,
        };
        self.members.push(member);
        Ok(json!(services))
    }

    /// Notes who answered, and moves each of them one role on.
    fn heard(&mut self, answered: &[String], now: Timestamp) {
        let count = |members: &[Member], role: &str| members.iter().filter(|member| member.role == role).count();
        for index in 0..self.members.len() {
            if !answered.contains(&self.members[index].name) {
                continue;
            }
            self.members[index].last_heartbeat = Some(now);
            let role = match self.members[index].role.as_str() {
                "PENDING" if index == 0 => "voter",
                "PENDING" => "spare",
                "spare" if count(&self.members, "voter") < VOTERS => "voter",
                "spare" if count(&self.members, "stand-by") < STAND_BYS => "stand-by",
                "stand-by" if count(&self.members, "voter") < VOTERS => "voter",
                _ => continue,
            };
            self.members[index].role = role.to_owned();
        }
    }

    /// Whether enough voters are among `reachable` for the cluster to decide anything.
    pub(crate) fn has_quorum(&self, reachable: &[String]) -> bool {
        let voters: Vec<&Member> = self.members.iter().filter(|member| member.role == "voter").collect();
        let present = voters.iter().filter(|voter| reachable.contains(&voter.name)).count();
        voters.is_empty() || present * 2 > voters.len()
    }
}

#[cfg(test)]
mod tests;
