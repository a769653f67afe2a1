//! Picks a network for the bridge that nothing else uses.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::Deserialize;

/// A network that is in use, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) net: Ipv4Net,
    pub(super) by: String,
}

/// The network that is wanted, or the first free one of 10.213.64.0/24 to 10.213.255.0/24. The error is what collides
/// with the one that is wanted, or with the last one tried.
pub(super) fn pick(wanted: Option<Ipv4Net>, taken: &[Taken]) -> Result<Ipv4Net, (Ipv4Net, Taken)> {
    let collides = |net: Ipv4Net| {
        let overlaps = |taken: &&Taken| taken.net.contains(&net.network()) || net.contains(&taken.net.network());
        taken.iter().find(overlaps).cloned().map(|taken| (net, taken))
    };
    if let Some(wanted) = wanted {
        return collides(wanted).map_or(Ok(wanted), Err);
    }
    let mut last = None;
    for third in 64..=255 {
        // A prefix of 24 is within bounds.
        let net = Ipv4Net::new_assert(Ipv4Addr::new(10, 213, third, 0), 24);
        match collides(net) {
            None => return Ok(net),
            collision => last = collision,
        }
    }
    // The loop runs at least once.
    Err(last.unwrap_or((Ipv4Net::default(), Taken { net: Ipv4Net::default(), by: "everything".to_owned() })))
}

/// Reads `ip -json route show table all`: each destination but the default route.
pub(super) fn parse_routes(json: &[u8]) -> Result<Vec<Taken>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Route {
        dst: String,
        #[serde(default)]
        dev: Option<String>,
        #[serde(default, rename = "type")]
        kind: Option<String>,
    }
    let routes: Vec<Route> = serde_json::from_slice(json)?;
    let taken = |route: Route| {
        if matches!(route.kind.as_deref(), Some("broadcast" | "multicast")) {
            return None;
        }
        let net = route.dst.parse().or_else(|_| route.dst.parse::<Ipv4Addr>().map(Ipv4Net::from)).ok()?;
        let by = format!("the route to {} over {}", route.dst, route.dev.as_deref().unwrap_or("no device"));
        (net != Ipv4Net::default()).then_some(Taken { net, by })
    };
    Ok(routes.into_iter().filter_map(taken).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(nets: &[&str]) -> Vec<Taken> {
        nets.iter().map(|net| Taken { net: net.parse().unwrap(), by: (*net).to_owned() }).collect()
    }

    #[test]
    fn the_first_free_network_is_picked() {
        for (in_use, expected) in [
            (&[][..], "10.213.64.0/24"),
            (&["10.213.64.0/24"], "10.213.65.0/24"),
            (&["10.213.64.128/25", "10.213.65.7/32"], "10.213.66.0/24"),
            (&["10.213.64.0/22", "10.213.68.0/23"], "10.213.70.0/24"),
            (&["10.0.0.0/16", "192.168.0.0/16"], "10.213.64.0/24"),
        ] {
            assert_eq!(pick(None, &taken(in_use)).unwrap().to_string(), expected, "{in_use:?}");
        }
    }

    #[test]
    fn a_collision_names_what_collides() {
        let (net, with) =
            pick(Some("10.1.2.0/24".parse().unwrap()), &taken(&["10.9.0.0/16", "10.0.0.0/14"])).unwrap_err();
        assert_eq!((net.to_string(), with.by), ("10.1.2.0/24".to_owned(), "10.0.0.0/14".to_owned()));
        assert_eq!(pick(None, &taken(&["10.0.0.0/8"])).unwrap_err().1.by, "10.0.0.0/8");
    }

    #[test]
    fn routes_are_read_without_the_default_route_and_ipv6() {
        let json = br#"[
            {"dst":"default","gateway":"192.0.2.1","dev":"eth0","flags":[]},
            {"dst":"192.0.2.0/24","dev":"eth0","protocol":"kernel","scope":"link","flags":[]},
            {"type":"local","dst":"192.0.2.7","dev":"eth0","table":"local","flags":[]},
            {"type":"broadcast","dst":"192.0.2.255","dev":"eth0","flags":[]},
            {"dst":"fe80::/64","dev":"eth0","flags":[]},
            {"type":"blackhole","dst":"10.213.64.0/20","flags":[]}]"#;
        let routes = parse_routes(json).unwrap();
        let seen: Vec<_> = routes.iter().map(|taken| taken.net.to_string()).collect();
        assert_eq!(seen, ["192.0.2.0/24", "192.0.2.7/32", "10.213.64.0/20"]);
        assert_eq!(routes[2].by, "the route to 10.213.64.0/20 over no device");
    }
}
