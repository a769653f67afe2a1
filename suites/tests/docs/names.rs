//! Settings and cells that pages name are those that there are.

use std::collections::BTreeSet;
use std::fs;

use regex::Regex;
use serde_json::Value;
use testkit::journey::Journey;
use testkit::matrix::Tier;

use super::commands::testkit;
use super::pages::{Page, pages, root};

fn found(pattern: &str, text: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).expect("a pattern");
    pattern.find_iter(text).map(|found| found.as_str().trim_matches(['"', '`']).to_owned()).collect()
}

fn page(name: &str) -> Page {
    pages().into_iter().find(|page| page.name.ends_with(name)).expect("a page")
}

/// The variables that the framework reads by a name of its own, from its source.
fn variables() -> BTreeSet<String> {
    let sources = ["testkit/src/config.rs", "testkit/src/config/environment.rs"].map(|file| {
        let source = fs::read_to_string(root().join(file)).expect("the source");
        found(r#""(TESTKIT|MICROOVN|LXD)_[A-Z_]+[A-Z]""#, source.split("#[cfg(test)]").next().expect("a beginning"))
    });
    // Where clients of LXD have their configuration is their own.
    sources.into_iter().flatten().filter(|name| !name.ends_with("_CONF")).collect()
}

#[test]
fn the_page_on_the_environment_has_every_variable_and_no_other() {
    let variables = variables();
    assert!(variables.contains("TESTKIT_KEEP") && variables.contains("LXD_REMOTE"), "{variables:?}");
    // The first column; the examples have a misspelt one.
    let text = page("reference/environment.md").text;
    let rows: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next()).collect();
    assert_eq!(found("`(TESTKIT|MICROOVN|LXD)_[A-Z_]+`", &rows.join("\n")), variables);
}

#[test]
fn variables_that_are_named_exist() {
    let variables = variables();
    for page in pages() {
        for name in found(r"TESTKIT_[A-Z_]*[A-Z]\b", &page.text) {
            // The misspelt one of the examples.
            assert!(variables.contains(&name) || name == "TESTKIT_KEP", "{}: {name}", page.name.display());
        }
    }
}

#[test]
fn the_page_on_the_configuration_file_has_every_key_and_no_other() {
    let world = tempfile::tempdir().expect("a folder");
    fs::write(world.path().join("Cargo.toml"), "[workspace]\n").expect("a manifest");
    fs::write(world.path().join("testkit.toml"), "colour = 1\n").expect("a file");
    let output = testkit().arg("plan").current_dir(world.path()).output().expect("testkit runs");
    // A key that is none is answered with all that are.
    let said = String::from_utf8(output.stderr).expect("text");
    let keys = said.split_once("; there are ").expect("a list").1.split([';', '\n']).next().expect("keys");
    let keys = keys.split(", ").map(str::to_owned).collect();
    let text = page("reference/configuration-file.md").text;
    let rows: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next()).collect();
    assert_eq!(found("`[a-z_]+`", &rows.join("\n")), keys);
    // Its example is one.
    let example = page("reference/configuration-file.md").blocks();
    let example = example.iter().find(|block| block.info == "toml").expect("an example");
    fs::write(world.path().join("testkit.toml"), &example.text).expect("a file");
    let output = testkit().arg("plan").current_dir(world.path()).output().expect("testkit runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn cells_that_are_named_exist() {
    // Those of the tiers that are in no other.
    let plans = ["full", "microcloud"].map(|tier| -> Value {
        let output = testkit().args(["plan", "--tier", tier, "--format", "json"]).output().expect("testkit runs");
        serde_json::from_slice(&output.stdout).expect("JSON")
    });
    let listed = plans.iter().flat_map(|plan| plan["cells"].as_array().expect("cells"));
    let cells: BTreeSet<&str> = listed.map(|cell| cell["id"].as_str().expect("an id")).collect();
    for page in pages() {
        // That page adds an option, and names the cells that this gives.
        if page.name.ends_with("adding-an-init-option.md") {
            continue;
        }
        let code = page.code().into_iter().map(|(_, code)| code);
        let typed = page.blocks().into_iter().filter(|block| block.info == "sh").map(|block| block.text);
        for cell in code.chain(typed).flat_map(|text| found(r"\binit_cluster[a-z0-9_]*", &text)) {
            assert!(cells.contains(cell.as_str()), "{}: there is no cell {cell}", page.name.display());
        }
    }
}

#[test]
fn journeys_that_are_played_from_pages_exist() {
    let journeys: BTreeSet<&str> = suites::journeys::JOURNEYS.iter().map(|journey| journey.name).collect();
    let mut count = 0;
    for page in pages() {
        for (place, code) in page.code() {
            for journey in found(r"\b(howto|tutorial)_[a-z_]+", &code) {
                count += 1;
                assert!(journeys.contains(journey.as_str()), "{place}: there is no journey {journey}");
            }
        }
    }
    assert!(count > 3, "only {count} were found");
}

/// The page shows a whole check, which would not be followed by hand when that changes.
#[test]
fn the_check_that_is_shown_is_one() {
    let source = fs::read_to_string(root().join("testkit/src/expect/checks/ovs_encap_type.rs")).expect("the source");
    let blocks = page("how-to/add-a-check.md").blocks();
    let shown = blocks.iter().find(|block| block.info == "rust").expect("code");
    assert!(source.ends_with(&shown.text), "docs/how-to/add-a-check.md shows another check than\n{source}");
}

#[test]
fn the_readme_has_every_option_with_all_its_values_and_every_tier_with_its_suites() {
    let readme = page("README.md").text;
    let row = |name: &str| {
        let row = readme.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        row.unwrap_or_else(|| panic!("the README has no row of {name}")).to_owned()
    };
    for option in suites::options::OPTIONS {
        let declaration = option.declaration();
        let values: BTreeSet<String> = declaration.values.iter().map(|value| (*value).to_owned()).collect();
        let named = found("`[a-z0-9_]+`", row(declaration.name).split_once(" | ").expect("a second column").1);
        assert!(named.is_superset(&values), "{}: {values:?}, and the README names {named:?}", declaration.name);
    }
    let matrix = suites::options::matrix().expect("a matrix");
    let core = suites::options::core(&matrix).expect("its core");
    let tiers = Tier::ALL.map(|tier| (tier.to_string(), matrix.select(tier, &core).len()));
    let apart = |journey: &&Journey| matrix.is_apart(&matrix.cell(journey.cell).expect("its cell"));
    let journeys = suites::journeys::JOURNEYS;
    let life = ("life".to_owned(), journeys.len() - journeys.iter().filter(apart).count());
    for (tier, count) in tiers.into_iter().chain([life]) {
        assert_eq!(row(&tier).split(" | ").nth(1), Some(count.to_string().as_str()), "{tier}");
    }
}
