//! LXD, what is the framework's in it, and the room that its host has.

use std::path::Path;

use super::finding::{Asker, Finding, SETUP};
use crate::config::Config;
use crate::daemon::Daemon;
use crate::host::{
    BRIDGE, Capacity, EXTENSIONS, Error, SetupOptions, connect_to, daemons, options, owned, privileged, refuse_cluster,
    search,
};
use crate::lxd::{Client, Endpoint};

/// What a member of a formed cluster takes, in bytes, with some room; measured by `make bench`.
const MEMBER: u64 = 240 << 20;
/// Golden images and the members of a few clusters fit in this.
const ROOM: u64 = 2 << 30;
const MIB: u64 = 1 << 20;

/// LXD, and what it is like.
pub(super) async fn reach(config: &Config, asker: Asker) -> Result<(Client, Finding), Finding> {
    let options = options(config).map_err(|error| refusal(&error, Daemon::Lxd, asker))?;
    let refused = |error: Error| {
        let daemon = match &error {
            Error::Unusable(error) => error.daemon(),
            _ => options.daemon.unwrap_or(Daemon::Lxd),
        };
        refusal(&error, daemon, asker)
    };
    let endpoint = search::find_lxd(&options).await.map_err(refused)?;
    let endpoint = endpoint.ok_or_else(|| no_lxd(&options, asker))?;
    let client = connect_to(&endpoint, &options).await.map_err(refused)?;
    refuse_cluster(&client).map_err(refused)?;
    let server = client.server();
    let version = &server.environment.server_version;
    let missing: Vec<_> = EXTENSIONS.into_iter().filter(|name| !server.has_extension(name)).collect();
    if missing.is_empty() {
        let at = match &endpoint {
            Endpoint::Unix(socket) => socket.display().to_string(),
            Endpoint::Https { url, .. } => format!("{url}, its certificate as pinned"),
        };
        let manager = match &endpoint {
            Endpoint::Unix(socket) => manager(socket, Path::new("/run/systemd/system").exists()),
            Endpoint::Https { .. } => "on another host",
        };
        let finding = release(server.daemon(), version, &format!("at {at}, {manager}"));
        return Ok((client, finding));
    }
    let seen = format!("{version} lacks the API extensions {}", missing.join(", "));
    let mend = match server.daemon() {
        Daemon::Lxd => "install LXD 5.0 or later: `sudo snap install lxd`",
        Daemon::Incus => "install Incus 6.0 or later",
    };
    Err(Finding::fail(title(server.daemon()), seen, mend))
}

/// Who starts and stops the LXD of this socket.
fn manager(socket: &Path, systemd: bool) -> &'static str {
    match (socket.starts_with("/var/snap/lxd"), systemd) {
        (true, _) => "managed by its snap",
        (false, true) => "managed by systemd",
        (false, false) => "managed by nothing but `testkit setup`",
    }
}

/// What a finding about one of the two is called.
fn title(daemon: Daemon) -> &'static str {
    match daemon {
        Daemon::Lxd => "LXD",
        Daemon::Incus => "Incus",
    }
}

/// The releases that were tried, the first for real, all by their recorded replies; and the newest of them.
fn tried(daemon: Daemon) -> (&'static str, [u64; 2]) {
    match daemon {
        Daemon::Lxd => ("5.0.2, 5.21.7 and 6.9 were tried", [6, 9]),
        Daemon::Incus => ("6.0.4 and 7.0.2 were tried", [7, 0]),
    }
}

/// One that has what is needed. A newer one than was tried may answer otherwise.
fn release(daemon: Daemon, version: &str, place: &str) -> Finding {
    let (tried, newest) = tried(daemon);
    let seen = format!("{version} {place}, with every API extension needed; {tried}");
    let numbers: Vec<Option<u64>> = version.split('.').take(2).map(|part| part.parse().ok()).collect();
    match numbers[..] {
        [Some(major), Some(minor)] if [major, minor] <= newest => Finding::ok(title(daemon), seen),
        _ => {
            let mend = "nothing, where suites run; a reply that is not understood is told as such";
            Finding::warn(title(daemon), seen, mend)
        }
    }
}

/// An LXD that is there and cannot be used.
pub(super) fn refusal(error: &(dyn std::error::Error + 'static), daemon: Daemon, asker: Asker) -> Finding {
    let causes: Vec<_> = std::iter::successors(Some(error), |error| error.source()).collect();
    let denied = causes.iter().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.is_some_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    });
    let mend = match (denied, asker.root) {
        (true, false) => {
            format!("root must: `sudo usermod --append --groups {} \"$USER\"`; then log in anew", daemon.group())
        }
        _ => SETUP.to_owned(),
    };
    Finding::fail(title(daemon), causes.iter().map(ToString::to_string).collect::<Vec<_>>().join(": "), mend)
}

pub(super) fn no_lxd(options: &SetupOptions, asker: Asker) -> Finding {
    let daemon = search::to_start(options);
    // Where it is installed and does not run, and where it is not; `setup` knows which, when it may do either.
    let mend = match (asker.root, daemons::start_command(daemon)) {
        (true, _) => SETUP.to_owned(),
        (false, Some(start)) => format!("root must start it: `sudo {}`", start.join(" ")),
        (false, None) => format!("root must install or start it: `{}`", privileged::command()),
    };
    Finding::fail(title(daemon), search::none_answers(options), mend)
}

/// The framework's own objects, and the room that LXD's host has.
pub(super) async fn lxd_objects(config: &Config, client: &Client) -> Vec<Finding> {
    let daemon = client.server().daemon();
    let absent = |what, name: &str| Finding::fail(what, format!("{daemon} has no {what} {name}"), SETUP);
    let refused = |what, error: &dyn std::error::Error| Finding::fail(what, error.to_string(), SETUP);
    let owned = |what, name: &str, config: &_| match owned::check_ours(config, what, name) {
        Ok(()) => Finding::ok(what, format!("{name} is there, and is the framework's own")),
        Err(error) => refused(what, &error),
    };
    let mut findings = Vec::new();
    findings.push(match client.find_project(&config.project).await {
        Ok(Some(found)) => owned("project", &config.project, &found.value.config),
        Ok(None) => absent("project", &config.project),
        Err(error) => refused("project", &error),
    });
    findings.push(match client.find_network(BRIDGE).await {
        Ok(Some(found)) => owned("bridge", BRIDGE, &found.value.config),
        Ok(None) => absent("bridge", BRIDGE),
        Err(error) => refused("bridge", &error),
    });
    findings.push(match client.find_storage_pool(&config.pool).await {
        Ok(Some(pool)) => match client.get_storage_pool_resources(&config.pool).await {
            Ok(room) => storage(&pool.value.driver, room.space.total.saturating_sub(room.space.used)),
            Err(error) => refused("storage", &error),
        },
        Ok(None) => absent("storage", &config.pool),
        Err(error) => refused("storage", &error),
    });
    findings.push(match Capacity::of(&config.lxd, client).await {
        Ok(capacity) => memory(capacity),
        Err(error) => refused("memory", &error),
    });
    findings.push(resolution(config));
    findings
}

fn storage(driver: &str, free: u64) -> Finding {
    let seen = format!("driver {driver}, {} MiB free", free / MIB);
    if free < ROOM {
        return Finding::fail("storage", seen, "`testkit sweep`, `testkit down --all`, or a larger pool");
    }
    match driver {
        "dir" => {
            Finding::warn("storage", format!("{seen}: a clone takes seconds"), "install btrfs-progs and set up anew")
        }
        _ => Finding::ok("storage", seen),
    }
}

pub(super) fn memory(Capacity { memory: free, processors }: Capacity) -> Finding {
    let members = free / MEMBER;
    let seen = format!("{} MiB free on {processors} processors: room for {members} members at a time", free / MIB);
    match members {
        0..3 => Finding::fail("memory", seen, "end what takes it, or use a larger host: a suite has three members"),
        3..12 => Finding::warn("memory", seen, "nothing: fewer suites are formed at a time"),
        _ => Finding::ok("memory", seen),
    }
}

/// Members are on bridges of their own and reach no resolver; snapd must not wait for one.
fn resolution(config: &Config) -> Finding {
    match &config.node_image {
        None => Finding::ok("DNS in nodes", "not needed: the node image asks no resolver"),
        Some(image) => Finding::warn(
            "DNS in nodes",
            format!("{image} may ask for a resolver that its isolated bridges do not have, and snapd waits for it"),
            "nothing, if it boots in time: its golden image gets `hosts: files myhostname`",
        ),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::finding::Level;
    use super::*;

    #[rstest]
    #[case::of_debian(Daemon::Lxd, "5.0.2", Level::Ok)]
    #[case::long_term(Daemon::Lxd, "5.21.7", Level::Ok)]
    #[case::newest(Daemon::Lxd, "6.9", Level::Ok)]
    #[case::two_digits(Daemon::Lxd, "6.10", Level::Warn)]
    #[case::next(Daemon::Lxd, "7.0.1", Level::Warn)]
    #[case::no_version(Daemon::Lxd, "git", Level::Warn)]
    #[case::incus(Daemon::Incus, "6.0.4", Level::Ok)]
    #[case::newest_incus(Daemon::Incus, "7.0.2", Level::Ok)]
    #[case::newer_incus(Daemon::Incus, "7.3", Level::Warn)]
    fn one_that_is_newer_than_what_was_tried_is_told(
        #[case] daemon: Daemon,
        #[case] version: &str,
        #[case] level: Level,
    ) {
        let finding = release(daemon, version, "at /s");
        assert_eq!((finding.level, finding.what), (level, title(daemon)));
        assert!(finding.seen.contains(version) && finding.seen.contains(tried(daemon).0), "{finding:?}");
    }

    #[test]
    fn who_manages_an_lxd_is_told_by_its_socket() {
        let told = |socket: &str, systemd| manager(Path::new(socket), systemd);
        assert_eq!(told("/var/snap/lxd/common/lxd/unix.socket", true), "managed by its snap");
        assert_eq!(told("/var/lib/lxd/unix.socket", true), "managed by systemd");
        assert_eq!(told("/var/lib/lxd/unix.socket", false), "managed by nothing but `testkit setup`");
    }

    #[rstest]
    #[case::enough(24 << 30, Level::Ok, "room for 102 members")]
    #[case::a_few_suites(2 << 30, Level::Warn, "room for 8 members")]
    #[case::no_suite(700 << 20, Level::Fail, "room for 2 members")]
    fn memory_is_told_in_members(#[case] free: u64, #[case] level: Level, #[case] seen: &str) {
        let finding = memory(Capacity { memory: free, processors: 2 });
        assert_eq!(finding.level, level);
        assert!(finding.seen.contains(seen), "{finding:?}");
    }

    #[rstest]
    #[case::fast("btrfs", 8 << 30, Level::Ok)]
    #[case::slow("dir", 8 << 30, Level::Warn)]
    #[case::full("btrfs", 1 << 30, Level::Fail)]
    fn storage_is_told_by_driver_and_room(#[case] driver: &str, #[case] free: u64, #[case] level: Level) {
        assert_eq!(storage(driver, free).level, level);
    }
}
