//! The bridge that the framework has in LXD for good, and its network.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::SetupOptions;
use super::begun::{Begun, Object};
use super::error::Error;
use super::owned::{check_ours, tagged};
use super::subnet::{Taken, parse_routes, pick};
use crate::image::Program;
use crate::lxd::{Client, Network, NetworkSpec};

/// The bridge: its network, and whether it is there.
pub(super) enum Bridge {
    There(Ipv4Net),
    ToMake { subnet: Ipv4Net, gateway: Ipv4Addr },
}

/// The bridge that is there, or the network that a new one is to have.
pub(super) async fn choose(client: &Client, options: &SetupOptions, local: bool) -> Result<Bridge, Error> {
    let name = &options.bridge;
    let networks = client.list_networks().await.map_err(Error::lxd("list networks"))?;
    if let Some(found) = networks.iter().find(|network| network.name == *name) {
        check_ours(&found.config, "network", name)?;
        if let Some(net) = subnet_of(found) {
            return options.subnet.map_or(Ok(()), |wanted| same_subnet(name, net, wanted)).map(|()| Bridge::There(net));
        }
    }
    let mut taken: Vec<Taken> = networks
        .iter()
        .filter_map(|network| Some(Taken { net: subnet_of(network)?, by: format!("LXD network {}", network.name) }))
        .collect();
    if local {
        let failed = |source| Error::Program {
            attempt: "list the host's routes".to_owned(),
            mend: "install iproute2".to_owned(),
            source: Box::new(source),
        };
        let routes = Program::new("list the host's routes", "ip").args(["-json", "route", "show", "table", "all"]);
        let routes = parse_routes(&routes.run().map_err(failed)?);
        taken.extend(routes.map_err(|error| Error::file("read", "the host's routes")(std::io::Error::other(error)))?);
    }
    let subnet = pick(options.subnet.map(|net| net.trunc()), &taken).map_err(|(net, with)| Error::Collision {
        subnet: net.to_string(),
        bridge: name.clone(),
        with: with.by,
    })?;
    // The first host of a network of at least two.
    let Some(gateway) = subnet.hosts().next() else {
        let mend = "choose one with a prefix of at most 29 with TESTKIT_SUBNET".to_owned();
        return Err(Error::Host { problem: format!("network {subnet} has no room"), mend });
    };
    Ok(Bridge::ToMake { subnet, gateway })
}

/// Makes it.
pub(super) async fn create(
    begun: &mut Begun<'_>,
    options: &SetupOptions,
    subnet: Ipv4Net,
    gateway: Ipv4Addr,
    changes: &mut Vec<String>,
) -> Result<(), Error> {
    let name = &options.bridge;
    let config = tagged(&[
        ("ipv4.address", &format!("{gateway}/{}", subnet.prefix_len())),
        ("ipv4.nat", "true"),
        ("ipv6.address", "none"),
    ]);
    let mut spec = NetworkSpec::bridge(name, config);
    spec.description = "MicroOVN system tests; `testkit teardown` removes it".to_owned();
    let members = begun.members;
    let object = Object::Network(name.clone());
    let made = begun.make(object, async |client| client.create_network_on(members, &spec).await).await;
    made.map_err(Error::lxd(format!("create network {name} with {subnet}")))?;
    changes.push(format!("created network {name} ({subnet})"));
    Ok(())
}

/// Fails if the bridge is there with another network than the one that is asked for.
pub(super) async fn check_subnet(client: &Client, bridge: &str, wanted: Ipv4Net) -> Result<(), Error> {
    let found = client.find_network(bridge).await.map_err(Error::lxd(format!("look for network {bridge}")))?;
    found.and_then(|found| subnet_of(&found.value)).map_or(Ok(()), |net| same_subnet(bridge, net, wanted))
}

fn same_subnet(bridge: &str, net: Ipv4Net, wanted: Ipv4Net) -> Result<(), Error> {
    if wanted.trunc() == net {
        return Ok(());
    }
    let with = format!("its own network {net} from an earlier setup (`testkit teardown` removes it)");
    Err(Error::Collision { subnet: wanted.to_string(), bridge: bridge.to_owned(), with })
}

fn subnet_of(network: &Network) -> Option<Ipv4Net> {
    network.config.get("ipv4.address")?.parse::<Ipv4Net>().ok().map(|net| net.trunc())
}
