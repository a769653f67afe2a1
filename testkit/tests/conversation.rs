//! MicroCloud's conversation against the recorded streams of `microcloud init` and `microcloud join`.

use testkit::microcloud::{Conversation, ConversationProblem, PASSPHRASE, Part, Secrets, Shows};
use testkit::plan::{Cue, Deed, Shown};

const INIT: &[u8] = include_bytes!("fixtures/microcloud/init.pty");
const JOIN: &[u8] = include_bytes!("fixtures/microcloud/join.pty");
const WORDS: &str = "collarbone mugshot sprout skylight";
const UNDERLAYS: [&str; 4] = ["LOCATION", "IFACE", "TYPE", "IP ADDRESS (CIDR)"];

fn underlays(interfaces: &[&str]) -> Deed {
    let rows = ["mc1", "mc2", "mc3"].into_iter().flat_map(|member| interfaces.iter().map(move |it| [member, it]));
    Deed::Choose(rows.map(|row| row.map(str::to_owned).into()).collect())
}

/// What whoever was recorded did on the first member.
fn initiator() -> Part {
    let ask = |starts: &str, text: &str| Cue::question("formation", starts, text);
    let row = |cells: [&str; 2]| cells.map(str::to_owned);
    let shown = Shown::Table(UNDERLAYS.map(str::to_owned).into());
    let cues = vec![
        ask("Do you want to set up more than one cluster member?", "yes"),
        Cue::table("address_family", &["ADDRESS", "IFACE"], [["10.11.0.11".to_owned()]]),
        ask("MicroCeph not found. Continue anyway?", "yes"),
        Cue::table("formation", &["NAME", "ADDRESS", "FINGERPRINT"], [["mc2".to_owned()], ["mc3".to_owned()]]),
        ask("Configure distributed networking?", "yes"),
        Cue::table("formation", &["LOCATION", "IFACE", "TYPE"], ["mc1", "mc2", "mc3"].map(|it| row([it, "eth2"]))),
        ask("Specify the IPv4 gateway (CIDR) on the uplink network", "10.88.0.1/24"),
        ask("Specify the first IPv4 address", "10.88.0.100"),
        ask("Specify the last IPv4 address", "10.88.0.200"),
        ask("Specify the IPv6 gateway", ""),
        ask("Specify the DNS addresses", ""),
        ask("Configure dedicated OVN underlay networking?", "yes"),
        Cue { option: "encap".into(), shown, deeds: vec![underlays(&["eth0", "eth1"]), underlays(&["eth1"])] },
        ask("Retry selecting underlay network interfaces?", "yes"),
    ];
    let shows = Shows { secret: PASSPHRASE.into(), behind: "When requested enter the passphrase:".into() };
    Part { member: "mc1".into(), program: vec!["microcloud".into(), "init".into()], shows: vec![shows], cues }
}

fn joiner() -> Part {
    let shown = Shown::Question("Specify the passphrase for joining the system".to_owned());
    let tell = Cue { option: "formation".into(), shown, deeds: vec![Deed::Tell(PASSPHRASE.into())] };
    let cues = vec![Cue::table("address_family", &["ADDRESS", "IFACE"], [["10.11.0.12".to_owned()]]), tell];
    Part { member: "mc2".into(), program: vec!["microcloud".into(), "join".into()], shows: Vec::new(), cues }
}

/// The stream in pieces, none of which goes on behind a question or a line.
fn pieces(stream: &[u8]) -> Vec<&[u8]> {
    let mut before = 0;
    stream
        .split_inclusive(move |byte| *byte == b'\n' || std::mem::replace(&mut before, *byte) == b':' && *byte == b' ')
        .collect()
}

/// What is typed while the stream comes, or how it fails.
fn typed(talk: &mut Conversation, stream: &[u8], secrets: &mut Secrets) -> Result<Vec<String>, ConversationProblem> {
    let mut typed = Vec::new();
    for piece in pieces(stream) {
        talk.read(piece, secrets);
        if let Some(keys) = talk.act(secrets).map_err(|error| error.problem)? {
            typed.push(format!("{keys:?}").trim_matches('"').to_owned());
        }
    }
    Ok(typed)
}

/// As a problem is that whatever comes shows at the end of a stream.
fn problem_at_end(part: Part, stream: &[u8], secrets: &mut Secrets) -> ConversationProblem {
    let mut talk = Conversation::new(part);
    typed(&mut talk, stream, secrets).expect("nothing wrong until then");
    talk.find_unanswered(secrets).unwrap_or_else(|| talk.on_silence(secrets)).problem
}

#[test]
fn the_recorded_dialog_is_answered_as_it_was_by_rows_and_not_by_counting() {
    let (mut talk, mut secrets) = (Conversation::new(initiator()), Secrets::default());
    let typed = typed(&mut talk, INIT, &mut secrets).expect("answered");
    let wanted = "yes|space|enter|yes|space|enter|yes|space|enter|10.88.0.1/24|10.88.0.100|10.88.0.200|||yes|space|enter|yes|\
                  down|space|down|down|space|down|down|space|enter";
    // Whoever was recorded pressed one key for all rows where this presses one a row.
    assert_eq!(typed.join("|"), wanted);
    assert_eq!(secrets.find(PASSPHRASE), Some(WORDS));
    let log = talk.log(&secrets);
    assert!(!log.contains(WORDS) && log.contains("[redacted passphrase]"), "{log}");
    let failed = talk.on_end(1, &secrets).expect_err("it failed").problem;
    let ConversationProblem::Failed(said) = failed else { panic!("{failed}") };
    assert!(said.starts_with("`microcloud init` exited with 1: Error: Failed generating auto config"), "{said}");
    assert_eq!(talk.on_end(0, &secrets), Ok(()));
}

#[test]
fn who_joins_is_told_the_words_once_another_party_was_shown_them_and_they_are_nowhere() {
    let question = JOIN.windows(8).position(|it| it == b"system: ").expect("a question") + 8;
    let (mut talk, mut secrets) = (Conversation::new(joiner()), Secrets::default());
    let before = typed(&mut talk, &JOIN[..question], &mut secrets).expect("answered");
    assert_eq!(before, ["space", "enter"]);
    assert!(talk.find_unanswered(&secrets).is_none() && talk.is_held_up(&secrets), "it waits for the other party");
    let silent = talk.on_silence(&secrets).problem;
    assert!(silent.to_string().contains("wants the passphrase, and no other party was shown one"), "{silent}");
    secrets.learn(PASSPHRASE, WORDS);
    let told = talk.act(&secrets).expect("answered").expect("the words");
    assert_eq!(
        (told.bytes(), format!("{told:?}").as_str()),
        (format!("{WORDS}\n").as_bytes(), "\"[redacted passphrase]\"")
    );
    assert_eq!(typed(&mut talk, &JOIN[question..], &mut secrets).expect("answered"), [] as [&str; 0]);
    assert_eq!(talk.on_end(0, &secrets), Ok(()));
    let error = talk.on_end(1, &secrets).expect_err("an exit code").to_string();
    assert!(!talk.log(&secrets).contains(WORDS) && !error.contains(WORDS), "{error}");
}

#[test]
fn what_nobody_answers_is_told_by_its_text() {
    let without = |shown: &str| {
        let mut part = initiator();
        part.cues.retain(|cue| !cue.shown.to_string().contains(shown));
        problem_at_end(part, INIT, &mut Secrets::default())
    };
    let until = |text: &str| INIT.windows(text.len()).position(|it| it == text.as_bytes()).expect("there") + text.len();
    // The stream goes on, as somebody answered; what stands at the question is judged there.
    let stream = &INIT[..until("[default=no]: ")];
    let mut part = initiator();
    part.cues.retain(|cue| !cue.shown.to_string().starts_with("Configure dedicated"));
    let problem = problem_at_end(part, stream, &mut Secrets::default());
    assert_eq!(
        problem,
        ConversationProblem::UnknownQuestion(
            "Configure dedicated OVN underlay networking? (yes/no) [default=no]:".to_owned()
        )
    );
    let stream = &INIT[..until(
        "| mc3      | eth1  | physical | 10.1.1.13/24      |\r\n       +----------+-------+----------+-------------------+\r\n",
    )];
    let mut part = initiator();
    part.cues.retain(|cue| !cue.shown.to_string().contains("CIDR"));
    part.cues.push(Cue::question("encap", "Configure dedicated OVN underlay networking?", "yes"));
    part.cues.push(Cue::question("encap", "Specify the IPv4 gateway", "10.88.0.1/24"));
    part.cues.push(Cue::question("encap", "Specify the IPv6 gateway", ""));
    let problem = problem_at_end(part, stream, &mut Secrets::default());
    let ConversationProblem::UnknownTable(table) = &problem else { panic!("{problem}") };
    assert!(table.contains("mc2 | eth1 | physical | 10.1.1.12/24"), "{table}");
    assert!(!without("MicroCeph").to_string().is_empty());
}

#[test]
fn a_row_that_never_comes_or_comes_twice_is_told_with_the_table() {
    let mut part = initiator();
    part.cues[1] = Cue::table("address_family", &["ADDRESS", "IFACE"], [["10.11.0.99".to_owned()]]);
    let last = b"| eth1  |\r\n       +--------------+-------+\r\n";
    let table = INIT.windows(last.len()).position(|it| it == last).expect("a table") + last.len();
    let problem = problem_at_end(part.clone(), &INIT[..table], &mut Secrets::default());
    assert_eq!(
        problem.to_string(),
        "option \"address_family\" chooses the row \"10.11.0.99\", and the table has none such:\n\
         ADDRESS | IFACE\n10.11.0.11 | eth0\n10.1.1.11 | eth1\n"
    );
    part.cues[1] = Cue::table("address_family", &["ADDRESS", "IFACE"], [[] as [String; 0]]);
    let mut talk = Conversation::new(part);
    let problem = typed(&mut talk, &INIT[..table], &mut Secrets::default()).expect_err("two rows");
    assert!(matches!(problem, ConversationProblem::AmbiguousRow { .. }), "{problem}");
}

#[test]
fn what_is_asked_too_often_and_what_is_never_asked_are_told() {
    let mut part = initiator();
    part.cues.retain(|cue| !matches!(&cue.shown, Shown::Question(starts) if starts.starts_with("Retry")));
    part.cues.push(Cue::question("mistake", "Retry selecting underlay", "yes"));
    let deeds = &mut part.cues.iter_mut().find(|cue| cue.option == "encap").expect("a cue").deeds;
    deeds.truncate(1);
    let mut talk = Conversation::new(part);
    let problem = typed(&mut talk, INIT, &mut Secrets::default()).expect_err("a second table");
    assert!(problem.to_string().contains("has an answer, which is 1 time(s)"), "{problem}");

    let mut part = joiner();
    part.cues.push(Cue::question("later", "Would you like more?", "yes"));
    part.cues.push(Cue::question("later", "Or less?", "no"));
    let mut secrets = Secrets::default();
    secrets.learn(PASSPHRASE, WORDS);
    let mut talk = Conversation::new(part);
    typed(&mut talk, JOIN, &mut secrets).expect("answered");
    let problem = talk.on_end(0, &secrets).expect_err("never asked").problem;
    let wanted =
        "the program ended and never showed: \"Would you like more?\" (option \"later\", to be answered with yes)";
    assert_eq!(problem.to_string(), wanted, "declining is no decision");
}
