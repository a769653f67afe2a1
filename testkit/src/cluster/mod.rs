//! Placeholder.
mod names;
mod subnets;
