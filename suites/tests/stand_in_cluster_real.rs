//! A cluster to stand in: up, status, logs, shell, check, down, as a person uses them, on the real LXD.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const CELL: &str = "init_cluster_custom_encap";

/// The command, with runs of its own.
struct Testkit {
    out: tempfile::TempDir,
}

impl Testkit {
    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("testkit runs")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_testkit"));
        // The inner runner is not part of the outer one's run.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NEXTEST")) {
            command.env_remove(name);
        }
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        command.current_dir(root).env("TESTKIT_OUT_DIR", self.out.path()).args(args);
        command
    }

    /// What it prints, where it ends well.
    fn said(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "testkit {args:?}: {}\n{out}\n{err}", output.status);
        out.into_owned()
    }

    /// The nodes of the cell that are up.
    fn nodes(&self) -> Vec<Value> {
        let nodes: Vec<Value> = serde_json::from_str(&self.said(&["status", "--format", "json"])).expect("JSON");
        nodes.into_iter().filter(|node| node["cell"] == CELL && node["runner"] == "kept").collect()
    }
}

impl Drop for Testkit {
    fn drop(&mut self) {
        // What a failed test left; after one that passed there is nothing.
        self.run(&["down", "--all"]);
        self.run(&["sweep", "--wait", "--quiet"]);
    }
}

#[test]
fn a_cluster_is_up_until_it_is_taken_down() {
    let testkit = Testkit { out: tempfile::tempdir().expect("a folder") };
    let up = testkit.said(&["up", CELL]);
    assert!(up.contains(&format!("{CELL} is up after ")) && up.contains("product stand-in"), "{up}");

    let nodes = testkit.nodes();
    assert_eq!(nodes.len(), 3, "{nodes:?}");
    for node in &nodes {
        let addresses = node["addresses"].as_array().expect("addresses");
        let on = |nic: &str| addresses.iter().any(|address| address.as_str().is_some_and(|text| text.starts_with(nic)));
        assert!(on("eth0 ") && on("eth1 "), "{node}");
        assert!(node["memory"].as_u64().is_some_and(|bytes| bytes > 50 << 20), "{node}");
        assert!(node["created"].as_str().is_some(), "{node}");
    }

    let one = testkit.said(&["logs", &format!("{CELL}:2")]);
    assert!(one.contains("snap.microovn.daemon") && !one.contains("microovn-init-cluster-custom-encap-2  "), "{one}");
    let all = testkit.said(&["logs", CELL]);
    for member in 1..=3 {
        let beginning = format!("microovn-init-cluster-custom-encap-{member}  ");
        assert!(all.lines().any(|line| line.starts_with(&beginning)), "no line of member {member}");
    }

    assert_eq!(
        testkit.said(&["shell", &format!("{CELL}:2"), "--", "hostname"]).trim(),
        "microovn-init-cluster-custom-encap-2"
    );
    assert_eq!(testkit.run(&["shell", CELL, "--", "sh", "-c", "exit 7"]).status.code(), Some(7));
    let twice = testkit.run(&["up", CELL]);
    assert_eq!(twice.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&twice.stderr).contains("is up already"), "{twice:?}");

    let set = ["microovn.ovs-vsctl", "set", "Open_vSwitch", ".", "external_ids:ovn-encap-ip=10.9.9.9"];
    testkit.said(&[&["shell", &format!("{CELL}:2"), "--"], &set[..]].concat());
    // Without a program in the path: to look at what is up, nothing is compiled.
    let wrong = testkit.command(&["check", CELL, "ovs_encap_ip"]).env("PATH", "/nonexistent").output();
    let wrong = wrong.expect("testkit runs");
    assert_eq!(wrong.status.code(), Some(1));
    let said = format!("{}{}", String::from_utf8_lossy(&wrong.stdout), String::from_utf8_lossy(&wrong.stderr));
    let wanted = "member microovn-init-cluster-custom-encap-2: Open_vSwitch external_ids:ovn-encap-ip: wanted ";
    assert!(said.contains(wanted) && said.contains("seen 10.9.9.9"), "{said}");
    testkit.said(&["check", CELL, "members"]);

    assert!(testkit.said(&["down", CELL]).contains("removed 3 instances and 2 networks"));
    assert_eq!(testkit.nodes(), Vec::<Value>::new());
    let gone = testkit.run(&["logs", CELL]);
    assert_eq!(gone.status.code(), Some(2));
}
