//! Suites as nextest runs them, with what they noted and what the host did meanwhile.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use jiff::Timestamp;
use serde::Serialize;
use testkit::cli::{Catalogue, Cells, Failure, Programs, Suite, runner};

use super::figures::{samples, seconds};
use super::machine::{Core, Memory, Seen, Watch};
use super::millis;
use testkit::cluster::Site;
use testkit::config::Config;
use testkit::record;
use testkit::report::spent::{Piece, Spent, SuiteTimes, critical_path, first_began, sum};
use testkit::report::timeline;
use testkit::session::reaper;

/// Milliseconds of the look that judged each station, by journey.
pub(super) type Looks = BTreeMap<String, Vec<u64>>;

/// One run of suites by one command.
pub(crate) struct Round {
    pub(super) started: Timestamp,
    pub(super) ended: Timestamp,
    /// Milliseconds that its reaper took afterwards.
    pub(crate) cleanup: u64,
    pub(super) suites: Vec<SuiteTimes>,
    pub(super) looks: Looks,
    pub(super) seen: Seen,
}

impl Round {
    /// Milliseconds that the command took.
    pub(crate) fn wall(&self) -> u64 {
        u64::try_from(self.ended.as_millisecond() - self.started.as_millisecond()).unwrap_or_default()
    }

    /// What the command waited for.
    pub(super) fn critical_path(&self) -> Vec<Piece> {
        critical_path(&self.suites, self.started, self.ended)
    }

    /// Each suite by name, with what its moments belong to.
    pub(super) fn paths(&self) -> Vec<(String, Vec<Piece>)> {
        let first = first_began(&self.suites).unwrap_or(self.started);
        self.suites.iter().map(|suite| (suite.name.clone(), suite.path(self.started, first))).collect()
    }
}

/// Rounds as programs read them: what all of them took, and all that was seen of some.
#[derive(Debug, Serialize)]
pub(super) struct Rounds {
    #[serde(serialize_with = "samples")]
    wall_ms: Vec<u64>,
    #[serde(serialize_with = "samples")]
    cleanup_ms: Vec<u64>,
    middle: Vec<ToldRound>,
}

/// One round as programs read it.
#[derive(Debug, Serialize)]
struct ToldRound {
    wall_ms: u64,
    cleanup_ms: u64,
    suites: Vec<ToldSuite>,
    critical_path: Vec<Spent>,
    cores: Vec<Core>,
    memory: Memory,
}

/// The stages of a suite.
#[derive(Debug, Serialize)]
struct ToldSuite {
    suite: String,
    stages: Vec<Spent>,
}

impl Rounds {
    /// `middle` are those to be told in full.
    pub(super) fn of<'a>(
        all: impl IntoIterator<Item = &'a Round>,
        middle: impl IntoIterator<Item = &'a Round>,
    ) -> Self {
        let (wall_ms, cleanup_ms) = all.into_iter().map(|round| (round.wall(), round.cleanup)).unzip();
        Self { wall_ms, cleanup_ms, middle: middle.into_iter().map(ToldRound::of).collect() }
    }
}

impl ToldRound {
    fn of(round: &Round) -> Self {
        let suite = |(suite, path): (String, Vec<Piece>)| ToldSuite { suite, stages: sum(&path) };
        Self {
            wall_ms: round.wall(),
            cleanup_ms: round.cleanup,
            suites: round.paths().into_iter().map(suite).collect(),
            critical_path: sum(&round.critical_path()),
            cores: round.seen.cores.clone(),
            memory: round.seen.memory,
        }
    }
}

/// The round whose wall time is in the middle; the lower of the two in the middle of an even number.
pub(super) fn middle(rounds: &[Round]) -> Option<&Round> {
    let mut rounds: Vec<&Round> = rounds.iter().collect();
    rounds.sort_by_key(|round| round.wall());
    rounds.get(rounds.len().saturating_sub(1) / 2).copied()
}

/// The suites, each run in a folder of its own that goes afterwards.
pub(crate) struct Suites<'a> {
    config: &'a Config,
    /// How many clusters there is room for at once, as `testkit run` counts it: before all tests start, which makes every host
    /// look slow.
    room: usize,
    cells: Cells,
    out: tempfile::TempDir,
}

impl<'a> Suites<'a> {
    pub(crate) async fn new(site: &'a Site, catalogue: &Catalogue) -> Result<Self, Failure> {
        let room = match site.config.parallel {
            Some(room) => room,
            // It is told to each member.
            None if site.client.is_clustered() => {
                let places = site.places().await.map_err(Failure::cluster)?;
                places.iter().map(|place| place.turns).max().unwrap_or(1)
            }
            None => site.room().await.map_err(Failure::cluster)?,
        };
        let out = tempfile::tempdir().map_err(Failure::usage)?;
        Ok(Self { config: &site.config, room, cells: Cells::of(catalogue)?, out })
    }

    pub(crate) fn cells(&self) -> &Cells {
        &self.cells
    }

    /// Builds these suites beforehand, as `testkit run` does, which meanwhile asks the product what it can do.
    pub(crate) async fn build(&self, chosen: &[Suite]) -> Result<Programs, Failure> {
        Programs::build(self.config, chosen).await
    }

    /// Runs these suites, which are in the `programs`, by one command. Shows it as `what`, which no other
    /// round is called.
    pub(crate) async fn round(&self, what: &str, programs: &Programs, chosen: &[Suite]) -> Result<Round, Failure> {
        let dir = self.out.path().join(what);
        let command = runner(self.config, chosen, Some(programs), &[])?;
        let command = command.env("TESTKIT_OUT_DIR", &dir).env("TESTKIT_PARALLEL", self.room.to_string());
        let command = command.stderr_to_stdout().stdout_capture();
        let watch = Watch::begin();
        let started = Timestamp::now();
        let ran = command.run().map_err(Failure::usage)?;
        let ended = Timestamp::now();
        let seen = watch.end();
        succeeded(&ran)?;
        let cleaning = Instant::now();
        reaper::ended(&dir).await.map_err(Failure::usage)?;
        let cleanup = millis(cleaning);
        let (suites, looks) = collect(&dir)?;
        let round = Round { started, ended, cleanup, suites, looks, seen };
        eprintln!("{what}: {}", seconds(round.wall()));
        Ok(round)
    }
}

fn succeeded(ran: &std::process::Output) -> Result<(), Failure> {
    if ran.status.success() {
        return Ok(());
    }
    eprintln!("{}", String::from_utf8_lossy(&ran.stdout));
    Err(Failure::Checks)
}

/// What the suites of the run below `dir` noted, by name, and how long each station of a journey was looked at last.
fn collect(dir: &Path) -> Result<(Vec<SuiteTimes>, Looks), Failure> {
    let mut suites = Vec::new();
    let mut looks = Looks::new();
    for run in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        for cell in record::assemble(&run.path(), false).map_err(Failure::usage)?.cells {
            let stages = timeline::read(&run.path().join(&cell.name)).map_err(Failure::usage)?;
            let settled =
                cell.journey.iter().flat_map(|journey| &journey.stations).filter_map(|it| it.settled.as_ref());
            let last: Vec<u64> = settled.map(|settled| settled.last_ms).collect();
            if !last.is_empty() {
                looks.insert(cell.name.clone(), last);
            }
            let began = cell.checks.iter().filter_map(|check| check.started).min();
            let ended = cell.checks.iter().filter_map(|check| check.ended).max();
            if let Some((began, ended)) = began.zip(ended) {
                suites.push(SuiteTimes { name: cell.name, stages, began, ended });
            }
        }
    }
    suites.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((suites, looks))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use testkit::report::{Owner, Stage, Work};

    #[test]
    fn a_recorded_run_is_accounted_for_moment_by_moment() {
        let folder = tempfile::tempdir().expect("a folder");
        let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/tests/fixtures/runs/good");
        std::os::unix::fs::symlink(recorded, folder.path().join("run")).expect("linked");
        let (suites, looks) = collect(folder.path()).expect("read");
        assert!(looks.is_empty(), "it has no journey");
        let [suite] = &suites[..] else { panic!("{suites:?}") };
        assert_eq!(suite.name, "init_cluster_custom_encap");
        let pieces = suite.path(suite.began, suite.began);
        let sum: u64 = testkit::report::spent::sum(&pieces).iter().map(|spent| spent.ms).sum();
        assert_eq!(i64::try_from(sum), Ok(suite.ended.as_millisecond() - suite.began.as_millisecond()));
        assert!(suite.judged() > 0);
    }

    #[test]
    fn programs_get_every_round_and_the_stages_of_those_in_the_middle() {
        let at = |ms| Timestamp::from_millisecond(ms).expect("in range");
        let stages = vec![Stage { work: Work::Join, owner: Owner::Product, at: at(100), ms: 400 }];
        let suite = SuiteTimes { name: "init_cluster".to_owned(), stages, began: at(100), ended: at(500) };
        let seen = Seen { cores: vec![Core::default()], ..Seen::default() };
        let round =
            Round { started: at(0), ended: at(510), cleanup: 20, suites: vec![suite], looks: Looks::new(), seen };
        expect![[r#"
            {
              "wall_ms": {
                "median": 510,
                "samples": [
                  510,
                  510
                ]
              },
              "cleanup_ms": {
                "median": 20,
                "samples": [
                  20,
                  20
                ]
              },
              "middle": [
                {
                  "wall_ms": 510,
                  "cleanup_ms": 20,
                  "suites": [
                    {
                      "suite": "init_cluster",
                      "stages": [
                        {
                          "name": "start runner",
                          "owner": "framework",
                          "ms": 100
                        },
                        {
                          "name": "join",
                          "owner": "product",
                          "ms": 400
                        }
                      ]
                    }
                  ],
                  "critical_path": [
                    {
                      "name": "start runner",
                      "owner": "framework",
                      "ms": 100
                    },
                    {
                      "name": "join",
                      "owner": "product",
                      "ms": 400
                    },
                    {
                      "name": "end runner",
                      "owner": "framework",
                      "ms": 10
                    }
                  ],
                  "cores": [
                    {
                      "busy_ms": 0,
                      "idle_ms": 0,
                      "iowait_ms": 0,
                      "steal_ms": 0
                    }
                  ],
                  "memory": {
                    "before_bytes": 0,
                    "peak_bytes": 0
                  }
                }
              ]
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&Rounds::of([&round, &round], [&round])).expect("JSON"));
    }

    #[test]
    fn the_middle_round_is_the_one_of_the_median() {
        let at = |ms| Timestamp::from_millisecond(ms).expect("in range");
        let round = |ms| Round {
            started: at(0),
            ended: at(ms),
            cleanup: 0,
            suites: Vec::new(),
            looks: Looks::new(),
            seen: Seen::default(),
        };
        let walls = |all: &[i64]| middle(&all.iter().map(|ms| round(*ms)).collect::<Vec<_>>()).map(Round::wall);
        assert_eq!(walls(&[30, 10, 20]), Some(20));
        assert_eq!(walls(&[40, 10, 20, 30]), Some(20));
        assert_eq!(walls(&[]), None);
    }
}
