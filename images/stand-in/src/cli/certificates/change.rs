//! `microovn certificates reissue`, `regenerate-ca` and `set-ca`.

use std::io::Read;

use clap::ArgMatches;
use hyper::Method;
use serde_json::{Value, json};

use crate::cli::client::Client;
use crate::error::{Context, Error, Result, io_text};
use crate::ovn::reissued::{Reissued, Replaced};
use crate::ovn::user_ca;

/// What can be reissued.
const SERVICES: [&str; 6] = ["client", "ovnnb", "ovnsb", "ovn-controller", "ovn-northd", "all"];

/// `certificates reissue SERVICE`: new certificates on this member.
pub(crate) async fn reissue(client: &Client, service: &str) -> Result<()> {
    let path = if service == "all" { "/1.0/certificates".to_owned() } else { format!("/1.0/certificates/{service}") };
    let reply = client.call("Put", Method::PUT, &path, None).await;
    let reply = reply.context("failed to reissue certificate").context("command failed")?;
    say!("{}", serde_json::from_value::<Reissued>(reply)?.text());
    Ok(())
}

/// What is to be reissued.
pub(crate) fn service(matches: &ArgMatches) -> Result<String> {
    let service = crate::cli::one(matches)?;
    if SERVICES.contains(&service.as_str()) {
        return Ok(service);
    }
    Err(Error::new(400, format!("invalid argument \"{service}\" for \"microovn certificates reissue\"")))
}

/// `certificates regenerate-ca`: a new authority, and new certificates on all members.
pub(crate) async fn regenerate_ca(client: &Client) -> Result<()> {
    let reply = client.call("Put", Method::PUT, "/1.0/ca", None).await;
    print(reply.context("failed to generate new CA").context("command failed")?)
}

/// `certificates set-ca`: an authority from files or from the input, and new certificates on all members.
pub(crate) async fn set_ca(client: &Client, matches: &ArgMatches) -> Result<()> {
    let (certificate, key) = provided(matches, &mut std::io::stdin())?;
    let reply = client.post("/1.0/ca", &json!({"certificate": certificate, "private_key": key})).await;
    print(reply.context("failed to set new CA").context("command failed")?)
}

/// Where MicroOVN begins with the members is up to chance, and mostly the first.
fn print(reply: Value) -> Result<()> {
    let first = rand::random::<u8>() % 16;
    let replaced: Replaced = serde_json::from_value(reply)?;
    let first = if usize::from(first) < replaced.reissued.len() { first } else { 0 };
    say!("{}", replaced.text(first.into()));
    Ok(())
}

/// The PEM texts of a certificate and its key.
fn provided(matches: &ArgMatches, input: &mut impl Read) -> Result<(String, String)> {
    let path = |name: &str| matches.get_one::<String>(name).filter(|path| !path.is_empty());
    let (certificate, key) = (path("cert"), path("key"));
    if matches.get_flag("combined") == (certificate.is_some() || key.is_some()) {
        return Err(Error::new(400, "you must use --combined xor (--key and --cert)"));
    }
    if matches.get_flag("combined") {
        let mut text = Vec::new();
        input.read_to_end(&mut text).context("failed to read stdin")?;
        return user_ca::split(&text).context("failed to parse certificates and keys from stdin");
    }
    let (Some(certificate), Some(key)) = (certificate, key) else {
        return Err(Error::new(400, "you must use either both or none of --key and --cert"));
    };
    let read = |what: &str, path: &str| {
        // Whatever is in it: what cannot be used is for the daemon to refuse.
        let bytes = std::fs::read(path).map_err(|error| {
            Error::internal(format!("failed to read {what} file: open {path}: {}", io_text(&error)))
        })?;
        Result::Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    Ok((read("certificate", certificate)?, read("private key", key)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command;

    /// What a recording shows on a stream.
    fn recorded<'a>(recording: &'a str, stream: &str) -> &'a str {
        let after = recording.split_once(&format!("--- {stream}\n")).expect("a stream").1;
        after.split_once("--- stderr\n").map_or(after, |(before, _)| before)
    }

    /// The arguments of the command of a recording that begins with `certificates`; a pipe into it is not read.
    fn matches(recording: &str) -> (String, ArgMatches) {
        let line = recording.lines().next().unwrap_or_default();
        let command_line = line.split_once("microovn certificates").expect("a command").1;
        let words = command_line.split_once(" [on ").expect("where it ran").0.split_whitespace();
        let arguments = ["microovn", "certificates"].into_iter().chain(words);
        let matches = command().try_get_matches_from(arguments).expect("it parses");
        let (name, matches) = matches.subcommand().and_then(|(_, group)| group.subcommand()).expect("a leaf");
        (name.to_owned(), matches.clone())
    }

    #[test]
    fn what_is_reissued_is_said_as_recorded() {
        let all = ["ovnnb", "ovnsb", "ovn-northd", "ovn-controller", "client"];
        for (services, recording) in [
            (&all[..], include_str!("../../../tests/fixtures/104-reissue-central-all.txt")),
            (&all[3..], include_str!("../../../tests/fixtures/104-reissue-chassis-all.txt")),
            (&all[4..], include_str!("../../../tests/fixtures/104-reissue-central-client.txt")),
            (&all[..1], include_str!("../../../tests/fixtures/104-reissue-central-ovnnb.txt")),
        ] {
            assert_eq!(Reissued::all(services.iter().copied()).text(), recorded(recording, "stdout"));
            let (name, matches) = matches(recording);
            assert_eq!((name.as_str(), service(&matches).is_ok()), ("reissue", true));
        }
        let everything = ["central", "chassis", "switch"].map(str::to_owned);
        assert_eq!(crate::ovn::pki::stems(&everything), all, "in this order");
    }

    #[test]
    fn wrong_arguments_of_reissue_are_said_as_recorded() {
        for recording in [
            include_str!("../../../tests/fixtures/104-reissue-central-bogus.txt"),
            include_str!("../../../tests/fixtures/104-reissue-central-noarg.txt"),
        ] {
            let error = service(&matches(recording).1).expect_err("a wrong argument");
            assert_eq!(format!("Error: {error}\n"), recorded(recording, "stderr"));
        }
    }

    #[test]
    fn a_new_authority_is_said_as_recorded() {
        let name = |number: u8| format!("microovn-init-cluster-members-4-{number}");
        let central = Reissued::all(["ovnnb", "ovnsb", "ovn-northd", "ovn-controller", "client"]);
        let mut reissued: std::collections::BTreeMap<_, _> = [1, 2, 3].map(|n| (name(n), central.clone())).into();
        reissued.insert(name(4), Reissued::all(["ovn-controller", "client"]));
        let replaced = Replaced { new_ca: true, reissued, errors: Vec::new() };
        for (first, replaced, recording) in [
            (0, &replaced, include_str!("../../../tests/fixtures/105-regenerate-ca.txt")),
            (3, &replaced, include_str!("../../../tests/fixtures/107-setca-intermediate-chain.txt")),
            (0, &Replaced::default(), include_str!("../../../tests/fixtures/106-setca-mismatch.txt")),
        ] {
            // The recording ends every stream with a newline, which a refusal has not.
            assert_eq!(replaced.text(first).trim_end(), recorded(recording, "stdout").trim_end());
            assert!(recording.contains("\nexit: 0 "), "refused or not");
        }
    }

    #[test]
    fn wrong_arguments_of_set_ca_are_said_as_recorded() {
        let key = include_str!("../../../tests/fixtures/ca/p256-traditional.key");
        let certificate = include_str!("../../../tests/fixtures/ca/p256-signing.crt");
        for (input, recording) in [
            ("", include_str!("../../../tests/fixtures/106-setca-noflags.txt")),
            ("", include_str!("../../../tests/fixtures/106-setca-only-cert.txt")),
            ("", include_str!("../../../tests/fixtures/106-setca-combined-and-cert.txt")),
            ("", include_str!("../../../tests/fixtures/106-setca-missing-file.txt")),
            ("", include_str!("../../../tests/fixtures/107-setca-combined-empty.txt")),
            ("hello\n", include_str!("../../../tests/fixtures/107-setca-combined-garbage.txt")),
            (key, include_str!("../../../tests/fixtures/107-setca-combined-nocert.txt")),
            (certificate, include_str!("../../../tests/fixtures/107-setca-combined-nokey.txt")),
        ] {
            let error = provided(&matches(recording).1, &mut input.as_bytes()).expect_err("wrong arguments");
            assert_eq!(format!("Error: {error}\n"), recorded(recording, "stderr"));
            assert!(recording.contains("\nexit: 1 "));
        }
    }
}
