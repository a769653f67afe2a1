//! What holds for the options together: the names of cells, their plans, and what the dialog is answered.

use testkit::matrix::Tier;
use testkit::plan::{Plan, Reply, Role, Segment, Segments};

use super::*;

fn segments() -> Segments {
    let segment = |n: u8| Segment {
        ipv4: format!("10.{n}.0.0/24").parse().expect("a net"),
        ipv6: format!("fd42:{n}::/64").parse().expect("a net"),
    };
    Segments { management: segment(77), underlay: segment(88) }
}

pub(super) fn cell(chosen: &[(&str, &str)]) -> Cell {
    super::cell(chosen).expect("a cell")
}

/// Every valid cell.
fn all() -> Vec<Cell> {
    let matrix = matrix().expect("a matrix");
    matrix.select(Tier::Full, &core(&matrix).expect("a core"))
}

/// The plan of a cell.
pub(super) fn drawn(cell: &Cell) -> Plan {
    Plan::draw(cell, OPTIONS, segments())
}

/// The plan of the cell with these choices, every other option at its default.
pub(super) fn plan(chosen: &[(&str, &str)]) -> Plan {
    drawn(&cell(chosen))
}

#[test]
fn the_core_tier_is_the_four_suites_everyone_asks_for() {
    let cells = core(&matrix().expect("a matrix")).expect("a core");
    let names: Vec<String> = cells.iter().map(|cell| cell.id().to_string()).collect();
    assert_eq!(
        names,
        ["init_cluster", "init_cluster_ipv6", "init_cluster_custom_encap", "init_cluster_ipv6_custom_encap"]
    );
}

#[test]
fn every_cell_is_found_by_its_name_and_nothing_else_is() {
    for cell in all() {
        assert_eq!(find_cell(cell.id().as_str()).ok().as_ref(), Some(&cell));
    }
    for name in ["init_cluster_ipv7", "init_cluster_", "cluster", "init_cluster_ipv6_cli"] {
        assert!(find_cell(name).is_err(), "{name}");
    }
}

#[test]
fn cells_are_named_by_what_is_not_the_default() {
    let id = |chosen: &[(&str, &str)]| cell(chosen).id().to_string();
    assert_eq!(id(&[("encap", "ipv6")]), "init_cluster_custom_encap_ipv6");
    assert_eq!(id(&[("address_family", "ipv6"), ("encap", "ipv4")]), "init_cluster_ipv6_custom_encap_ipv4");
    let services_rest = [("address_family", "ipv6"), ("services", "explicit"), ("formation", "rest")];
    assert_eq!(id(&services_rest), "init_cluster_ipv6_services_rest");
}

#[test]
fn the_default_dialog_answers_what_microovn_asks_in_its_order() {
    let plan = plan(&[]);
    let dialog = |role: Role| -> Vec<(String, Vec<Reply>)> {
        let member = plan.state.members.iter().find(|member| plan.role(member) == role).expect("a member");
        plan.recipe(member)
            .answers
            .iter()
            .map(|a| (a.prompt.split(' ').take(6).collect::<Vec<_>>().join(" "), a.replies.clone()))
            .collect()
    };
    let text = |t: &str| vec![Reply::Text(t.into())];
    let bootstrap = dialog(Role::Bootstrap);
    for (prompt, replies) in [
        ("Please choose the address MicroOVN will", text("10.77.0.11")),
        ("Would you like to create a", text("yes")),
        ("Please select comma-separated list services you", text("")),
        ("Please choose a name for this", text("")),
        ("Would you like to define a", text("no")),
        ("Would you like to provide your", text("no")),
        ("Would you like to add additional", text("yes")),
        (
            "What's the name of the new",
            vec![
                Reply::IssueToken("microovn-init-cluster-2".into()),
                Reply::IssueToken("microovn-init-cluster-3".into()),
                Reply::Text(String::new()),
            ],
        ),
    ] {
        let found = bootstrap.iter().find(|(p, _)| p == prompt).unwrap_or_else(|| panic!("{prompt} unanswered"));
        assert_eq!(found.1, replies, "{prompt}");
    }
    let join = dialog(Role::Join);
    assert!(join.contains(&("Please enter your join token".to_owned(), vec![Reply::JoinToken])), "{join:?}");
    assert!(!join.iter().any(|(p, _)| p.starts_with("Please choose a name")), "a join asks for no name");
    assert_eq!(join[0].1, text("10.77.0.12"));
}

#[test]
fn every_answer_names_its_option_and_no_prompt_is_answered_twice() {
    for cell in all() {
        for recipe in drawn(&cell).recipes.into_values() {
            let mut prompts: Vec<_> = recipe.answers.iter().map(|answer| answer.prompt.clone()).collect();
            prompts.sort();
            let before = prompts.len();
            prompts.dedup();
            assert_eq!(prompts.len(), before, "{}", cell.id());
            for answer in &recipe.answers {
                assert!(OPTIONS.iter().any(|option| option.declaration().name == answer.option), "{answer:?}");
            }
        }
    }
}

#[test]
fn every_cell_can_be_told_apart_and_named_in_lxd() {
    let mut hostnames = std::collections::BTreeSet::new();
    for cell in all() {
        let plan = drawn(&cell);
        for member in &plan.state.members {
            assert!(member.hostname.len() <= 55, "{}", member.hostname);
            assert!(hostnames.insert(member.hostname.clone()), "{} is there twice", member.hostname);
        }
    }
}

#[test]
fn what_a_value_needs_is_asked_for_where_it_is_told() {
    let needs = |chosen: &[(&str, &str)]| plan(chosen).needs.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(needs(&[]), [] as [&str; 0]);
    assert!(needs(&[("encap", "ipv4")])[0].contains("define a custom encapsulation"));
    let (extension, api) =
        ("the API extension \"custom_encapsulation_ip\"", "an API below /core/, as POST /core/control is");
    assert_eq!(needs(&[("formation", "rest")]), [api]);
    assert_eq!(needs(&[("encap", "ipv4"), ("formation", "rest")]), [extension, api]);
    assert_eq!(needs(&[("services", "explicit"), ("user_ca", "rsa")]).len(), 2);
}
