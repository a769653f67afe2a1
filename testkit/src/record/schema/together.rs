//! Runs of the same suites against several products, side by side.

use serde::Serialize;

use super::{Product, Totals};

/// What came of each suite with each product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SideBySide {
    /// The name of its folder.
    pub run: String,
    /// The products, in the order in which they were tested.
    pub products: Vec<Column>,
    /// The suites that some product has, by name.
    pub suites: Vec<Row>,
}

/// One product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// What it was called.
    pub name: String,
    /// What it was; absent where no image of it could be made.
    pub product: Option<Product>,
    /// How its checks came out, those of all its runs.
    pub totals: Totals,
    /// The ids of its runs.
    pub runs: Vec<String>,
    /// Why it came to no test.
    pub problem: Option<String>,
}

/// One suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name.
    pub suite: String,
    /// Whether it did not come out alike with all products.
    pub differs: bool,
    /// What came of it with each product, in their order.
    pub results: Vec<Found>,
}

/// What came of a suite with a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// `passed`, `failed`, `skipped`, `unfinished`, or `none` where it was not run.
    pub class: &'static str,
    /// In words: `3 of 20 failed`.
    pub told: String,
    /// The run that says more.
    pub run: Option<String>,
    /// Why it failed, or was skipped.
    pub why: Option<String>,
}
