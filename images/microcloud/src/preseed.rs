//! `microcloud preseed`: one file on all members at once. Rules, lines and refusals are as recorded.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::ask::{everything, fd, say, wait_for};
use crate::session::{Guest, Host, Session, Told};
use crate::world::{System, World};
use crate::{Result, faults, form, guest, rules};

/// The file, as far as it concerns MicroOVN. Unknown keys are ignored, also by MicroCloud.
#[derive(Debug, Deserialize)]
struct Preseed {
    session_passphrase: String,
    #[serde(default = "timeout")]
    session_timeout: u64,
    initiator_address: IpAddr,
    systems: Vec<Entry>,
    #[serde(default)]
    ovn: BTreeMap<String, IgnoredAny>,
}

/// A system.
#[derive(Debug, Deserialize)]
struct Entry {
    name: String,
    address: IpAddr,
    #[serde(default)]
    ovn_uplink_interface: String,
    #[serde(default)]
    ovn_underlay_ip: String,
}

fn timeout() -> u64 {
    600
}

pub(crate) fn run(world: &World) -> Result<()> {
    say("Waiting for services to start ...");
    let file = read(&everything()?)?;
    form::require_none(world)?;
    let configures_ovn = !file.ovn.is_empty() || file.systems.iter().any(|it| !it.ovn_uplink_interface.is_empty());
    let underlays: BTreeMap<String, String> = file
        .systems
        .iter()
        .filter(|it| configures_ovn && !it.ovn_underlay_ip.is_empty())
        .filter(|_| !faults::plays(world, "preseed-underlay-ignored"))
        .map(|it| (it.name.clone(), it.ovn_underlay_ip.clone()))
        .collect();
    if configures_ovn && !faults::plays(world, "preseed-unchecked") {
        let given = |it: &'_ Entry| (!it.ovn_underlay_ip.is_empty()).then(|| it.ovn_underlay_ip.clone());
        let given: Vec<Option<String>> = file.systems.iter().map(given).collect();
        rules::check_early(given.iter().map(Option::as_deref))?;
    }
    form::require_underlays(world, !underlays.is_empty())?;
    let own = file.systems.iter().find(|it| it.name == world.name);
    let own = own.ok_or_else(|| format!("the preseed has no system {:?}", world.name))?;
    let system = world.system(own.address);
    if own.address == file.initiator_address {
        initiate(world, &system, &file, &underlays)
    } else {
        let within = Duration::from_secs(file.session_timeout);
        let first = SocketAddr::new(file.initiator_address, world.port);
        let mut host = Host::reach(first, &system, &file.session_passphrase, within)?;
        say(&format!("Connected to initiator \"{}\"", host.system.name));
        loop {
            if let Told::Join(join) = host.hear()? {
                return guest::enter(world, &mut host, &system.name, &join);
            }
        }
    }
}

fn read(text: &str) -> Result<Preseed> {
    serde_saphyr::from_str(text).map_err(|error| format!("Failed to parse the preseed yaml: {error}"))
}

fn initiate(world: &World, own: &System, file: &Preseed, underlays: &BTreeMap<String, String>) -> Result<()> {
    let mut awaited: Vec<&str> = file.systems.iter().map(|it| it.name.as_str()).filter(|it| *it != own.name).collect();
    let session = Session::open(world.port, own, &file.session_passphrase)?;
    say(&format!("Searching for joining systems ({})", awaited.join(", ")));
    let mut guests: Vec<Guest> = Vec::new();
    while !awaited.is_empty() {
        let ready = wait_for(&[fd(&session.listener), fd(&session.beacon)])?;
        if ready[1] {
            session.answer();
        }
        if ready[0]
            && let Some(guest) = session.admit()?
        {
            let System { name, address, .. } = &guest.system;
            say(&format!("Detected joining system \"{name}\" at \"{address}\""));
            awaited.retain(|it| it != name);
            guests.push(guest);
        }
    }
    // Who came first is chance.
    guests.sort_by(|one, other| one.system.name.cmp(&other.system.name));
    let systems: Vec<System> = [own.clone()].into_iter().chain(guests.iter().map(|it| it.system.clone())).collect();
    if !faults::plays(world, "preseed-unchecked") {
        rules::check_late(&systems, underlays, faults::plays(world, "underlay-not-owned-refused"))?;
    }
    say("Warning: OSD host count is less than 3. Distributed storage is not fault-tolerant");
    form::form(world, guests, &systems, underlays)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preseed_is_read_as_it_was_recorded_and_unknown_keys_are_ignored() {
        let text = "session_passphrase: \"83P27\"\nsession_timeout: 60\ninitiator_address: 10.11.0.11\nsystems:\n\
                    - name: mc1\n  address: 10.11.0.11\n  ovn_uplink_interface: eth2\n  underlay_ip: 10.1.1.11\n\
                    - name: mc2\n  address: \"fd42::c\"\n  ovn_underlay_ip: FD10:1:0::13\n\
                    ovn:\n  ipv4_gateway: 10.88.0.1/24\n  ipv4_range: 10.88.0.100-10.88.0.200\n";
        let file = read(text).expect("a preseed");
        let underlays: Vec<&str> = file.systems.iter().map(|it| it.ovn_underlay_ip.as_str()).collect();
        assert_eq!(underlays, ["", "FD10:1:0::13"], "as written");
        assert_eq!((file.session_timeout, file.ovn.len()), (60, 2));
        assert!(read("systems: none").is_err());
    }
}
