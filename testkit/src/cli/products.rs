//! Running suites with several products, one after the other, and telling what came of them side by side.

use comfy_table::Table;
use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};

use super::against::{self, Came, Order, Ran};
use super::output::{complain, say, show};
use super::{Failure, host, releases};
use crate::cluster::GivenSnaps;
use crate::config::{Config, KEEP, Keep, PAUSE_BEFORE, PRODUCT};
use crate::image::Snap;
use crate::record::{self, SideBySide, Tested, Together};
use crate::session::Run;

/// Runs suites with every product, each in a run of its own, and says which came out how. What cannot be tested at all, such
/// as a file that is no snap, is found before the first.
///
/// # Errors
/// When what was wanted of some product did not come about: failed checks before anything else.
pub(super) async fn run(config: &Config, order: Order<'_>, forbid_skips: bool) -> Result<(), Failure> {
    let told = |name: &'static str| order.settings.iter().any(|(setting, value)| *setting == name && !value.is_empty());
    if config.keep != Keep::Never || config.reuse || told(KEEP) || told(PAUSE_BEFORE) {
        return Err(Failure::Usage(format!(
            "clusters are kept by the names of their suites, so with one product at a time; name it with {PRODUCT}, or keep none"
        )));
    }
    let microcloud = order.suites.iter().any(|suite| suite.plan.formation.is_microcloud());
    let (mut each, mut given) = (Vec::new(), Vec::new());
    for product in &config.products {
        let config = config.clone().with_product(&product.name).map_err(Failure::usage)?;
        given.push(
            GivenSnaps::inspect(&config, microcloud)
                .map_err(|error| of_product(&product.name, Failure::cluster(error)))?,
        );
        each.push((product.name.clone(), config));
    }
    require_different(each.iter().map(|(_, config)| config))?;
    for ((name, config), given) in each.iter().zip(given) {
        given
            .require_suitable(config, &mut host::lines())
            .await
            .map_err(|error| of_product(name, Failure::cluster(error)))?;
    }
    host::require_whole(config).await?;
    let together = Run::start(config).await.map_err(Failure::usage)?;
    let count = each.len();
    let mut all: Vec<(String, Result<Ran, Failure>)> = Vec::new();
    for (number, (name, config)) in (1..).zip(each) {
        say!("\n== {name}, product {number} of {count}");
        let mut settings = order.settings.clone();
        settings.push((PRODUCT, name.clone()));
        let ran = against::run(&config, &Order { settings, ..order }).await;
        if let Err(Failure::Usage(said) | Failure::Provisioning(said)) = &ran {
            complain!("error: {said}");
        }
        let interrupted = matches!(&ran, Ok(Ran { came: Came::Interrupted, .. }));
        all.push((name, ran));
        if interrupted {
            break;
        }
    }
    let products = all.iter().map(|(name, ran)| tested(name, ran)).collect();
    let (side, report) =
        record::write_together(together.dir(), &Together::new(together.id(), products)).map_err(Failure::usage)?;
    show(&format!("\n{}\n\nside by side: {}", table(&side), report.display()))?;
    worst(all, forbid_skips)
}

/// Refuses two products that are one: the same snap on the same others. On others it may be what is compared.
fn require_different<'a>(each: impl Iterator<Item = &'a Config>) -> Result<(), Failure> {
    let mut alike: Vec<(&Config, Vec<Snap>)> = Vec::new();
    for config in each {
        let Some(path) = &config.snap else { continue };
        let snap = Snap::inspect(path).map_err(Failure::usage)?;
        let same = |one: &Config| one.extra_snaps == config.extra_snaps && one.upgrade_from == config.upgrade_from;
        match alike.iter_mut().find(|(one, _)| same(one)) {
            Some((_, snaps)) => snaps.push(snap),
            None => alike.push((config, vec![snap])),
        }
    }
    alike.iter().try_for_each(|(_, snaps)| releases::require_different(snaps))
}

fn tested(name: &str, ran: &Result<Ran, Failure>) -> Tested {
    let (runs, problem) = match ran {
        Ok(Ran { came: Came::NotRun(how), .. }) => (Vec::new(), Some(format!("the runner {how}"))),
        Ok(ran) => (ran.records.iter().map(|(_, record)| record.run.clone()).collect(), None),
        Err(Failure::Usage(said) | Failure::Provisioning(said)) => (Vec::new(), Some(said.clone())),
        Err(Failure::Checks) => (Vec::new(), None),
    };
    Tested { name: name.to_owned(), runs, problem }
}

/// How all of it ended: failed checks count before what else went wrong, and a product that lacks what every suite needs is
/// told of as skipped where another was tested.
fn worst(all: Vec<(String, Result<Ran, Failure>)>, forbid_skips: bool) -> Result<(), Failure> {
    let some_tested = all.iter().any(|(_, ran)| ran.as_ref().is_ok_and(|ran| !matches!(ran.came, Came::NothingTested)));
    let mut failures: Vec<Failure> = Vec::new();
    for (name, ran) in all {
        let ended = ran.and_then(|ran| match ran.came {
            Came::NothingTested if some_tested && forbid_skips => Err(Failure::Checks),
            Came::NothingTested if some_tested => Ok(()),
            _ => ran.conclude(forbid_skips),
        });
        failures.extend(ended.err().map(|failure| of_product(&name, failure)));
    }
    let red = failures.iter().position(|failure| matches!(failure, Failure::Checks)).unwrap_or(0);
    if failures.is_empty() { Ok(()) } else { Err(failures.swap_remove(red)) }
}

/// A failure that says which product it is about.
fn of_product(name: &str, failure: Failure) -> Failure {
    match failure {
        Failure::Usage(said) => Failure::Usage(format!("with {name}: {said}")),
        Failure::Provisioning(said) => Failure::Provisioning(format!("with {name}: {said}")),
        Failure::Checks => Failure::Checks,
    }
}

/// A row for each suite, a column for each product.
pub(super) fn table(side: &SideBySide) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header(side));
    for row in &side.suites {
        table.add_row([&row.suite].into_iter().chain(row.results.iter().map(|found| &found.told)));
    }
    let mut text = table.trim_fmt();
    for column in &side.products {
        if let Some(problem) = &column.problem {
            text.push_str(&format!("\n{}: not tested, {problem}", column.name));
        }
    }
    text
}

/// The same as Markdown.
pub(super) fn markdown(side: &SideBySide) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(header(side));
    for row in &side.suites {
        let suite = format!("`{}`", row.suite);
        table.add_row([suite].into_iter().chain(row.results.iter().map(|found| found.told.clone())));
    }
    table.to_string()
}

fn header(side: &SideBySide) -> Vec<String> {
    let version = |column: &record::schema::Column| match &column.product {
        Some(product) => format!("{} ({})", column.name, product.version),
        None => column.name.clone(),
    };
    ["suite".to_owned()].into_iter().chain(side.products.iter().map(version)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(came: Came) -> Result<Ran, Failure> {
        Ok(Ran { came, records: Vec::new(), skips: Vec::new() })
    }

    fn ended(all: Vec<Result<Ran, Failure>>, forbid_skips: bool) -> &'static str {
        let named = ["a", "b", "c"].map(str::to_owned).into_iter().zip(all).collect();
        match worst(named, forbid_skips) {
            Ok(()) => "good",
            Err(Failure::Checks) => "checks",
            Err(Failure::Usage(said) | Failure::Provisioning(said)) if said.starts_with("with b: ") => "with b",
            Err(_) => "another",
        }
    }

    #[test]
    fn it_is_red_if_any_is() {
        use Came::{Failed, Good, NothingTested};
        let broken = || Err(Failure::Provisioning("no image".to_owned()));
        for (all, forbid, wanted) in [
            (vec![ran(Good), ran(Good)], false, "good"),
            (vec![ran(Good), ran(Failed)], false, "checks"),
            (vec![ran(Good), broken()], false, "with b"),
            (vec![ran(Good), broken(), ran(Failed)], false, "checks"),
            (vec![ran(Good), ran(NothingTested)], false, "good"),
            (vec![ran(Good), ran(NothingTested)], true, "checks"),
            (vec![ran(Good), ran(Came::NotRun("was killed".to_owned()))], false, "with b"),
            (vec![ran(NothingTested), ran(NothingTested)], false, "another"),
            (vec![ran(Good), ran(Came::Interrupted)], false, "checks"),
        ] {
            assert_eq!(ended(all, forbid), wanted);
        }
    }
}
