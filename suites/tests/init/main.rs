//! The suites, one module a cell, one test a check.

mod cells;
