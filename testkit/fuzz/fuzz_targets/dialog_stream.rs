//! See `testkit::fuzzing::dialog_stream`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::fuzzing::dialog_stream(data));
