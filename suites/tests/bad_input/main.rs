//! Bad input that is found before LXD is asked: one error that names the thing and the mend, exit code 2, and nothing
//! made.

#[path = "../bad_input_common/mod.rs"]
mod bad_input_common;
mod clusters;
mod folders;
mod products;
mod remotes;
mod settings;
mod snaps;
mod sockets;
mod usage;
