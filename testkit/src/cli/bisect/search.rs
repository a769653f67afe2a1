//! Finding the first of several that is red, where all before it are green.

use std::collections::BTreeSet;

/// What came of looking at one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// All is as it must be.
    Green,
    /// Something is not.
    Red,
    /// It could not be judged, and why.
    Unjudged(String),
}

/// How a search ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The last that is known to be green, the first that is known to be red, and those between that could not be judged.
    Between {
        /// The last that is green.
        green: usize,
        /// The first that is red.
        red: usize,
        /// Those between.
        unjudged: BTreeSet<usize>,
    },
    /// The first is red already.
    FirstIsRed,
    /// The last is green.
    LastIsGreen,
    /// The first or the last could not be judged.
    EndUnjudged {
        /// Which.
        at: usize,
        /// Why.
        why: String,
    },
}

/// Looks at the first and at the last of `count`, and then at as few between as it takes. One that cannot be judged is no
/// verdict: its nearest neighbour is looked at instead.
///
/// # Errors
/// Those of `look`.
pub(super) async fn search<E>(
    count: usize,
    mut look: impl AsyncFnMut(usize) -> Result<Found, E>,
) -> Result<Outcome, E> {
    let (mut green, mut red) = (0, count.saturating_sub(1));
    match look(green).await? {
        Found::Green => {}
        Found::Red => return Ok(Outcome::FirstIsRed),
        Found::Unjudged(why) => return Ok(Outcome::EndUnjudged { at: green, why }),
    }
    match look(red).await? {
        Found::Red => {}
        Found::Green => return Ok(Outcome::LastIsGreen),
        Found::Unjudged(why) => return Ok(Outcome::EndUnjudged { at: red, why }),
    }
    let mut unjudged = BTreeSet::new();
    loop {
        let middle = green.midpoint(red);
        let between = (green + 1..red).filter(|at| !unjudged.contains(at));
        let Some(at) = between.min_by_key(|at| at.abs_diff(middle)) else {
            unjudged.retain(|at| (green..red).contains(at));
            return Ok(Outcome::Between { green, red, unjudged });
        };
        match look(at).await? {
            Found::Green => green = at,
            Found::Red => red = at,
            Found::Unjudged(_) => drop(unjudged.insert(at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches where these are as the letters say: green, red, or not to be judged. Returns also which were looked at.
    async fn searched(letters: &str) -> (Outcome, Vec<usize>) {
        let mut looked = Vec::new();
        let look = async |at: usize| {
            looked.push(at);
            Ok::<_, String>(match letters.as_bytes()[at] {
                b'g' => Found::Green,
                b'r' => Found::Red,
                _ => Found::Unjudged("no room".to_owned()),
            })
        };
        let outcome = search(letters.len(), look).await.expect("no error");
        (outcome, looked)
    }

    fn between(green: usize, red: usize, unjudged: &[usize]) -> Outcome {
        Outcome::Between { green, red, unjudged: unjudged.iter().copied().collect() }
    }

    #[tokio::test]
    async fn the_first_red_one_is_found_in_as_many_looks_as_halving_takes() {
        for count in 2..40 {
            for red in 1..count {
                let letters = "g".repeat(red) + &"r".repeat(count - red);
                let (outcome, looked) = searched(&letters).await;
                assert_eq!(outcome, between(red - 1, red, &[]), "{letters}");
                assert_eq!(looked[..2], [0, count - 1], "the ends come first");
                let halvings = (count - 1).next_power_of_two().ilog2() as usize;
                assert!(looked.len() <= 2 + halvings, "{letters}: {looked:?}");
            }
        }
    }

    #[tokio::test]
    async fn ends_that_give_nothing_to_search_for_end_it() {
        assert_eq!(searched("rgrr").await, (Outcome::FirstIsRed, vec![0]));
        assert_eq!(searched("ggrg").await, (Outcome::LastIsGreen, vec![0, 3]));
        let unjudged = |at| Outcome::EndUnjudged { at, why: "no room".to_owned() };
        assert_eq!(searched("?grr").await, (unjudged(0), vec![0]));
        assert_eq!(searched("ggr?").await, (unjudged(3), vec![0, 3]));
    }

    #[tokio::test]
    async fn one_that_cannot_be_judged_is_no_verdict() {
        assert_eq!(searched("gg?rr").await.0, between(1, 3, &[2]));
        assert_eq!(searched("g?r").await.0, between(0, 2, &[1]));
        assert_eq!(searched("g???r").await.0, between(0, 4, &[1, 2, 3]));
        assert_eq!(
            searched("ggg?gggr").await.0,
            between(6, 7, &[]),
            "what lies before the last green one is of no matter"
        );
    }
}
