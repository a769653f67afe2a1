//! The fuzz targets without a fuzzer: every seed cut at every byte, and with bytes changed.

use std::panic::catch_unwind;

use rstest::rstest;
use testkit::fuzzing::{TARGETS, Target};

use crate::seeds::seeds;

/// At how many places one seed is changed; those of a longer one are spread over its length.
const CHANGES: usize = 50;

/// Bytes that mean something to one of the parsers, and some that mean nothing to any.
const BYTES: &[u8] = b"\x00\xff\x80\x1b\n\r \"'\\[]{}:,-+=(&*!#|>0eE";

#[rstest]
#[case(TARGETS[0])]
#[case(TARGETS[1])]
#[case(TARGETS[2])]
#[case(TARGETS[3])]
#[case(TARGETS[4])]
fn no_damage_makes_a_parser_panic(#[case] target: Target) {
    let (name, run) = target;
    let mut wrong = Vec::new();
    for (seed, bytes) in seeds(&target) {
        let mut tried = |what: &str, at: usize, damaged: &[u8]| {
            if catch_unwind(|| run(damaged)).is_err() {
                wrong.push(format!("{name}: {seed} {what} at {at}: {:?}", String::from_utf8_lossy(damaged)));
            }
        };
        tried("whole", 0, &bytes);
        for at in 0..bytes.len() {
            tried("cut", at, &bytes[..at]);
        }
        for at in (0..bytes.len()).step_by(bytes.len().div_ceil(CHANGES).max(1)) {
            let mut changed = bytes.clone();
            // Another byte at each place, and a bit for the next seed to have another.
            changed[at] = BYTES[(at + seed.len()) % BYTES.len()];
            tried("changed", at, &changed);
            changed[at] = bytes[at] ^ (1 << (at % 8));
            tried("flipped", at, &changed);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
