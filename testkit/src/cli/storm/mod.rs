//! Killing runs at random moments, and looking whether anything of them stays.

mod attack;
mod leftovers;
mod tally;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::process::{Child, Command};

use super::Failure;
use super::output::Format;
use crate::config::Config;
use crate::host;
use crate::lxd::Client;
use crate::session::Process;
use crate::wait::{self, Pace, Poll};
use attack::{Attack, SmallDisk};
use leftovers::{Canary, Leftovers};
use tally::Tally;

/// A run of one suite takes about this long on an idle host, in milliseconds; attacks come at any moment of it.
const RUN: u64 = 6_500;
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
    /// Only attacks whose name contains this: `LXD`, `pool`.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// What the random moments follow from; the same seed gives the same moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Also write the table into this document, between its two marks.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// Where runs are attacked.
struct Field {
    config: Config,
    client: Client,
    /// This command. Asked once, because a build may put another in its place while the storm blows.
    exe: PathBuf,
}

impl Field {
    /// Runs this command with these arguments; whether it succeeded.
    async fn command(&self, args: &[&str], out: Option<&Path>) -> Result<bool, Failure> {
        let mut command = Command::new(&self.exe);
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
    let field = Field {
        config: config.clone(),
        client: host::connect(config).await.map_err(Failure::usage)?,
        exe: std::env::current_exe().map_err(Failure::usage)?,
    };
    let mut random = StdRng::seed_from_u64(args.seed);
    let mut attacks = Attack::ALL.to_vec();
    attacks.retain(|attack| attack.is_possible(config) && (args.lxd || *attack != Attack::Lxd));
    if let Some(only) = &args.only {
        attacks.retain(|attack| attack.to_string().contains(only.as_str()));
    }
    if attacks.is_empty() {
        return Err(Failure::Usage("no attack is left to try; `--lxd` is needed for those on LXD itself".to_owned()));
    }
    let canary = Canary::make(&field.client, &config.pool).await?;
    let mut blows: Vec<Blow> = Vec::new();
    // A run that was over before it was attacked is looked at like the others, and does not count as one of them.
    while blows.iter().filter(|blow| !blow.late).count() < args.kills {
        let number = blows.len();
        let attack = attacks[number % attacks.len()];
        let moment = random.random_range(0..RUN);
        let blow = tokio::select! {
            blow = strike(&field, attack, moment, random.random()) => blow,
            // What has been seen so far is worth showing.
            _ = tokio::signal::ctrl_c() => break,
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
    tally.paper().publish(&tally, args.format, args.write.as_deref(), "storm")?;
    if tally.is_good() { Ok(ExitCode::SUCCESS) } else { Err(Failure::Checks) }
}

/// One run and its end.
async fn strike(field: &Field, attack: Attack, moment: u64, choice: u64) -> Result<Blow, Failure> {
    let Field { config, client, .. } = field;
    let out = tempfile::tempdir().map_err(Failure::usage)?;
    let _disk = match attack {
        Attack::Disk => Some(SmallDisk::mount(out.path()).map_err(Failure::usage)?),
        _ => None,
    };
    let mut child = start(config, out.path())?;
    let other_out = tempfile::tempdir().map_err(Failure::usage)?;
    let other = if attack == Attack::OneOfTwo { Some(start(config, other_out.path())?) } else { None };
    let runner = child.id().and_then(Process::find);
    begun(&mut child, out.path()).await?;
    let early = tokio::time::timeout(Duration::from_millis(moment), child.wait()).await.is_ok();
    let struck = Instant::now();
    let full = match early {
        true => None,
        false => attack.strike(field, &mut child, out.path(), choice).await?,
    };
    if tokio::time::timeout(END, child.wait()).await.is_err() {
        let _ = child.kill().await;
        let leak = Some(format!("the runner had not ended {} s later", END.as_secs()));
        return Ok(Blow { attack, moment, late: early, cleared: 0, leak });
    }
    drop(full);
    let mut leak = None;
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

/// Starts a run of one suite in a process group of its own.
fn start(config: &Config, out: &Path) -> Result<Child, Failure> {
    Command::new("cargo")
        .args(["nextest", "run", "--package", "suites", "--locked", "--test", "init"])
        .args(["-E", "test(/^init_cluster::/)"])
        .current_dir(&config.root)
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
    gone.await.err().map(|error| crate::report::chain(&error))
}
