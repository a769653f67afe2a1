//! Killing runs at random moments, and looking whether anything of them stays.

mod attack;
mod jump;
mod leftovers;
mod tally;

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use crate::testkit_command;
use attack::{Attack, SmallDisk};
use jump::Jump;
pub(crate) use jump::jump;
use leftovers::{Canary, Leftovers};
use tally::Tally;
use testkit::cargo;
use testkit::cli::{Failure, Format, nearest};
use testkit::config::Config;
use testkit::host;
use testkit::lxd::Client;
use testkit::record::{self, Record};
use testkit::session::Process;
use testkit::wait::{self, Pace, Poll};

/// A run of one suite takes about this long on an idle host, in milliseconds; attacks come at any moment of it.
const RUN: u64 = 5_800;
/// A play of a short journey takes about this long.
const PLAY: u64 = 40_000;
/// The runner has listed the tests within this time.
const BEGUN: Pace = Pace::new(120, 5);
/// A run that was not killed itself ends within this time.
const END: Duration = Duration::from_secs(240);
/// What is left of a run goes within this time.
const GONE: Pace = Pace::new(90, 100);

/// How hard it blows.
#[derive(Debug, clap::Args)]
pub(super) struct StormArgs {
    /// How many runs are attacked.
    #[arg(long, default_value_t = 20, value_name = "N")]
    kills: usize,
    /// Also kill and restart LXD itself, where `testkit setup` has started it.
    #[arg(long)]
    lxd: bool,
    /// Also set the clock of this host two hours ahead and back while a run goes on, which everything on it sees: only for
    /// a host on which nothing else is at work. Needs CAP_SYS_TIME.
    #[arg(long)]
    clock: bool,
    /// The runs that are attacked play this journey, instead of forming one cluster.
    #[arg(long, value_name = "NAME")]
    journey: Option<String>,
    /// Only attacks whose name contains this: `LXD`, `pool`, `clock`.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// No attack that others who use this LXD meanwhile would suffer from, as it does not end with the run.
    #[arg(long, hide = true)]
    beside_others: bool,
    /// What the random moments follow from; the same seed gives the same moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What the documents are called that it is kept in.
    #[arg(long, hide = true, default_value = "storm")]
    kept_as: String,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

impl StormArgs {
    /// Whether the attack is wanted; some are tried on request only.
    fn want(&self, attack: Attack) -> bool {
        let asked = match attack {
            Attack::Lxd => self.lxd,
            Attack::ClockAhead | Attack::ClockBack => self.clock,
            Attack::Player => self.journey.is_some(),
            Attack::Pool => !self.beside_others,
            _ => true,
        };
        asked && self.only.as_ref().is_none_or(|only| attack.to_string().contains(only.as_str()))
    }
}

/// Where runs are attacked.
struct Field {
    config: Config,
    client: Client,
    /// This command. Asked once, because a build may put another in its place while the storm blows.
    lab: PathBuf,
    /// The `testkit` command beside it.
    testkit: PathBuf,
    /// The journey that runs play; they are of one suite where there is none.
    journey: Option<String>,
}

impl Field {
    /// Runs `testkit` with these arguments; whether it succeeded.
    async fn command(&self, args: &[&str], out: Option<&Path>) -> Result<bool, Failure> {
        let mut command = Command::new(&self.testkit);
        command.args(args).current_dir(&self.config.root).envs(out.map(|out| ("TESTKIT_OUT_DIR", out)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(command.status().await.map_err(Failure::usage)?.success())
    }
}

/// What one attack came to.
struct Blow {
    attack: Attack,
    /// When it came, in milliseconds after the beginning of the run.
    moment: u64,
    /// Whether the run was over by then, so that it was no attack.
    late: bool,
    /// How long it took until nothing was left, in milliseconds.
    cleared: u64,
    /// What stayed, if anything did.
    leak: Option<String>,
}

/// Attacks runs and prints the table; exit code 1 when anything of one stays.
pub(super) async fn storm(config: &Config, args: &StormArgs) -> Result<ExitCode, Failure> {
    let known = suites::journeys::JOURNEYS.iter().map(|journey| journey.name);
    if let Some(unknown) = args.journey.as_ref().filter(|name| !known.clone().any(|known| known == name.as_str())) {
        return Err(Failure::Usage(format!("there is no journey {unknown:?}; {}", nearest(unknown, known))));
    }
    let mut attacks = Attack::ALL.to_vec();
    attacks.retain(|attack| attack.is_possible(config) && args.want(*attack));
    if attacks.is_empty() {
        let needed = "`--lxd` is needed for that on LXD itself, `--clock` for those on the clock";
        return Err(Failure::Usage(format!("no attack is left to try; {needed}")));
    }
    let (lab, testkit) = (std::env::current_exe().map_err(Failure::usage)?, testkit_command()?);
    if args.clock {
        // Setting it to what it is says whether it can be set, before anything has begun.
        drop(Jump::by(&lab, 0)?);
    }
    let client = host::connect(config).await.map_err(Failure::usage)?;
    let field = Field { config: config.clone(), client, lab, testkit, journey: args.journey.clone() };
    let mut random = StdRng::seed_from_u64(args.seed);
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::usage)?;
    let canary = Canary::make(&field.client, &config.pool).await?;
    let mut blows: Vec<Blow> = Vec::new();
    // A run that was over before it was attacked is looked at like the others, and does not count as one of them.
    while blows.iter().filter(|blow| !blow.late).count() < args.kills {
        let number = blows.len();
        let attack = attacks[number % attacks.len()];
        let moment = random.random_range(0..if args.journey.is_some() { PLAY } else { RUN });
        let blow = tokio::select! {
            blow = strike(&field, attack, moment, random.random()) => blow,
            // What has been seen so far is worth showing.
            _ = tokio::signal::ctrl_c() => break,
            _ = terminate.recv() => break,
        };
        let blow = match blow {
            Ok(blow) => blow,
            Err(failure) => {
                canary.remove(&field.client).await?;
                return Err(failure);
            }
        };
        let late = if blow.late { "over before, " } else { "" };
        let said = blow.leak.clone().unwrap_or_else(|| format!("nothing left after {} ms", blow.cleared));
        eprintln!("{:>4}  {:<42} at {:>6} ms: {late}{said}", number + 1, blow.attack.to_string(), blow.moment);
        blows.push(blow);
    }
    let canary_lives = canary.is_there(&field.client).await?;
    canary.remove(&field.client).await?;
    let tally = Tally::of(&blows, &attacks, canary_lives);
    tally.paper().publish(&tally, args.format, &config.root.join("target"), &args.kept_as)?;
    if tally.is_good() { Ok(ExitCode::SUCCESS) } else { Err(Failure::Checks) }
}

/// One run and its end.
async fn strike(field: &Field, attack: Attack, moment: u64, choice: u64) -> Result<Blow, Failure> {
    let Field { client, .. } = field;
    let mut out = tempfile::tempdir().map_err(Failure::usage)?;
    let _disk = match attack {
        Attack::Disk => Some(SmallDisk::mount(out.path()).map_err(Failure::usage)?),
        _ => None,
    };
    let mut child = start(field, out.path())?;
    let other_out = tempfile::tempdir().map_err(Failure::usage)?;
    let other = if attack == Attack::OneOfTwo { Some(start(field, other_out.path())?) } else { None };
    let runner = child.id().and_then(Process::find);
    begun(&mut child, out.path()).await?;
    let early = tokio::time::timeout(Duration::from_millis(moment), child.wait()).await.is_ok();
    let struck = Instant::now();
    let changed = match early {
        true => None,
        false => attack.strike(field, &mut child, out.path(), choice).await?,
    };
    let Ok(ended) = tokio::time::timeout(END, child.wait()).await else {
        let _ = child.kill().await;
        // What each of its cells was at.
        out.disable_cleanup(true);
        let (after, records) = (END.as_secs(), out.path().display());
        let leak = Some(format!("the runner had not ended {after} s later; its records are in {records}"));
        return Ok(Blow { attack, moment, late: early, cleared: 0, leak });
    };
    drop(changed);
    let mut leak = None;
    if attack.is_harmless() {
        let status = ended.map_err(Failure::usage)?;
        leak = match status.success() {
            true => odd_record(out.path()),
            false => Some(format!("it was not green: {status}")),
        };
        if let Some(found) = &mut leak {
            found.push_str(&format!("; its records are in {}", out.path().display()));
            out.disable_cleanup(true);
        }
    }
    if let Some(mut other) = other {
        match tokio::time::timeout(END, other.wait()).await {
            Ok(Ok(status)) if status.success() => {}
            ended => leak = Some(format!("the other run was not green: {ended:?}")),
        }
        leak = leak.or(cleared(client, other_out.path(), None).await);
    }
    if attack.kills_the_reaper() {
        // One sweep, as a person or the next run would make it.
        field.command(&["sweep"], Some(out.path())).await?;
    }
    leak = leak.or(cleared(client, out.path(), runner).await);
    let cleared = u64::try_from(struck.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Blow { attack, moment, late: early, cleared, leak })
}

/// What is wrong with the records of the runs below `out`, which must have one.
fn odd_record(out: &Path) -> Option<String> {
    let runs = std::fs::read_dir(out).into_iter().flatten().flatten();
    let records: io::Result<Vec<Record>> = runs.map(|run| record::assemble(&run.path(), false)).collect();
    match records {
        Ok(records) if records.is_empty() => Some("it has no record".to_owned()),
        Ok(records) => records.iter().find_map(odd_span),
        Err(error) => Some(format!("its record cannot be read: {error}")),
    }
}

/// What took less than no time by the record, or longer than a run may take.
fn odd_span(record: &Record) -> Option<String> {
    let checks = record.cells.iter().flat_map(|cell| &cell.checks);
    let checks = checks.filter_map(|check| Some((check.name.as_str(), check.started?, check.ended?)));
    let mut spans = checks.chain([("the run", record.started, record.ended)]);
    let is_odd =
        |from: Timestamp, to: Timestamp| Duration::try_from(to.duration_since(from)).map_or(true, |took| took > END);
    let (what, from, to) = spans.find(|(_, from, to)| is_odd(*from, *to))?;
    Some(format!("its record says that {what} began at {from} and ended at {to}"))
}

/// Waits until the run has records, or has ended: before that there is a runner that looks for tests, and nothing that
/// could stay.
async fn begun(child: &mut Child, out: &Path) -> Result<(), Failure> {
    let records = || std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some());
    let begun = wait::until("the run to begin", BEGUN, async || match records() {
        true => Poll::Ready(()),
        false => Poll::<_, Infallible>::NotYet("no records".to_owned()),
    });
    tokio::select! {
        begun = begun => begun.map_err(Failure::usage),
        _ = child.wait() => Ok(()),
    }
}

/// Starts a run of one suite, or of one journey, in a process group of its own.
fn start(field: &Field, out: &Path) -> Result<Child, Failure> {
    let (target, name) = field.journey.as_ref().map_or(("init", "init_cluster"), |journey| ("life", journey));
    let mut cargo = Command::new("cargo");
    cargo::CHILDS_OWN.into_iter().fold(&mut cargo, Command::env_remove);
    cargo
        .args(["nextest", "run", "--workspace", "--locked", "--test", target])
        .args(["-E", &format!("test(/^{name}::/)")])
        .current_dir(&field.config.root)
        .env("TESTKIT_OUT_DIR", out)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(Failure::usage)
}

/// Waits until nothing of the run is left; what is, if it stays.
async fn cleared(client: &Client, out: &Path, runner: Option<Process>) -> Option<String> {
    let gone = wait::until("nothing of the run to be left", GONE, async || {
        match Leftovers::find(client, out, runner.as_ref()).await {
            Ok(left) if left.is_empty() => Poll::Ready(()),
            Ok(left) => Poll::NotYet(left.to_string()),
            Err(error) if error.is_unreachable() => Poll::NotYet(error.to_string()),
            Err(error) => Poll::Failed(error),
        }
    });
    gone.await.err().map(|error| testkit::report::chain(&error))
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    #[test]
    fn what_the_whole_host_feels_is_done_on_request_only() {
        let calm = || StormArgs {
            kills: 1,
            lxd: false,
            clock: false,
            journey: None,
            only: None,
            beside_others: false,
            seed: 1,
            kept_as: String::new(),
            format: Format::Table,
        };
        let wanted = |args: &StormArgs| {
            let attacks = Attack::ALL.into_iter().filter(|attack| args.want(*attack));
            attacks.map(|attack| attack.to_string()).collect::<Vec<_>>()
        };
        let all = wanted(&calm());
        assert!(all.len() == 9 && !all.iter().any(|name| name.contains("clock") || name.contains("LXD")), "{all:?}");
        let on_a_journey = StormArgs { journey: Some("scaleup".to_owned()), ..calm() };
        assert_eq!(wanted(&on_a_journey).len(), 10);
        let only = Some("clock".to_owned());
        assert!(wanted(&StormArgs { only: only.clone(), ..calm() }).is_empty());
        let clock = StormArgs { clock: true, only, ..calm() };
        assert_eq!(wanted(&clock), ["clock 2 h ahead", "clock 2 h back"]);
        let full = "storage pool full".to_owned();
        assert!(wanted(&calm()).contains(&full));
        assert!(!wanted(&StormArgs { beside_others: true, ..calm() }).contains(&full));
    }

    #[test]
    fn a_record_in_which_time_jumps_is_odd() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/tests/fixtures/runs/good");
        let good = record::assemble(&dir, false).expect("a record");
        assert_eq!(odd_span(&good), None);
        let later = |at: Timestamp, hours: i64| at.checked_add(hours.hours()).expect("in range");
        let ahead = Record { ended: later(good.ended, 2), ..good.clone() };
        assert!(odd_span(&ahead).is_some_and(|said| said.contains("the run began at")), "{:?}", odd_span(&ahead));
        let mut back = good;
        let check = &mut back.cells[0].checks[3];
        check.ended = check.ended.map(|ended| later(ended, -2));
        let wanted = format!("that {} began at", check.name);
        assert!(odd_span(&back).is_some_and(|said| said.contains(&wanted)), "{:?}", odd_span(&back));
    }
}
