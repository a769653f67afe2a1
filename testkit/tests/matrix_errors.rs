//! What is said of a matrix that cannot be: every mistake by its name and its line.

use testkit::matrix::{Cell, Constraint, Declaration, Matrix, MatrixError, Problem};

const FILE: &str = file!();

/// What is said of these.
fn said(declarations: Vec<Declaration>, constraints: Vec<Constraint>) -> String {
    Matrix::new(declarations, constraints).expect_err("a refusal").to_string()
}

fn encap() -> Declaration {
    Declaration::new("encap", &["default", "ipv4", "ipv6"])
}

fn formation() -> Declaration {
    Declaration::new("formation", &["dialog", "cli"])
}

#[test]
fn each_mistake_is_named_with_the_line_it_is_on() {
    let rule = || Constraint::new("a fact");
    let complete = || rule().when("formation", &["cli"]);
    let cases: [(Vec<Declaration>, Vec<Constraint>, &str); 13] = [
        (vec![encap(), encap()], vec![], "option \"encap\" is declared twice; first at "),
        (vec![Declaration::new("encap", &[])], vec![], "option \"encap\" has no values; the first one is the default"),
        (vec![Declaration::new("encap", &["a", "a"])], vec![], "option \"encap\" has value \"a\" twice"),
        (vec![Declaration::new("en-cap", &["a"])], vec![], "option \"en-cap\" must be named by a lower-case letter"),
        (vec![Declaration::new("2encap", &["a"])], vec![], "option \"2encap\" must be named by a lower-case letter"),
        (vec![Declaration::new("encap", &["a", "b.c"])], vec![], "value \"b.c\" of option \"encap\" must consist of"),
        (
            vec![encap(), formation()],
            vec![complete().then("ecnap", &["default"])],
            "constraint \"a fact\" names unknown option \"ecnap\"; the options are encap, formation; \
             did you mean \"encap\"?",
        ),
        (
            vec![encap(), formation()],
            vec![complete().then("encap", &["ipv5"])],
            "constraint \"a fact\" names unknown value \"ipv5\" of option \"encap\"; its values are default, ipv4, \
             ipv6; did you mean \"ipv4\"?",
        ),
        (vec![encap(), formation()], vec![complete()], "constraint \"a fact\" has no `then`"),
        (vec![encap(), formation()], vec![rule().then("encap", &["ipv4"])], "constraint \"a fact\" has no `when`"),
        (
            vec![encap(), formation()],
            vec![complete().then("encap", &[])],
            "constraint \"a fact\" has no value in its `then` \"encap\"",
        ),
        (vec![encap().suffix(|_, _| "x y".into())], vec![], "option \"encap\" names its value \"ipv4\" \"x y\""),
        (
            vec![encap().suffix(|_, _| "custom".into())],
            vec![],
            "cells encap=ipv4 and encap=ipv6 are both named init_cluster_custom",
        ),
    ];
    for (declarations, constraints, wanted) in cases {
        let said = said(declarations, constraints);
        assert!(said.contains(wanted), "{said}\nlacks\n{wanted}");
        assert!(said.contains(&format!("{FILE}:")), "{said}\nnames no line");
    }
}

#[test]
fn the_line_is_that_of_the_declaration_and_of_the_constraint() {
    let line = line!();
    let declaration = Declaration::new("encap", &["a"]);
    let constraint = Constraint::new("a fact").when("encap", &["a"]);
    assert_eq!(declaration.place.to_string(), format!("{FILE}:{}", line + 1));
    assert_eq!(constraint.place.to_string(), format!("{FILE}:{}", line + 2));
}

#[test]
fn mistakes_of_one_kind_are_told_at_once() {
    let refused = Matrix::new(
        vec![Declaration::new("a", &[]), Declaration::new("B", &["x", "x"])],
        vec![Constraint::new("nothing")],
    );
    let Err(MatrixError::Invalid(problems)) = refused else { panic!("{refused:?}") };
    assert_eq!(problems.len(), 5, "{problems:#?}");
}

#[test]
fn a_contradiction_is_told_with_no_constraint_that_has_no_part_in_it() {
    let declarations = || vec![encap(), formation(), Declaration::new("members", &["three", "one"])];
    let constraints = vec![
        Constraint::new("unrelated").when("members", &["one"]).then("formation", &["dialog"]),
        Constraint::new("the command takes no address").when("formation", &["cli"]).then("encap", &["default"]),
        Constraint::new("the command needs an address").when("formation", &["cli"]).then("encap", &["ipv4", "ipv6"]),
    ];
    let said = said(declarations(), constraints);
    assert!(said.contains("no cell with formation=cli is possible"), "{said}");
    assert!(said.contains("\"the command takes no address\" (") && said.contains("\"the command needs an address\" ("));
    assert!(!said.contains("unrelated"), "{said}");

    let default = vec![Constraint::new("dialogs ask").when("formation", &["dialog"]).then("encap", &["ipv4"])];
    let refused = Matrix::new(declarations(), default).expect_err("a refusal");
    let message = refused.to_string();
    assert!(message.contains("no cell in which every option has its default is possible"), "{message}");

    let never = vec![
        Constraint::new("dialogs ask").when("formation", &["dialog"]).then("encap", &["ipv4"]),
        Constraint::new("no address").when("formation", &["dialog", "cli"]).then("encap", &["default"]),
        Constraint::new("always a dialog").when("encap", &["default", "ipv4", "ipv6"]).then("formation", &["dialog"]),
    ];
    let Err(MatrixError::Invalid(problems)) = Matrix::new(declarations(), never) else { panic!("accepted") };
    let [Problem::Contradiction { subject, reasons }] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!((subject.to_string().as_str(), reasons.len()), ("no cell", 3));
}

#[test]
fn a_choice_that_a_constraint_forbids_names_it() {
    let constraint = Constraint::new("no init config").when("formation", &["cli"]).then("encap", &["default"]);
    let place = constraint.place;
    let matrix = Matrix::new(vec![encap(), formation()], vec![constraint]).expect("a matrix");
    let said = |chosen: &[(&str, &str)]| matrix.cell(chosen).expect_err("a refusal").to_string();
    assert_eq!(
        said(&[("formation", "cli"), ("encap", "ipv4")]),
        format!("no cell init_cluster_encap_ipv4_formation_cli: \"no init config\" ({place})")
    );
    assert_eq!(
        said(&[("encap", "ipv44")]),
        "option \"encap\" has no value \"ipv44\"; its values are default, ipv4, ipv6; did you mean \"ipv4\"?"
    );
    assert_eq!(
        said(&[("formatoin", "cli")]),
        "unknown option \"formatoin\"; the options are encap, formation; did you mean \"formation\"?"
    );
    assert_eq!(matrix.cell(&[("formation", "cli")]).expect("a cell").id().as_str(), "init_cluster_formation_cli");
    let unconstrained = Cell::new(matrix.declarations(), &[("formation", "cli"), ("encap", "ipv4")]).expect("a cell");
    assert_eq!(matrix.find_cell(unconstrained.id().as_str()), None);
}
