//! Forming: what MicroOVN is told on each member, in the order that was recorded. Nothing is rolled back.

use std::collections::BTreeMap;

use crate::ask::say;
use crate::microovn::{MicroOvn, PORT};
use crate::session::{Guest, Join, Told};
use crate::world::{System, World};
use crate::{Result, faults};

/// The key by which MicroOVN is told of an underlay.
const KEY: &str = "ovn-encap-ip";
/// What MicroOVN calls in its API that it knows of underlays.
const EXTENSION: &str = "custom_encapsulation_ip";

/// Fails where MicroOVN is a member of a cluster already, or does not answer.
pub(crate) fn require_none(world: &World) -> Result<()> {
    let formed = MicroOvn::of(world).is_formed().map_err(|why| format!("MicroOVN is not ready: {why}"))?;
    if formed { Err("MicroOVN is already initialized".to_owned()) } else { Ok(()) }
}

/// Fails where there are underlays and the MicroOVN here knows of none, as was asked for and MicroCloud does not: where that is played.
pub(crate) fn require_underlays(world: &World, wanted: bool) -> Result<()> {
    if wanted && faults::plays(world, "older-microovn-refused") && !MicroOvn::of(world).supports(EXTENSION)? {
        let name = &world.name;
        return Err(format!("MicroOVN on \"{name}\" does not support an underlay (API extension \"{EXTENSION}\")"));
    }
    Ok(())
}

/// Has MicroOVN bootstrap here and join on every guest, one after the other.
pub(crate) fn form(
    world: &World,
    mut guests: Vec<Guest>,
    systems: &[System],
    underlays: &BTreeMap<String, String>,
) -> Result<()> {
    let formed = bootstrap_and_join(world, &mut guests, systems, underlays);
    if formed.is_err() {
        let microovn = MicroOvn::of(world);
        guests.iter().for_each(|guest| microovn.revoke(&guest.system.name));
    }
    formed
}

/// Has MicroOVN, which is formed here, let it join on every guest.
pub(crate) fn add(
    world: &World,
    mut guests: Vec<Guest>,
    systems: &[System],
    underlays: &BTreeMap<String, String>,
) -> Result<()> {
    let joined = join(world, &mut guests, systems, underlays);
    if joined.is_err() {
        let microovn = MicroOvn::of(world);
        guests.iter().for_each(|guest| microovn.revoke(&guest.system.name));
    }
    joined
}

fn bootstrap_and_join(
    world: &World,
    guests: &mut [Guest],
    systems: &[System],
    underlays: &BTreeMap<String, String>,
) -> Result<()> {
    let microovn = MicroOvn::of(world);
    let own = systems.first().ok_or("there is no system")?;
    let port = port(world);
    say("Initializing new services\n Local MicroCloud is ready");
    microovn.form(&own.name, own.address, port, &config(world, own, systems, underlays), None)?;
    say(" Local MicroOVN is ready\n Local LXD is ready");
    join(world, guests, systems, underlays)
}

/// Has MicroOVN join on every guest, one after the other.
fn join(world: &World, guests: &mut [Guest], systems: &[System], underlays: &BTreeMap<String, String>) -> Result<()> {
    let microovn = MicroOvn::of(world);
    let port = port(world);
    say("Awaiting cluster formation ...");
    // All tokens come before the first join.
    let tokens: Vec<String> = guests.iter().map(|guest| microovn.token(&guest.system.name)).collect::<Result<_>>()?;
    for (guest, token) in guests.iter_mut().zip(tokens) {
        let name = guest.system.name.clone();
        let config = config(world, &guest.system, systems, underlays);
        guest.tell(&Told::Join(Join { name: name.clone(), port, token, config, systems: systems.to_vec() }))?;
        guest.joined()?;
        say(&format!(" Peer \"{name}\" has joined the cluster"));
    }
    say("Configuring cluster-wide devices ...");
    note(world, systems)?;
    say("MicroCloud is ready");
    Ok(())
}

/// The port that MicroOVN is told to listen on.
fn port(world: &World) -> u16 {
    if faults::plays(world, "port-other") { PORT + 1 } else { PORT }
}

/// What MicroOVN is told of a system's underlay: the address as it was written or chosen, without a mask, and nothing where there is
/// none; or what a fault makes of it.
fn config(
    world: &World,
    system: &System,
    systems: &[System],
    underlays: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let plays = |fault: &str| faults::plays(world, fault);
    let is_first = systems.first().is_some_and(|first| first.name == system.name);
    let mut told = underlays.get(&system.name).cloned();
    let last = systems.last().map(|last| &last.name);
    if plays("underlay-swapped")
        && let (Some(first), Some(last)) = (systems.first(), last)
    {
        // Those of the first and the last.
        let other = if is_first {
            Some(last)
        } else if system.name == *last {
            Some(&first.name)
        } else {
            None
        };
        told = other.map_or(told, |other| underlays.get(other).cloned());
    }
    if plays("underlay-of-first") {
        told = systems.first().and_then(|first| underlays.get(&first.name)).cloned();
    }
    if plays("underlay-management") {
        told = told.map(|_| system.address.to_string());
    }
    if plays("underlay-with-mask") {
        told = told.map(|address| address + "/24");
    }
    if plays("underlay-always") {
        let interface = system.underlays().find(|(_, address)| address.addr() != system.address);
        told = told.or(interface.map(|(_, address)| address.addr().to_string()));
    }
    let is_added = plays("underlay-not-on-added") && !underlays.contains_key(&systems[0].name);
    let left_out = is_added
        || plays("underlay-on-bootstrap-only") && !is_first
        || plays("underlay-on-joins-only") && is_first
        || plays("underlay-not-on-last") && last == Some(&system.name);
    if left_out {
        told = None;
    }
    // As its specification first had it.
    if plays("underlay-by-member") {
        let all = underlays.iter().map(|(name, address)| (format!("{name}.{KEY}"), address.clone()));
        return all.collect();
    }
    told.map(|address| (KEY.to_owned(), address)).into_iter().collect()
}

/// Notes who the members are, for commands that come later.
pub(crate) fn note(world: &World, systems: &[System]) -> Result<()> {
    let text = serde_json::to_string(systems).map_err(|error| error.to_string())?;
    std::fs::write(world.file("cluster.json"), text).map_err(|error| format!("failed to note the members: {error}"))
}

/// Those who were noted.
pub(crate) fn noted(world: &World) -> Result<Vec<System>> {
    let text = std::fs::read_to_string(world.file("cluster.json"));
    let text = text.map_err(|_| "MicroCloud is not initialized. Run microcloud init first".to_owned())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}
