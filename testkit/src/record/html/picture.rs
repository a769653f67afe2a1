//! The topology of a cell as a picture: members, their devices and addresses, tunnels; what is wrong is marked.

use super::inline::size;
use crate::record::schema::{Cell, Endpoint, Member, Phase, Plan, Segment, Tunnel, TunnelState};

const WIDTH: i32 = 252;
const GAP: i32 = 108;
const MARGIN: i32 = 12;
const LINE: i32 = 17;
/// From the top of a card to its first line.
const HEAD: i32 = 24;
/// What the names of the networks take, where there is one member.
const NARROWEST: i32 = 440;
/// Between two buses.
const BUS: i32 = 30;

/// The picture, in pixels of its own coordinates.
pub(super) struct Picture {
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) cards: Vec<Card>,
    pub(super) arcs: Vec<Arc>,
    pub(super) buses: Vec<Bus>,
}

/// A member.
pub(super) struct Card {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) wrong: bool,
    pub(super) lines: Vec<Text>,
}

/// A line of text.
pub(super) struct Text {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) class: &'static str,
    pub(super) text: String,
}

/// The tunnels between two members, both directions.
pub(super) struct Arc {
    pub(super) path: String,
    pub(super) class: &'static str,
    pub(super) labels: Vec<Text>,
}

/// A network.
pub(super) struct Bus {
    pub(super) x1: i32,
    pub(super) x2: i32,
    pub(super) y: i32,
    pub(super) label: Text,
    pub(super) taps: Vec<Tap>,
}

/// Where a member is on a network.
pub(super) struct Tap {
    pub(super) x: i32,
    /// Where its card ends.
    pub(super) y: i32,
    /// Whether its NIC carried packets to other members, and whether those were to be there.
    pub(super) class: &'static str,
    /// How many.
    pub(super) label: Option<Text>,
}

impl Picture {
    /// The picture of a cell that has a plan.
    pub(super) fn of(cell: &Cell) -> Option<Self> {
        let plan = cell.plan.as_ref()?;
        let tunnels: &[Tunnel] = cell.network.as_ref().map_or(&[], |network| &network.tunnels);
        let count = i32::try_from(plan.members.len()).unwrap_or(i32::MAX);
        let width = (2 * MARGIN + count * WIDTH + (count - 1) * GAP).max(NARROWEST);
        let pairs = pairs(plan, tunnels);
        let labels = pairs.iter().map(|pair| pair.labels.len()).max().unwrap_or_default();
        let room = |labels: usize| i32::try_from(labels).unwrap_or_default() * 15;
        // Between the levels of arcs there is room for labels.
        let level = 26 + room(labels);
        let levels = pairs.iter().map(|pair| pair.level).max().unwrap_or_default();
        let top = MARGIN + 12 + level * levels;
        let cards: Vec<Card> = (0..)
            .zip(&plan.members)
            .map(|(n, member)| card(n, member, cell, MARGIN + n * (WIDTH + GAP), top))
            .collect();
        let height = cards.iter().map(|card| card.height).max().unwrap_or_default();
        let cards: Vec<Card> = cards.into_iter().map(|card| Card { height, ..card }).collect();
        let arcs = pairs.into_iter().map(|pair| arc(&cards, pair, level)).collect();
        let bottom = top + height;
        let bus = |(n, network): (i32, &Segment)| {
            let y = bottom + 26 + n * BUS;
            let tap = |(card, member): (&Card, &Member)| {
                let x = card.x + 24 + n * 20;
                let (class, told) = carried(cell, member, &network.device).unzip();
                let label = told.zip(class).map(|(text, class)| {
                    let class = if class == STRAY { "bad" } else { "good" };
                    Text { x: x + 6, y: y + 14, class, text }
                });
                Tap { x, y: bottom, class: class.unwrap_or_default(), label }
            };
            let text = format!("{} {}", network.name, network.ranges.join(" "));
            let label = Text { x: MARGIN + 60, y: y - 5, class: "small", text };
            Bus { x1: MARGIN, x2: width - MARGIN, y, label, taps: cards.iter().zip(&plan.members).map(tap).collect() }
        };
        let buses: Vec<Bus> = (0..).zip(&plan.networks).map(bus).collect();
        Some(Self {
            width,
            height: bottom + 26 + BUS * i32::try_from(buses.len()).unwrap_or_default(),
            title: format!("Topology of {}", cell.name),
            description: description(cell, plan, tunnels),
            cards,
            arcs,
            buses,
        })
    }
}

/// A NIC that carried packets as planned, and one that carried others.
const CARRIES: &str = "carries";
const STRAY: &str = "stray";

/// What a NIC carried to other members, with its class; `None` where it carried nothing.
fn carried(cell: &Cell, member: &Member, device: &str) -> Option<(&'static str, String)> {
    let all = || cell.network.iter().flat_map(|network| &network.carried);
    let here: Vec<_> = all().filter(|it| it.member == member.name && it.device == device).collect();
    let sum = |planned| {
        let of = here.iter().filter(move |it| it.planned == planned);
        of.fold((0, 0), |(packets, bytes), it| (packets + it.packets, bytes + it.bytes))
    };
    match (sum(true), sum(false)) {
        ((0, _), (0, _)) => None,
        ((packets, bytes), (0, _)) => Some((CARRIES, format!("{packets} packets, {}", size(bytes)))),
        (_, (packets, bytes)) => Some((STRAY, format!("✗ {packets} packets, {}, are not planned", size(bytes)))),
    }
}

/// What the picture shows, in words.
fn description(cell: &Cell, plan: &Plan, tunnels: &[Tunnel]) -> String {
    let count = |state| tunnels.iter().filter(|tunnel| tunnel.state == state).count();
    let mut words = vec![format!("{} members.", plan.members.len())];
    if cell.network.is_none() {
        words.push("Tunnels are shown as planned; the cluster was not read.".to_owned());
    } else {
        let wrong = tunnels.len() - count(TunnelState::Right);
        words.push(format!("{} tunnels as planned, {wrong} not.", count(TunnelState::Right)));
    }
    for endpoint in cell.network.iter().flat_map(|network| &network.endpoints).filter(|it| !it.as_planned) {
        let seen = endpoint.seen.as_deref().unwrap_or("nothing");
        words.push(format!("{}: tunnel endpoint wanted {}, seen {seen}.", endpoint.member, endpoint.wanted));
    }
    let stray = cell.network.iter().flat_map(|network| &network.carried).filter(|it| !it.planned);
    for it in stray {
        words.push(format!("{} {}: {} packets that are not planned.", it.member, it.device, it.packets));
    }
    words.join(" ")
}

/// A text that fits a card: its end, which tells members apart.
fn fit(text: &str, limit: usize) -> String {
    let skip = text.chars().count().saturating_sub(limit);
    if skip == 0 { text.to_owned() } else { format!("…{}", text.chars().skip(skip + 1).collect::<String>()) }
}

fn card(n: i32, member: &Member, cell: &Cell, x: i32, y: i32) -> Card {
    let mut lines: Vec<(&'static str, String)> = Vec::new();
    lines.push(("head", format!("{} · {}", n + 1, if member.bootstrap { "bootstraps" } else { "joins" })));
    lines.extend(entered(member, cell));
    lines.push(("", fit(&member.name, 31)));
    lines.push(("small", member.services.join(", ")));
    for device in &member.devices {
        for address in &device.addresses {
            lines.push(("", format!("{:4} {address}", device.name)));
        }
    }
    let seen = cell.network.as_ref().and_then(|all| all.endpoints.iter().find(|it| it.member == member.name));
    match (&member.encap, seen) {
        (None, _) => lines.push(("small", "no chassis, no tunnels".to_owned())),
        (Some(_), Some(endpoint)) if !endpoint.as_planned => lines.extend(wrong(endpoint)),
        (Some(encap), seen) => {
            let (class, mark) = if seen.is_some() { ("good", "✓ ") } else { ("small", "planned: ") };
            lines.push((class, format!("{mark}tunnels end at {}", encap.device)));
            lines.push((class, format!("  {}", encap.ip)));
        }
    }
    let tunnels = cell.network.iter().flat_map(|network| &network.tunnels);
    for extra in tunnels.filter(|it| it.from == member.name && it.state == TunnelState::Extra) {
        lines.push(("bad", format!("✗ extra tunnel to {}", extra.seen.as_deref().unwrap_or_default())));
    }
    let wrong = lines.iter().any(|(class, _)| *class == "bad");
    let height = HEAD + LINE * i32::try_from(lines.len()).unwrap_or_default() - 6;
    let text = |(n, (class, text))| Text { x: x + 12, y: y + HEAD + n * LINE, class, text };
    Card { x, y, width: WIDTH, height, wrong, lines: (0..).zip(lines).map(text).collect() }
}

/// How far a member came where the cluster was not formed. The last that began to enter is the one that did not.
fn entered(member: &Member, cell: &Cell) -> Option<(&'static str, String)> {
    cell.problem.as_ref()?;
    let tried: Vec<&str> = cell
        .stages
        .iter()
        .filter(|stage| stage.phase == Phase::Form)
        .filter_map(|stage| stage.member.as_deref())
        .collect();
    let (class, text) = match tried.iter().position(|name| *name == member.name) {
        Some(at) if at + 1 == tried.len() => ("bad", "✗ failed here"),
        Some(_) => ("good", "✓ entered"),
        None => ("small", "not reached"),
    };
    Some((class, text.to_owned()))
}

fn wrong(endpoint: &Endpoint) -> [(&'static str, String); 3] {
    let seen = endpoint.seen.as_deref().unwrap_or("nothing");
    [
        ("bad", "✗ tunnel endpoint is wrong".to_owned()),
        ("", format!("  wanted {}", endpoint.wanted)),
        ("bad", format!("  seen   {}", fit(seen, 24))),
    ]
}

/// Two members and what is between them.
struct Pair {
    low: i32,
    high: i32,
    /// How high its arc goes, from 1: no two arcs that overlap go equally high.
    level: i32,
    class: &'static str,
    labels: Vec<String>,
}

/// Every pair of members between which there is, or should be, a tunnel.
fn pairs(plan: &Plan, tunnels: &[Tunnel]) -> Vec<Pair> {
    let chassis: Vec<(i32, &Member)> = (0..).zip(&plan.members).filter(|(_, member)| member.encap.is_some()).collect();
    let mut pairs = Vec::new();
    for (at, (low, one)) in chassis.iter().enumerate() {
        for (high, other) in &chassis[at + 1..] {
            let between = |from: &Member, to: &Member| {
                tunnels.iter().find(|it| it.from == from.name && it.to.as_ref() == Some(&to.name))
            };
            let both = [(low, high, between(one, other)), (high, low, between(other, one))];
            let labels = both.iter().filter_map(|(from, to, tunnel)| label(**from + 1, **to + 1, (*tunnel)?)).collect();
            let worst = both.iter().filter_map(|(_, _, tunnel)| Some(tunnel.as_ref()?.state)).max();
            let class = match worst {
                None | Some(TunnelState::Unread) => "unread",
                Some(TunnelState::Right) => "right",
                Some(_) => "wrong",
            };
            pairs.push(Pair { low: *low, high: *high, level: 0, class, labels });
        }
    }
    // The shorter are the lower.
    pairs.sort_by_key(|pair| pair.high - pair.low);
    for at in 0..pairs.len() {
        let (placed, rest) = pairs.split_at_mut(at);
        let pair = &mut rest[0];
        let taken = |level| placed.iter().any(|it| it.level == level && it.low.max(pair.low) < it.high.min(pair.high));
        pair.level = (1..).find(|level| !taken(*level)).unwrap_or(1);
    }
    pairs
}

/// What is wrong with a tunnel.
fn label(from: i32, to: i32, tunnel: &Tunnel) -> Option<String> {
    let seen = tunnel.seen.as_deref().unwrap_or_default();
    match tunnel.state {
        TunnelState::Right => None,
        TunnelState::Unread => Some(format!("? {from}→{to} not read")),
        TunnelState::Missing => Some(format!("✗ {from}→{to} missing")),
        TunnelState::Wrong | TunnelState::Extra => Some(format!("✗ {from}→{to} ends at {}", fit(seen, 24))),
    }
}

fn arc(cards: &[Card], pair: Pair, level: i32) -> Arc {
    let card = |n: i32| &cards[usize::try_from(n).unwrap_or_default()];
    let span = pair.high - pair.low;
    // Arcs leave a card beside each other, those to the left on its left half, and the longer ones nearer to its middle,
    // so that they do not cross.
    let aside = 12 + 24 * (i32::try_from(cards.len()).unwrap_or_default() - 1 - span);
    let from = card(pair.low).x + WIDTH / 2 + aside;
    let to = card(pair.high).x + WIDTH / 2 - aside;
    let y = card(pair.low).y;
    let apex = y - level * pair.level;
    let middle = i32::midpoint(from, to);
    let text = |(n, text): (i32, String)| {
        let class = if pair.class == "unread" { "middle small" } else { "middle bad" };
        Text { x: middle, y: apex + 15 * (n + 1) - 1, class, text }
    };
    let path = format!(
        "M{from} {y} V{} Q{from} {apex} {} {apex} H{} Q{to} {apex} {to} {} V{y}",
        apex + 10,
        from + 10,
        to - 10,
        apex + 10
    );
    Arc { path, class: pair.class, labels: (0..).zip(pair.labels).map(text).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::schema::Encap;

    #[test]
    fn arcs_that_overlap_are_on_levels_of_their_own() {
        let member = |n: i32| Member {
            name: n.to_string(),
            hostname: n.to_string(),
            instance: None,
            bootstrap: n == 1,
            address: String::new(),
            services: Vec::new(),
            devices: Vec::new(),
            encap: Some(Encap { ip: String::new(), device: String::new(), custom: false }),
        };
        let plan = Plan {
            formation: String::new(),
            networks: Vec::new(),
            needs: Vec::new(),
            user_ca: None,
            members: (1..=4).map(member).collect(),
        };
        let pairs = pairs(&plan, &[]);
        let levels: Vec<_> = pairs.iter().map(|pair| (pair.low, pair.high, pair.level)).collect();
        assert_eq!(levels, [(0, 1, 1), (1, 2, 1), (2, 3, 1), (0, 2, 2), (1, 3, 3), (0, 3, 4)]);
    }
}
