//! What a tier covers of the combinations of values.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::cli::Failure;
use crate::cli::cells::Cells;
use crate::matrix::{Cell, Tier};

/// The t-tuples of a tier: those it covers, those it lacks, and those the constraints exclude.
pub(super) fn coverage(cells: &Cells, tier: Tier, chosen: &[Cell], json: bool) -> Result<String, Failure> {
    let strengths = [2, 3];
    let covered: Vec<_> = strengths.iter().map(|strength| cells.matrix.coverage(chosen, *strength)).collect();
    if json {
        let all: Vec<_> = covered
            .iter()
            .map(|found| {
                let reasons =
                    |one: &crate::matrix::Excluded| one.constraints.iter().map(ToString::to_string).collect::<Vec<_>>();
                serde_json::json!({
                    "strength": found.strength,
                    "allowed": found.allowed,
                    "covered": found.covered,
                    "missing": found.missing.iter().map(ToString::to_string).collect::<Vec<_>>(),
                    "excluded": found.excluded.iter().map(|one| {
                        serde_json::json!({"tuple": one.tuple.to_string(), "because": reasons(one)})
                    }).collect::<Vec<_>>(),
                })
            })
            .collect();
        let all = serde_json::json!({"tier": tier.to_string(), "cells": chosen.len(), "coverage": all});
        return serde_json::to_string_pretty(&all).map_err(Failure::usage);
    }
    let mut text = format!("tier {tier}: {} cells\n", chosen.len());
    for found in &covered {
        let _ = writeln!(
            text,
            "{} values at a time: {} of {} possible combinations are covered, {} more are excluded",
            found.strength,
            found.covered,
            found.allowed,
            found.excluded.len()
        );
    }
    let Some(pairs) = covered.first() else { return Ok(text) };
    for tuple in &pairs.missing {
        let _ = writeln!(text, "not covered: {tuple}");
    }
    let mut by_reason: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in &pairs.excluded {
        let why: Vec<String> = one.constraints.iter().map(ToString::to_string).collect();
        by_reason.entry(why.join("; and ")).or_default().push(one.tuple.to_string());
    }
    for (why, tuples) in by_reason {
        let _ = writeln!(text, "excluded, because {why}:");
        for tuple in tuples {
            let _ = writeln!(text, "  {tuple}");
        }
    }
    Ok(text)
}
