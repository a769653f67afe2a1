//! What is observed for as long as a step lasts.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Act, What};
use crate::plan::{Datapath, Member, OUTSIDE, Overlay, Place, Process, State, Turnover};

/// How long nothing may be heard where a switch or what tells it where to send starts again, in milliseconds: seen are up to
/// six seconds on a host that has other work.
const RESTART_MS: u64 = 20_000;
/// How long nothing may be heard from outside where the router's gateway moves, in milliseconds: members miss three words of each
/// other, a second apart, before one takes over (Open vSwitch, `bfd:min_rx`; OVN's `bfd-mult`), and the Southbound is told.
const FAILOVER_MS: u64 = 15_000;

/// Something that is observed from the first act of a step until the cluster has settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watch {
    /// The Southbound answers on this member; at most so many milliseconds pass between two answers.
    Southbound {
        /// The member that asks.
        on: String,
        /// The longest time without an answer, in milliseconds.
        gap_ms: u64,
    },
    /// Packets that are sent from this member's endpoint are answered.
    Packets {
        /// The member that sends.
        on: String,
        /// The network that it sends on.
        from: Overlay,
        /// Whom it sends to, with the addresses of both families.
        to: BTreeMap<String, [IpAddr; 2]>,
        /// What may be lost.
        bound: Bound,
    },
}

/// What may be lost of packets that are sent all the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Nothing.
    Nothing,
    /// A few: a switch that carries packets itself has no room for some where its host gives it no time. What is interrupted loses
    /// more in a row.
    Few,
    /// All for so many milliseconds.
    Gap(u64),
}

/// Where a few packets may be lost: one in so many, and so many in a row, which is half a second.
const OF_FEW: u32 = 20;
const ROW: u32 = 5;

/// What was seen of a watch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// What was watched.
    pub watch: Watch,
    /// How often it was looked at, or how many packets were sent.
    pub looks: u32,
    /// How many packets were lost.
    #[serde(default)]
    pub lost: u32,
    /// How many of those to one address were sent one after the other, at the most.
    #[serde(default)]
    pub row: u32,
    /// The longest time without an answer, in milliseconds.
    pub gap_ms: u64,
    /// What was said in it, if anything.
    pub said: Option<String>,
}

impl Watch {
    /// The packets to be watched while these acts make one state of another: those between all who send each other some before and
    /// after, and those that they send out.
    pub(super) fn of_packets(before: &State, after: &State, acts: &[Act]) -> Vec<Self> {
        let from = Overlay::ROUTED;
        let stays = |member: &&Member| after.talkers().any(|it| it.name == member.name) && !acts.stills(&member.name);
        let talk: Vec<&Member> = before.talkers().filter(stays).collect();
        let mut watches = Vec::new();
        if talk.len() < 2 {
            // Who is heard by nobody takes itself for cut off, and lets the gateway go (ovn-controller, `ha_chassis_group_is_active`).
            return watches;
        }
        for member in &talk {
            let mut all: BTreeMap<Bound, BTreeMap<String, [IpAddr; 2]>> = BTreeMap::new();
            let own = disturbance(before, after, member);
            let addresses = |place: Place| [false, true].map(|ipv6| place.address(ipv6));
            for peer in talk.iter().filter(|peer| peer.name != member.name) {
                let place = before.endpoints(peer)[from as usize].place;
                let bound = own.max(disturbance(before, after, peer));
                all.entry(bound).or_default().insert(peer.name.clone(), addresses(place));
            }
            if let (Some(was), Some(is)) = (before.gateway(), after.gateway())
                && was.talks
                && is.talks
            {
                let moves = was.name != is.name || acts.stills(&is.name);
                let bound =
                    own.max(disturbance(before, after, is)).max(if moves { Bound::Gap(FAILOVER_MS) } else { own });
                all.entry(bound).or_default().insert(OUTSIDE.to_owned(), addresses(Place::OUTSIDE));
            }
            let on = |(bound, to)| Self::Packets { on: member.name.clone(), from, to, bound };
            watches.extend(all.into_iter().map(on));
        }
        watches
    }

    /// The member that it is watched on.
    pub fn on(&self) -> &str {
        match self {
            Self::Southbound { on, .. } | Self::Packets { on, .. } => on,
        }
    }
}

trait Stills {
    /// Whether any of them has the instance of a member stand still, or start.
    fn stills(&self, member: &str) -> bool;
}

impl Stills for [Act] {
    fn stills(&self, member: &str) -> bool {
        self.iter().any(|act| match &act.what {
            What::Stop | What::CutPower | What::Start | What::Freeze | What::Thaw => act.on == member,
            What::Reboot { with } => act.on == member || with.iter().any(|it| it == member),
            _ => false,
        })
    }
}

/// What may be lost of a member's packets: all for a while, where what carries them is new.
fn disturbance(before: &State, after: &State, member: &Member) -> Bound {
    let starts = |process| {
        let turnover = after.since.as_ref().map(|changes| changes.of_process(&member.name, process));
        turnover.is_some_and(|turnover| turnover != Turnover::Same)
    };
    let carriers = [Process::Switch, Process::SwitchDatabase, Process::Controller];
    let moves = before.find(&member.name).map(|it| &it.encap) != after.find(&member.name).map(|it| &it.encap);
    match after.datapath {
        _ if moves || carriers.into_iter().any(starts) => Bound::Gap(RESTART_MS),
        Some(Datapath::Userspace) => Bound::Few,
        _ => Bound::Nothing,
    }
}

impl Watched {
    /// How it is not as wanted; `None` where it is.
    pub fn differs(&self) -> Option<String> {
        let Self { looks, lost, row, gap_ms: gap, .. } = self;
        match &self.watch {
            _ if *looks == 0 => Some("it was never looked at".to_owned()),
            Watch::Southbound { gap_ms: most, .. } => {
                (gap > most).then(|| format!("{gap} ms without an answer, of at most {most}"))
            }
            Watch::Packets { bound, .. } => {
                let (wrong, wanted) = match bound {
                    Bound::Nothing => (*lost > 0, "none".to_owned()),
                    Bound::Few => {
                        (*row > ROW || lost * OF_FEW > *looks, format!("one in {OF_FEW}, and {ROW} in a row"))
                    }
                    Bound::Gap(most) => (gap > most, format!("those of {most} ms")),
                };
                let seen = format!("{lost} of {looks} packets lost, {row} in a row, {gap} ms without an answer");
                wrong.then(|| format!("{seen}; of {wanted} at most"))
            }
        }
    }
}

impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Southbound { on, gap_ms } => {
                write!(f, "{on}: the Southbound answers, with gaps of at most {gap_ms} ms")
            }
            Self::Packets { on, from, to, bound } => {
                let to: Vec<&str> = to.keys().map(String::as_str).collect();
                write!(f, "{on}: packets from {from} are answered by {}", to.join(", "))?;
                match bound {
                    Bound::Gap(gap_ms) => write!(f, ", with gaps of at most {gap_ms} ms"),
                    Bound::Few => f.write_str(", and few are lost"),
                    Bound::Nothing => f.write_str(", and none is lost"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Changes, Outline, Plan, Presence, Segments};

    fn laid() -> State {
        let cell = crate::matrix::Cell::new(&[], &[]).expect("a cell").id().clone();
        let mut state = Plan::outlined(cell, Outline::default(), Segments::documentation()).state;
        state.lay_traffic();
        state.since = Some(Changes::default());
        state
    }

    /// Who is watched on whom, and the bound.
    fn watched(before: &State, after: &State, acts: &[Act]) -> Vec<String> {
        let number = |state: &State, name: &str| match state.members.iter().position(|it| it.name == name) {
            Some(at) => (at + 1).to_string(),
            None => name.to_owned(),
        };
        let told = |watch: &Watch| match watch {
            Watch::Packets { on, to, bound, .. } => {
                let to: Vec<String> = to.keys().map(|name| number(before, name)).collect();
                let bound = match bound {
                    Bound::Gap(most) => most.to_string(),
                    other => format!("{other:?}").to_lowercase(),
                };
                format!("{} to {}: {bound}", number(before, on), to.join("+"))
            }
            other => other.to_string(),
        };
        Watch::of_packets(before, after, acts).iter().map(told).collect()
    }

    #[test]
    fn all_pairs_and_what_is_outside_are_watched_and_none_is_lost() {
        let state = laid();
        assert_eq!(
            watched(&state, &state, &[]),
            ["1 to 2+3+outside: nothing", "2 to 1+3+outside: nothing", "3 to 1+2+outside: nothing"]
        );
        let mut without = state.clone();
        without.members.iter_mut().for_each(|it| it.talks = false);
        assert_eq!(watched(&without, &state, &[]), [""; 0], "endpoints are only being made");
    }

    #[test]
    fn who_restarts_a_switch_may_be_silent_and_who_boots_is_not_watched() {
        let before = laid();
        let mut after = before.clone();
        let second = after.members[1].name.clone();
        after.since.as_mut().expect("changes").process(&second, Process::Switch, Turnover::Fresh);
        let wanted = [
            "1 to 3+outside: nothing",
            "1 to 2: 20000",
            "2 to 1+3+outside: 20000",
            "3 to 1+outside: nothing",
            "3 to 2: 20000",
        ];
        assert_eq!(watched(&before, &after, &[]), wanted);
        let acts = [Act::of(&second, What::Reboot { with: Vec::new() })];
        assert_eq!(watched(&before, &after, &acts), ["1 to 3+outside: nothing", "3 to 1+outside: nothing"]);
    }

    #[test]
    fn where_the_gateway_moves_what_is_outside_may_be_silent() {
        let before = laid();
        let mut after = before.clone();
        after.members[0].presence = Presence::Left;
        assert_eq!(
            watched(&before, &after, &[]),
            ["2 to 3: nothing", "2 to outside: 15000", "3 to 2: nothing", "3 to outside: 15000"]
        );
    }

    #[test]
    fn who_is_left_alone_is_not_watched() {
        let before = laid();
        let mut after = before.clone();
        after.members[0].presence = Presence::Left;
        after.members[1].presence = Presence::Left;
        assert_eq!(watched(&before, &after, &[]), [""; 0]);
    }

    #[test]
    fn a_gap_that_is_too_long_is_told_and_so_is_a_watch_that_never_looked() {
        let watch = Watch::Southbound { on: "m".to_owned(), gap_ms: 1_000 };
        let seen =
            |looks, gap_ms| Watched { watch: watch.clone(), looks, lost: 0, row: 0, gap_ms, said: None }.differs();
        assert_eq!(seen(9, 1_000), None);
        assert!(seen(9, 1_001).is_some_and(|told| told.contains("1001 ms")));
        assert!(seen(0, 0).is_some_and(|told| told.contains("never")));
    }

    #[test]
    fn what_is_lost_is_told_where_it_may_not_be() {
        let watch = |bound| Watch::Packets { on: "m".to_owned(), from: Overlay::Red, to: BTreeMap::new(), bound };
        let seen = |bound, lost, row, gap_ms| {
            Watched { watch: watch(bound), looks: 100, lost, row, gap_ms, said: None }.differs()
        };
        assert_eq!((seen(Bound::Nothing, 0, 0, 5_000), seen(Bound::Gap(1_000), 50, 50, 1_000)), (None, None));
        assert!(seen(Bound::Nothing, 1, 1, 200).is_some_and(|told| told.starts_with("1 of 100 packets lost")));
        assert!(seen(Bound::Gap(1_000), 5, 5, 1_001).is_some_and(|told| told.contains("1001 ms")));
        assert_eq!(seen(Bound::Few, 5, 5, 200), None);
        assert!(seen(Bound::Few, 5, 6, 200).is_some_and(|told| told.contains("6 in a row")));
        assert!(seen(Bound::Few, 6, 1, 200).is_some_and(|told| told.contains("one in 20")));
    }

    #[test]
    fn a_few_packets_may_be_lost_by_a_switch_that_carries_them_itself() {
        let state = State { datapath: Some(Datapath::Userspace), ..laid() };
        assert_eq!(watched(&state, &state, &[])[0], "1 to 2+3+outside: few");
    }
}
