//! The `testkit` command: the framework's, with this crate's init options.

fn main() {}
