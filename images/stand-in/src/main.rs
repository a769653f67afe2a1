//! A stand-in for MicroOVN: the same commands, dialog, REST API, files and services outside, and inside no more than
//! it takes to drive the distribution's real OVN and Open vSwitch.
//!
//! One binary, two programs: called as `microovnd` it is the daemon, under any other name the command line.

// They end the program where nothing can be printed.
#![deny(clippy::print_stdout, clippy::print_stderr)]

#[macro_use]
mod words;

mod address;
mod cli;
mod daemon;
mod dialog;
mod error;
mod faults;
mod http;
mod ovn;
mod paths;
mod tls;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().collect();
    let called_as = args.first().and_then(|path| path.rsplit('/').next()).unwrap_or_default().to_owned();
    let is_daemon = called_as == "microovnd" || args.get(1).is_some_and(|first| first == "microovnd");
    if args.get(1).is_some_and(|first| first == "microovnd") {
        args.remove(1);
    }

    // Without a provider of its own choosing rustls would have to guess. A second call can only mean it is set.
    let _ = rustls::crypto::ring::default_provider().install_default();

    if is_daemon { daemon::main(&args) } else { cli::main(&args) }
}
