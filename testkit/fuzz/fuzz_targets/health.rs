//! See `testkit::fuzzing::health`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::fuzzing::health(data));
