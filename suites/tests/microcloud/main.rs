//! The suites of the cells that MicroCloud forms, one module a cell, one test a check.

// Included rather than a module, so that a test is called `<suite>::<check>`.
include!("cells.rs");
