//! `microcloud join`: a member that is told where to join by whoever sits at the first one.

use std::time::Duration;

use crate::ask::{line, say};
use crate::form;
use crate::init::choose_address;
use crate::microovn::MicroOvn;
use crate::session::{Host, Join, Told, find};
use crate::world::World;
use crate::{Result, faults};

/// How long it looks for the first member.
const SEARCH: Duration = Duration::from_secs(60);

pub(crate) fn run(world: &World) -> Result<()> {
    say("Waiting for services to start ...");
    form::require_none(world)?;
    let (interface, address) = choose_address(world)?;
    let own = world.system(address.addr());
    say(&format!("Verify the fingerprint \"{}\" is displayed on the other system.", own.short_fingerprint()));
    let passphrase = line("Specify the passphrase for joining the system: ")?;
    say("Searching for an eligible system ...\n");
    let first = find(world.port, &interface, address, SEARCH)?;
    let mut host = Host::reach(first, &own, &passphrase, SEARCH)?;
    let of = &host.system;
    let print = of.short_fingerprint();
    say(&format!(" Found system \"{}\" at \"{}\" using fingerprint \"{print}\"\n", of.name, of.address));
    say(&format!("Select \"{}\" on \"{}\" to let it join the cluster\n", own.name, of.name));
    loop {
        match host.hear()? {
            Told::Confirmed => {
                let name = &host.system.name;
                say(&format!(" Received confirmation from system \"{name}\"\n"));
                say("Do not exit out to keep the session alive.");
                say(&format!("Complete the remaining configuration on \"{name}\" ..."));
            }
            Told::Join(join) => return enter(world, &mut host, &own.name, &join),
        }
    }
}

/// Has MicroOVN join, and says what came of it to the first member.
pub(crate) fn enter(world: &World, host: &mut Host, own: &str, join: &Join) -> Result<()> {
    say("Successfully joined the MicroCloud cluster and closing the session.");
    say("Commencing cluster join of the remaining services (LXD, MicroOVN)");
    let address = join.systems.iter().find(|system| system.name == own).map(|system| system.address);
    let address = address.ok_or_else(|| format!("the first member knows no {own:?}"))?;
    let joined = if faults::plays(world, "joins-not") {
        Ok(())
    } else {
        MicroOvn::of(world).form(&join.name, address, join.port, &join.config, Some(&join.token))
    };
    host.report(&joined)?;
    joined?;
    form::note(world, &join.systems)
}
