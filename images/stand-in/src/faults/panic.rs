//! A daemon that ends as a Go program does that panics.

use crate::paths::Paths;

use super::{Fault, find_or};

/// Why, when the fault names no reason.
const REASON: &str = "runtime error: invalid memory address or nil pointer dereference";
/// What Go's runtime prints behind the reason, of code that is called as MicroOVN's.
const TRACE: &str = "[signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x9a4c1e]

goroutine 87 [running]:
github.com/canonical/microovn/microovn/ovn.generateEnvironment({0x13a5f60, 0xc000314000}, 0xc0001b2000)
\t/build/microovn/parts/microovn/build/microovn/ovn/environment.go:112 +0x5e
github.com/canonical/microovn/microovn/ovn.Bootstrap({0x13a5f60, 0xc000314000}, 0xc0001b2000)
\t/build/microovn/parts/microovn/build/microovn/ovn/bootstrap.go:47 +0x2b
created by net/http.(*Server).Serve in goroutine 1
\t/usr/local/go/src/net/http/server.go:3454 +0x485";
/// The exit code of a Go program that panicked.
const CODE: i32 = 2;

/// Ends the daemon, if that is to be played.
pub(crate) fn play(paths: &Paths) {
    if let Some(reason) = find_or(paths, Fault::DaemonPanics, REASON) {
        complain!("panic: {reason}\n{TRACE}");
        std::process::exit(CODE);
    }
}
