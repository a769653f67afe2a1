//! The client against a real LXD, each test in a project of its own that it deletes.
//!
//! Without LXD these tests fail and say how to get one.

mod entity;
mod exec;
mod instance;
mod server;
mod world;
