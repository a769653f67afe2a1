//! The dialog against the recorded streams of `microovn init`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use expect_test::{Expect, expect};
use proptest::prelude::*;
use testkit::microovn::JoinToken;
use testkit::microovn::dialog::{Dialog, DialogProblem, Step};
use testkit::plan::{Answer, Reply};

const CREATE: &str = include_str!("fixtures/dialog/create.pty");
const JOIN: &str = include_str!("fixtures/dialog/join.pty");
const CREATE_PIPED: &str = include_str!("fixtures/dialog/create-piped.txt");
const JOIN_PIPED: &str = include_str!("fixtures/dialog/join-piped.txt");
const BAD_YESNO_PIPED: &str = include_str!("fixtures/dialog/bad-yesno-piped.txt");

const LISTEN: &str = "Please choose the address MicroOVN will be listening on";
const NEW_CLUSTER: &str = "Would you like to create a new MicroOVN cluster?";
const SERVICES: &str = "Please select comma-separated list services";
const NAME: &str = "Please choose a name for this system";
const TOKEN: &str = "Please enter your join token";
const ENCAP: &str = "Would you like to define a custom encapsulation IP address";
const ENCAP_IP: &str = "Please enter the custom encapsulation IP address";
const OWN_CA: &str = "Would you like to provide your own CA certificate";
const ADD: &str = "Would you like to add additional servers to the cluster?";
const SERVER: &str = "What's the name of the new MicroOVN server?";

/// The recording of a dialog that was told a bad address first, without that.
fn create() -> String {
    let refused = "10.88.0.999\r\nInvalid input: Not an IP address \"10.88.0.999\"\r\n\r\n\
                   Please enter the custom encapsulation IP address for this member: ";
    assert!(CREATE.contains(refused));
    CREATE.replace(refused, "")
}

fn create_answers(encap: &str) -> Vec<Answer> {
    let replies =
        vec![Reply::IssueToken("real-2".into()), Reply::IssueToken("real-3".into()), Reply::Text(String::new())];
    vec![
        Answer::text("address", LISTEN, ""),
        Answer::text("role", NEW_CLUSTER, "yes"),
        Answer::text("services", SERVICES, ""),
        Answer::text("name", NAME, ""),
        Answer::text("encap", ENCAP, "yes"),
        Answer::text("encap", ENCAP_IP, encap),
        Answer::text("ca", OWN_CA, ""),
        Answer::text("role", ADD, "yes"),
        Answer { option: "role".into(), prompt: SERVER.into(), replies },
    ]
}

fn join_answers() -> Vec<Answer> {
    vec![
        Answer::text("encap", ENCAP_IP, "10.88.0.12"),
        Answer::text("encap", ENCAP, "yes"),
        Answer { option: "role".into(), prompt: TOKEN.into(), replies: vec![Reply::JoinToken] },
        Answer::text("services", SERVICES, ""),
        Answer::text("role", NEW_CLUSTER, "no"),
        Answer::text("address", LISTEN, ""),
    ]
}

fn token() -> JoinToken {
    CREATE.lines().find(|line| line.starts_with("eyJ")).unwrap().parse().unwrap()
}

/// What is typed, line by line, and the failure, if the dialog failed.
fn typed(steps: &[Step]) -> (Vec<String>, Option<DialogProblem>) {
    let mut lines = Vec::new();
    let mut failure = None;
    for step in steps {
        assert!(failure.is_none(), "no step follows a failure");
        match step {
            Step::Write(typed) => lines.push(String::from_utf8(typed.bytes().to_vec()).unwrap()),
            Step::Fail(error) => failure = Some(error.problem.clone()),
        }
    }
    (lines, failure)
}

fn check(answers: &[Answer], stream: &str, wanted: Expect) {
    let mut dialog = Dialog::new(answers, Some(token()));
    let mut steps = dialog.feed(stream.as_bytes());
    if let Err(error) = dialog.on_eof()
        && !steps.iter().any(|step| matches!(step, Step::Fail(_)))
    {
        steps.push(Step::Fail(error));
    }
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Write(typed) => text += &format!("{typed:?}\n"),
            Step::Fail(error) => text += &format!("{error}"),
        }
    }
    wanted.assert_eq(&text);
}

#[test]
fn the_recorded_creation_is_answered_and_gives_the_tokens() {
    let mut dialog = Dialog::new(&create_answers("10.88.0.11"), None);
    let (lines, failure) = typed(&dialog.feed(create().as_bytes()));
    assert_eq!(failure, None);
    assert_eq!(
        lines,
        ["\n", "yes\n", "\n", "\n", "yes\n", "10.88.0.11\n", "\n", "yes\n", "real-2\n", "real-3\n", "\n"]
    );
    dialog.on_eof().unwrap();
    let names: Vec<_> = dialog.tokens().keys().map(String::as_str).collect();
    assert_eq!(names, ["real-2", "real-3"]);
    assert_eq!(dialog.tokens()["real-2"].expose(), token().expose());
}

#[test]
fn an_echo_that_has_not_come_yet_is_not_shown_either() {
    let (asked, _) = JOIN.split_once("eyJ").unwrap();
    let mut dialog = Dialog::new(&join_answers(), Some(token()));
    dialog.feed(asked.as_bytes());
    assert!(!format!("{dialog:?}").contains("eyJ"));
}

#[test]
fn the_recorded_join_types_the_token_and_shows_it_nowhere() {
    let mut dialog = Dialog::new(&join_answers(), Some(token()));
    let steps = dialog.feed(JOIN.as_bytes());
    let (lines, failure) = typed(&steps);
    assert_eq!(failure, None);
    assert_eq!(lines, ["\n", "no\n", "\n", &format!("{}\n", token().expose()), "yes\n", "10.88.0.12\n"]);
    dialog.on_eof().unwrap();
    assert!(dialog.tokens().is_empty(), "an echoed token is not an issued one");
    let shown = format!("{steps:?} {dialog:?} {:?} {} {}", dialog.transcript(), dialog.transcript(), dialog.log());
    assert!(!shown.contains("eyJ"), "{shown}");
    // With a first line that is not indented: expect-test drops an indentation that all lines share.
    expect![[r#"
        join:
          Please choose the address MicroOVN will be listening on [default=10.77.0.102]: ""
          Would you like to create a new MicroOVN cluster? (yes/no) [default=no]: "no"
          Please select comma-separated list services you would like to enable on this node (central/chassis/switch) or let MicroOVN automatically decide (auto) [default=auto]: ""
          Please enter your join token: "[redacted join token]"
          Would you like to define a custom encapsulation IP address for this member? (yes/no) [default=no]: "yes"
          Please enter the custom encapsulation IP address for this member: "10.88.0.12"
          10.88.0.12
    "#]]
    .assert_eq(&format!("join:\n{}", dialog.transcript()));
    let offsets: Vec<_> = dialog.transcript().exchanges.iter().map(|exchange| exchange.at).collect();
    assert!(offsets.is_sorted() && offsets[0] == JOIN.find(": \r\n").unwrap() + 2, "{offsets:?}");
}

#[test]
fn what_a_terminal_echoes_is_what_was_typed() {
    for (answers, stream) in [(create_answers("10.88.0.11"), create()), (join_answers(), JOIN.to_owned())] {
        let mut dialog = Dialog::new(&answers, Some(token())).on_terminal();
        let (_, failure) = typed(&dialog.feed(stream.as_bytes()));
        assert_eq!(failure, None);
        dialog.on_eof().unwrap();
    }
    let other = create().replace("10.88.0.11\r", "10.88.0.1\r");
    let mut dialog = Dialog::new(&create_answers("10.88.0.11"), None).on_terminal();
    let (_, failure) = typed(&dialog.feed(other.as_bytes()));
    let echoed = DialogProblem::EchoedOtherwise { typed: "10.88.0.11".into(), seen: "10.88.0.1".into() };
    assert_eq!(failure, Some(echoed));
}

#[test]
fn piped_output_is_answered_alike() {
    let mut dialog = Dialog::new(&create_answers("fd42:88::11"), None);
    let (lines, failure) = typed(&dialog.feed(CREATE_PIPED.as_bytes()));
    assert_eq!((lines.len(), failure), (11, None));
    dialog.on_eof().unwrap();
    assert_eq!(dialog.tokens().len(), 2);

    let mut dialog = Dialog::new(&join_answers(), Some(token()));
    let (lines, failure) = typed(&dialog.feed(JOIN_PIPED.as_bytes()));
    assert_eq!((lines.len(), failure), (6, None));
    dialog.on_eof().unwrap();
}

#[test]
fn a_refused_answer_is_a_failure() {
    check(
        &create_answers("10.88.0.999"),
        CREATE,
        expect![[r#"
        "\n"
        "yes\n"
        "\n"
        "\n"
        "yes\n"
        "10.88.0.999\n"
        the answer "10.88.0.999" to "Please enter the custom encapsulation IP address for this member:" was refused: Invalid input: Not an IP address "10.88.0.999"
        the dialog so far:
          Please choose the address MicroOVN will be listening on [default=10.77.0.101]: ""
          Would you like to create a new MicroOVN cluster? (yes/no) [default=no]: "yes"
          Please select comma-separated list services you would like to enable on this node (central/chassis/switch) or let MicroOVN automatically decide (auto) [default=auto]: ""
          Please choose a name for this system [default=real-1]: ""
          Would you like to define a custom encapsulation IP address for this member? (yes/no) [default=no]: "yes"
          Please enter the custom encapsulation IP address for this member: "10.88.0.999"
          10.88.0.999
          Invalid input: Not an IP address "10.88.0.999"
    "#]],
    );
}

#[test]
fn a_question_asked_once_too_often_is_a_failure() {
    check(
        &[Answer::text("address", LISTEN, ""), Answer::text("role", NEW_CLUSTER, "maybe")],
        BAD_YESNO_PIPED,
        expect![[r#"
            "\n"
            "maybe\n"
            "Would you like to create a new MicroOVN cluster? (yes/no) [default=no]:" is asked more often than option "role" answers it, which is 1 time(s)
            the dialog so far:
              Please choose the address MicroOVN will be listening on [default=10.77.0.101]: ""
              Would you like to create a new MicroOVN cluster? (yes/no) [default=no]: "maybe"
              Would you like to create a new MicroOVN cluster? (yes/no) [default=no]: 
        "#]],
    );
}

#[test]
fn an_error_of_the_program_is_a_failure() {
    let stream = "Please choose the address MicroOVN will be listening on [default=::1]: ::1\r\n\
                  Error: Post \"http://control.socket/core/control\": context deadline exceeded\r\n";
    check(
        &[Answer::text("address", LISTEN, "::1")],
        stream,
        expect![[r#"
        "::1\n"
        microovn init failed: Error: Post "http://control.socket/core/control": context deadline exceeded
        the dialog so far:
          Please choose the address MicroOVN will be listening on [default=::1]: "::1"
          ::1
          Error: Post "http://control.socket/core/control": context deadline exceeded
    "#]],
    );
    // Also when the output ends in the middle of the line.
    let mut dialog = Dialog::new(&[Answer::text("address", LISTEN, "::1")], None);
    dialog.feed(stream.trim_end().as_bytes());
    assert!(matches!(dialog.on_eof().unwrap_err().problem, DialogProblem::Failed { .. }));
}

#[test]
fn decisions_never_asked_for_are_a_failure() {
    let (first, _) = CREATE.split_once("Please choose a name").unwrap();
    check(
        &create_answers("10.88.0.11"),
        first,
        expect![[r#"
        "\n"
        "yes\n"
        "\n"
        the dialog ended and never asked: "Would you like to define a custom encapsulation IP address" (option "encap", to be answered with "yes"); "Please enter the custom encapsulation IP address" (option "encap", to be answered with "10.88.0.11"); "Would you like to add additional servers to the cluster?" (option "role", to be answered with "yes"); "What's the name of the new MicroOVN server?" (option "role", to be answered with "real-2"); "What's the name of the new MicroOVN server?" (option "role", to be answered with "real-3")
        the dialog so far:
          Please choose the address MicroOVN will be listening on [default=10.77.0.101]: ""
          Would you like to create a new MicroOVN cluster? (yes/no) [default=no]: "yes"
          Please select comma-separated list services you would like to enable on this node (central/chassis/switch) or let MicroOVN automatically decide (auto) [default=auto]: ""
    "#]],
    );
}

#[test]
fn defaults_never_asked_for_are_not() {
    let mut dialog = Dialog::new(&[Answer::text("ca", OWN_CA, "no"), Answer::text("services", SERVICES, "")], None);
    assert_eq!(dialog.feed(b"MicroOVN is ready\r\n"), []);
    dialog.on_eof().unwrap();
}

#[test]
fn an_unknown_question_is_reported_by_its_text() {
    let mut dialog = Dialog::new(&[Answer::text("address", LISTEN, "")], None);
    let steps = dialog.feed(b"\x1b[1mPlease choose the address MicroOVN will be listening on [default=::1]: \x1b[0m");
    assert_eq!(typed(&steps), (vec!["\n".to_owned()], None));
    assert_eq!(dialog.find_unanswered(), None);
    assert_eq!(dialog.feed(b"\r\nHow many moons? [default=2]: "), []);
    assert_eq!(dialog.find_unanswered().unwrap(), "How many moons? [default=2]:");
    expect![[r#"
        no option answers the question "How many moons? [default=2]:"; write one under suites/src/options/
        the dialog so far:
          Please choose the address MicroOVN will be listening on [default=::1]: ""
          How many moons? [default=2]: 
    "#]]
    .assert_eq(&dialog.on_silence().to_string());
    assert_eq!(dialog.feed(b"more"), [], "nothing is answered after a failure");
    assert!(dialog.on_eof().is_err(), "a failure stays one");
}

#[test]
fn an_unknown_question_at_the_end_is_reported_too() {
    let mut dialog = Dialog::new(&[], None);
    dialog.feed(b"How many moons? [default=2]: ");
    assert!(matches!(dialog.on_eof().unwrap_err().problem, DialogProblem::UnknownQuestion { .. }));
}

#[test]
fn silence_says_what_was_last_seen() {
    let mut dialog = Dialog::new(&[], None);
    dialog.feed(b"Bootstrapping\r\nwaiting for the database\r\n");
    let DialogProblem::Silence { last } = dialog.on_silence().problem else { panic!() };
    assert_eq!(last, "waiting for the database");
}

#[test]
fn a_token_that_does_not_come_is_a_failure() {
    let answers = &create_answers("10.88.0.11")[7..];
    let asked = "Would you like to add additional servers to the cluster? (yes/no) [default=no]: yes\r\n\
                 What's the name of the new MicroOVN server? (empty to exit): real-2\r\n";
    let mut dialog = Dialog::new(answers, None);
    let again = format!("{asked}What's the name of the new MicroOVN server? (empty to exit): ");
    let (lines, failure) = typed(&dialog.feed(again.as_bytes()));
    assert_eq!(lines.len(), 2);
    assert_eq!(failure, Some(DialogProblem::TokenNotIssued { name: "real-2".into() }));

    let mut dialog = Dialog::new(answers, None);
    dialog.feed(asked.as_bytes());
    let failure = dialog.on_eof().unwrap_err().problem;
    assert_eq!(failure, DialogProblem::TokenNotIssued { name: "real-2".into() });

    let mut dialog = Dialog::new(answers, None);
    let (_, failure) = typed(&dialog.feed(format!("{asked}eyJzZWNyZXQiOiIwMDAw\r\n").as_bytes()));
    assert!(matches!(failure, Some(DialogProblem::BadToken { .. })), "{failure:?}");
}

#[test]
fn a_token_nobody_gave_is_a_failure() {
    let mut dialog = Dialog::new(&join_answers(), None);
    let (_, failure) = typed(&dialog.feed(JOIN.as_bytes()));
    assert_eq!(failure, Some(DialogProblem::NoJoinToken { question: "Please enter your join token:".into() }));
}

#[test]
fn two_options_for_one_question_are_a_failure() {
    let answers = [Answer::text("first", LISTEN, ""), Answer::text("second", LISTEN, "::1")];
    let (_, failure) = typed(&Dialog::new(&answers, None).feed(JOIN.as_bytes()));
    let Some(DialogProblem::Ambiguous { options, .. }) = failure else { panic!("{failure:?}") };
    assert_eq!(options, "first, second");
}

#[test]
fn an_echo_without_a_newline_does_not_hide_the_next_prompt() {
    let mut dialog =
        Dialog::new(&[Answer::text("role", NEW_CLUSTER, "yes"), Answer::text("services", SERVICES, "auto")], None);
    let (lines, failure) = typed(&dialog.feed(format!("{NEW_CLUSTER} [default=no]: yes{SERVICES}: ").as_bytes()));
    assert_eq!((lines, failure), (vec!["yes\n".to_owned(), "auto\n".to_owned()], None));
}

#[test]
fn the_longer_prompt_wins() {
    let answers =
        [Answer::text("short", "Please enter", "short"), Answer::text("long", "Please enter the path", "long")];
    let (lines, _) = typed(&Dialog::new(&answers, None).feed(b"Please enter the path to the CA certificate file: "));
    assert_eq!(lines, ["long\n"]);
}

#[test]
fn a_colon_inside_brackets_does_not_end_a_prompt() {
    let mut dialog = Dialog::new(&[Answer::text("address", LISTEN, "")], None);
    assert_eq!(dialog.feed(format!("{LISTEN} [default: ").as_bytes()), []);
    assert_eq!(dialog.feed(b"::1]: ").len(), 1);
}

proptest! {
    #[test]
    fn where_chunks_end_makes_no_difference(
        which in 0..3usize,
        cuts in proptest::collection::vec(1..200usize, 0..40),
    ) {
        let create = create();
        let (answers, stream) = [
            (create_answers("10.88.0.11"), create.as_str()),
            (create_answers("10.88.0.999"), CREATE),
            (join_answers(), JOIN),
        ][which].clone();
        let mut whole = Dialog::new(&answers, Some(token()));
        let wanted = whole.feed(stream.as_bytes());
        let mut dialog = Dialog::new(&answers, Some(token()));
        let mut steps = Vec::new();
        let mut rest = stream.as_bytes();
        for cut in cuts {
            let (chunk, after) = rest.split_at(cut.min(rest.len()));
            steps.extend(dialog.feed(chunk));
            rest = after;
        }
        steps.extend(dialog.feed(rest));
        prop_assert_eq!(steps, wanted);
        prop_assert_eq!(dialog.on_eof(), whole.on_eof());
        prop_assert_eq!(dialog.tokens(), whole.tokens());
        prop_assert_eq!(dialog.transcript(), whole.transcript());
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let mut dialog = Dialog::new(&join_answers(), None);
        dialog.feed(&bytes);
        let _ = dialog.on_eof();
        let _ = dialog.on_silence();
    }
}
