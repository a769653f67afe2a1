//! The `microovn` command.
//!
//! The arguments are read by clap, but the words are those of MicroOVN: its help texts are stored beside this file,
//! and what clap finds wrong is said the way MicroOVN says it.

mod certificates;
mod client;
mod cluster;
mod config;
mod init;
mod refresh;
mod services;
mod sql;
mod status;
mod table;
mod version;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::error::{Error, Result};
use crate::faults::{self, Fault, Release};
use crate::paths::Paths;

use client::Client;

/// What the snap's app of that name runs, which is no command of MicroOVN.
const REFRESH: &str = "refresh-expiring-certs";
/// So many days ahead it renews.
pub(crate) const NEAR: i64 = 10;

/// Runs the command line and says how it ended.
pub(crate) fn main(args: &[String]) -> ExitCode {
    let matches = match command().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => return report_usage(&error, args),
    };
    let paths = Paths::new(matches.get_one::<PathBuf>("state-dir").map(PathBuf::as_path));
    if let Some(name) = matches.subcommand_name().filter(|name| Release::played(&paths).lacks(name)) {
        report_unknown(name);
        return ExitCode::FAILURE;
    }
    if matches.get_flag("version") {
        say!("{}", version::describe(&paths));
        return ExitCode::SUCCESS;
    }
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::from)
        .and_then(|runtime| runtime.block_on(run(&matches, &paths)));
    match outcome {
        Ok(code) => code,
        Err(error) => {
            complain!("Error: {error}");
            let misused = error.message.starts_with("accepts ") && faults::plays(&paths, Fault::MisuseExitZero);
            if misused { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    }
}

async fn run(matches: &ArgMatches, paths: &Paths) -> Result<ExitCode> {
    let client = Client::new(paths);
    let Some((name, matches)) = matches.subcommand() else {
        return Ok(ExitCode::SUCCESS);
    };
    match (name, matches.subcommand()) {
        ("init", _) => return init::run(&client, paths).await,
        (REFRESH, _) => {
            return refresh::run(&client, paths, matches.get_one::<i64>("days").copied().unwrap_or(NEAR)).await;
        }
        ("status", _) => status::status(&client, paths).await,
        ("waitready", _) if faults::plays(paths, Fault::WaitreadyAtOnce) => Ok(()),
        ("waitready", _) => status::wait_ready(&client, matches.get_one::<u64>("timeout").copied().unwrap_or(0)).await,
        ("enable" | "disable", _) => {
            services::switch(&client, name, &services::Options::new(paths, name, matches)?).await
        }
        ("cluster", Some(("bootstrap", matches))) => {
            let [] = exactly::<0>(matches)?;
            cluster::bootstrap(&client).await
        }
        ("cluster", Some(("join", matches))) => cluster::join(&client, &one(matches)?).await,
        ("cluster", Some(("add", matches))) => {
            cluster::add(&client, &one(matches)?, matches.get_one::<f64>("timeout").copied()).await
        }
        ("cluster", Some(("list", matches))) => cluster::list(&client, &format(matches, "table")).await,
        ("cluster", Some(("remove", matches))) => {
            cluster::remove(&client, &one(matches)?, matches.get_flag("force")).await
        }
        ("cluster", Some(("sql", matches))) => sql::run(&client, &one(matches)?).await,
        ("certificates", Some(("list", matches))) => certificates::list(&client, paths, &format(matches, "text")).await,
        ("certificates", Some(("reissue", matches))) => {
            certificates::reissue(&client, &certificates::service(matches)?).await
        }
        ("certificates", Some(("regenerate-ca", _))) => certificates::regenerate_ca(&client).await,
        ("certificates", Some(("set-ca", matches))) => certificates::set_ca(&client, matches).await,
        ("config", Some(("get", matches))) => config::get(&client, &one(matches)?).await,
        ("config", Some(("delete", matches))) => config::delete(&client, &one(matches)?).await,
        ("config", Some(("set", matches))) => {
            let [key, value] = exactly::<2>(matches)?;
            config::set(&client, &key, &value).await
        }
        ("config", Some(("list", _))) => {
            config::list();
            Ok(())
        }
        (group, Some((name, _))) => {
            Err(Error::new(501, format!("the stand-in does not implement \"microovn {group} {name}\"")))
        }
        (name, None) => {
            say!("{}", help(name));
            Ok(())
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

fn format(matches: &ArgMatches, default: &str) -> String {
    matches.get_one::<String>("format").cloned().unwrap_or_else(|| default.to_owned())
}

/// The positional arguments, which must be `N`.
fn exactly<const N: usize>(matches: &ArgMatches) -> Result<[String; N]> {
    let args: Vec<String> = matches.get_many("args").into_iter().flatten().cloned().collect();
    let received = args.len();
    args.try_into().map_err(|_| Error::new(400, format!("accepts {N} arg(s), received {received}")))
}

fn one(matches: &ArgMatches) -> Result<String> {
    exactly::<1>(matches).map(|[arg]| arg)
}

/// What clap cannot make sense of, in MicroOVN's words.
fn report_usage(error: &clap::Error, args: &[String]) -> ExitCode {
    let offender = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            say!("{}", error.render());
            return ExitCode::SUCCESS;
        }
        ErrorKind::InvalidSubcommand => {
            let name = offender(clap::error::ContextKind::InvalidSubcommand);
            // A group that gets an unknown word shows its help, as does the help command.
            match args.iter().skip(1).find(|arg| ["cluster", "certificates", "config"].contains(&arg.as_str())) {
                Some(group) => {
                    say!("{}", help(group));
                    return ExitCode::SUCCESS;
                }
                None => report_unknown(&name),
            }
        }
        ErrorKind::UnknownArgument => {
            let flag = offender(clap::error::ContextKind::InvalidArg);
            complain!("Error: unknown flag: {flag}");
        }
        _ => complain!("Error: {}", error.render().to_string().trim_start_matches("error: ").trim_end()),
    }
    ExitCode::FAILURE
}

/// What MicroOVN says of a command that it does not have.
fn report_unknown(name: &str) {
    complain!("Error: unknown command \"{name}\" for \"microovn\"\nRun 'microovn --help' for usage.");
}

fn leaf(name: &'static str, path: &'static str) -> Command {
    Command::new(name)
        .override_help(help(path))
        .arg(Arg::new("args").action(ArgAction::Append).num_args(0..).hide(true))
}

fn group(name: &'static str, leaves: impl IntoIterator<Item = Command>) -> Command {
    Command::new(name).override_help(help(name)).disable_help_subcommand(true).subcommands(leaves)
}

fn flag(name: &'static str, short: Option<char>) -> Arg {
    Arg::new(name).long(name).short(short).action(ArgAction::SetTrue)
}

fn option(name: &'static str, short: Option<char>) -> Arg {
    Arg::new(name).long(name).short(short).action(ArgAction::Set)
}

fn command() -> Command {
    let force = flag("force", Some('f'));
    let list_format = || option("format", Some('f'));
    Command::new("microovn")
        .override_help(help("root"))
        .arg(flag("debug", Some('d')).global(true))
        .arg(flag("verbose", Some('v')).global(true))
        .arg(flag("version", None).global(true))
        .arg(option("state-dir", None).global(true).value_parser(clap::value_parser!(PathBuf)))
        .subcommand(leaf("init", "init"))
        .subcommand(
            Command::new(REFRESH)
                .override_help(help(REFRESH))
                .arg(Arg::new("days").short('t').value_parser(clap::value_parser!(i64))),
        )
        .subcommand(leaf("status", "status"))
        .subcommand(
            leaf("waitready", "waitready").arg(option("timeout", Some('t')).value_parser(clap::value_parser!(u64))),
        )
        .subcommand(
            leaf("enable", "enable")
                .arg(option("node", None))
                .arg(option("config", None).action(ArgAction::Append))
                .arg(flag("manual-bgpd-config", None)),
        )
        .subcommand(leaf("disable", "disable").arg(option("node", None)).arg(flag("allow-disable-last-central", None)))
        .subcommand(group(
            "cluster",
            [
                leaf("add", "cluster-add").arg(option("timeout", None).value_parser(clap::value_parser!(f64))),
                leaf("bootstrap", "cluster-bootstrap"),
                leaf("join", "cluster-join"),
                leaf("list", "cluster-list").arg(list_format()),
                leaf("remove", "cluster-remove").arg(force),
                leaf("sql", "cluster-sql"),
            ],
        ))
        .subcommand(group(
            "certificates",
            [
                leaf("list", "certificates-list").arg(list_format()),
                leaf("regenerate-ca", "certificates-regenerate-ca"),
                leaf("reissue", "certificates-reissue"),
                leaf("set-ca", "certificates-set-ca")
                    .arg(option("cert", None))
                    .arg(option("key", None))
                    .arg(flag("combined", None)),
            ],
        ))
        .subcommand(group(
            "config",
            [
                leaf("delete", "config-delete"),
                leaf("get", "config-get"),
                leaf("list", "config-list"),
                leaf("set", "config-set"),
            ],
        ))
        .arg_required_else_help(true)
}

fn help(path: &str) -> &'static str {
    match path {
        "init" => include_str!("help/init.txt"),
        REFRESH => include_str!("help/refresh-expiring-certs.txt"),
        "status" => include_str!("help/status.txt"),
        "waitready" => include_str!("help/waitready.txt"),
        "enable" => include_str!("help/enable.txt"),
        "disable" => include_str!("help/disable.txt"),
        "cluster" => include_str!("help/cluster.txt"),
        "cluster-add" => include_str!("help/cluster-add.txt"),
        "cluster-bootstrap" => include_str!("help/cluster-bootstrap.txt"),
        "cluster-join" => include_str!("help/cluster-join.txt"),
        "cluster-list" => include_str!("help/cluster-list.txt"),
        "cluster-remove" => include_str!("help/cluster-remove.txt"),
        "cluster-sql" => include_str!("help/cluster-sql.txt"),
        "certificates" => include_str!("help/certificates.txt"),
        "certificates-list" => include_str!("help/certificates-list.txt"),
        "certificates-regenerate-ca" => include_str!("help/certificates-regenerate-ca.txt"),
        "certificates-reissue" => include_str!("help/certificates-reissue.txt"),
        "certificates-set-ca" => include_str!("help/certificates-set-ca.txt"),
        "config" => include_str!("help/config.txt"),
        "config-delete" => include_str!("help/config-delete.txt"),
        "config-get" => include_str!("help/config-get.txt"),
        "config-list" => include_str!("help/config-list.txt"),
        "config-set" => include_str!("help/config-set.txt"),
        _ => include_str!("help/root.txt"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn help_reads_as_recorded() {
        for (args, text) in [
            (&["--help"][..], include_str!("../../tests/fixtures/00-help.txt")),
            (&[], include_str!("../../tests/fixtures/00-help.txt")),
            (&["cluster", "--help"], include_str!("../../tests/fixtures/00-cluster-help.txt")),
            (&["cluster", "list", "--help"], include_str!("../../tests/fixtures/11-cluster-list-help.txt")),
            (&["certificates", "--help"], include_str!("../../tests/fixtures/12-certs-help.txt")),
            (&["certificates", "reissue", "--help"], include_str!("../../tests/fixtures/104-reissue-help.txt")),
            (
                &["certificates", "regenerate-ca", "--help"],
                include_str!("../../tests/fixtures/105-regenerate-help.txt"),
            ),
            (&["certificates", "set-ca", "--help"], include_str!("../../tests/fixtures/106-setca-help.txt")),
            (&["cluster", "sql", "--help"], include_str!("../../tests/fixtures/103-sql-help.txt")),
            (&["waitready", "-h"], include_str!("../../tests/fixtures/13-waitready-help.txt")),
            (&["cluster", "add", "--help"], include_str!("../../tests/fixtures/14-add-help.txt")),
            (&["cluster", "remove", "--help"], include_str!("../../tests/fixtures/14-remove-help.txt")),
            (&["refresh-expiring-certs", "-h"], include_str!("../../tests/fixtures/108-refresh-h.txt")),
            (&["config", "--help"], include_str!("../../tests/fixtures/15-config-help.txt")),
            (&["enable", "--help"], include_str!("../../tests/fixtures/16-enable-help.txt")),
            (&["disable", "--help"], include_str!("../../tests/fixtures/16-disable-help.txt")),
        ] {
            let error = command().try_get_matches_from([&["microovn"], args].concat()).expect_err("help");
            let recorded = text.split_once("--- stdout\n").expect("an output").1;
            let recorded = recorded.split_once("--- stderr\n").expect("a second stream").0;
            assert_eq!(error.render().to_string(), recorded, "{args:?}");
        }
    }

    #[test]
    fn an_unknown_service_and_two_at_once_are_refused_as_recorded() {
        for (args, text) in [
            (&["microovn", "disable", "foo"][..], include_str!("../../tests/fixtures/200-disable-bad.txt")),
            (
                &["microovn", "enable", "central", "chassis"],
                include_str!("../../tests/fixtures/200-enable-two-args.txt"),
            ),
        ] {
            let matches = command().try_get_matches_from(args).expect("it parses");
            let leaf = matches.subcommand_matches(args[1]).expect("a leaf");
            let error = services::Options::new(&Paths::new(None), args[1], leaf).expect_err("refused");
            assert!(text.ends_with(&format!("Error: {error}\n")), "{error}");
        }
    }

    #[test]
    fn a_wrong_number_of_arguments_is_said_as_recorded() {
        let leaf = |args: &[&str]| {
            let matches = command().try_get_matches_from(args).expect("it parses");
            let leaf = matches.subcommand_matches("cluster").and_then(|group| group.subcommand_matches(args[2]));
            leaf.expect("a leaf").clone()
        };
        for (args, text) in [
            (&["microovn", "cluster", "add"][..], "accepts 1 arg(s), received 0"),
            (&["microovn", "cluster", "add", "a", "b"], "accepts 1 arg(s), received 2"),
        ] {
            assert_eq!(one(&leaf(args)).expect_err("a wrong number").message, text);
        }
        let bootstrap = exactly::<0>(&leaf(&["microovn", "cluster", "bootstrap", "a"]));
        assert_eq!(bootstrap.expect_err("a wrong number").message, "accepts 0 arg(s), received 1");
    }
}
