//! See `testkit::fuzzing::snap_yaml`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::fuzzing::snap_yaml(data));
