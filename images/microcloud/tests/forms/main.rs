//! The stand-in on terminals, its parties answered by the framework from plans of the real matrix, with a MicroOVN on each "member" that
//! notes what it is told.

mod hosts;
mod microovn;
mod parties;

use hosts::{Hosts, Recipes};
use serde_json::{Value, json};
use testkit::microcloud::{adding, part};

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
