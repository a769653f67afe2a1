//! `microcloud add`: whoever sits at a member is asked for those that are new. No recording shows it; as read in the sources of MicroCloud
//! 2.1, it asks what `init` asks, of them alone, and nothing of the networks that are there.

use std::collections::BTreeMap;

use crate::ask::{say, yes_or_no};
use crate::init::{choose_underlays, choose_uplinks, invite};
use crate::world::{System, World};
use crate::{Result, form};

pub(crate) fn run(world: &World) -> Result<()> {
    say("Waiting for services to start ...");
    let members = form::noted(world)?;
    let own = members.iter().find(|system| system.name == world.name);
    let own = own.ok_or("MicroCloud is uninitialized, run 'microcloud init' first")?.clone();
    yes_or_no("MicroCeph not found. Continue anyway?", true)?;
    let guests = invite(world, &own)?;
    let new: Vec<System> = guests.iter().map(|guest| guest.system.clone()).collect();
    for system in &new {
        say(&format!(" Selected \"{}\" at \"{}\"", system.name, system.address));
    }
    say("\nGathering system information ...");
    let underlays = if yes_or_no("Configure distributed networking?", true)? {
        choose_uplinks(&new)?;
        if yes_or_no("Configure dedicated OVN underlay networking?", false)? {
            choose_underlays(world, &new)?
        } else {
            BTreeMap::new()
        }
    } else {
        BTreeMap::new()
    };
    let systems: Vec<System> = members.into_iter().chain(new).collect();
    form::add(world, guests, &systems, &underlays)
}
