//! Running suites by tier or by name, with one product or with several.

use std::collections::BTreeSet;
use std::process::ExitCode;

use tokio::sync::OnceCell;

use super::against::{self, Order};
use super::cells::{Cells, nearest};
use super::output::say;
use super::parity::{self, UpstreamSuite, UpstreamTest};
use super::suites::{Group, Suite, step_of};
use super::{Catalogue, Failure, junit, known, products};
use crate::cluster;
use crate::config::{Config, KEEP, KNOWN, MTUS, ON, PAUSE_BEFORE, SPREAD, TRAFFIC};
use crate::journey::Station;
use crate::matrix::Tier;

/// What to run.
#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    /// The cells and journeys; those of the tier when none is given.
    pub(super) suites: Vec<String>,
    /// The tier: core, pairwise, t3 or full; microcloud, formed by MicroCloud; or life, which is journeys.
    #[arg(long, default_value_t = Group::Tier(Tier::Core), conflicts_with = "suites")]
    pub(super) tier: Group,
    /// What holds here the tests of this suite of upstream's, such as tls_cluster, or of several that commas are between: all
    /// cells and journeys, each wholly.
    #[arg(long, value_name = "SUITE", value_delimiter = ',', conflicts_with_all = ["suites", "tier", "on"])]
    pub(super) upstream: Vec<String>,
    /// From which cell journeys start, instead of their own.
    #[arg(long, value_name = "CELL")]
    pub(super) on: Option<String>,
    /// Stop the journeys that have this step before it, and leave their clusters up for six hours: its number, or its words.
    #[arg(long, value_name = "STEP")]
    pub(super) pause_before: Option<String>,
    /// Leave the clusters of suites that fail up for six hours.
    #[arg(long)]
    pub(super) pause_on_failure: bool,
    /// Send packets between members, too, and judge what of them is seen.
    #[arg(long)]
    pub(super) traffic: bool,
    /// Have the members of a cell on different members of the LXD cluster.
    #[arg(long)]
    pub(super) spread: bool,
    /// Fail when the product lacks what a cell needs, instead of skipping the cell; and when nothing holds one of upstream's
    /// tests.
    #[arg(long)]
    pub(super) forbid_skips: bool,
    /// Fail also where all that is red is a fault of the product that is listed as known.
    #[arg(long)]
    pub(super) forbid_known: bool,
    /// Arguments for the runner, which builds nothing: `-- --profile ci`.
    #[arg(last = true)]
    pub(super) runner: Vec<String>,
}

/// Runs the chosen suites, with each product where there are several and none is chosen.
pub(super) async fn run(mut config: Config, catalogue: &Catalogue, args: RunArgs) -> Result<ExitCode, Failure> {
    config.traffic |= args.traffic;
    config.spread |= args.spread;
    junit::require_profile(&config, &args.runner)?;
    if let Some(why) = crate::host::without_packets(&config).filter(|_| config.traffic) {
        let skipped = format!("the checks of packets are skipped: {why}");
        if args.forbid_skips {
            return Err(Failure::Usage(skipped));
        }
        say!("{skipped}");
        config.traffic = false;
    }
    let cells = Cells::of(catalogue)?;
    known::of(catalogue, &cells)?;
    let upstream = args.upstream.iter().map(|name| parity::find(catalogue, name)).collect::<Result<Vec<_>, _>>()?;
    let on = match (upstream.as_slice(), args.suites.as_slice(), args.tier) {
        // What holds a test holds it from the journey's own cell.
        ([_, ..], ..) => None,
        ([], [], Group::Life) => args.on.clone().or(config.on.clone()),
        ([], names, _) => cells.start(args.on.as_deref(), &config, names).map(str::to_owned),
    };
    let mut chosen = match (upstream.as_slice(), args.suites.as_slice(), args.tier) {
        ([_, ..], ..) => cells.named(&places(&upstream)?, None)?,
        ([], [], Group::Life) => cells.life(on.as_deref())?,
        ([], [], Group::Tier(tier)) if on.is_none() => cells.suites_of(tier)?,
        ([], names, _) => cells.named(names, on.as_deref())?,
    };
    if config.traffic {
        chosen.iter_mut().for_each(Suite::lay_traffic);
    }
    let journeys = chosen.iter().any(|suite| suite.stations.is_some());
    let pause_before = args.pause_before.clone().or(config.pause_before.clone().filter(|_| journeys));
    if let Some(step) = &pause_before {
        check_pause(&chosen, step)?;
    }
    let programs = OnceCell::new();
    let settings = [
        // What is not asked for is not left to the surroundings.
        (ON, on.unwrap_or_default()),
        (PAUSE_BEFORE, pause_before.unwrap_or_default()),
        (TRAFFIC, if config.traffic { "1" } else { "0" }.to_owned()),
        (SPREAD, if config.spread { "1" } else { "0" }.to_owned()),
        (KNOWN, if args.forbid_known { "0" } else { "1" }.to_owned()),
        (MTUS, mtus(&chosen)),
    ];
    let keep = args.pause_on_failure.then(|| (KEEP, "on-failure".to_owned()));
    let settings = settings.into_iter().chain(keep).collect();
    let order = Order { catalogue, suites: &chosen, programs: &programs, settings, runner: &args.runner };
    let ended = match config.require_decided() {
        Ok(()) => {
            let microcloud = chosen.iter().any(|suite| suite.plan.formation.is_microcloud());
            cluster::check_given_snaps(&config, microcloud, &mut super::host::lines())
                .await
                .map_err(Failure::cluster)?;
            against::run(&config, &order).await?.conclude(args.forbid_skips)
        }
        Err(_) => products::run(&config, order, args.forbid_skips).await,
    };
    let lacking: usize = upstream.iter().map(say_lacking).sum();
    match ended {
        Ok(()) if args.forbid_skips && lacking > 0 => Err(Failure::Checks),
        ended => ended.map(|()| ExitCode::SUCCESS),
    }
}

/// The MTUs of the networks of these suites, as their tests are told.
fn mtus(chosen: &[Suite]) -> String {
    let pairs: BTreeSet<[u16; 2]> = chosen.iter().map(|suite| cluster::mtus(&suite.plan)).collect();
    pairs.iter().map(|[management, underlay]| format!("{management}-{underlay}")).collect::<Vec<_>>().join(",")
}

/// Refuses a step to stop before that no chosen journey has.
fn check_pause(chosen: &[Suite], step: &str) -> Result<(), Failure> {
    let journeys: Vec<(&str, &[Station])> =
        chosen.iter().filter_map(|suite| Some((suite.name(), suite.stations.as_deref()?))).collect();
    match journeys.as_slice() {
        [] => Err(Failure::Usage("--pause-before is of a journey, and none is chosen".to_owned())),
        [(name, stations)] => step_of(name, stations, step).map(drop),
        all => {
            if all.iter().any(|(_, stations)| Station::find(stations, step).is_some_and(|station| station.number > 0)) {
                return Ok(());
            }
            let steps = all.iter().flat_map(|(_, stations)| stations.iter()).filter(|station| station.number > 0);
            let tests: BTreeSet<String> = steps.map(Station::test).collect();
            let near = nearest(step, tests.iter().map(String::as_str));
            Err(Failure::Usage(format!("none of the journeys that are chosen has a step {step:?}; {near}")))
        }
    }
}

/// What holds the tests of these suites of upstream's, each once: one may hold those of several.
fn places(upstream: &[UpstreamSuite]) -> Result<Vec<String>, Failure> {
    let places = upstream.iter().map(UpstreamSuite::places).collect::<Result<Vec<_>, _>>()?.concat();
    let mut known = BTreeSet::new();
    Ok(places.into_iter().filter(|place| known.insert(place.clone())).collect())
}

/// Says which tests of upstream's suite were not run for, or not wholly, and counts them.
fn say_lacking(upstream: &UpstreamSuite) -> usize {
    let lacking = upstream.tests.iter().filter_map(UpstreamTest::lacks);
    lacking.inspect(|lacking| say!("upstream's {}: {lacking}", upstream.name)).count()
}
