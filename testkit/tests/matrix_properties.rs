//! Properties of every matrix, held against a second, naive account of the same thing: the cartesian product.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::subsequence;
use testkit::matrix::{Cell, Constraint, Declaration, Matrix, MatrixError, Problem, Subject, Tier};

const OPTIONS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const VALUES: [&str; 4] = ["v0", "v1", "v2", "v3"];

/// A cell as the value, by index, of every option.
type Row = Vec<usize>;

/// Options and their values, by index.
type Terms = Vec<(usize, Vec<usize>)>;

#[derive(Debug, Clone)]
struct Recipe {
    levels: Vec<usize>,
    /// `when` and `then` of every constraint.
    rules: Vec<(Terms, Terms)>,
}

fn named(values: &[usize]) -> &'static [&'static str] {
    values.iter().map(|value| VALUES[*value]).collect::<Vec<_>>().leak()
}

impl Recipe {
    fn declarations(&self) -> Vec<Declaration> {
        let levels = self.levels.iter().zip(OPTIONS);
        levels.map(|(levels, name)| Declaration::new(name, &VALUES[..*levels])).collect()
    }

    fn constraints(&self) -> Vec<Constraint> {
        let constraint = |(when, then): &(Terms, Terms)| {
            let rule = Constraint::new("a rule");
            let rule = when.iter().fold(rule, |rule, (option, values)| rule.when(OPTIONS[*option], named(values)));
            then.iter().fold(rule, |rule, (option, values)| rule.then(OPTIONS[*option], named(values)))
        };
        self.rules.iter().map(constraint).collect()
    }

    /// Whether the rules at `chosen` let `row` be.
    fn obeys(&self, row: &[usize], chosen: &[usize]) -> bool {
        let holds = |terms: &Terms| terms.iter().all(|(option, values)| values.contains(&row[*option]));
        chosen.iter().all(|rule| !holds(&self.rules[*rule].0) || holds(&self.rules[*rule].1))
    }

    /// The whole cartesian product, the last option turning fastest.
    fn product(&self) -> Vec<Row> {
        self.levels.iter().fold(vec![Vec::new()], |rows, levels| {
            rows.iter().flat_map(|row| (0..*levels).map(move |value| [row.as_slice(), &[value]].concat())).collect()
        })
    }

    fn valid(&self) -> Vec<Row> {
        let all: Vec<usize> = (0..self.rules.len()).collect();
        self.product().into_iter().filter(|row| self.obeys(row, &all)).collect()
    }

    /// The recipe without the rules that forbid the defaults or some value altogether.
    fn sound(self) -> Self {
        let none = Self { levels: self.levels, rules: Vec::new() };
        self.rules.into_iter().fold(none, |kept, rule| {
            let mut more = kept.clone();
            more.rules.push(rule);
            let valid = more.valid();
            let has = |(option, value): (usize, usize)| valid.iter().any(|row| row[option] == value);
            let every = more.levels.iter().enumerate().all(|(option, levels)| (0..*levels).all(|v| has((option, v))));
            if every && valid[0].iter().all(|value| *value == 0) { more } else { kept }
        })
    }

    fn matrix(&self) -> Matrix {
        Matrix::new(self.declarations(), self.constraints()).expect("a sound matrix")
    }

    /// The size of the smallest set of rules that no row with these values obeys, if there is one.
    fn smallest_conflict(&self, fixed: &[(usize, usize)]) -> Option<usize> {
        let fits = |row: &&Row| fixed.iter().all(|(option, value)| row[*option] == *value);
        let product = self.product();
        let rows: Vec<&Row> = product.iter().filter(fits).collect();
        let sets = 0u32..1 << self.rules.len();
        let refuted = sets.filter(|set| {
            let chosen: Vec<usize> = (0..self.rules.len()).filter(|rule| set >> rule & 1 == 1).collect();
            !rows.iter().any(|row| self.obeys(row, &chosen))
        });
        refuted.map(|set| set.count_ones() as usize).min()
    }
}

fn row(cell: &Cell) -> Row {
    let values = cell.choices().values();
    values.map(|value| VALUES.iter().position(|known| known == value).expect("a value")).collect()
}

/// Every set of `strength` columns.
fn columns(count: usize, strength: usize) -> Vec<Vec<usize>> {
    let sets = (0u32..1 << count).filter(|set| set.count_ones() as usize == strength);
    sets.map(|set| (0..count).filter(|column| set >> column & 1 == 1).collect()).collect()
}

/// The tuples of `strength` values that the rows have.
fn tuples(rows: &[Row], count: usize, strength: usize) -> BTreeSet<Vec<(usize, usize)>> {
    let sets = columns(count, strength);
    let of = |row: &Row, set: &[usize]| set.iter().map(|column| (*column, row[*column])).collect::<Vec<_>>();
    rows.iter().flat_map(|row| sets.iter().map(move |set| of(row, set))).collect()
}

fn terms(levels: Vec<usize>) -> impl Strategy<Value = Terms> {
    let options: Vec<usize> = (0..levels.len()).collect();
    subsequence(options, 1..=2.min(levels.len())).prop_flat_map(move |options| {
        let term = |option: usize| {
            let values: Vec<usize> = (0..levels[option]).collect();
            subsequence(values, 1..=levels[option]).prop_map(move |values| (option, values))
        };
        options.into_iter().map(term).collect::<Vec<_>>()
    })
}

fn recipe() -> impl Strategy<Value = Recipe> {
    vec(1..=4usize, 2..=5).prop_flat_map(|levels| {
        let rule = (terms(levels.clone()), terms(levels.clone()));
        (Just(levels), vec(rule, 0..=7)).prop_map(|(levels, rules)| Recipe { levels, rules })
    })
}

/// Few factors and one value more than they need, so that the highest strengths stay small.
fn tiny() -> impl Strategy<Value = Recipe> {
    vec(1..=2usize, 6).prop_flat_map(|levels| {
        let rule = (terms(levels.clone()), terms(levels.clone()));
        (Just(levels), vec(rule, 0..=3)).prop_map(|(levels, rules)| Recipe { levels, rules })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(192) })]

    #[test]
    fn the_cells_are_the_part_of_the_product_that_obeys_every_constraint(recipe in recipe().prop_map(Recipe::sound)) {
        let matrix = recipe.matrix();
        let cells: Vec<Row> = matrix.cells().iter().map(row).collect();
        prop_assert_eq!(cells, recipe.valid());
        for cell in matrix.cells() {
            prop_assert_eq!(matrix.find_cell(cell.id().as_str()), Some(cell));
        }
    }

    #[test]
    fn each_tier_covers_what_it_promises_with_valid_cells_and_contains_the_one_before(
        recipe in recipe().prop_map(Recipe::sound),
        core in vec(any::<prop::sample::Index>(), 0..3),
    ) {
        let matrix = recipe.matrix();
        let all = matrix.cells();
        let mut core: Vec<Cell> = core.iter().map(|at| at.get(&all).clone()).collect();
        core.sort_by(|a, b| a.id().cmp(b.id()));
        core.dedup();
        let valid = recipe.valid();
        let count = recipe.levels.len();
        let mut before: Vec<Cell> = Vec::new();
        for (tier, strength) in Tier::ALL.into_iter().zip([0, 2, 3, count]) {
            let cells = matrix.select(tier, &core);
            prop_assert!(cells.starts_with(&before), "{} does not begin with the tier before it", tier);
            let rows: Vec<Row> = cells.iter().map(row).collect();
            prop_assert!(rows.iter().all(|row| valid.contains(row)), "{} has an invalid cell", tier);
            let distinct: BTreeSet<_> = rows.iter().collect();
            prop_assert_eq!(distinct.len(), rows.len());
            for strength in 1..=strength.min(count) {
                let wanted = tuples(&valid, count, strength);
                prop_assert_eq!(&tuples(&rows, count, strength), &wanted, "{} at {}", tier, strength);
            }
            if tier == Tier::Core {
                prop_assert_eq!(&cells, &core);
            }
            before = cells;
        }
        prop_assert_eq!(before.len(), valid.len());
    }

    #[test]
    fn coverage_counts_what_the_product_counts(recipe in prop_oneof![recipe(), tiny()].prop_map(Recipe::sound), take in 0..20usize) {
        let matrix = recipe.matrix();
        let cells: Vec<Cell> = matrix.cells().into_iter().step_by(3).take(take).collect();
        let rows: Vec<Row> = cells.iter().map(row).collect();
        let count = recipe.levels.len();
        for strength in 1..=count {
            let coverage = matrix.coverage(&cells, strength);
            let allowed = tuples(&recipe.valid(), count, strength);
            let every = tuples(&recipe.product(), count, strength);
            let covered = tuples(&rows, count, strength);
            prop_assert_eq!(coverage.allowed, allowed.len());
            prop_assert_eq!(coverage.covered, covered.len());
            let numbered = |tuple: &testkit::matrix::Tuple| -> Vec<(usize, usize)> {
                let index = |list: &[&str], name: &str| list.iter().position(|known| *known == name).expect("known");
                tuple.values().iter().map(|(option, value)| (index(&OPTIONS, option), index(&VALUES, value))).collect()
            };
            let missing: BTreeSet<_> = coverage.missing.iter().map(numbered).collect();
            prop_assert_eq!(missing, &allowed - &covered);
            let excluded: BTreeSet<_> =
                coverage.excluded.iter().map(|excluded| numbered(&excluded.tuple)).collect();
            prop_assert_eq!(excluded, &every - &allowed);
            for excluded in &coverage.excluded {
                let smallest = recipe.smallest_conflict(&numbered(&excluded.tuple));
                prop_assert_eq!(Some(excluded.constraints.len()), smallest, "{}", excluded.tuple);
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_fewest_constraints_that_forbid_it(recipe in recipe()) {
        let forbidden = |fixed: &[(usize, usize)]| recipe.smallest_conflict(fixed);
        let defaults: Vec<(usize, usize)> = (0..recipe.levels.len()).map(|option| (option, 0)).collect();
        let values = || {
            let option = |(option, levels): (usize, &usize)| (0..*levels).map(move |value| (option, value));
            recipe.levels.iter().enumerate().flat_map(option)
        };
        let problems = match Matrix::new(recipe.declarations(), recipe.constraints()) {
            Ok(_) => Vec::new(),
            Err(MatrixError::Invalid(problems)) => problems,
            Err(other) => return Err(TestCaseError::fail(other.to_string())),
        };
        let mut seen: Vec<(Option<(usize, usize)>, usize)> = Vec::new();
        let mut default = None;
        for problem in &problems {
            let Problem::Contradiction { subject, reasons } = problem else {
                return Err(TestCaseError::fail(problem.to_string()));
            };
            match subject {
                Subject::NoCell => seen.push((None, reasons.len())),
                Subject::NotTheDefaultCell => default = Some(reasons.len()),
                Subject::NoCellWith { option, value, .. } => {
                    let index = |list: &[&str], name: &str| list.iter().position(|known| *known == name).expect("known");
                    seen.push((Some((index(&OPTIONS, option), index(&VALUES, value))), reasons.len()));
                }
            }
        }
        if let Some(size) = forbidden(&[]) {
            prop_assert_eq!(seen, vec![(None, size)]);
        } else {
            let wanted: Vec<_> =
                values().filter_map(|value| forbidden(&[value]).map(|size| (Some(value), size))).collect();
            prop_assert_eq!(seen, wanted);
            prop_assert_eq!(default, forbidden(&defaults));
        }
    }
}

/// The matrix of init options as it is meant to become.
fn real() -> (Vec<Declaration>, Vec<Constraint>) {
    let why = "`cluster bootstrap` takes no init config";
    let only = |option, value| Constraint::new(why).when("formation", &["cli"]).then(option, value);
    let declarations = vec![
        Declaration::new("address_family", &["ipv4", "ipv6"]),
        Declaration::new("encap", &["default", "ipv4", "ipv6", "hostname"]),
        Declaration::new("services", &["auto", "central"]),
        Declaration::new("member_name", &["hostname", "custom"]),
        Declaration::new("user_ca", &["generated", "root", "intermediate"]),
        Declaration::new("formation", &["dialog", "dialog_piped", "cli", "rest"]),
        Declaration::new("members", &["three", "one", "five"]),
    ];
    let constraints = vec![
        only("encap", &["default"]),
        only("services", &["auto"]),
        only("user_ca", &["generated"]),
        only("member_name", &["hostname"]),
        only("address_family", &["ipv4"]),
    ];
    (declarations, constraints)
}

fn select(declarations: Vec<Declaration>, tier: Tier) -> Vec<String> {
    let matrix = Matrix::new(declarations, real().1).expect("a matrix");
    let core: Vec<Cell> = [
        &[][..],
        &[("address_family", "ipv6")],
        &[("encap", "ipv4")],
        &[("address_family", "ipv6"), ("encap", "ipv6")],
    ]
    .iter()
    .map(|chosen| matrix.cell(chosen).expect("a cell"))
    .collect();
    matrix.select(tier, &core).iter().map(|cell| cell.id().to_string()).collect()
}

#[test]
fn the_tiers_of_the_real_matrix_are_small() {
    for (tier, most) in [(Tier::Core, 4), (Tier::Pairwise, 22), (Tier::T3, 55), (Tier::Full, 867)] {
        assert!(select(real().0, tier).len() <= most, "{tier}: {}", select(real().0, tier).len());
    }
}

#[test]
fn a_value_added_at_the_end_of_a_list_keeps_the_cells_it_can() {
    // Percent kept at pairwise and t3: everything when the longest list grows, and less the fewer values were there.
    for (option, pairwise, t3) in [
        ("encap", 100, 100),
        ("formation", 100, 100),
        ("user_ca", 70, 60),
        ("members", 70, 60),
        ("services", 50, 30),
        ("address_family", 50, 30),
        ("member_name", 50, 30),
    ] {
        let mut grown = real().0;
        let declaration = grown.iter_mut().find(|declaration| declaration.name == option).expect("an option");
        let values: Vec<&'static str> = declaration.values.iter().copied().chain(["added"]).collect();
        *declaration = Declaration::new(option, values.leak());
        for (tier, least) in [(Tier::Core, 100), (Tier::Pairwise, pairwise), (Tier::T3, t3), (Tier::Full, 100)] {
            let before = select(real().0, tier);
            let after = select(grown.clone(), tier);
            let kept = before.iter().filter(|id| after.contains(id)).count();
            assert!(100 * kept >= least * before.len(), "{option} at {tier}: {kept} of {} kept", before.len());
        }
    }
}

#[test]
fn an_option_with_a_default_renames_nothing_and_keeps_the_core() {
    let mut grown = real().0;
    grown.push(Declaration::new("added", &["off", "on"]));
    assert_eq!(select(grown.clone(), Tier::Core), select(real().0, Tier::Core));
    let full = select(grown, Tier::Full);
    assert!(select(real().0, Tier::Full).iter().all(|id| full.contains(id)));
}

#[test]
fn values_apart_change_no_other_tier_by_a_single_cell() {
    let (declarations, mut constraints) = real();
    let mut grown = declarations.clone();
    let formation = grown.iter_mut().find(|declaration| declaration.name == "formation").expect("an option");
    let apart: &[&str] = &["by_file", "by_hand"];
    let values: Vec<&'static str> = formation.values.iter().chain(apart).copied().collect();
    *formation = Declaration::new("formation", values.leak()).apart(&["by_file", "by_hand"]);
    grown.push(Declaration::new("mistake", &["none", "some"]).apart(&["some"]));
    let before = Matrix::new(declarations, constraints.clone()).expect("a matrix");
    constraints.push(Constraint::new("only there").when("mistake", &["some"]).then("formation", &["by_file"]));
    constraints
        .push(Constraint::new("not there").when("formation", &["by_file", "by_hand"]).then("services", &["auto"]));
    let after = Matrix::new(grown, constraints).expect("a matrix");
    let core =
        |matrix: &Matrix| vec![matrix.cell(&[]).expect("a cell"), matrix.cell(&[("encap", "ipv4")]).expect("a cell")];
    let names = |matrix: &Matrix, tier| -> Vec<String> {
        matrix.select(tier, &core(matrix)).iter().map(|cell| cell.id().to_string()).collect()
    };
    for tier in [Tier::Core, Tier::Pairwise, Tier::T3, Tier::Full] {
        assert_eq!(names(&after, tier), names(&before, tier), "{tier}");
        for strength in [2, 3] {
            let coverage = |matrix: &Matrix| matrix.coverage(&matrix.select(tier, &core(matrix)), strength);
            let (was, is) = (coverage(&before), coverage(&after));
            assert_eq!((is.allowed, is.covered, is.missing), (was.allowed, was.covered, was.missing), "{tier}");
            assert_eq!(is.excluded.len(), was.excluded.len(), "{tier}");
        }
    }
    assert_eq!(names(&before, Tier::MicroCloud), [] as [&str; 0]);
    let apart = names(&after, Tier::MicroCloud);
    assert_eq!(apart.len() + names(&after, Tier::Full).len(), after.cells().len());
    assert!(apart.iter().all(|id| id.contains("_by_")), "{apart:?}");
    for name in &apart {
        assert_eq!(after.find_cell(name).map(|cell| after.is_apart(&cell)), Some(true));
    }
}

#[test]
fn values_apart_are_the_last_ones_and_not_all() {
    for values in [&["a", "b", "c"][..], &["b"], &["x"]] {
        let option = Declaration::new("option", &["a", "b", "c"]).apart(values.to_vec().leak());
        let error = Matrix::new(vec![option], Vec::new()).expect_err("refused").to_string();
        assert!(error.contains("apart, which must be its last values, and not all of them"), "{error}");
    }
}
