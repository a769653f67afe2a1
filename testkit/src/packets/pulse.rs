//! What became of packets that were sent all the time.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// What became of echo requests that were sent to one address, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    /// How many were sent and answered, or given up.
    pub sent: u32,
    /// How many were not answered.
    pub lost: u32,
    /// The longest time between two answers, or to the first or from the last, in milliseconds.
    pub gap_ms: u64,
}

/// Reads what fping says of each packet (`-l -D`), by address: `[1732908059.12345] 198.19.1.2 : [7], 64 bytes, 0.42 ms (…)`. Other
/// lines are of what came twice or late, and count for nothing.
pub fn heard(text: &str) -> BTreeMap<IpAddr, Heard> {
    let lines: Vec<(f64, IpAddr, bool)> = text.lines().filter_map(line).collect();
    let (Some((first, ..)), Some((last, ..))) = (lines.first(), lines.last()) else { return BTreeMap::new() };
    let mut all: BTreeMap<IpAddr, (Heard, f64)> = BTreeMap::new();
    for (at, address, answered) in &lines {
        let (heard, since) = all.entry(*address).or_insert_with(|| (Heard::default(), *first));
        heard.sent += 1;
        if *answered {
            heard.lasts(*since, *at);
            *since = *at;
        } else {
            heard.lost += 1;
        }
    }
    let ended = |(address, (mut heard, since)): (IpAddr, (Heard, f64))| {
        heard.lasts(since, *last);
        (address, heard)
    };
    all.into_iter().map(ended).collect()
}

impl Heard {
    /// Nothing was heard between these two moments, in seconds.
    fn lasts(&mut self, from: f64, to: f64) {
        let gap = std::time::Duration::try_from_secs_f64(to - from).unwrap_or_default();
        self.gap_ms = self.gap_ms.max(u64::try_from(gap.as_millis()).unwrap_or(u64::MAX));
    }
}

/// When it was said, of whom, and whether that answered.
fn line(text: &str) -> Option<(f64, IpAddr, bool)> {
    let (at, rest) = text.strip_prefix('[')?.split_once("] ")?;
    let (address, rest) = rest.split_once(" : [")?;
    let (_, said) = rest.split_once("], ")?;
    let answered = match said {
        _ if said.starts_with("timed out") => false,
        _ if said.contains(" bytes, ") => true,
        _ => return None,
    };
    Some((at.parse().ok()?, address.trim_end().parse().ok()?, answered))
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
        assert_eq!(of("198.19.1.2"), Heard { sent: 4, lost: 1, gap_ms: 2500 });
        assert_eq!(of("fd42:6f76:1::2"), Heard { sent: 1, lost: 0, gap_ms: 2500 }, "nothing was heard from then on");
        assert!(super::heard("no route\n").is_empty());
    }
}
