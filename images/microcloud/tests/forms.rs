//! The stand-in on terminals, its parties answered by the framework from plans of the real matrix, with a MicroOVN on each "member" that
//! notes what it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::microcloud::{Conversation, ConversationError, Part, Secrets, adding, part, preseed};
use testkit::plan::{Plan, Recipe, Segment, Segments, Variant};

/// A party says something at least so often.
const SILENCE: Duration = Duration::from_secs(60);

/// So long after what it said last, a party has said all of it, also on a host that is busy with other tests.
const HESITATION: Duration = Duration::from_secs(10);

/// What the MicroOVNs are told, in order: the member, and the request.
type Told = Arc<Mutex<Vec<(String, String, Value)>>>;
/// How each member enters, by its host name.
type Recipes = std::collections::BTreeMap<String, Recipe>;

/// A cluster to be formed on this host.
struct Hosts {
    plan: Plan,
    folder: TempDir,
    told: Told,
    /// Has the port of the hosts at another address, so that no other test is given it.
    _port: TcpListener,
}

impl Hosts {
    /// The hosts of a cell's plan, each with a MicroOVN; their addresses are all of this host.
    fn of(chosen: &[(&str, &str)], faults: &str) -> Self {
        Self::with(chosen, 0, faults)
    }

    /// The same, with so many more that are outside of the cluster.
    fn with(chosen: &[(&str, &str)], outside: usize, faults: &str) -> Self {
        let segment = |n: u8| Segment {
            ipv4: format!("127.0.{n}.0/24").parse().expect("a net"),
            ipv6: format!("fd42:{n}::/64").parse().expect("a net"),
        };
        let segments = Segments { management: segment(77), underlay: segment(88) };
        let catalogue = suites::catalogue();
        let matrix = (catalogue.matrix)().expect("a matrix");
        let plan = Plan::draw_variant(
            &matrix.cell(chosen).expect("a cell"),
            catalogue.options,
            segments,
            &Variant { outside, ..Variant::default() },
        );
        let (folder, told) = (tempfile::tempdir().expect("a folder"), Told::default());
        let reserved = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = reserved.local_addr().expect("an address").port();
        for member in &plan.state.members {
            let common = folder.path().join(&member.name);
            std::fs::create_dir(&common).expect("a folder");
            std::fs::write(common.join("faults"), faults).expect("faults");
            let socket = common.join("control.socket");
            serve(&socket, member.name.clone(), Arc::clone(&told));
            let interface = |nic: &testkit::plan::Nic| {
                // No test may depend on what IPv6 the host has.
                let addresses: Vec<_> = nic.addresses.iter().filter(|it| it.addr().is_ipv4()).collect();
                json!({"name": nic.device, "kind": "physical", "addresses": addresses})
            };
            let interfaces: Vec<Value> = member.nics.iter().map(interface).collect();
            let world = json!({"name": member.name, "interfaces": interfaces, "socket": socket, "common": common, "port": port});
            std::fs::write(common.join("world.json"), world.to_string()).expect("a world");
        }
        Self { plan, folder, told, _port: reserved }
    }

    fn command(&self, member: &str, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("MICROCLOUD_STAND_IN_WORLD", self.folder.path().join(member).join("world.json"));
        command
    }

    /// Forms the cluster in a conversation; what each party said.
    fn converse(&self) -> Result<Vec<String>, (String, Box<ConversationError>)> {
        self.converse_as(&self.plan.recipes)
    }

    /// The same, each member as in these recipes.
    fn converse_as(&self, recipes: &Recipes) -> Result<Vec<String>, (String, Box<ConversationError>)> {
        let members = self.plan.state.members();
        self.play(members.map(|member| part(&self.plan, member, recipes[&member.hostname].cues.clone())).collect())
    }

    /// Has every party play its part; what each said.
    fn play(&self, parts: Vec<Part>) -> Result<Vec<String>, (String, Box<ConversationError>)> {
        let names: Vec<String> = parts.iter().map(|part| part.member.clone()).collect();
        let mut parties: Vec<Party> = parts
            .into_iter()
            .map(|part| {
                let words = part.program[1..].join(" ");
                let shell =
                    format!("stty columns 400 rows 100; exec {} {words}", env!("CARGO_BIN_EXE_microcloud-stand-in"));
                let mut command = self.command(&part.member, "script");
                command.args(["--quiet", "--flush", "--return", "--echo=always", "--command", &shell, "/dev/null"]);
                let child = command.env("SHELL", "/bin/sh").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
                Party { talk: Conversation::new(part), child: child.expect("script is installed"), open: true }
            })
            .collect();
        let (said, heard) = channel();
        for (n, party) in parties.iter_mut().enumerate() {
            let (mut output, said) = (party.child.stdout.take().expect("a pipe"), said.clone());
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(length) = output.read(&mut bytes) {
                    if said.send((n, bytes[..length].to_vec())).is_err() || length == 0 {
                        return;
                    }
                }
            });
        }
        let mut secrets = Secrets::default();
        let spoken = match answer(&mut parties, &heard, &mut secrets) {
            // Whichever is heard of first: others end when the first does, which is the one that says why.
            Err((n, error)) if n > 0 => {
                Err(last_words(&mut parties[0], &heard, &mut secrets).map_or((n, error), |why| (0, why)))
            }
            spoken => spoken,
        };
        let logs = parties.iter().map(|party| party.talk.log(&secrets)).collect();
        for party in &mut parties {
            // Whoever is left waits for somebody who ended.
            let _ = party.child.kill().and_then(|()| party.child.wait());
        }
        spoken.map(|()| logs).map_err(|(n, error)| (names[n].clone(), error))
    }

    /// Runs a preseed everywhere; exit code and what each complained about.
    fn preseed(&self, recipes: &Recipes) -> Vec<(i32, String)> {
        let text = preseed(&self.plan, recipes, "a passphrase");
        let spawn = |member: &testkit::plan::Member| {
            let mut command = self.command(&member.name, env!("CARGO_BIN_EXE_microcloud-stand-in"));
            command.arg("preseed").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().expect("it runs");
            child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
            child
        };
        let children: Vec<Child> = self.plan.state.members.iter().map(spawn).collect();
        let ended = |child: Child| {
            let output = child.wait_with_output().expect("an end");
            (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).trim().to_owned())
        };
        children.into_iter().map(ended).collect()
    }

    /// What MicroOVN is told where it is formed, by member, in the order of the plan's members.
    fn formed(&self) -> Vec<Value> {
        let told = self.told.lock().expect("notes");
        let of = |name: &str| {
            let found = told.iter().filter(|(member, path, _)| member == name && path == "POST /core/control");
            let bodies: Vec<&Value> = found.map(|(_, _, body)| body).collect();
            match bodies[..] {
                [] => Value::Null,
                [one] => one.clone(),
                _ => panic!("{name} is told twice: {bodies:?}"),
            }
        };
        self.plan.state.members.iter().map(|member| of(&member.name)).collect()
    }

    /// What the plan wants MicroOVN to be told of each member's underlay.
    fn wanted(&self) -> Vec<Value> {
        self.plan.state.members.iter().map(|member| json!(self.plan.recipe(member).config)).collect()
    }

    fn configs(&self) -> Vec<Value> {
        self.formed().iter().map(|body| body["config"].clone()).collect()
    }
}

struct Party {
    talk: Conversation,
    child: Child,
    open: bool,
}

/// Answers all parties until all have ended.
fn answer(
    parties: &mut [Party],
    heard: &Receiver<(usize, Vec<u8>)>,
    secrets: &mut Secrets,
) -> Result<(), (usize, Box<ConversationError>)> {
    while parties.iter().any(|party| party.open) {
        let Ok((n, bytes)) = heard.recv_timeout(HESITATION) else {
            let strange = parties.iter().enumerate().filter(|(_, party)| party.open);
            match strange.filter_map(|(n, party)| Some((n, party.talk.find_unanswered(secrets)?))).next() {
                Some(strange) => return Err(strange),
                None => match heard.recv_timeout(SILENCE) {
                    Ok((n, bytes)) => {
                        take(parties, n, &bytes, secrets)?;
                        continue;
                    }
                    Err(_) => return Err((0, parties[0].talk.on_silence(secrets))),
                },
            }
        };
        take(parties, n, &bytes, secrets)?;
    }
    Ok(())
}

/// Why the first party fails, if it is about to.
fn last_words(
    first: &mut Party,
    heard: &Receiver<(usize, Vec<u8>)>,
    secrets: &mut Secrets,
) -> Option<Box<ConversationError>> {
    while first.open {
        let (n, bytes) = heard.recv_timeout(HESITATION).ok()?;
        if n == 0 && bytes.is_empty() {
            first.open = false;
            let code = first.child.wait().expect("its end").code().unwrap_or(-1);
            return first.talk.on_end(code, secrets).err();
        }
        if n == 0 {
            first.talk.read(&bytes, secrets);
        }
    }
    None
}

fn take(
    parties: &mut [Party],
    n: usize,
    bytes: &[u8],
    secrets: &mut Secrets,
) -> Result<(), (usize, Box<ConversationError>)> {
    if bytes.is_empty() {
        parties[n].open = false;
        let code = parties[n].child.wait().expect("its end").code().unwrap_or(-1);
        parties[n].talk.on_end(code, secrets).map_err(|error| (n, error))?;
    }
    parties[n].talk.read(bytes, secrets);
    for (n, party) in parties.iter_mut().enumerate().filter(|(_, party)| party.open) {
        if let Some(typed) = party.talk.act(secrets).map_err(|error| (n, error))? {
            let input = party.child.stdin.as_mut().expect("a pipe");
            let _ = input.write_all(typed.bytes()).and_then(|()| input.flush());
        }
    }
    Ok(())
}

/// A MicroOVN that notes what it is told and says yes to everything.
fn serve(socket: &Path, member: String, told: Told) {
    let listener = UnixListener::bind(PathBuf::from(socket)).expect("a socket");
    std::thread::spawn(move || {
        let mut formed = false;
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.expect("a connection"));
            let (mut first, mut length) = (String::new(), 0);
            reader.read_line(&mut first).expect("a request");
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).expect("a header");
                if header.trim().is_empty() {
                    break;
                }
                let (name, value) = header.split_once(':').expect("a header");
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().expect("a length");
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            let call = first.trim().trim_end_matches(" HTTP/1.1").to_owned();
            let metadata = match call.as_str() {
                // It knows of no underlay.
                "GET /core/1.0" => json!({"ready": formed, "extensions": ["internal:runtime_extension_v1"]}),
                "POST /core/control" => {
                    formed = true;
                    json!({})
                }
                "POST /core/control/tokens" => json!(format!("a token for {}", body["name"])),
                _ => json!([]),
            };
            told.lock().expect("notes").push((member.clone(), call, body));
            let reply =
                json!({"type": "sync", "status": "Success", "status_code": 200, "metadata": metadata}).to_string();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", reply.len());
            let _ = reader.get_mut().write_all(format!("{head}{reply}").as_bytes());
        }
    });
}

const DIALOG: (&str, &str) = ("formation", "microcloud_dialog");
const PRESEED: (&str, &str) = ("formation", "microcloud_preseed");
const UNDERLAY: (&str, &str) = ("encap", "ipv4");

#[test]
fn a_conversation_of_all_parties_tells_microovn_what_was_recorded() {
    let hosts = Hosts::of(&[DIALOG, UNDERLAY], "");
    let logs = hosts.converse().unwrap_or_else(|(member, error)| panic!("{member}: {error}"));
    let names: Vec<&str> = hosts.plan.state.members.iter().map(|member| member.name.as_str()).collect();
    let body = |bootstrap: bool, token: String, n: usize| {
        json!({"bootstrap": bootstrap, "config": {"ovn-encap-ip": format!("127.0.88.{n}")}, "join_token": token,
               "address": format!("127.0.77.{n}:6443"), "name": names[n - 11]})
        .to_string()
    };
    let token = |name: &str| format!("a token for \"{name}\"");
    let wanted = [body(true, String::new(), 11), body(false, token(names[1]), 12), body(false, token(names[2]), 13)];
    // As text: the keys are in the order in which they were recorded.
    assert_eq!(hosts.formed().iter().map(Value::to_string).collect::<Vec<_>>(), wanted);
    let told = hosts.told.lock().expect("notes");
    let calls: Vec<(&str, &str)> = told.iter().map(|(member, call, _)| (member.as_str(), call.as_str())).collect();
    let posts: Vec<_> = calls.into_iter().filter(|(_, call)| call.starts_with("POST")).collect();
    let [tokens, control] = ["POST /core/control/tokens", "POST /core/control"];
    let first_three = [(names[0], control), (names[0], tokens), (names[0], tokens)];
    assert_eq!(posts[..3], first_three, "all tokens come before the first join");
    assert!(
        told.iter()
            .filter(|(_, call, _)| call == tokens)
            .all(|(_, _, body)| body["expire_after"] == 300_000_000_000_u64)
    );
    assert!(logs[0].contains("MicroCloud is ready") && logs[1].contains("Successfully joined"), "{logs:?}");
    assert!(logs.iter().all(|log| log.contains("[redacted passphrase]")), "{logs:?}");
}

#[test]
fn without_an_underlay_microovn_is_told_of_none_and_a_second_choice_counts() {
    let hosts = Hosts::of(&[DIALOG], "");
    hosts.converse().unwrap_or_else(|(member, error)| panic!("{member}: {error}"));
    assert_eq!(hosts.configs(), [json!({}), json!({}), json!({})]);
    let hosts = Hosts::of(&[DIALOG, UNDERLAY, ("mistake", "two_interfaces")], "");
    let logs = hosts.converse().unwrap_or_else(|(member, error)| panic!("{member}: {error}"));
    assert!(logs[0].contains("Selected more than one interface for target"), "{}", logs[0]);
    assert_eq!(hosts.configs(), hosts.wanted());
}

#[test]
fn preseeds_are_refused_as_recorded_with_nothing_formed_and_a_new_one_works() {
    for mistake in ["not_an_ip", "with_mask", "missing_on_one", "in_no_subnet"] {
        let hosts = Hosts::of(&[PRESEED, UNDERLAY, ("mistake", mistake)], "");
        let attempt = hosts.plan.refused.clone().expect("an attempt");
        let refused = hosts.preseed(&attempt.recipes);
        assert_eq!(refused[0], (1, attempt.refusal.clone().expect("its words")), "{mistake}");
        assert!(refused.iter().all(|(code, _)| *code == 1), "{refused:?}");
        assert!(hosts.formed().iter().all(Value::is_null), "{mistake}: nothing is formed");
        let formed = hosts.preseed(&hosts.plan.recipes);
        assert!(formed.iter().all(|(code, _)| *code == 0), "{formed:?}");
        assert_eq!(hosts.configs(), hosts.wanted(), "{mistake}");
    }
}

#[test]
fn what_the_real_one_takes_is_taken_and_refused_only_where_that_is_played() {
    for (mistake, encap, refused) in
        [("not_owned", "ipv4", "underlay-not-owned-refused"), ("old_microovn", "default", "older-microovn-refused")]
    {
        let chosen = [PRESEED, ("encap", encap), ("mistake", mistake)];
        let hosts = Hosts::of(&chosen, "");
        let attempt = hosts.plan.refused.clone().expect("an attempt");
        assert!(hosts.preseed(&attempt.recipes).iter().all(|(code, _)| *code == 0), "{mistake}");
        let hosts = Hosts::of(&chosen, &format!("microcloud-{refused}\n"));
        let (code, said) = hosts.preseed(&attempt_of(&hosts)).swap_remove(0);
        assert!(code == 1 && said.starts_with("Error: "), "{mistake}: {code}, {said}");
        assert!(hosts.formed().iter().all(Value::is_null), "{mistake}: nothing is formed");
        assert!(hosts.preseed(&hosts.plan.recipes).iter().all(|(code, _)| *code == 0), "{mistake}: a new one works");
        assert_eq!(hosts.configs(), hosts.wanted(), "{mistake}");
    }
    let chosen = [DIALOG, UNDERLAY, ("mistake", "left_out")];
    let hosts = Hosts::of(&chosen, "");
    hosts.converse_as(&attempt_of(&hosts)).unwrap_or_else(|(member, error)| panic!("{member}: {error}"));
    let told: Vec<bool> = hosts.configs().iter().map(|config| config["ovn-encap-ip"].is_string()).collect();
    assert_eq!(told, [true, true, false], "the last one is told of none, and nobody says so");
    let hosts = Hosts::of(&chosen, "microcloud-left-out-refused\n");
    let (member, error) = hosts.converse_as(&attempt_of(&hosts)).expect_err("refused");
    assert_eq!(member, hosts.plan.state.members[0].name);
    assert!(error.problem.to_string().contains("Selected no interface for target"), "{error}");
    hosts.converse().unwrap_or_else(|(member, error)| panic!("{member}: {error}"));
    assert_eq!(hosts.configs(), hosts.wanted());
}

#[test]
fn a_member_that_is_added_is_told_of_its_own_underlay() {
    let added = |faults: &str| {
        let hosts = Hosts::with(&[DIALOG, UNDERLAY], 1, faults);
        hosts.converse().unwrap_or_else(|(member, error)| panic!("{member}: {error}"));
        assert!(hosts.formed()[3].is_null(), "it is outside");
        let [first, .., new] = &hosts.plan.state.members[..] else { panic!("members") };
        let recipe = hosts.plan.recipe(new);
        let parts = vec![adding(first, recipe.added.clone()), part(&hosts.plan, new, recipe.cues.clone())];
        hosts.play(parts).unwrap_or_else(|(member, error)| panic!("{member}: {error}"));
        let formed = hosts.formed();
        assert_eq!(formed[3]["bootstrap"], false);
        assert_eq!(formed[3]["address"], "127.0.77.14:6443");
        (formed[3]["config"].clone(), hosts.wanted()[3].clone())
    };
    let (told, wanted) = added("");
    assert!(told == wanted && told["ovn-encap-ip"] == "127.0.88.14", "{told}");
    assert_eq!(added("microcloud-underlay-not-on-added\n").0, json!({}));
}

/// What is told each member at first, and must be refused.
fn attempt_of(hosts: &Hosts) -> Recipes {
    hosts.plan.refused.clone().expect("an attempt").recipes
}

#[test]
fn faults_change_what_microovn_is_told() {
    for fault in [
        "underlay-on-bootstrap-only",
        "underlay-on-joins-only",
        "underlay-not-on-last",
        "underlay-with-mask",
        "underlay-swapped",
        "underlay-of-first",
        "underlay-management",
        "underlay-by-member",
        "preseed-underlay-ignored",
    ] {
        let hosts = Hosts::of(&[PRESEED, UNDERLAY], &format!("microcloud-{fault}\n"));
        assert!(hosts.preseed(&hosts.plan.recipes).iter().all(|(code, _)| *code == 0), "{fault} is silent");
        assert_ne!(hosts.configs(), hosts.wanted(), "{fault}");
    }
    let hosts = Hosts::of(&[PRESEED], "microcloud-underlay-always\n");
    hosts.preseed(&hosts.plan.recipes);
    assert_ne!(hosts.configs(), hosts.wanted(), "underlay-always");
    let hosts = Hosts::of(&[PRESEED, UNDERLAY], "microcloud-port-other\n");
    hosts.preseed(&hosts.plan.recipes);
    assert!(hosts.formed()[0]["address"].as_str().is_some_and(|it| it.ends_with(":6444")), "port-other");
    let hosts = Hosts::of(&[PRESEED, UNDERLAY], "microcloud-joins-not\n");
    hosts.preseed(&hosts.plan.recipes);
    assert!(hosts.formed()[2].is_null(), "joins-not");
    let hosts = Hosts::of(&[PRESEED, UNDERLAY, ("mistake", "not_an_ip")], "microcloud-preseed-unchecked\n");
    let attempt = hosts.plan.refused.clone().expect("an attempt");
    assert_eq!(hosts.preseed(&attempt.recipes)[0].0, 0, "preseed-unchecked");
}

#[test]
fn faults_of_the_dialog_end_it_with_their_texts() {
    let said = |chosen: &[(&str, &str)], fault: &str| {
        let hosts = Hosts::of(chosen, &format!("microcloud-{fault}\n"));
        hosts.converse().expect_err("a fault").1.problem.to_string()
    };
    let question = said(&[DIALOG, UNDERLAY], "extra-question Would you like tea?");
    assert!(
        question.contains("no option answers the question \"Would you like tea? (yes/no) [default=no]:\""),
        "{question}"
    );
    let taken = said(&[DIALOG, UNDERLAY, ("mistake", "two_interfaces")], "two-interfaces-taken");
    assert!(taken.contains("never showed") && taken.contains("Retry selecting"), "{taken}");
    let words = said(&[DIALOG, UNDERLAY], "passphrase-other");
    assert!(words.contains("wrong passphrase"), "{words}");
}
