//! What became of packets that were sent all the time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// How many seconds pass between packets to one address, as the script has it.
const EVERY: f64 = 0.1;

/// What became of echo requests that were sent to one address, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    /// How many were sent and answered, or given up.
    pub sent: u32,
    /// How many were not answered.
    pub lost: u32,
    /// How many of those one after the other, at the most.
    pub row: u32,
    /// The longest time between two answers, or to the first from when sending began, or from the last, in milliseconds.
    pub gap_ms: u64,
}

/// Reads what fping says of each packet (`-l -D`), by address: `[1732908059.12345] 198.19.1.2 : [7], 64 bytes, 0.42 ms (…)`, or that
/// it timed out, which it does not say of each. Other lines are of what came twice or late, and count for nothing.
pub fn heard(text: &str) -> BTreeMap<IpAddr, Heard> {
    let lines: Vec<Line> = text.lines().filter_map(Line::parse).collect();
    let begun = lines.iter().map(Line::begun).fold(f64::INFINITY, f64::min);
    let Some(last) = lines.last() else { return BTreeMap::new() };
    let mut all: BTreeMap<IpAddr, Vec<&Line>> = BTreeMap::new();
    for line in &lines {
        all.entry(line.address).or_default().push(line);
    }
    let sum = |(address, lines): (IpAddr, Vec<&Line>)| {
        let answers = || lines.iter().filter(|line| line.answered);
        let moments = || answers().map(|line| line.at);
        let gaps = std::iter::once(begun).chain(moments()).zip(moments().chain([last.at]));
        let longest = gaps.map(|(from, to)| to - from).fold(0.0, f64::max);
        // What was sent behind the last answer, and is not given up, may be on its way.
        let behind = answers().map(|line| line.number + 1).max().unwrap_or(0);
        let given_up = lines.iter().filter(|line| !line.answered && line.number >= behind).count();
        let sent = behind + u32::try_from(given_up).unwrap_or(u32::MAX);
        let lost = sent.saturating_sub(u32::try_from(answers().count()).unwrap_or(u32::MAX));
        let heard: BTreeSet<u32> = answers().map(|line| line.number).collect();
        let (mut row, mut longest_row) = (0, 0);
        for number in 0..sent {
            row = if heard.contains(&number) { 0 } else { row + 1 };
            longest_row = longest_row.max(row);
        }
        (address, Heard { sent, lost, row: longest_row, gap_ms: (longest * 1000.0).round() as u64 })
    };
    all.into_iter().map(sum).collect()
}

/// What is said of one packet.
struct Line {
    /// When, in seconds.
    at: f64,
    /// Whom it was sent to.
    address: IpAddr,
    /// The how manieth it is, counted from 0.
    number: u32,
    /// Whether it was answered.
    answered: bool,
}

impl Line {
    /// When the first packet was sent to who this one was sent to, at the latest.
    fn begun(&self) -> f64 {
        self.at - f64::from(self.number) * EVERY
    }

    fn parse(text: &str) -> Option<Self> {
        let (at, rest) = text.strip_prefix('[')?.split_once("] ")?;
        let (address, rest) = rest.split_once(" : [")?;
        let (number, said) = rest.split_once("], ")?;
        let answered = match said {
            _ if said.starts_with("timed out") => false,
            _ if said.contains(" bytes, ") => true,
            _ => return None,
        };
        let (at, address, number) = (at.parse().ok()?, address.trim_end().parse().ok()?, number.parse().ok()?);
        Some(Self { at, address, number, answered })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_answered_and_lost_is_counted_with_the_longest_gap() {
        let text = "[1732908059.00000] 198.19.1.2 : [0], 64 bytes, 0.42 ms (0.42 avg, 0% loss)\n\
                    [1732908059.10000] fd42:6f76:1::2 : [0], 64 bytes, 0.50 ms (0.50 avg, 0% loss)\n\
                    [1732908061.20000] 198.19.1.2 : [1], timed out (0.42 avg, 50% loss)\n\
                    [1732908061.20000] 198.19.1.2 : duplicate for [0], 64 bytes, 3.2 ms\n\
                    [1732908061.50000] 198.19.1.2 : [4], 64 bytes, 0.42 ms (0.42 avg, 33% loss)\n\
                    [1732908061.60000] 198.19.1.2 : [5], 64 bytes, 0.42 ms (0.42 avg, 25% loss)\n";
        let heard = heard(text);
        let of = |address: &str| heard[&address.parse::<IpAddr>().expect("an address")];
        // Of [2] and [3] nothing is said.
        assert_eq!(of("198.19.1.2"), Heard { sent: 6, lost: 3, row: 3, gap_ms: 2500 });
        assert_eq!(
            of("fd42:6f76:1::2"),
            Heard { sent: 1, lost: 0, row: 0, gap_ms: 2500 },
            "nothing was heard from then on"
        );
        assert!(super::heard("no route\n").is_empty());
        let silent = "[1.0] 198.19.1.2 : [0], timed out\n[1.1] 198.19.1.2 : [1], timed out\n";
        assert_eq!(super::heard(silent).values().next(), Some(&Heard { sent: 2, lost: 2, row: 2, gap_ms: 100 }));
        let late = "[9.0] 198.19.1.2 : [30], 64 bytes, 0.42 ms (0.42 avg, 99% loss)\n";
        assert_eq!(super::heard(late).values().next(), Some(&Heard { sent: 31, lost: 30, row: 30, gap_ms: 3000 }));
    }
}
