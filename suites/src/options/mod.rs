//! Today's init options, one file each, in the order in which they appear in a cell's name.

mod address_family;
mod encap;
mod formation;
mod member_name;
mod members;
mod services;
mod user_ca;

use testkit::matrix::{Cell, Matrix, MatrixError};
use testkit::plan::InitOption;

/// Every init option.
pub const OPTIONS: &[&dyn InitOption] = &[
    &address_family::AddressFamily,
    &encap::Encap,
    &services::Services,
    &member_name::MemberName,
    &user_ca::UserCa,
    &formation::Formation,
    &members::Members,
];

/// The choices of the core tier: the suites that run on every change.
const CORE: [&[(&str, &str)]; 4] =
    [&[], &[("address_family", "ipv6")], &[("encap", "ipv4")], &[("address_family", "ipv6"), ("encap", "ipv6")]];

/// The matrix of [`OPTIONS`].
///
/// # Errors
/// When the declarations or the constraints make no sense; the error names the place.
pub fn matrix() -> Result<Matrix, MatrixError> {
    let declarations = OPTIONS.iter().map(|option| option.declaration()).collect();
    let constraints = OPTIONS.iter().flat_map(|option| option.constraints()).collect();
    Matrix::new(declarations, constraints)
}

/// The core tier of `matrix`.
///
/// # Errors
/// When the matrix has no such choices, or its constraints forbid one.
pub fn core(matrix: &Matrix) -> Result<Vec<Cell>, MatrixError> {
    CORE.iter().map(|chosen| matrix.cell(chosen)).collect()
}

#[cfg(test)]
mod tests {
    use testkit::matrix::Cell;
    use testkit::plan::{Plan, Reply, Role, Segment, Segments};

    use super::*;

    fn segments() -> Segments {
        let segment = |n: u8| Segment {
            ipv4: format!("10.{n}.0.0/24").parse().expect("a net"),
            ipv6: format!("fd42:{n}::/64").parse().expect("a net"),
        };
        Segments { management: segment(77), underlay: segment(88) }
    }

    fn plan(chosen: &[(&str, &str)]) -> Plan {
        Plan::draw(&Cell::new(&declarations(), chosen).expect("a cell"), OPTIONS, segments())
    }

    #[test]
    fn the_core_tier_is_the_four_suites_everyone_asks_for() {
        let names: Vec<String> = core_cells().expect("cells").iter().map(|cell| cell.id().to_string()).collect();
        assert_eq!(
            names,
            ["init_cluster", "init_cluster_ipv6", "init_cluster_custom_encap", "init_cluster_ipv6_custom_encap"]
        );
    }

    #[test]
    fn encapsulation_of_the_other_family_is_named_by_it() {
        let id = |chosen: &[(&str, &str)]| Cell::new(&declarations(), chosen).expect("a cell").id().to_string();
        assert_eq!(id(&[("encap", "ipv6")]), "init_cluster_custom_encap_ipv6");
        assert_eq!(id(&[("address_family", "ipv6"), ("encap", "ipv4")]), "init_cluster_ipv6_custom_encap_ipv4");
    }

    #[test]
    fn the_default_dialog_answers_what_microovn_asks_in_its_order() {
        let plan = plan(&[]);
        let dialog = |role: Role| -> Vec<(String, Vec<Reply>)> {
            let member = plan.members.iter().find(|member| member.role == role).expect("a member");
            member
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
    fn custom_encapsulation_is_planned_and_answered_per_member() {
        for (chosen, device, wanted) in [
            (vec![], "eth0", ["10.77.0.11", "10.77.0.12", "10.77.0.13"]),
            (vec![("address_family", "ipv6")], "eth0", ["fd42:77::b", "fd42:77::c", "fd42:77::d"]),
            (vec![("encap", "ipv4")], "eth1", ["10.88.0.11", "10.88.0.12", "10.88.0.13"]),
            (vec![("address_family", "ipv6"), ("encap", "ipv6")], "eth1", ["fd42:88::b", "fd42:88::c", "fd42:88::d"]),
        ] {
            let plan = plan(&chosen);
            for (member, wanted) in plan.members.iter().zip(wanted) {
                assert_eq!(member.encap.ip.to_string(), wanted);
                assert_eq!(member.encap.device, device);
                let typed = member
                    .answers
                    .iter()
                    .find(|answer| answer.prompt.starts_with("Please enter the custom encapsulation"))
                    .map(|answer| answer.replies.clone());
                let custom = chosen.iter().any(|(option, _)| *option == "encap");
                assert_eq!(typed, custom.then(|| vec![Reply::Text(wanted.to_owned())]));
            }
        }
    }

    #[test]
    fn every_answer_names_its_option_and_no_prompt_is_answered_twice() {
        for cell in core_cells().expect("cells") {
            for member in Plan::draw(&cell, OPTIONS, segments()).members {
                let mut prompts: Vec<_> = member.answers.iter().map(|answer| answer.prompt.clone()).collect();
                prompts.sort();
                let before = prompts.len();
                prompts.dedup();
                assert_eq!(prompts.len(), before, "{}", cell.id());
                for answer in &member.answers {
                    assert!(OPTIONS.iter().any(|option| option.declaration().name == answer.option), "{answer:?}");
                }
            }
        }
    }
}
