//! Today's init options, one file each.

use testkit::matrix::{Cell, Constraint, Declaration, Matrix, MatrixError};
use testkit::plan::InitOption;

use crate::failure::Failure;

/// Registers the options: one line is an option's module and its type.
macro_rules! options {
    ($($module:ident::$option:ident,)*) => {
        $(mod $module;)*

        /// Every init option, in the order in which they appear in a cell's name.
        pub const OPTIONS: &[&dyn InitOption] = &[$(&$module::$option),*];
    };
}

// A new one goes last, so that no cell is renamed.
options! {
    address_family::AddressFamily,
    encap::Encap,
    services::Services,
    member_name::MemberName,
    user_ca::UserCa,
    formation::Formation,
    members::Members,
    underlay_mtu::UnderlayMtu,
    mistake::Mistake,
}

use formation::MICROCLOUD;
pub(crate) use user_ca::PROVIDE;

/// The choices of the core tier: the suites that run on every change.
const CORE: [&[(&str, &str)]; 4] =
    [&[], &[("address_family", "ipv6")], &[("encap", "ipv4")], &[("address_family", "ipv6"), ("encap", "ipv6")]];

/// The matrix of [`OPTIONS`].
///
/// # Errors
/// When the declarations or the constraints make no sense; the error names the place.
pub fn matrix() -> Result<Matrix, MatrixError> {
    let (declarations, constraints) = declared();
    Matrix::new(declarations, constraints)
}

/// The cell with these choices.
///
/// # Errors
/// When there is no such choice, or a constraint forbids the cell.
pub(crate) fn cell(chosen: &[(&str, &str)]) -> Result<Cell, MatrixError> {
    let (declarations, constraints) = declared();
    Cell::allowed(&declarations, &constraints, chosen)
}

/// The cell of this name. The matrix is made, which takes as long as naming every cell, only to say what is wrong with it
/// where there is no such cell.
///
/// # Errors
/// When there is none, or the matrix has none.
pub(crate) fn find_cell(name: &str) -> Result<Cell, Failure> {
    let (declarations, constraints) = declared();
    if let Some(cell) = Cell::named(&declarations, &constraints, name) {
        return Ok(cell);
    }
    matrix().map_err(Failure::of)?;
    Err(Failure::new(format!("there is no cell {name:?}; run `testkit generate`")))
}

fn declared() -> (Vec<Declaration>, Vec<Constraint>) {
    let declarations = OPTIONS.iter().map(|option| option.declaration()).collect();
    let constraints = OPTIONS.iter().flat_map(|option| option.constraints().into_iter().chain(of_microcloud(*option)));
    (declarations, constraints.collect())
}

/// What MicroCloud does not ask has its default where MicroCloud forms the cluster.
fn of_microcloud(option: &dyn InitOption) -> Option<Constraint> {
    let Declaration { name, values, .. } = option.declaration();
    let told = match option.by_microcloud() {
        [] => values.get(..1)?,
        told => told,
    };
    let why = "MicroCloud asks for nothing of the kind, and passes none on to MicroOVN";
    (told.len() < values.len() && name != "formation")
        .then(|| Constraint::new(why).when("formation", MICROCLOUD).then(name, told))
}

/// Whether MicroCloud forms the cluster of this cell.
pub(crate) fn is_microclouds(cell: &Cell) -> bool {
    MICROCLOUD.contains(&cell.value("formation"))
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
    use testkit::matrix::Tier;
    use testkit::plan::{Plan, Reply, Role, Segment, Segments, Service};

    use super::*;

    fn segments() -> Segments {
        let segment = |n: u8| Segment {
            ipv4: format!("10.{n}.0.0/24").parse().expect("a net"),
            ipv6: format!("fd42:{n}::/64").parse().expect("a net"),
        };
        Segments { management: segment(77), underlay: segment(88) }
    }

    fn cell(chosen: &[(&str, &str)]) -> Cell {
        super::cell(chosen).expect("a cell")
    }

    /// Every valid cell.
    fn all() -> Vec<Cell> {
        let matrix = matrix().expect("a matrix");
        matrix.select(Tier::Full, &core(&matrix).expect("a core"))
    }

    /// The plan of the cell with these choices, every other option at its default.
    pub(super) fn plan(chosen: &[(&str, &str)]) -> Plan {
        Plan::draw(&cell(chosen), OPTIONS, segments())
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
    fn custom_encapsulation_is_planned_and_answered_per_member() {
        for (chosen, device, wanted) in [
            (vec![], "eth0", ["10.77.0.11", "10.77.0.12", "10.77.0.13"]),
            (vec![("address_family", "ipv6")], "eth0", ["fd42:77::b", "fd42:77::c", "fd42:77::d"]),
            (vec![("encap", "ipv4")], "eth1", ["10.88.0.11", "10.88.0.12", "10.88.0.13"]),
            (vec![("address_family", "ipv6"), ("encap", "ipv6")], "eth1", ["fd42:88::b", "fd42:88::c", "fd42:88::d"]),
        ] {
            let plan = plan(&chosen);
            for (member, wanted) in plan.state.members.iter().zip(wanted) {
                assert_eq!(member.encap.ip.to_string(), wanted);
                assert_eq!(member.encap.device, device);
                let typed = plan
                    .recipe(member)
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
        for cell in all() {
            for recipe in Plan::draw(&cell, OPTIONS, segments()).recipes.into_values() {
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
    fn layouts_differ_by_member_and_are_told_as_they_are_planned() {
        let everything = "central,chassis,switch";
        for (layout, wanted) in [
            ("explicit", [everything, "chassis,switch", "switch", "chassis,switch"]),
            ("late_central", ["chassis,switch", everything, everything, everything]),
            ("central_only", [everything, "central", "chassis,switch", "central,switch"]),
            ("datapath", ["chassis,switch"; 4]),
            ("control", ["central"; 4]),
        ] {
            let chosen = [("services", layout), ("members", "4")];
            for (formation, told) in [("dialog", "answer"), ("rest", "config")] {
                let plan = plan(&[&chosen[..], &[("formation", formation)]].concat());
                for (member, wanted) in plan.state.members.iter().zip(wanted) {
                    let planned: Vec<String> = member.services.iter().map(Service::to_string).collect();
                    assert_eq!(planned.join(","), wanted);
                    let said = if told == "config" {
                        plan.recipe(member).config.get("ovn-services").cloned()
                    } else {
                        let answer = plan.recipe(member).answers.iter().find(|answer| answer.option == "services");
                        answer.map(|answer| match &answer.replies[..] {
                            [Reply::Text(text)] => text.clone(),
                            other => panic!("{other:?}"),
                        })
                    };
                    assert_eq!(said.as_deref(), Some(wanted), "{layout} {formation}");
                }
            }
        }
        assert!(plan(&[("formation", "rest")]).recipes.values().all(|recipe| recipe.config.is_empty()));
    }

    /// What members learn of each other depends on who joins after whom, so each of these is formed on every push to main.
    #[test]
    fn pairs_have_every_order_of_central_members_with_four_of_them() {
        let matrix = matrix().expect("a matrix");
        let cells = matrix.select(Tier::Pairwise, &core(&matrix).expect("a core"));
        let plans: Vec<Plan> = cells.iter().map(|cell| Plan::draw(cell, OPTIONS, segments())).collect();
        let four = || plans.iter().filter(|plan| plan.state.members.len() == 4);
        let central = |member: &&testkit::plan::Member| member.runs(Service::Central);
        assert!(four().any(|plan| !central(&&plan.state.members[0])), "a first member without central");
        assert!(
            four().any(|plan| plan.state.members.iter().any(|it| central(&it) && !it.runs(Service::Chassis))),
            "a central without chassis"
        );
        let late = |plan: &Plan| {
            let without = plan.state.members.iter().position(|member| !central(&member));
            central(&&plan.state.members[0])
                && without.is_some_and(|at| plan.state.members[at..].iter().any(|member| central(&member)))
        };
        assert!(four().any(late), "a central that joins after a member without one");
        for value in OPTIONS.iter().map(|it| it.declaration()).find(|it| it.name == "services").expect("it").values {
            let has = |cell: &&Cell| cell.value("services") == *value && cell.value("members") == "4";
            assert!(cells.iter().any(|cell| has(&cell)), "{value} with four members");
        }
    }

    #[test]
    fn a_given_key_has_the_form_that_its_value_names() {
        use testkit::plan::{KeyAlgorithm::*, KeyForm::*};
        for (value, wanted) in [
            ("rsa", (Rsa, Pkcs8, false)),
            ("ecdsa", (Ecdsa, Pkcs8, false)),
            ("rsa_pkcs1", (Rsa, Traditional, false)),
            ("ecdsa_sec1", (Ecdsa, Traditional, false)),
            ("chain", (Ecdsa, Pkcs8, true)),
        ] {
            let given = plan(&[("user_ca", value)]).state.user_ca.expect("an authority");
            assert_eq!((given.algorithm, given.form, given.intermediate), wanted, "{value}");
        }
    }

    #[test]
    fn a_loopback_endpoint_is_a_host_address_that_the_peers_are_routed_to() {
        for (family, prefix) in [("ipv4", 32), ("ipv6", 128)] {
            let plan = plan(&[("encap", "loopback"), ("address_family", family)]);
            for member in &plan.state.members {
                assert_eq!((member.encap.device.as_str(), member.encap.via.as_str()), ("lo", "eth1"));
                assert_eq!(member.loopback.len(), 1);
                assert_eq!((member.loopback[0].prefix_len(), member.loopback[0].addr()), (prefix, member.encap.ip));
                let routes: Vec<_> = member.nics[1].routes.iter().map(|r| (r.destination.addr(), r.source)).collect();
                let peers = plan.state.members.iter().filter(|peer| peer.name != member.name);
                let wanted: Vec<_> = peers.map(|peer| (peer.encap.ip, member.encap.ip)).collect();
                assert_eq!(routes, wanted);
            }
        }
    }

    #[test]
    fn a_given_authority_goes_to_the_bootstrap_member_only() {
        for formation in ["dialog", "rest"] {
            let plan = plan(&[("user_ca", "rsa"), ("formation", formation)]);
            assert!(plan.state.user_ca.is_some());
            for member in &plan.state.members {
                let recipe = plan.recipe(member);
                let told = recipe.config.len()
                    + recipe.answers.iter().filter(|a| a.option == "user_ca" && a.prompt.contains("path")).count();
                let wanted = if plan.role(member) == Role::Bootstrap { 2 } else { 0 };
                assert_eq!((recipe.files.len(), told), (wanted, wanted), "{formation}");
            }
        }
    }

    #[test]
    fn custom_names_are_given_where_they_can_be() {
        let named = |formation: &str| -> Vec<bool> {
            let plan = plan(&[("member_name", "custom"), ("formation", formation)]);
            plan.state.members.iter().map(|member| member.name != member.hostname).collect()
        };
        assert_eq!(named("dialog"), [true, false, false], "the dialog of a join asks for no name");
        assert_eq!(named("rest"), [true, true, true]);
    }

    #[test]
    fn members_are_as_many_as_chosen_and_the_fourth_has_no_central() {
        for (value, count) in [("1", 1), ("3", 3), ("4", 4)] {
            let plan = plan(&[("members", value)]);
            assert_eq!(plan.state.members.len(), count);
            assert_eq!(plan.state.members_with(Service::Central).count(), count.min(3));
        }
    }

    #[test]
    fn the_underlay_carries_what_was_chosen_and_management_what_ethernet_does() {
        for (chosen, wanted) in [("1500", 1500), ("9000", 9000), ("1442", 1442)] {
            let plan = plan(&[("encap", "ipv4"), ("underlay_mtu", chosen)]);
            for member in &plan.state.members {
                assert_eq!(member.nics.iter().map(|nic| nic.mtu).collect::<Vec<_>>(), [1500, wanted]);
            }
        }
        assert_eq!(
            cell(&[("encap", "ipv4"), ("underlay_mtu", "9000")]).id().to_string(),
            "init_cluster_custom_encap_mtu_9000"
        );
    }

    #[test]
    fn every_cell_can_be_told_apart_and_named_in_lxd() {
        let mut hostnames = std::collections::BTreeSet::new();
        for cell in all() {
            let plan = Plan::draw(&cell, OPTIONS, segments());
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
}
