//! `microovn init`: the dialog, and what is done with the answers.

use std::io::{BufRead, Write};
use std::process::ExitCode;

use rustix::termios::{self, LocalModes, OptionalActions, Termios};
use serde_json::{Map, Value, json};

use crate::address;
use crate::dialog::{Dialog, Quirks};
use crate::error::{Error, Result};
use crate::faults::{self, Fault, Release};
use crate::paths::Paths;

use super::client::Client;

/// What the dialog needs to know before it asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Defaults {
    /// The address offered.
    pub(crate) address: String,
    /// The system name offered.
    pub(crate) name: String,
    /// A question to ask that MicroOVN does not ask.
    pub(crate) extra_question: Option<String>,
    /// Whether to ask only what MicroOVN 24.03 asked at first.
    pub(crate) older: bool,
    /// The release that is played.
    pub(crate) release: Release,
    /// Whether to ask for the encapsulation address before the services.
    pub(crate) reordered: bool,
    /// Whether to forget the encapsulation address.
    pub(crate) forgetful: bool,
}

/// What the dialog found out: the request to form or join a cluster.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answers {
    /// The body of `POST /core/control`.
    pub(crate) request: Value,
    /// Whether a new cluster is created, which is when servers can be added.
    pub(crate) creates: bool,
}

const SERVICES: &str = "Please select comma-separated list services you would like to enable on this node \
     (central/chassis/switch) or let MicroOVN automatically decide (auto)";

const CUSTOM_ENCAP: &str = "Would you like to define a custom encapsulation IP address for this member?";

/// Runs `microovn init`; says what its exit code is.
pub(crate) async fn run(client: &Client, paths: &Paths) -> Result<ExitCode> {
    let quirks = quirks(paths);
    let _echo = if quirks.misheard { Silence::begin() } else { None };
    let mut dialog =
        Dialog { input: std::io::stdin().lock(), output: std::io::stdout(), complaints: std::io::stderr(), quirks };

    let server = client.get("/core/1.0").await?;
    if server["ready"] == json!(true) {
        dialog.say("MicroOVN has already been initialized.\n")?;
        return add_servers(&mut dialog, client).await.map(|()| ExitCode::SUCCESS);
    }

    let plays = |fault| faults::plays(paths, fault);
    let defaults = Defaults {
        address: address::find_default()?.to_string(),
        name: address::hostname(),
        extra_question: faults::find_or(paths, Fault::ExtraQuestion, "Would you like to enable telemetry?"),
        older: plays(Fault::OlderDialog),
        release: client.release(),
        reordered: plays(Fault::QuestionReordered),
        forgetful: plays(Fault::AnswerLost),
    };
    let answers = ask(&mut dialog, &defaults)?;
    if let Some(seconds) = faults::find(paths, Fault::InitHangs) {
        tokio::time::sleep(std::time::Duration::from_secs(seconds.parse().unwrap_or(3600))).await;
    }
    if let Some(text) = faults::find_or(paths, Fault::InitExitZero, "context canceled") {
        complain!("Error: {text}");
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(text) = faults::find_or(paths, Fault::InitFails, "context canceled") {
        return Err(Error::internal(text));
    }
    if !plays(Fault::InitDoesNothing) {
        client.post("/core/control", &answers.request).await?;
    }
    if answers.creates {
        add_servers(&mut dialog, client).await?;
    }
    Ok(if plays(Fault::InitExitOne) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What the dialog does wrong.
fn quirks(paths: &Paths) -> Quirks {
    let reworded = faults::find(paths, Fault::QuestionReworded);
    let reworded = reworded.as_ref().and_then(|value| value.split_once("=>"));
    Quirks {
        reworded: reworded.map(|(old, new)| (old.trim().to_owned(), new.trim().to_owned())),
        repeated: faults::find_or(paths, Fault::QuestionRepeated, CUSTOM_ENCAP),
        endless: faults::find_or(paths, Fault::PromptEndless, CUSTOM_ENCAP),
        misheard: faults::plays(paths, Fault::EchoWrong),
    }
}

/// The terminal not echoing what is typed, until this is dropped.
struct Silence(Termios);

impl Silence {
    /// Ends the echo; `None` when the input is no terminal.
    fn begin() -> Option<Self> {
        let before = termios::tcgetattr(std::io::stdin()).ok()?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        termios::tcsetattr(std::io::stdin(), OptionalActions::Now, &silent).ok()?;
        Some(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = termios::tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Asks all questions that come before the daemon is called.
///
/// # Errors
///
/// The input ends, or a list of services is not one.
pub(crate) fn ask<R: BufRead, W: Write, E: Write>(
    dialog: &mut Dialog<R, W, E>,
    defaults: &Defaults,
) -> Result<Answers> {
    let listen =
        dialog.ask_with_default("Please choose the address MicroOVN will be listening on", &defaults.address)?;
    let creates = dialog.ask_yes_no("Would you like to create a new MicroOVN cluster?")?;
    let early = if defaults.reordered { Some(ask_encap(dialog)?) } else { None };
    let mut config = Map::new();
    let release = defaults.release;
    if !defaults.older && release.asks_for_services() {
        let services = parse_services(&dialog.ask_with_default(SERVICES, "auto")?)?;
        config.insert("ovn-services".to_owned(), json!(services));
    }

    let mut request = Map::new();
    if creates {
        let name = dialog.ask_with_default("Please choose a name for this system", &defaults.name)?;
        request.insert("bootstrap".to_owned(), json!(true));
        request.insert("name".to_owned(), json!(name));
    } else {
        let token = dialog.ask_text("Please enter your join token: ")?;
        request.insert("join_token".to_owned(), json!(token));
        request.insert("name".to_owned(), json!(defaults.name));
    }
    request.insert("address".to_owned(), json!(address::parse_at(&listen, release.port())?.to_string()));

    if let Some(question) = &defaults.extra_question {
        dialog.ask_yes_no(question)?;
    }
    let encap_ip = match early {
        Some(answer) => answer,
        None if release.is_first() => None,
        None => ask_encap(dialog)?,
    };
    if let Some(ip) = encap_ip.filter(|_| !defaults.forgetful) {
        config.insert("ovn-encap-ip".to_owned(), json!(ip));
    }
    let own_ca = "Would you like to provide your own CA certificate and private key for issuing OVN TLS certificates?";
    if creates && !defaults.older && !release.is_first() && dialog.ask_yes_no(own_ca)? {
        let certificate = dialog.ask_text("Please enter the path to the CA certificate file: ")?;
        let key = dialog.ask_text("Please enter the path to the CA private key file: ")?;
        config.insert("ovn-ca-cert".to_owned(), json!(certificate));
        config.insert("ovn-ca-key".to_owned(), json!(key));
    }
    request.insert("config".to_owned(), Value::Object(config));
    Ok(Answers { request: Value::Object(request), creates })
}

/// Asks for the custom encapsulation address, if there is to be one.
fn ask_encap<R: BufRead, W: Write, E: Write>(dialog: &mut Dialog<R, W, E>) -> Result<Option<String>> {
    if !dialog.ask_yes_no(CUSTOM_ENCAP)? {
        return Ok(None);
    }
    dialog.ask_ip("Please enter the custom encapsulation IP address for this member: ").map(Some)
}

/// Checks a list of services, or `auto`, and returns it as it was typed.
fn parse_services(answer: &str) -> Result<String> {
    let mut chosen = answer.split(',');
    if chosen.clone().any(|service| service == "auto") {
        if chosen.count() > 1 {
            return Err(Error::new(400, "cannot select multiple services when using auto"));
        }
    } else if let Some(unknown) = chosen.find(|service| !["central", "chassis", "switch"].contains(service)) {
        return Err(Error::new(400, format!("invalid service selected: {unknown}")));
    }
    Ok(answer.to_owned())
}

async fn add_servers<R: BufRead, W: Write, E: Write>(dialog: &mut Dialog<R, W, E>, client: &Client) -> Result<()> {
    if !dialog.ask_yes_no("Would you like to add additional servers to the cluster?")? {
        return Ok(());
    }
    loop {
        let name = dialog.ask_line("What's the name of the new MicroOVN server? (empty to exit): ")?;
        if name.is_empty() {
            return Ok(());
        }
        let token = super::cluster::request_token(client, &name, None).await?;
        dialog.say(&token)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> Defaults {
        Defaults { address: "10.77.0.101".to_owned(), name: "real-1".to_owned(), ..Defaults::default() }
    }

    /// Answers all questions from `input`; returns the result, the prompts and the complaints.
    fn converse(input: &str, defaults: &Defaults) -> (Result<Answers>, String, String) {
        converse_oddly(input, defaults, Quirks::default())
    }

    fn converse_oddly(input: &str, defaults: &Defaults, quirks: Quirks) -> (Result<Answers>, String, String) {
        let (mut output, mut complaints) = (Vec::new(), Vec::new());
        let mut dialog = Dialog { input: input.as_bytes(), output: &mut output, complaints: &mut complaints, quirks };
        let result = ask(&mut dialog, defaults);
        (
            result,
            String::from_utf8(output).expect("prompts are text"),
            String::from_utf8(complaints).expect("complaints are text"),
        )
    }

    /// A recording without the header, split into what went to the two streams.
    fn recorded(text: &str) -> (&str, &str) {
        let body = text.split_once("--- stdout\n").expect("a recording has an output").1;
        body.split_once("--- stderr\n").expect("a recording has a second stream")
    }

    #[test]
    fn dialogs_that_fail_read_as_recorded() {
        for (input, text) in [
            ("\nyes\n\n\nyes\nfoo\n", include_str!("../../tests/fixtures/03-init-bad-encap-hostname.txt")),
            ("\nyes\nfoo\n", include_str!("../../tests/fixtures/03-init-bad-service.txt")),
            ("\nmaybe\n", include_str!("../../tests/fixtures/03-init-bad-yesno.txt")),
            ("\n", include_str!("../../tests/fixtures/03-init-piped-eof.txt")),
            ("", include_str!("../../tests/fixtures/03-init-stdin-devnull.txt")),
            ("\nyes\nauto,central\n", include_str!("../../tests/fixtures/70-init-auto-and-more.txt")),
            ("\nyes\n\n\nyes\n[fd42:88::11]\n", include_str!("../../tests/fixtures/70-init-encap-bracket.txt")),
            ("\nyes\n\n\nyes\n10.88.0.11/24\n", include_str!("../../tests/fixtures/70-init-encap-cidr.txt")),
            ("\nyes\n\n\nyes\n\n", include_str!("../../tests/fixtures/70-init-encap-empty.txt")),
            ("\nyes\n\n\nyes\n 10.88.0.11 x\n", include_str!("../../tests/fixtures/70-init-encap-space.txt")),
            ("\nyes\ncentral, chassis\n", include_str!("../../tests/fixtures/70-init-services-space.txt")),
            ("\nYES\nfoo\n", include_str!("../../tests/fixtures/70-init-yesno-variants2.txt")),
        ] {
            let (result, prompts, complaints) = converse(input, &defaults());
            let error = result.expect_err(text);
            let (stdout, stderr) = recorded(text);
            assert_eq!(prompts, stdout, "{input:?}");
            assert_eq!(format!("{complaints}Error: {error}\n"), stderr, "{input:?}");
        }
    }

    #[test]
    fn a_created_cluster_is_asked_for_in_the_recorded_order() {
        let text = include_str!("../../tests/fixtures/70-init-ca-missing-file.txt");
        let (result, prompts, complaints) =
            converse("\nyes\n\n\nno\nyes\n/nonexistent.crt\n/nonexistent.key\n", &defaults());
        assert_eq!(prompts, recorded(text).0);
        assert_eq!(complaints, "");
        assert_eq!(
            result.expect("a request").request,
            json!({"bootstrap": true, "name": "real-1", "address": "10.77.0.101:6686",
                   "config": {"ovn-services": "auto", "ovn-ca-cert": "/nonexistent.crt",
                              "ovn-ca-key": "/nonexistent.key"}})
        );
    }

    #[test]
    fn a_join_is_asked_for_in_the_recorded_order() {
        let text = include_str!("../../tests/fixtures/30-v6-init-join-2.txt");
        let defaults =
            Defaults { address: "fd42:77::102".to_owned(), name: "real-2".to_owned(), ..Defaults::default() };
        let (result, prompts, _) = converse("\nno\n\neyJ0\nyes\nfd42:88::12\n", &defaults);
        assert_eq!(prompts, recorded(text).0);
        let answers = result.expect("a request");
        assert!(!answers.creates);
        assert_eq!(
            answers.request,
            json!({"join_token": "eyJ0", "name": "real-2", "address": "[fd42:77::102]:6686",
                   "config": {"ovn-services": "auto", "ovn-encap-ip": "fd42:88::12"}})
        );
    }

    #[test]
    fn an_encapsulation_address_stays_as_typed() {
        let (result, _, _) = converse("10.77.0.101\nyes\n\nfoo\ny\nFD42:88:0::0011\nno\n", &defaults());
        let request = result.expect("a request").request;
        assert_eq!(request["config"]["ovn-encap-ip"], "FD42:88:0::0011");
        assert_eq!(request["name"], "foo");
    }

    #[test]
    fn services_are_passed_on_and_a_port_is_kept() {
        let (result, _, _) = converse("10.77.0.102:7000\nno\nchassis,switch\neyJ0\nno\n", &defaults());
        let request = result.expect("a request").request;
        assert_eq!(request["config"]["ovn-services"], "chassis,switch");
        assert_eq!(request["address"], "10.77.0.102:7000");
    }

    #[test]
    fn faults_change_the_dialog() {
        let older = Defaults { older: true, ..defaults() };
        let (result, prompts, _) = converse("\nyes\n\nno\n", &older);
        assert_eq!(result.expect("a request").request["config"], json!({}));
        assert!(!prompts.contains("services") && !prompts.contains("CA certificate"), "{prompts}");

        let extra = Defaults { extra_question: Some("What is your quest?".to_owned()), ..defaults() };
        let (result, prompts, _) = converse("\nyes\n\n\nno\nno\nno\n", &extra);
        assert!(result.is_ok());
        assert!(prompts.contains("What is your quest? (yes/no) [default=no]: "), "{prompts}");

        let reordered = Defaults { reordered: true, ..defaults() };
        let (result, prompts, _) = converse("\nno\nyes\n10.88.0.11\nswitch\neyJ0\n", &reordered);
        assert_eq!(result.expect("a request").request["config"]["ovn-encap-ip"], "10.88.0.11");
        assert!(prompts.ends_with("Please enter your join token: "), "{prompts}");

        let forgetful = Defaults { forgetful: true, ..defaults() };
        let (result, _, _) = converse("\nno\n\neyJ0\nyes\n10.88.0.11\n", &forgetful);
        assert_eq!(result.expect("a request").request["config"], json!({"ovn-services": "auto"}));
    }

    #[test]
    fn an_older_release_asks_what_it_asked() {
        let of = |release| Defaults { release, ..defaults() };
        let (result, prompts, _) = converse("\nyes\n\nno\nno\n", &of(Release::R2403));
        assert_eq!(result.expect("a request").request["address"], "10.77.0.101:6686");
        assert!(!prompts.contains("services") && prompts.contains("CA certificate"), "{prompts}");

        let (result, prompts, _) = converse("\nyes\n\n", &of(Release::R2203));
        let request = result.expect("a request").request;
        assert_eq!((&request["address"], &request["config"]), (&json!("10.77.0.101:6443"), &json!({})));
        assert!(prompts.ends_with("Please choose a name for this system [default=real-1]: "), "{prompts}");
        assert!(converse("\nno\neyJ0\n", &of(Release::R2203)).0.is_ok());
    }

    #[test]
    fn quirks_change_the_conversation() {
        let repeated = Quirks { repeated: Some(CUSTOM_ENCAP.to_owned()), ..Quirks::default() };
        let (result, prompts, _) = converse_oddly("\nno\n\neyJ0\nyes\nno\n", &defaults(), repeated);
        assert_eq!(prompts.matches(CUSTOM_ENCAP).count(), 2, "{prompts}");
        assert_eq!(result.expect("a request").request["config"], json!({"ovn-services": "auto"}));

        let misheard = Quirks { misheard: true, ..Quirks::default() };
        let (result, prompts, _) = converse_oddly("\nno\n\neyJ0\nyes\n10.88.0.11\n", &defaults(), misheard);
        assert_eq!(result.expect("a request").request["config"]["ovn-encap-ip"], "10.88.0.11");
        assert!(prompts.ends_with("for this member: 10.88.0.1\n"), "{prompts}");

        let reworded = Quirks { reworded: Some(("join token".into(), "ticket".into())), ..Quirks::default() };
        let (_, prompts, _) = converse_oddly("\nno\n\n", &defaults(), reworded);
        assert!(prompts.ends_with("Please enter your ticket: "), "{prompts}");
    }

    #[test]
    fn an_unfinished_line_is_no_answer() {
        let (result, _, _) = converse("10.77.0.101", &defaults());
        assert_eq!(result.expect_err("no answer").message, "EOF");
    }
}
