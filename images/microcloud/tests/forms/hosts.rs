//! A cluster to be formed on this host, and what its MicroOVNs are told.

use std::io::Write;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::microcloud::{ConversationError, Part, part, preseed};
use testkit::plan::{Nic, Plan, Recipe, Segment, Segments, Variant};

use crate::microovn::{Told, serve};
use crate::parties::play;

/// How each member enters, by its host name.
pub(crate) type Recipes = std::collections::BTreeMap<String, Recipe>;

/// A cluster to be formed on this host.
pub(crate) struct Hosts {
    pub(crate) plan: Plan,
    folder: TempDir,
    pub(crate) told: Told,
    /// Has the port of the hosts at another address, so that no other test is given it.
    _port: TcpListener,
}

/// What MicroCloud is told of a container's NIC, and of the bridge that has it for a port.
fn interfaces(nic: &Nic) -> Vec<Value> {
    // No test may depend on what IPv6 the host has.
    let addresses: Vec<_> = nic.addresses.iter().filter(|it| it.addr().is_ipv4()).collect();
    let own = json!({"name": nic.device, "kind": "unknown", "addresses": addresses});
    let bridge = nic.bridge.iter().map(|bridge| json!({"name": bridge, "kind": "bridge", "addresses": []}));
    [own].into_iter().chain(bridge).collect()
}

impl Hosts {
    /// The hosts of a cell's plan, each with a MicroOVN; their addresses are all of this host.
    pub(crate) fn of(chosen: &[(&str, &str)], faults: &str) -> Self {
        Self::with(chosen, 0, faults)
    }

    /// The same, with so many more that are outside of the cluster.
    pub(crate) fn with(chosen: &[(&str, &str)], outside: usize, faults: &str) -> Self {
        let segment = |n: u8| Segment {
            ipv4: format!("127.0.{n}.0/24").parse().expect("a net"),
            ipv6: format!("fd42:{n}::/64").parse().expect("a net"),
        };
        let segments = Segments { management: segment(77), underlay: segment(88) };
        let catalogue = suites::catalogue();
        let matrix = (catalogue.matrix)().expect("a matrix");
        let plan = Plan::draw_variant(
            &matrix.cell(chosen).expect("a cell"),
            catalogue.options,
            segments,
            &Variant { outside, ..Variant::default() },
        );
        let (folder, told) = (tempfile::tempdir().expect("a folder"), Told::default());
        let reserved = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = reserved.local_addr().expect("an address").port();
        for member in &plan.state.members {
            let common = folder.path().join(&member.name);
            std::fs::create_dir(&common).expect("a folder");
            std::fs::write(common.join("faults"), faults).expect("faults");
            let socket = common.join("control.socket");
            serve(&socket, member.name.clone(), Arc::clone(&told));
            let interfaces: Vec<Value> = member.nics.iter().flat_map(interfaces).collect();
            let world = json!({"name": member.name, "interfaces": interfaces, "socket": socket, "common": common, "port": port});
            std::fs::write(common.join("world.json"), world.to_string()).expect("a world");
        }
        Self { plan, folder, told, _port: reserved }
    }

    fn command(&self, member: &str, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("MICROCLOUD_STAND_IN_WORLD", self.folder.path().join(member).join("world.json"));
        command
    }

    /// Forms the cluster in a conversation; what each party said.
    pub(crate) fn converse(&self) -> Result<Vec<String>, (String, Box<ConversationError>)> {
        self.converse_as(&self.plan.recipes)
    }

    /// The same, each member as in these recipes.
    pub(crate) fn converse_as(&self, recipes: &Recipes) -> Result<Vec<String>, (String, Box<ConversationError>)> {
        let members = self.plan.state.members();
        self.play(members.map(|member| part(&self.plan, member, recipes[&member.hostname].cues.clone())).collect())
    }

    /// Has every party play its part; what each said.
    pub(crate) fn play(&self, parts: Vec<Part>) -> Result<Vec<String>, (String, Box<ConversationError>)> {
        play(parts, |member| self.command(member, "script"))
    }

    /// Runs a preseed everywhere; exit code and what each complained about.
    pub(crate) fn preseed(&self, recipes: &Recipes) -> Vec<(i32, String)> {
        let text = preseed(&self.plan, recipes, "a passphrase");
        let spawn = |member: &testkit::plan::Member| {
            let mut command = self.command(&member.name, env!("CARGO_BIN_EXE_microcloud-stand-in"));
            command.arg("preseed").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().expect("it runs");
            child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
            child
        };
        let children: Vec<Child> = self.plan.state.members.iter().map(spawn).collect();
        let ended = |child: Child| {
            let output = child.wait_with_output().expect("an end");
            (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).trim().to_owned())
        };
        children.into_iter().map(ended).collect()
    }

    /// What MicroOVN is told where it is formed, by member, in the order of the plan's members.
    pub(crate) fn formed(&self) -> Vec<Value> {
        let told = self.told.lock().expect("notes");
        let of = |name: &str| {
            let found = told.iter().filter(|(member, path, _)| member == name && path == "POST /core/control");
            let bodies: Vec<&Value> = found.map(|(_, _, body)| body).collect();
            match bodies[..] {
                [] => Value::Null,
                [one] => one.clone(),
                _ => panic!("{name} is told twice: {bodies:?}"),
            }
        };
        self.plan.state.members.iter().map(|member| of(&member.name)).collect()
    }

    /// What the plan wants MicroOVN to be told of each member's underlay.
    pub(crate) fn wanted(&self) -> Vec<Value> {
        self.plan.state.members.iter().map(|member| json!(self.plan.recipe(member).config)).collect()
    }

    pub(crate) fn configs(&self) -> Vec<Value> {
        self.formed().iter().map(|body| body["config"].clone()).collect()
    }
}
