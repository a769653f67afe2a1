//! See `testkit::fuzzing::lxd_envelope`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::fuzzing::lxd_envelope(data));
