//! See `testkit::fuzzing::ovsdb_json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::fuzzing::ovsdb_json(data));
