//! The state of instances: what they are doing, and the calls that start, stop and freeze them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

use super::client::Client;
use super::envelope::null_as_default;
use super::error::Error;
use super::request::Request;
use crate::wait::{self, Pace, Poll, WaitError};

/// How often an instance is looked at that is to stop.
const LOOKS: Duration = Duration::from_millis(100);

/// A change of an instance's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateChange {
    /// What to do.
    pub action: StateAction,
    /// Whether to do it without asking the instance's init.
    pub force: bool,
    /// How long LXD gives the instance's init, in whole seconds; `None` leaves it to the call's deadline.
    pub timeout: Option<Duration>,
}

/// What a change of state does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StateAction {
    /// Boot.
    Start,
    /// Shut down.
    Stop,
    /// Stop all processes where they are.
    Freeze,
    /// Let frozen processes go on.
    Unfreeze,
}

impl StateAction {
    fn verb(self) -> &'static str {
        match self {
            StateAction::Start => "start",
            StateAction::Stop => "stop",
            StateAction::Freeze => "freeze",
            StateAction::Unfreeze => "unfreeze",
        }
    }
}

/// What an instance is doing now.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct InstanceState {
    /// `Running`, `Stopped`, …
    pub status: String,
    /// The host's process id of the instance's init; 0 when it does not run.
    pub pid: i64,
    /// How many processes there are; -1 when LXD cannot tell.
    #[serde(default)]
    pub processes: i64,
    /// Memory in bytes.
    #[serde(default)]
    pub memory: Memory,
    /// What its processes have used of processors.
    #[serde(default)]
    pub cpu: CpuUsage,
    /// The interfaces by their name inside; empty when it does not run.
    #[serde(default, deserialize_with = "null_as_default")]
    pub network: BTreeMap<String, Interface>,
}

/// Memory in bytes.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Memory {
    /// In use.
    pub usage: i64,
    /// The most that was in use; 0 where the kernel does not say.
    pub usage_peak: i64,
}

/// Time on processors.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CpuUsage {
    /// Of all processes since the instance started, in nanoseconds; not above 0 when LXD cannot tell.
    pub usage: i64,
}

/// A network interface of a running instance.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Interface {
    /// Its addresses of all scopes.
    #[serde(deserialize_with = "null_as_default")]
    pub addresses: Vec<InterfaceAddress>,
    /// The MAC address.
    #[serde(default)]
    pub hwaddr: String,
    /// The name of its other end on the host.
    #[serde(default)]
    pub host_name: String,
    /// The largest packet in bytes.
    #[serde(default)]
    pub mtu: i64,
    /// `up` or `down`.
    #[serde(default)]
    pub state: String,
}

/// An address of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct InterfaceAddress {
    /// The address.
    pub address: IpAddr,
    /// The prefix length.
    #[serde(rename = "netmask", deserialize_with = "number_in_text")]
    pub prefix: u8,
    /// How far it reaches.
    pub scope: AddressScope,
}

/// How far an address reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AddressScope {
    /// Inside the instance.
    Local,
    /// On the link.
    Link,
    /// Anywhere.
    Global,
}

/// LXD gives prefix lengths as text.
fn number_in_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| serde::de::Error::custom(format!("{text:?} is no prefix length")))
}

impl Client {
    /// Starts, stops, freezes or unfreezes an instance and waits for the end of it.
    pub async fn set_state(&self, name: &str, change: StateChange, deadline: Duration) -> Result<(), Error> {
        // LXD takes whole seconds, and 0 as no time at all.
        let timeout = change.timeout.unwrap_or(deadline).as_secs().max(1);
        let body = json!({"action": change.action, "force": change.force, "timeout": timeout});
        let attempt = format!("{} instance {name:?}", change.action.verb());
        self.done(&Request::put(&["instances", name, "state"], attempt).json(&body).deadline(deadline)).await
    }

    /// Starts an instance. That it runs already is an error.
    pub async fn start_instance(&self, name: &str, deadline: Duration) -> Result<(), Error> {
        self.set_state(name, StateChange { action: StateAction::Start, force: false, timeout: None }, deadline).await
    }

    /// Stops an instance; with `force` without asking its init. That it is stopped already is an error.
    pub async fn stop_instance(&self, name: &str, force: bool, deadline: Duration) -> Result<(), Error> {
        self.set_state(name, StateChange { action: StateAction::Stop, force, timeout: None }, deadline).await
    }

    /// Has an instance's init shut it down, and waits until it has stopped.
    ///
    /// LXD may lose sight of a shutdown that the init goes on with: 5.0.2 said that it had failed half a second after it had asked for
    /// it, on a busy host, and the instance stopped five seconds later. So then the instance is looked at, until the deadline.
    pub async fn shut_down_instance(&self, name: &str, deadline: Duration) -> Result<(), Error> {
        let begun = Instant::now();
        let lost = match self.stop_instance(name, false, deadline).await {
            Err(error) if error.is_shutdown_lost() => error,
            ended => return ended,
        };
        let pace = Pace { deadline: deadline.saturating_sub(begun.elapsed()), every: LOOKS };
        let stopped = wait::until(format!("instance {name:?} to stop"), pace, async || {
            match self.get_instance_state(name).await {
                Ok(state) if state.status == "Stopped" => Poll::Ready(()),
                Ok(state) => Poll::NotYet(state.status),
                Err(error) => Poll::Failed(error),
            }
        });
        match stopped.await {
            Ok(()) => Ok(()),
            Err(WaitError::Failed { source, .. }) => Err(source),
            Err(WaitError::Deadline { .. }) => Err(lost),
        }
    }

    /// Reads what an instance is doing: its init, memory, interfaces and addresses.
    pub async fn get_instance_state(&self, name: &str) -> Result<InstanceState, Error> {
        self.sync(&Request::get(&["instances", name, "state"], format!("get state of instance {name:?}"))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNING: &str = r#"{"status":"Running","status_code":103,"disk":null,"memory":{"usage":9,"usage_peak":0},
        "network":{"eth0":{"addresses":[{"family":"inet6","address":"fd42::5","netmask":"64","scope":"global"}],
        "counters":{},"hwaddr":"00:16:3e:00:00:01","host_name":"veth1","mtu":1500,"state":"up","type":"broadcast"}},
        "pid":42,"processes":3,"cpu":{"usage":1}}"#;

    #[test]
    fn addresses_are_read_as_addresses() {
        let state: InstanceState = serde_json::from_str(RUNNING).expect("read");
        let address = state.network["eth0"].addresses[0];
        assert_eq!(address.address, "fd42:0:0::5".parse::<IpAddr>().expect("address"));
        assert_eq!((address.prefix, address.scope), (64, AddressScope::Global));
        assert_eq!(state.cpu.usage, 1);
        for (good, bad) in [("fd42::5", "fd42::x"), ("\"64\"", "\"/64\""), ("global", "galactic"), ("\"pid\":42,", "")]
        {
            assert!(serde_json::from_str::<InstanceState>(&RUNNING.replace(good, bad)).is_err(), "{bad:?} is taken");
        }
    }

    #[test]
    fn a_stopped_instance_has_no_interfaces() {
        let state: InstanceState =
            serde_json::from_str(r#"{"status":"Stopped","network":null,"pid":0,"memory":{}}"#).expect("read");
        assert!(state.network.is_empty());
    }
}
