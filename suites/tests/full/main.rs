//! The suites, as a list: see `suites::listed`.

include!("cells.rs");
