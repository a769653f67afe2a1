//! See `testkit::fuzzing::appctl`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::fuzzing::appctl(data));
