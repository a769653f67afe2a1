//! The MicroOVN system tests: init options, checks and fixtures. See ARCHITECTURE.md.

pub mod options;
