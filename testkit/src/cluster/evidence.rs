//! Collecting evidence from the nodes of a cluster that is not as it should be.

use std::time::Duration;

use futures_util::future::join_all;

use super::observe::Members;
use super::words::Words;
use crate::lxd::{Client, Exec};
use crate::report::{Evidence, chain};

/// One command; the nodes may be the very thing that is broken.
const COMMAND: Duration = Duration::from_secs(45);

/// File name and command.
const COMMANDS: &[(&str, &[&str])] = &[
    ("journal.txt", &["journalctl", "--boot", "--no-pager", "--lines", "5000"]),
    ("snap-changes.txt", &["snap", "changes"]),
    ("snap-services.txt", &["snap", "services", "microovn"]),
    ("snap-connections.txt", &["snap", "connections", "microovn"]),
    ("cluster-list.txt", &["/snap/bin/microovn", "cluster", "list"]),
    ("status.txt", &["/snap/bin/microovn", "status"]),
    // Where it fails, MicroOVN moves it to a backup, below data/ or not, and puts nothing in its place.
    (
        "ovn.env",
        &[
            "find",
            "/var/snap/microovn/common",
            "-maxdepth",
            "4",
            "-name",
            "ovn.env",
            "-printf",
            "# %p, of %Tc\n",
            "-exec",
            "cat",
            "{}",
            ";",
        ],
    ),
    ("open-vswitch.txt", &["/snap/bin/microovn.ovs-vsctl", "list", "Open_vSwitch", "--", "show"]),
    (
        "southbound.txt",
        &["/snap/bin/microovn.ovn-sbctl", "--timeout=30", "show", "--", "list", "Chassis", "--", "list", "Encap"],
    ),
    ("northbound.txt", &["/snap/bin/microovn.ovn-nbctl", "--timeout=30", "list", "NB_Global", "--", "show"]),
    (
        "nb-raft.txt",
        &[
            "/snap/bin/microovn.ovn-appctl",
            "-t",
            "/var/snap/microovn/common/run/ovn/ovnnb_db.ctl",
            "cluster/status",
            "OVN_Northbound",
        ],
    ),
    (
        "sb-raft.txt",
        &[
            "/snap/bin/microovn.ovn-appctl",
            "-t",
            "/var/snap/microovn/common/run/ovn/ovnsb_db.ctl",
            "cluster/status",
            "OVN_Southbound",
        ],
    ),
    ("addresses.txt", &["ip", "address", "show"]),
    ("routes.txt", &["ip", "route", "show", "table", "all"]),
    ("processes.txt", &["ps", "-eo", "pid,etimes,user,args"]),
];

/// Writes what every instance has to say to one folder a member. A command that fails says so in its file; nothing
/// here can fail the run a second time.
pub async fn collect(client: &Client, instances: &Members, evidence: &Evidence) {
    let members = instances.iter().map(|(member, instance)| async move {
        let commands = COMMANDS.iter().map(|(file, argv)| (*file, argv.join(" "), Exec::new(argv.iter().copied())));
        let files = ("daemons.txt", "the log files of the services".to_owned(), Exec::new(Words::Files.argv()));
        let commands = commands.chain([files]).map(|(file, title, exec)| async move {
            let text = match client.exec(instance, &exec.timeout(COMMAND)).await {
                Ok(output) => format!(
                    "$ {title}\n{}{}exit code: {}\n",
                    output.stdout_text(),
                    output.stderr_text(),
                    output.exit_code
                ),
                Err(error) => format!("$ {title}\n{}\n", chain(&error)),
            };
            write(evidence, member, file, &text);
        });
        join_all(commands).await;
        let log = match client.get_instance_log(instance, "lxc.log").await {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => chain(&error),
        };
        write(evidence, member, "lxc.log", &log);
    });
    join_all(members).await;
}

fn write(evidence: &Evidence, member: &str, file: &str, text: &str) {
    if let Err(error) = evidence.write(member, file, text) {
        tracing::warn!(%error, member, file, "evidence is not written");
    }
}
