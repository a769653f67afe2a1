//! Clusters that are up: check, shell, logs, down.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use super::cells::{Cells, checks, nearest};
use super::output::{complain, say};
use super::{Catalogue, Failure, logs as journals};
use crate::cluster::{self, Manifest, Site};
use crate::config::Config;
use crate::host;
use crate::lxd::Exec;
use crate::report::{Evidence, chain};
use crate::session::Run;
use crate::session::sweep::{Target, sweep};

/// Judges the cluster that is up as it is now, by one check or by all that apply. In this process: the tests that judge the
/// cells of a run are lists of thousands, and to compile one for a look at what is up would take longer than the look.
pub(super) async fn check(
    config: Config,
    catalogue: &Catalogue,
    name: &str,
    check: Option<&str>,
) -> Result<ExitCode, Failure> {
    let known = || cluster::checks().map(|check| check.name);
    if let Some(check) = check
        && !known().any(|name| name == check)
    {
        return Err(Failure::Usage(format!("there is no check {check:?}; {}", nearest(check, known()))));
    }
    need_kept(&config, catalogue, name)?;
    let run = Run::start(&config).await.map_err(Failure::usage)?;
    let dir = run.cell_dir(name).map_err(Failure::usage)?;
    let exe = std::env::current_exe().map_err(Failure::usage)?;
    let site = Site::open(config, run, &exe).await.map_err(Failure::usage)?;
    let mut manifest = cluster::reuse(&site, name).await.map_err(Failure::cluster)?.ok_or_else(|| {
        Failure::Usage(format!("the members of {name} are gone; `testkit down {name}` clears what is left of it"))
    })?;
    let (mut judged, mut failed) = (0, 0);
    let asked: Vec<_> = checks(&manifest.plan).filter(|one| check.is_none_or(|name| name == one.name)).collect();
    if asked.iter().any(|one| one.name == cluster::TRIED) {
        cluster::try_out(&site.client, &mut manifest).await;
    }
    for one in asked {
        let verdict = one.judge(&manifest);
        say!("{verdict}");
        judged += 1;
        failed += usize::from(!verdict.passed());
    }
    if judged == 0 {
        let check = check.unwrap_or_default();
        return Err(Failure::Usage(format!(
            "{check} does not apply to {name}: `testkit plan --explain {name}` lists those that do"
        )));
    }
    say!("{failed} of {judged} checks failed; product {}", manifest.product);
    if failed == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    cluster::collect(&site.client, &manifest.instances, &Evidence::new(&dir)).await;
    complain!("evidence: {}", dir.display());
    Err(Failure::Checks)
}

/// A terminal or a command on a member.
pub(super) async fn shell(
    config: Config,
    catalogue: &Catalogue,
    node: &str,
    command: &[String],
) -> Result<ExitCode, Failure> {
    let (cell, member) = node.split_once(':').map_or((node, None), |(cell, member)| (cell, Some(member)));
    let manifest = need_kept(&config, catalogue, cell)?;
    let instance = instance(&manifest, member)?;
    let client = host::connect(&config).await.map_err(Failure::usage)?;
    let command: Vec<String> =
        if command.is_empty() { vec!["/bin/bash".into(), "--login".into()] } else { command.to_vec() };
    // A member's PATH as a person's: with the snaps in it.
    let exec = Exec::new(command)
        .env("PATH", cluster::PATH)
        .env("TERM", "xterm-256color")
        .env("HOME", "/root")
        .timeout(Duration::from_secs(24 * 3600));
    let code = if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        super::terminal::attach(&client, instance, &exec).await.map_err(Failure::usage)?
    } else {
        let output = client.exec(instance, &exec).await.map_err(Failure::usage)?;
        // As it is: it need not end a line.
        let _ = std::io::stdout().write_all(&output.stdout);
        let _ = std::io::stderr().write_all(&output.stderr);
        output.exit_code
    };
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(255)))
}

/// The cluster that `node` names, which is up, and the names of its members that are meant: all, or one.
pub(super) fn members(config: &Config, catalogue: &Catalogue, node: &str) -> Result<(Manifest, Vec<String>), Failure> {
    let (cell, member) = node.split_once(':').map_or((node, None), |(cell, member)| (cell, Some(member)));
    let manifest = need_kept(config, catalogue, cell)?;
    let one = member.map(|_| instance(&manifest, member)).transpose()?;
    let meant = manifest.instances.iter().filter(|(_, instance)| one.is_none_or(|one| one == *instance));
    let names = meant.map(|(name, _)| name.clone()).collect();
    Ok((manifest, names))
}

/// The journals of one member, or of all.
pub(super) async fn logs(config: Config, catalogue: &Catalogue, node: &str, follow: bool) -> Result<ExitCode, Failure> {
    let (cell, member) = node.split_once(':').map_or((node, None), |(cell, member)| (cell, Some(member)));
    let manifest = need_kept(&config, catalogue, cell)?;
    let members = match member {
        Some(_) => vec![(String::new(), instance(&manifest, member)?.to_owned())],
        None => manifest.instances.clone().into_iter().collect(),
    };
    let client = host::connect(&config).await.map_err(Failure::usage)?;
    journals::logs(&client, &members, follow).await
}

/// What is recorded of a cluster that is up; `None` where there is none.
pub(super) fn kept(config: &Config, cell: &str) -> Result<Option<Manifest>, Failure> {
    let told =
        |error| format!("{}\n  `testkit down {cell}` removes the cluster and what is recorded of it", chain(&error));
    cluster::kept(config, cell).map_err(|error| Failure::Usage(told(error)))
}

/// The cluster of a cell or a journey that is up. One that is up is good although the matrix no longer has its cell.
pub(super) fn need_kept(config: &Config, catalogue: &Catalogue, cell: &str) -> Result<Manifest, Failure> {
    let kept = kept(config, cell)?;
    if kept.is_none() {
        Cells::of(catalogue)?.one(cell, None)?;
    }
    kept.ok_or_else(|| {
        let up = cluster::kept_cells(config);
        let hint = nearest(cell, up.iter().map(String::as_str));
        Failure::Usage(format!("{cell:?} is not up (of those that are up, {hint}); `testkit up {cell}` forms it"))
    })
}

/// The instance of a member given by name, by number, or not at all.
fn instance<'a>(manifest: &'a Manifest, member: Option<&str>) -> Result<&'a str, Failure> {
    let members = &manifest.plan.state.members;
    let found = match member {
        None => members.first(),
        Some(text) => members
            .iter()
            .find(|member| member.name == text || member.hostname == text)
            .or_else(|| members.get(text.parse::<usize>().ok()?.checked_sub(1)?)),
    };
    found.and_then(|member| manifest.instances.get(&member.name)).map(String::as_str).ok_or_else(|| {
        let names = members.iter().map(|member| member.name.as_str());
        Failure::Usage(format!(
            "there is no member {:?}; {}",
            member.unwrap_or_default(),
            nearest(member.unwrap_or_default(), names)
        ))
    })
}

/// Removes clusters that are up.
pub(super) async fn down(
    config: Config,
    catalogue: &Catalogue,
    cell: Option<&str>,
    all: bool,
) -> Result<ExitCode, Failure> {
    let up = cluster::kept_cells(&config);
    let cells = match cell {
        // A record that cannot be read is one of a cluster all the same.
        Some(cell) if up.iter().any(|up| up == cell) => vec![cell.to_owned()],
        Some(cell) if !all => {
            need_kept(&config, catalogue, cell)?;
            vec![cell.to_owned()]
        }
        _ => up,
    };
    let client = host::connect(&config).await.map_err(Failure::usage)?;
    for cell in cells {
        let swept = sweep(&client, &Target::Kept(cell.clone()), None).await.map_err(Failure::provisioning)?;
        cluster::forget(&config, &cell).map_err(Failure::usage)?;
        say!("{cell}: removed {swept}");
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_names_come_first() {
        let known = ["init_cluster", "init_cluster_ipv6", "init_cluster_custom_encap", "other"];
        assert!(nearest("init_clutser", known.into_iter()).starts_with("the nearest are init_cluster, "));
        assert_eq!(nearest("x", [].into_iter()), "there are none");
    }
}
