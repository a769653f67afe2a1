//! What this host and its LXD are like, for a person who wants to know before something fails. Nothing is changed.

mod finding;
mod kernel;
mod lxd;
mod members;

use std::net::ToSocketAddrs;
use std::time::Duration;

use super::datapath::decide_datapath;
use super::limits;
use crate::config::{Config, LxdTarget};
use finding::Asker;
pub use finding::{Finding, Level};

/// Where snapd looks for snaps.
const STORE: &str = "api.snapcraft.io:443";

/// Looks at everything that suites need. What cannot be looked at because something else fails is left out.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let local = matches!(config.lxd, LxdTarget::Local { .. });
    let asker = Asker { root: limits::is_root() };
    let mut findings = vec![kernel::clock(config, asker)];
    if local {
        findings.extend(kernel::host(asker));
    }
    findings.push(kernel::datapath(&decide_datapath(config)));
    findings.push(kernel::packets(super::datapath::without_packets(config)));
    findings.push(kernel::vrf(super::module(config, "vrf"), asker));
    if config.microcloud_snap.is_some() {
        findings.push(kernel::underlays(super::without_underlays(config).as_deref()));
    }
    findings.push(store().await);
    match lxd::reach(config, asker).await {
        Ok((client, found)) => {
            findings.push(found);
            findings.extend(lxd::lxd_objects(config, &client).await);
            if client.is_clustered() {
                findings.extend(members::findings(config, &client).await);
            }
        }
        Err(finding) => findings.push(finding),
    }
    findings
}

async fn store() -> Finding {
    let reach = async {
        let addresses =
            tokio::task::spawn_blocking(|| STORE.to_socket_addrs()).await.map_err(std::io::Error::other)??;
        tokio::net::TcpStream::connect(&*addresses.collect::<Vec<_>>()).await
    };
    let mend = "nothing for the stand-in; for your own snap give snapd and the base with MICROOVN_EXTRA_SNAPS";
    match tokio::time::timeout(Duration::from_secs(3), reach).await {
        Ok(Ok(_)) => Finding::ok("snap store", "reachable from this host"),
        Ok(Err(error)) => Finding::warn("snap store", format!("not reachable: {error}"), mend),
        Err(_) => Finding::warn("snap store", "no answer within 3 s", mend),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::Daemon;
    use crate::host::SetupOptions;

    const ROOT: Asker = Asker { root: true };
    const USER: Asker = Asker { root: false };

    /// Everything that may be bad about a host and needs root, as told to `asker`.
    fn mends(asker: Asker) -> Vec<String> {
        let findings = [
            kernel::packages(&["lxd", "btrfs-progs"], asker),
            kernel::cgroups("", asker),
            kernel::modules(|_| false, asker),
        ];
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let more = [lxd::refusal(&denied, Daemon::Lxd, asker), lxd::no_lxd(&SetupOptions::default(), asker)];
        findings.into_iter().chain(more).filter_map(|finding| finding.mend).collect()
    }

    #[test]
    fn to_who_is_not_root_it_says_what_root_must_do() {
        let mends = mends(USER);
        assert_eq!(mends.len(), 5);
        for mend in &mends {
            assert!(mend.starts_with("root must") && mend.contains("`sudo "), "{mend}");
            assert!(!mend.contains("--fix"), "proposes what the user cannot do: {mend}");
        }
        assert_eq!(mends[0], "root must: `sudo apt-get install --no-install-recommends lxd btrfs-progs`");
        assert!(mends[3].contains("usermod --append --groups lxd"), "{}", mends[3]);
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let of_incus = lxd::refusal(&denied, Daemon::Incus, USER);
        assert_eq!(of_incus.what, "Incus");
        assert!(of_incus.mend.is_some_and(|mend| mend.contains("--groups incus-admin")));
    }

    #[test]
    fn root_is_told_what_setup_does() {
        let mends = mends(ROOT);
        assert!(mends.iter().all(|mend| !mend.contains("sudo")), "{mends:?}");
        assert!([0, 3, 4].iter().all(|at| mends[*at].contains("doctor --fix")), "{mends:?}");
    }
}
