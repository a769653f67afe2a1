//! The journeys, one module each, one test a station.

// Included rather than a module, so that a test is called `<journey>::<station>`.
include!("cells.rs");
