//! Which stage each moment belongs to.
//!
//! Stages run side by side: members boot while the first of them is bootstrapped. So that no second counts twice and
//! none is lost, each moment belongs to the one stage that the suite was really waiting for then.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::{Owner, Stage, Work};

/// A stretch of time that belongs to one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What was done.
    pub work: Work,
    /// Whose time it is.
    pub owner: Owner,
    /// Its begin, in milliseconds since 1970.
    pub from: i64,
    /// Its end.
    pub to: i64,
}

/// A stage with all the time that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// The stage; those of checks that judge an observation are one.
    pub name: String,
    /// Whose time it is.
    pub owner: Owner,
    /// How much, in milliseconds.
    pub ms: u64,
}

/// What the processes of one suite noted.
#[derive(Debug, Clone)]
pub struct SuiteTimes {
    /// The suite.
    pub name: String,
    /// Its stages.
    pub stages: Vec<Stage>,
    /// When its first check began.
    pub began: Timestamp,
    /// When its last check ended.
    pub ended: Timestamp,
}

/// Divides the time from `from` to `to` among spans, each its begin, its end and its rank: a moment belongs to the span
/// with the lowest rank of those that cover it, by its index, and to none where there is none. Returns pieces in order
/// and without gaps, each with its begin and end.
pub fn divide<R: Ord>(from: i64, to: i64, spans: &[(i64, i64, R)]) -> Vec<(Option<usize>, i64, i64)> {
    let inside = |moment: &i64| (from..=to).contains(moment);
    let mut borders: BTreeSet<i64> = spans.iter().flat_map(|(begin, end, _)| [*begin, *end]).filter(inside).collect();
    borders.extend([from, to]);
    let borders: Vec<i64> = borders.into_iter().collect();
    let mut pieces: Vec<(Option<usize>, i64, i64)> = Vec::new();
    for pair in borders.windows(2) {
        let &[begin, end] = pair else { continue };
        let covering = spans.iter().enumerate().filter(|(_, span)| span.0 <= begin && end <= span.1);
        let owner = covering.min_by_key(|(_, span)| &span.2).map(|(index, _)| index);
        match pieces.last_mut() {
            Some(last) if last.0 == owner => last.2 = end,
            _ => pieces.push((owner, begin, end)),
        }
    }
    pieces
}

/// The begin and end of a stage, in milliseconds since 1970.
fn interval(stage: &Stage) -> (i64, i64) {
    let from = stage.at.as_millisecond();
    (from, from.saturating_add_unsigned(stage.ms))
}

/// Who a moment belongs to when stages overlap. While the product is at work, or is waited for, nothing beside it
/// holds the suite up; a boot holds it up although the framework does something meanwhile; and a wait is what it is
/// only where nothing is seen of what it waits for. Of equals the one that began first: members are needed in order.
fn rank(stage: &Stage) -> (u8, i64) {
    let class = match (&stage.work, stage.owner) {
        (Work::HandOver, _) => 4,
        (Work::Queue | Work::Turn | Work::WaitForMember, _) => 3,
        (_, Owner::Framework) => 2,
        (_, Owner::Lxd) => 1,
        (_, Owner::Product) => 0,
    };
    (class, interval(stage).0)
}

/// What each moment from `from` to `to` belongs to.
fn path(stages: &[Stage], from: i64, to: i64) -> Vec<Piece> {
    let spans: Vec<_> = stages.iter().map(|stage| (interval(stage).0, interval(stage).1, rank(stage))).collect();
    let piece = |(index, from, to): (Option<usize>, i64, i64)| match index.map(|index| &stages[index]) {
        Some(stage) => Piece { work: stage.work.clone(), owner: stage.owner, from, to },
        None => Piece { work: Work::Unaccounted, owner: Owner::Framework, from, to },
    };
    divide(from, to, &spans).into_iter().map(piece).collect()
}

/// What each moment from the first of these stages to the last belongs to.
pub fn path_of(stages: &[Stage]) -> Vec<Piece> {
    let from = stages.iter().map(|stage| interval(stage).0).min().unwrap_or_default();
    let to = stages.iter().map(|stage| interval(stage).1).max().unwrap_or_default();
    path(stages, from, to)
}

impl SuiteTimes {
    /// What each moment belongs to, from the start of the runner to the end of the suite's last check. `first` is when
    /// the first check of any suite of the run began.
    pub fn path(&self, runner: Timestamp, first: Timestamp) -> Vec<Piece> {
        let (start, began, ended) = (runner.as_millisecond(), self.began.as_millisecond(), self.ended.as_millisecond());
        let first = first.as_millisecond().min(began);
        let mut stages = self.stages.clone();
        let mut add = |work: Work, from: i64, to: i64| {
            let ms = u64::try_from(to - from).unwrap_or_default();
            let at = Timestamp::from_millisecond(from).unwrap_or_default();
            stages.push(Stage { work, owner: Owner::Framework, at, ms });
        };
        add(Work::StartRunner, start, first);
        add(Work::Queue, first, began);
        if let Some(formed) = self.formed() {
            add(Work::HandOver, formed, ended);
        }
        path(&stages, start, ended)
    }

    /// When its cluster was formed and had settled, or failed to; `None` where nothing was noted.
    pub fn formed(&self) -> Option<i64> {
        self.stages.iter().filter(|stage| !stage.work.is_check()).map(|stage| interval(stage).1).max()
    }

    /// Milliseconds from the settled cluster to the end of the last check.
    pub fn judged(&self) -> u64 {
        let formed = self.formed().unwrap_or_else(|| self.ended.as_millisecond());
        u64::try_from(self.ended.as_millisecond() - formed).unwrap_or_default()
    }

    /// Milliseconds from its turn until MicroOVN answered on every member.
    pub fn booted(&self) -> u64 {
        let boots = self.stages.iter().filter(|stage| matches!(stage.work, Work::Boot(_)));
        let last = boots.map(|stage| interval(stage).1).max();
        let turn = self.turn().map(|turn| turn.1);
        last.zip(turn).map_or(0, |(last, turn)| u64::try_from(last - turn).unwrap_or_default())
    }

    /// From when to when it waited for its turn.
    fn turn(&self) -> Option<(i64, i64)> {
        self.stages.iter().find(|stage| stage.work == Work::Turn).map(interval)
    }
}

/// What a run was waiting for, from the start of its runner to its end: the path of the suite that ended last, and
/// where that waited for its turn or for the runner, the path of the suite that gave it its place, and so on back to the
/// start.
pub fn critical_path(suites: &[SuiteTimes], started: Timestamp, ended: Timestamp) -> Vec<Piece> {
    let (started_ms, ended_ms) = (started.as_millisecond(), ended.as_millisecond());
    let first = first_began(suites).unwrap_or(started);
    let mut left: Vec<&SuiteTimes> = suites.iter().collect();
    let mut next = (0..left.len()).max_by_key(|index| left[*index].ended);
    let mut until = next.map_or(started_ms, |last| left[last].ended.as_millisecond());
    let mut backwards = vec![Piece { work: Work::EndRunner, owner: Owner::Framework, from: until, to: ended_ms }];
    while let Some(index) = next {
        let suite = left.swap_remove(index);
        // Whoever was done with its cluster last, before this one had its turn, made room for it; or whoever was done
        // with its checks last, before this one had its first.
        let of_turn = suite.turn().and_then(|waited| last_within(&left, waited, SuiteTimes::formed));
        let queued = (first.as_millisecond(), suite.began.as_millisecond());
        let room = of_turn.or_else(|| last_within(&left, queued, |suite| Some(suite.ended.as_millisecond())));
        next = room.map(|(index, _)| index);
        let from = room.map_or(started_ms, |(_, at)| at);
        let own = suite.path(started, first).into_iter().rev().filter_map(|piece| {
            let (from, to) = (piece.from.max(from), piece.to.min(until));
            (from < to).then_some(Piece { from, to, ..piece })
        });
        backwards.extend(own);
        until = from;
    }
    backwards.reverse();
    backwards
}

/// When the first check of any of these suites began.
pub fn first_began(suites: &[SuiteTimes]) -> Option<Timestamp> {
    suites.iter().map(|suite| suite.began).min()
}

/// Which suite came last to `moment` after `from` and until `to`, by its index, and when.
fn last_within(
    suites: &[&SuiteTimes],
    (from, to): (i64, i64),
    moment: impl Fn(&SuiteTimes) -> Option<i64>,
) -> Option<(usize, i64)> {
    let moments = suites.iter().enumerate().filter_map(|(index, suite)| Some((index, moment(suite)?)));
    moments.filter(|(_, at)| (from + 1..=to).contains(at)).max_by_key(|(_, at)| *at)
}

/// The time of each stage, in the order in which they first come.
pub fn sum(pieces: &[Piece]) -> Vec<Spent> {
    let mut sums: Vec<Spent> = Vec::new();
    for piece in pieces {
        let pure = piece.owner == Owner::Framework && piece.work.is_check();
        // A dozen rows that say "nothing" hide those that say something.
        let name = if pure { "pure checks".to_owned() } else { piece.work.to_string() };
        let ms = u64::try_from(piece.to - piece.from).unwrap_or_default();
        match sums.iter_mut().find(|spent| spent.name == name) {
            Some(spent) => spent.ms += ms,
            None => sums.push(Spent { name, owner: piece.owner, ms }),
        }
    }
    sums.retain(|spent| spent.ms > 0);
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use Owner::{Framework, Lxd, Product};

    fn moment(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).expect("in range")
    }

    fn stages(all: &[(&str, Owner, i64, u64)]) -> Vec<Stage> {
        let stage = |(name, owner, at, ms): &(&str, Owner, i64, u64)| Stage {
            work: Work::from((*name).to_owned()),
            owner: *owner,
            at: moment(*at),
            ms: *ms,
        };
        all.iter().map(stage).collect()
    }

    fn suite(name: &str, began: i64, ended: i64, all: &[(&str, Owner, i64, u64)]) -> SuiteTimes {
        SuiteTimes { name: name.to_owned(), stages: stages(all), began: moment(began), ended: moment(ended) }
    }

    fn shown(pieces: &[Piece]) -> Vec<(&'static str, i64, i64)> {
        pieces.iter().map(|piece| (&*piece.work.to_string().leak(), piece.from, piece.to)).collect()
    }

    /// That no moment is lost or counts twice.
    fn whole(pieces: &[Piece], from: i64, to: i64) {
        assert_eq!((pieces[0].from, pieces[pieces.len() - 1].to), (from, to));
        assert!(pieces.windows(2).all(|pair| pair[0].to == pair[1].from), "{pieces:?}");
    }

    #[test]
    fn every_moment_belongs_to_what_the_suite_waited_for() {
        for (name, all, wanted) in [
            ("nothing noted", vec![], vec![("unaccounted", 0, 100)]),
            (
                "a boot beside the product",
                vec![("boot 2", Lxd, 0, 100), ("bootstrap", Product, 20, 30)],
                vec![("boot 2", 0, 20), ("bootstrap", 20, 50), ("boot 2", 50, 100)],
            ),
            (
                "bridges beside the golden image",
                vec![("golden image", Framework, 0, 100), ("bridges", Lxd, 10, 30)],
                vec![("golden image", 0, 10), ("bridges", 10, 40), ("golden image", 40, 100)],
            ),
            (
                "the member that is needed first",
                vec![("boot 3", Lxd, 10, 90), ("boot 2", Lxd, 0, 50)],
                vec![("boot 2", 0, 50), ("boot 3", 50, 100)],
            ),
            (
                "a wait whose reason is known, and then not",
                vec![("wait for the member", Lxd, 0, 100), ("boot 1", Lxd, 5, 55), ("files 1", Framework, 60, 10)],
                vec![
                    ("wait for the member", 0, 5),
                    ("boot 1", 5, 60),
                    ("files 1", 60, 70),
                    ("wait for the member", 70, 100),
                ],
            ),
            (
                "a gap, and stages beyond the edges",
                vec![("a", Lxd, -50, 60), ("b", Product, 40, 500)],
                vec![("a", 0, 10), ("unaccounted", 10, 40), ("b", 40, 100)],
            ),
        ] {
            let pieces = path(&stages(&all), 0, 100);
            assert_eq!(shown(&pieces), wanted, "{name}");
            whole(&pieces, 0, 100);
        }
    }

    #[test]
    fn what_nobody_named_is_the_frameworks() {
        assert_eq!(path(&[], 0, 1)[0].owner, Framework);
    }

    #[test]
    fn a_suite_is_accounted_for_from_the_runners_start_to_its_last_check() {
        let suite = suite(
            "a",
            100,
            1000,
            &[
                ("connect", Framework, 100, 50),
                ("turn", Framework, 150, 10),
                ("boot 1", Lxd, 160, 240),
                ("boot 2", Lxd, 420, 200),
                ("bootstrap", Product, 400, 400),
                ("check members", Framework, 850, 1),
                ("check nb_sb_propagation", Product, 900, 60),
            ],
        );
        let pieces = suite.path(moment(0), moment(80));
        whole(&pieces, 0, 1000);
        let spent = sum(&pieces);
        let shown: Vec<_> = spent.iter().map(|it| (it.name.as_str(), it.owner, it.ms)).collect();
        assert_eq!(
            shown,
            [
                ("start runner", Framework, 80),
                ("queue", Framework, 20),
                ("connect", Framework, 50),
                ("turn", Framework, 10),
                ("boot 1", Lxd, 240),
                ("bootstrap", Product, 400),
                ("hand over", Framework, 139),
                ("pure checks", Framework, 1),
                ("check nb_sb_propagation", Product, 60),
            ]
        );
        assert_eq!((suite.judged(), suite.booted()), (200, 460));
    }

    #[test]
    fn the_path_of_a_run_goes_back_through_who_gave_the_turns() {
        let one = suite("one", 10, 560, &[("turn", Framework, 10, 0), ("join", Product, 10, 490)]);
        // Shorter, and nobody waited for it.
        let two = suite("two", 10, 460, &[("turn", Framework, 10, 0), ("join", Product, 10, 290)]);
        let three = suite("three", 10, 1000, &[("turn", Framework, 10, 500), ("settle", Product, 510, 390)]);
        let pieces = critical_path(&[one, two, three.clone()], moment(0), moment(1010));
        whole(&pieces, 0, 1010);
        assert_eq!(
            shown(&pieces),
            [
                ("start runner", 0, 10),
                ("join", 10, 500),
                ("turn", 500, 510),
                ("settle", 510, 900),
                ("hand over", 900, 1000),
                ("end runner", 1000, 1010),
            ]
        );
        // One whose first check was not begun before another suite was done waited for that.
        let late = suite("late", 470, 900, &[("join", Product, 480, 300)]);
        let pieces =
            critical_path(&[suite("two", 10, 460, &[("join", Product, 10, 290)]), late], moment(0), moment(900));
        whole(&pieces, 0, 900);
        let names: Vec<&str> = shown(&pieces).into_iter().map(|(name, _, _)| name).collect();
        assert_eq!(
            names,
            ["start runner", "join", "hand over", "queue", "unaccounted", "join", "hand over", "end runner"]
        );
        // Nobody else is known to have made room: then it is a wait.
        assert_eq!(shown(&critical_path(&[three], moment(0), moment(1010)))[1], ("turn", 10, 510));
        whole(&critical_path(&[], moment(0), moment(10)), 0, 10);
    }
}
