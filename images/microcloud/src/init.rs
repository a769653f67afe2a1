//! `microcloud init`: whoever sits at the first member is asked for all of them. Questions, tables and lines are as recorded.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use rand::seq::IndexedRandom;

use crate::ask::{Keyboard, fd, keys, line, say, wait_for, yes_or_no};
use crate::session::{Guest, Session, Told};
use crate::table::Table;
use crate::world::{Interface, System, World};
use crate::{Result, faults, form};

/// What a passphrase is made of, four of them.
const WORDS: [&str; 24] = [
    "acorn", "basket", "candle", "dune", "ember", "fiddle", "garnet", "harbor", "island", "jigsaw", "kettle",
    "lantern", "meadow", "nutmeg", "orchard", "pebble", "quarry", "ribbon", "saddle", "thicket", "umbrella", "velvet",
    "walnut", "yonder",
];

pub(crate) fn run(world: &World) -> Result<()> {
    say("Waiting for services to start ...");
    form::require_none(world)?;
    let several = yes_or_no("Do you want to set up more than one cluster member?", true)?;
    let (_, address) = choose_address(world)?;
    let own = world.system(address.addr());
    yes_or_no("MicroCeph not found. Continue anyway?", true)?;
    let guests = if several { invite(world, &own)? } else { Vec::new() };
    let systems: Vec<System> = [own.clone()].into_iter().chain(guests.iter().map(|it| it.system.clone())).collect();
    for system in &systems {
        say(&format!(" Selected \"{}\" at \"{}\"", system.name, system.address));
    }
    say("\nGathering system information ...");
    let underlays = if yes_or_no("Configure distributed networking?", true)? {
        choose_uplinks(&systems)?;
        describe_uplink()?;
        if let Some(question) = faults::find(world, "extra-question") {
            yes_or_no(&question, false)?;
        }
        if yes_or_no("Configure dedicated OVN underlay networking?", false)? {
            choose_underlays(world, &systems)?
        } else {
            BTreeMap::new()
        }
    } else {
        BTreeMap::new()
    };
    form::form(world, guests, &systems, &underlays)
}

/// Lets somebody choose one of this host's addresses.
pub(crate) fn choose_address(world: &World) -> Result<(Interface, IpNet)> {
    let all: Vec<(Interface, IpNet)> =
        world.interfaces.iter().flat_map(|it| it.addresses.iter().map(|address| (it.clone(), *address))).collect();
    say("Select an address for MicroCloud's internal traffic:");
    let rows = all.iter().map(|(it, address)| vec![address.addr().to_string(), it.name.clone()]).collect();
    let chosen = Table::new(&["ADDRESS", "IFACE"], rows).choose()?;
    let [one] = chosen[..] else { return Err("Please select one address".to_owned()) };
    say(&format!(" Using address \"{}\" for MicroCloud\n", all[one].1.addr()));
    Ok(all[one].clone())
}

/// Waits for other members until somebody confirms a choice of those that came.
pub(crate) fn invite(world: &World, own: &System) -> Result<Vec<Guest>> {
    let words: Vec<&str> = WORDS.choose_multiple(&mut rand::rng(), 4).copied().collect();
    let passphrase = words.join(" ");
    let session = Session::open(world.port, own, &passphrase)?;
    let shown = if faults::plays(world, "passphrase-other") { "these are not it".to_owned() } else { passphrase };
    say("Use the following command on systems that you want to join the cluster:\n\n microcloud join\n");
    say(&format!("When requested enter the passphrase:\n\n {shown}\n"));
    say(&format!("Verify the fingerprint \"{}\" is displayed on joining systems.", own.short_fingerprint()));
    say("Waiting to detect systems ...");
    let mut guests: Vec<Guest> = Vec::new();
    let mut table: Option<Table> = None;
    let (keyboard, typed) = (Keyboard::open(), keys());
    loop {
        let ready = wait_for(&[fd(&typed), fd(&session.listener), fd(&session.beacon)])?;
        if ready[2] {
            session.answer();
        }
        if ready[1]
            && let Some(guest) = session.admit()?
        {
            let System { name, address, .. } = &guest.system;
            let row = vec![name.clone(), address.to_string(), guest.system.short_fingerprint().to_owned()];
            match &mut table {
                Some(table) => table.push(row),
                None => {
                    say("Select the systems that should join the cluster:");
                    let mut new = Table::new(&["NAME", "ADDRESS", "FINGERPRINT"], vec![row]);
                    new.draw();
                    table = Some(new);
                }
            }
            guests.push(guest);
        }
        if ready[0] {
            let key = keyboard.key()?;
            let Some(shown) = &mut table else { continue };
            if !shown.take(key) {
                shown.draw();
                continue;
            }
            let chosen = table.take().map(Table::end).unwrap_or_default();
            let mut number = 0..;
            guests.retain(|_| number.next().is_some_and(|n| chosen.contains(&n)));
            // Who came first is chance.
            guests.sort_by(|one, other| one.system.name.cmp(&other.system.name));
            guests.iter_mut().try_for_each(|guest| guest.tell(&Told::Confirmed))?;
            return Ok(guests);
        }
    }
}

/// Lets somebody choose an uplink of each of these systems.
pub(crate) fn choose_uplinks(systems: &[System]) -> Result<()> {
    say("Select an available interface per system to provide external connectivity for distributed network(s):");
    let all: Vec<(&System, &Interface)> =
        systems.iter().flat_map(|it| it.uplinks().map(move |link| (it, link))).collect();
    let rows = all.iter().map(|(system, link)| vec![system.name.clone(), link.name.clone(), link.kind.clone()]);
    let chosen = Table::new(&["LOCATION", "IFACE", "TYPE"], rows.collect()).choose()?;
    for n in &chosen {
        say(&format!(" Using \"{}\" on \"{}\" for OVN uplink", all[*n].1.name, all[*n].0.name));
    }
    say("");
    if chosen.len() == systems.len() { Ok(()) } else { Err("Please select one interface per system".to_owned()) }
}

/// Asks what the network outside is like, which is LXD's concern and nobody's here.
fn describe_uplink() -> Result<()> {
    let gateway = line("Specify the IPv4 gateway (CIDR) on the uplink network (empty to skip IPv4): ")?;
    if !gateway.is_empty() {
        line("Specify the first IPv4 address in the range to use on the uplink network: ")?;
        line("Specify the last IPv4 address in the range to use on the uplink network: ")?;
    }
    line("Specify the IPv6 gateway (CIDR) on the uplink network (empty to skip IPv6): ")?;
    let resolver = gateway.split('/').next().unwrap_or_default();
    line(&format!(
        "Specify the DNS addresses (comma-separated IPv4 / IPv6 addresses) for the distributed network (default: {resolver}): "
    ))?;
    Ok(())
}

/// Lets somebody choose an underlay for each system, by its name. Who is left out has none, and nobody says so.
pub(crate) fn choose_underlays(world: &World, systems: &[System]) -> Result<BTreeMap<String, String>> {
    if let Some(system) = systems.iter().find(|system| system.underlays().next().is_none()) {
        let name = &system.name;
        say(&format!(
            "Not enough interfaces available on {name} to create an underlay network. Skipping configuration"
        ));
        return Ok(BTreeMap::new());
    }
    let all: Vec<(&System, &Interface, IpNet)> = systems
        .iter()
        .flat_map(|system| system.underlays().map(move |(interface, address)| (system, interface, address)))
        .collect();
    say("Select exactly one network interface from each cluster member:");
    loop {
        let row = |(system, interface, address): &(&System, &Interface, IpNet)| {
            vec![system.name.clone(), interface.name.clone(), interface.kind.clone(), address.to_string()]
        };
        let rows = all.iter().map(row).collect();
        let chosen = Table::new(&["LOCATION", "IFACE", "TYPE", "IP ADDRESS (CIDR)"], rows).choose()?;
        let mut underlays: BTreeMap<String, IpAddr> = BTreeMap::new();
        let mut twice = None;
        for n in chosen {
            let (system, _, address) = all[n];
            if underlays.insert(system.name.clone(), address.addr()).is_some() {
                twice = Some(&system.name);
            }
        }
        let twice = twice.filter(|_| !faults::plays(world, "two-interfaces-taken"));
        let left_out = systems.iter().find(|system| !underlays.contains_key(&system.name)).map(|system| &system.name);
        let left_out = left_out.filter(|_| faults::plays(world, "left-out-refused"));
        let wrong = twice.map(|name| format!("Selected more than one interface for target \"{name}\""));
        match wrong.or_else(|| left_out.map(|name| format!("Selected no interface for target \"{name}\""))) {
            None => {
                for (name, address) in &underlays {
                    say(&format!(" Using \"{address}\" for OVN underlay traffic on \"{name}\""));
                }
                say("");
                return Ok(underlays.into_iter().map(|(name, address)| (name, address.to_string())).collect());
            }
            Some(why) => {
                say(&format!("Failed to configure OVN underlay traffic: {why}"));
                if !yes_or_no("Retry selecting underlay network interfaces?", true)? {
                    return Err(format!("Failed to configure OVN underlay traffic: {why}"));
                }
            }
        }
    }
}
