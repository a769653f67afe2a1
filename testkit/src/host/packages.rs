//! The host's programs: what is missing is installed with the distribution's own tools.

use std::path::{Path, PathBuf};

use super::SetupOptions;
use super::error::Error;
use super::limits::is_root;
use super::lxd_snap;
use crate::daemon::Daemon;
use crate::image::{Program, Progress};

/// A program or a file, and the Debian and Ubuntu package that has it.
type Need = (&'static str, &'static str);

/// Images and snaps are built with these, and the tests' own images.
const BUILD: [Need; 7] = [
    ("mmdebstrap", "mmdebstrap"),
    ("mksquashfs", "squashfs-tools"),
    ("ip", "iproute2"),
    ("setsid", "util-linux"),
    // The authorities that some cells give are made with it.
    ("openssl", "openssl"),
    // Ubuntu does not have it by default.
    ("/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"),
    // The client's tests make a tiny image of it. A busybox that is not static has the same name and does not do.
    ("/var/lib/dpkg/info/busybox-static.list", "busybox-static"),
];

/// Who is not root unpacks packages in a user namespace, which this makes.
const UIDMAP: Need = ("newuidmap", "uidmap");

/// An LXD from the distribution needs these. A snap of LXD brings its own.
const LXD: [Need; 7] = [
    ("lxd", "lxd"),
    ("lxc", "lxd-client"),
    ("lxcfs", "lxcfs"),
    UIDMAP,
    ("dnsmasq", "dnsmasq-base"),
    ("nft", "nftables"),
    ("btrfs", "btrfs-progs"),
];

/// Likewise an Incus from the distribution.
const INCUS: [Need; 6] = [
    ("incusd", "incus-base"),
    ("incus", "incus-client"),
    UIDMAP,
    ("dnsmasq", "dnsmasq-base"),
    ("nft", "nftables"),
    ("btrfs", "btrfs-progs"),
];

/// Browsers that the tests of the report can drive, by the names that distributions give them.
const BROWSERS: [&str; 4] = ["google-chrome", "chromium", "chromium-browser", "google-chrome-stable"];
/// Packages of which a distribution has one: Debian the first, Ubuntu the second.
const BROWSER_PACKAGES: [&str; 2] = ["chromium", "chromium-browser"];

/// Installs a browser where there is none. Returns what was installed.
///
/// # Errors
/// When it cannot be installed; the error says what to type.
pub fn ensure_browser(progress: &mut Progress<'_>) -> Result<Option<&'static str>, Error> {
    if BROWSERS.iter().any(|browser| has_program(browser)) {
        return Ok(None);
    }
    let mend = format!("install one by hand: `sudo apt-get install {}`, or Google Chrome", BROWSER_PACKAGES[0]);
    if !is_root() || !has_program("apt-get") {
        return Err(Error::Host { problem: "no Chromium is installed".to_owned(), mend });
    }
    progress("installing Chromium");
    run("update the package lists", "apt-get", &["update", "--quiet"], &mend)?;
    let mut last = None;
    for package in BROWSER_PACKAGES {
        match apt(&[package]) {
            Ok(()) => return Ok(Some(package)),
            Err(source) => last = Some(source),
        }
    }
    let problem = "no Chromium could be installed".to_owned();
    Err(last.map_or(Error::Host { problem, mend: mend.clone() }, |source| Error::Program {
        attempt: "install Chromium".to_owned(),
        mend,
        source: Box::new(source),
    }))
}

/// Installs what is missing; the `daemon` too that is to be started, where none answers.
pub(super) fn ensure(
    daemon: Option<Daemon>,
    options: &SetupOptions,
    changes: &mut Vec<String>,
    progress: &mut Progress<'_>,
) -> Result<(), Error> {
    let missing = missing(daemon, !is_root() || options.for_user.is_some());
    if !missing.is_empty() {
        let command = format!("sudo apt-get install --no-install-recommends {}", missing.join(" "));
        if !options.install || !is_root() || !has_program("apt-get") {
            let problem = format!("packages are missing: {}", missing.join(", "));
            return Err(Error::Host { problem, mend: format!("install them: `{command}`") });
        }
        progress(&format!("installing {}", missing.join(", ")));
        let mend = format!("try it by hand: `{command}`");
        if apt(&missing).is_err() {
            // The lists may be absent or out of date.
            run("update the package lists", "apt-get", &["update", "--quiet"], &mend)?;
            apt(&missing).map_err(|source| Error::Program {
                attempt: format!("install {}", missing.join(", ")),
                mend,
                source: Box::new(source),
            })?;
        }
        changes.push(format!("installed {}", missing.join(", ")));
    }
    if options.compiles && !has_program("cargo-nextest") {
        let mend = "run `cargo install cargo-nextest --locked` by hand";
        if !options.install {
            return Err(Error::Host { problem: "cargo-nextest is missing".to_owned(), mend: mend.to_owned() });
        }
        progress("installing cargo-nextest");
        run("install cargo-nextest", "cargo", &["install", "cargo-nextest", "--locked"], mend)?;
        changes.push("installed cargo-nextest".to_owned());
    }
    Ok(())
}

/// The packages whose programs are missing; those of the `daemon` too that is to be started, and what it takes to build images
/// without root.
pub(super) fn missing(daemon: Option<Daemon>, without_root: bool) -> Vec<&'static str> {
    let daemon: &[Need] = match daemon {
        // A snap of LXD brings its own.
        Some(Daemon::Lxd) if !Path::new("/snap/bin/lxd").exists() && !lxd_snap::is_missing() => &LXD,
        // Wherever it comes from.
        Some(Daemon::Incus) if incusd().is_none() => &INCUS,
        _ => &[],
    };
    let without_root = if without_root { &[UIDMAP][..] } else { &[] };
    let needs = BUILD.iter().chain(daemon).chain(without_root);
    let mut missing = Vec::new();
    for (_, package) in needs.filter(|(program, _)| !has_program(program)) {
        if !missing.contains(package) {
            missing.push(*package);
        }
    }
    missing
}

fn apt(packages: &[&str]) -> Result<(), crate::image::Error> {
    Program::new("install packages", "apt-get")
        .args(["install", "--yes", "--quiet", "--no-install-recommends"])
        .args(packages)
        // The package's own start of services is what systemd does; where there is no systemd, we start LXD.
        .run_with(|apt| apt.env("DEBIAN_FRONTEND", "noninteractive").stdin_null())
        .map(drop)
}

fn run(attempt: &str, program: &str, args: &[&str], mend: &str) -> Result<(), Error> {
    let failed =
        |source| Error::Program { attempt: attempt.to_owned(), mend: mend.to_owned(), source: Box::new(source) };
    Program::new(attempt, program).args(args).run().map(drop).map_err(failed)
}

/// Incus's daemon, which distributions put elsewhere than where programs are looked for: Debian, Zabbly, others.
pub(super) fn incusd() -> Option<PathBuf> {
    let known = ["/usr/libexec/incus/incusd", "/opt/incus/bin/incusd", "/usr/sbin/incusd"].map(PathBuf::from);
    which::which("incusd").ok().into_iter().chain(known).find(|program| program.is_file())
}

/// Whether a program is in the path, or where programs of root or of cargo are; an absolute path is looked up as is.
pub(super) fn has_program(name: &str) -> bool {
    if name.starts_with('/') {
        return Path::new(name).exists();
    }
    // Root's own tools are not in everybody's path.
    which::which(name).is_ok() || ["/usr/sbin", "/sbin"].iter().any(|folder| Path::new(folder).join(name).is_file())
}
