//! What a storm came to, for people and for programs.

use comfy_table::Table;
use serde::Serialize;

use super::{Attack, Blow};
use crate::paper::Paper;

/// All of it.
#[derive(Debug, Serialize)]
pub(super) struct Tally {
    /// How many runs were attacked.
    runs: usize,
    /// Those of them, and of runs that were over before, that something stayed of.
    leaks: Vec<Leak>,
    /// Whether an instance and a bridge that look like the framework's and carry no tag are still there.
    untagged_untouched: bool,
    attacks: Vec<Row>,
}

/// A run that something stayed of.
#[derive(Debug, Serialize)]
struct Leak {
    attack: String,
    /// When it was attacked, in milliseconds after its beginning.
    moment_ms: u64,
    /// What stayed.
    left: String,
}

/// All runs that were attacked in one way.
#[derive(Debug, Serialize)]
struct Row {
    attack: String,
    runs: usize,
    leaks: usize,
    /// The first and the last moment it came at; absent, like the next, where it never came.
    first_moment_ms: Option<u64>,
    last_moment_ms: Option<u64>,
    /// How long it took until nothing was left.
    cleared_median_ms: Option<u64>,
    cleared_longest_ms: Option<u64>,
}

impl Row {
    fn of(attack: Attack, blows: &[Blow]) -> Self {
        let own: Vec<&Blow> = blows.iter().filter(|blow| blow.attack == attack && !blow.late).collect();
        let mut cleared: Vec<u64> = own.iter().map(|blow| blow.cleared).collect();
        cleared.sort_unstable();
        Self {
            attack: attack.to_string(),
            runs: own.len(),
            leaks: own.iter().filter(|blow| blow.leak.is_some()).count(),
            first_moment_ms: own.iter().map(|blow| blow.moment).min(),
            last_moment_ms: own.iter().map(|blow| blow.moment).max(),
            cleared_median_ms: cleared.get(cleared.len().saturating_sub(1) / 2).copied(),
            cleared_longest_ms: cleared.last().copied(),
        }
    }
}

impl Tally {
    pub(super) fn of(blows: &[Blow], attacks: &[Attack], untagged_untouched: bool) -> Self {
        let leak = |blow: &Blow| {
            let left = blow.leak.clone()?;
            Some(Leak { attack: blow.attack.to_string(), moment_ms: blow.moment, left })
        };
        Self {
            runs: blows.iter().filter(|blow| !blow.late).count(),
            leaks: blows.iter().filter_map(leak).collect(),
            untagged_untouched,
            attacks: attacks.iter().map(|attack| Row::of(*attack, blows)).collect(),
        }
    }

    /// Whether nothing stayed, and nothing else went.
    pub(super) fn is_good(&self) -> bool {
        self.leaks.is_empty() && self.untagged_untouched
    }

    pub(super) fn paper(&self) -> Paper {
        let mut table = Table::new();
        table.set_header(["attack", "runs", "leaks", "moments s", "median until clear s", "longest s"]);
        let seconds =
            |ms: Option<u64>| ms.map_or_else(|| "-".to_owned(), |ms| format!("{}.{}", ms / 1000, ms % 1000 / 100));
        table.add_rows(self.attacks.iter().map(|row| {
            [
                row.attack.clone(),
                row.runs.to_string(),
                row.leaks.to_string(),
                format!("{}-{}", seconds(row.first_moment_ms), seconds(row.last_moment_ms)),
                seconds(row.cleared_median_ms),
                seconds(row.cleared_longest_ms),
            ]
        }));
        let mut paper = Paper::default();
        paper.table(table);
        paper.text(format!(
            "{} runs attacked, {} leaks; an instance and a bridge that look alike and carry no tag are {}.",
            self.runs,
            self.leaks.len(),
            if self.untagged_untouched { "untouched" } else { "GONE" }
        ));
        paper
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn blow(attack: Attack, moment: u64, late: bool, cleared: u64, leak: Option<&str>) -> Blow {
        Blow { attack, moment, late, cleared, leak: leak.map(str::to_owned) }
    }

    fn tally() -> Tally {
        let blows = [
            blow(Attack::Test, 1200, false, 5300, None),
            blow(Attack::Test, 40, false, 900, Some("lock a")),
            blow(Attack::Test, 7000, false, 1100, None),
            blow(Attack::Test, 9000, true, 10, Some("process 7")),
        ];
        Tally::of(&blows, &[Attack::Test, Attack::Lxd], true)
    }

    #[test]
    fn programs_get_every_attack_and_every_leak() {
        expect![[r#"
            {
              "runs": 3,
              "leaks": [
                {
                  "attack": "SIGKILL to a test",
                  "moment_ms": 40,
                  "left": "lock a"
                },
                {
                  "attack": "SIGKILL to a test",
                  "moment_ms": 9000,
                  "left": "process 7"
                }
              ],
              "untagged_untouched": true,
              "attacks": [
                {
                  "attack": "SIGKILL to a test",
                  "runs": 3,
                  "leaks": 1,
                  "first_moment_ms": 40,
                  "last_moment_ms": 7000,
                  "cleared_median_ms": 1100,
                  "cleared_longest_ms": 5300
                },
                {
                  "attack": "SIGKILL to LXD, restart",
                  "runs": 0,
                  "leaks": 0,
                  "first_moment_ms": null,
                  "last_moment_ms": null,
                  "cleared_median_ms": null,
                  "cleared_longest_ms": null
                }
              ]
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&tally()).expect("JSON"));
    }

    #[test]
    fn a_storm_is_good_where_nothing_stayed_and_nothing_else_went() {
        assert!(!tally().is_good());
        let clear = |untouched| Tally::of(&[blow(Attack::Test, 1, false, 1, None)], &[Attack::Test], untouched);
        assert!(clear(true).is_good() && !clear(false).is_good());
    }
}
