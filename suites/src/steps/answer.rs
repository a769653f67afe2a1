//! Every command that the snap brings along answers, and nothing changes.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Datapath, Member, Need, Process, Service, State};

use super::{find, not_online, numbers};

pub(super) const KIND: StepKind = StepKind {
    name: "answer",
    about: "every command that the snap brings along answers on a member",
    possible: |state| StepKind::of(state, numbers(state).map(|member| Answer { member })),
};

/// Every command that the snap brings along answers on a member: those of what it runs by what that says of itself, the others
/// by what they read from its files.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// The member's number.
    pub member: usize,
}

/// Where the snap keeps what its daemons share.
const RUN: &str = "/var/snap/microovn/common/run";

/// The sockets of the clients that run in the background.
const NB_CLIENT: &str = "/var/snap/microovn/common/run/ovn/testkit-nbctl.ctl";
const SB_CLIENT: &str = "/var/snap/microovn/common/run/ovn/testkit-sbctl.ctl";

impl Step for Answer {
    fn words(&self) -> String {
        format!("answer_{}", self.member)
    }

    fn about(&self) -> String {
        format!("every command of the snap answers on member {}", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let broken = || find(state, self.member).filter(|it| !it.dead.is_empty()).map(|it| it.name.clone());
        not_online(state, self.member).or_else(|| broken().map(|name| format!("daemons of {name} are dead")))
    }

    fn needs(&self) -> Vec<Need> {
        // `config` came with the other calls below /core/.
        vec![Need::CoreApi]
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let Some(member) = find(state, self.member) else { return Vec::new() };
        let mut acts = of_the_snap(state, member);
        if member.runs(Service::Switch) {
            acts.extend(of_the_switch(state, member));
        }
        if member.lives(Process::Controller) && member.runs(Service::Switch) {
            acts.extend(of_the_chassis(member));
        }
        if member.runs(Service::Central) {
            acts.extend(of_northd(member));
        }
        if state.has_quorum() {
            acts.extend(of_the_databases(state, member));
        }
        acts
    }

    fn effect(&self, _state: &mut State) {}
}

/// What needs nothing that runs.
fn of_the_snap(state: &State, member: &Member) -> Vec<Act> {
    let version = |program: &str, says: &str| Act::run(&member.name, [program, "--version"]).says(says);
    // Recorded: it answers only where BGP is enabled.
    let bird = state.release.services.contains("bird").then(|| {
        let nobody =
            format!("Unable to connect to server control socket ({RUN}/bird/bird.ctl): No such file or directory");
        Act::run(&member.name, ["microovn.birdc", "show", "status"]).refused(nobody)
    });
    let all = [
        version("microovn", "microovn: …").says("ovn: …").says("openvswitch: …"),
        Act::run(&member.name, ["microovn", "config", "list"]).says("Available options:").says("ovn.central-ips"),
        version("microovn.ovs-dpctl", "ovs-dpctl (Open vSwitch) …"),
        version("microovn.ovsdb-client", "ovsdb-client (Open vSwitch) …"),
        version("microovn.ovsdb-tool", "ovsdb-tool (Open vSwitch) …"),
    ];
    all.into_iter().chain(bird).collect()
}

/// ovs-vswitchd, its database and its bridge.
fn of_the_switch(state: &State, member: &Member) -> Vec<Act> {
    let run = |words: &[&str]| Act::run(&member.name, words.iter().copied());
    let database = format!("unix:{RUN}/switch/db.sock");
    let mut acts = vec![
        run(&["microovn.ovs-appctl", "version"]).says("ovs-vswitchd (Open vSwitch) …"),
        run(&["microovn.ovs-appctl", "-t", "ovsdb-server", "version"]).says("ovsdb-server (Open vSwitch) …"),
        run(&["microovn.ovsdb-client", "list-dbs", &database]).says("Open_vSwitch"),
        run(&["microovn.ovsdb-tool", "db-name", "/var/snap/microovn/common/data/switch/db/conf.db"])
            .says("Open_vSwitch"),
        run(&["microovn.ovs-vsctl", "show"]).says("    ovs_version: …"),
    ];
    if !member.runs(Service::Chassis) {
        return acts;
    }
    acts[4] = acts[4].clone().says("    Bridge br-int");
    acts.push(run(&["microovn.ovs-ofctl", "show", "br-int"]).says("OFPT_FEATURES_REPLY (…): dpid:…"));
    acts.push(run(&["microovn.ovs-ofctl", "dump-flows", "br-int"]).says(" cookie=…, table=0, …"));
    acts.extend(match state.datapath {
        // The kernel is asked by a program of its own, ovs-vswitchd for what it carries itself.
        Some(Datapath::Kernel) => Some(run(&["microovn.ovs-dpctl", "dump-dps"]).says("system@ovs-system")),
        Some(Datapath::Userspace) => Some(run(&["microovn.ovs-appctl", "dpctl/dump-dps"]).says("netdev@ovs-netdev")),
        None => None,
    });
    acts
}

/// ovn-controller
fn of_the_chassis(member: &Member) -> Vec<Act> {
    let run = |words: &[&str]| Act::run(&member.name, words.iter().copied());
    vec![
        run(&["microovn.ovn-appctl", "version"]).says("ovn-controller …"),
        run(&["microovn.ovn-appctl", "-t", "ovn-controller", "connection-status"]).says("connected"),
    ]
}

/// ovn-northd
fn of_northd(member: &Member) -> Vec<Act> {
    let run = |words: &[&str]| Act::run(&member.name, words.iter().copied());
    vec![
        run(&["microovn.ovn-appctl", "-t", "ovn-northd", "version"]).says("ovn-northd …"),
        run(&["microovn.ovn-appctl", "-t", "ovn-northd", "status"]).says("Status: …"),
    ]
}

/// The clients of the databases, by themselves, through one that runs in the background, and through none where there is none.
fn of_the_databases(state: &State, member: &Member) -> Vec<Act> {
    let run = |words: &[&str]| Act::run(&member.name, words.iter().copied());
    let mut acts = vec![run(&["microovn.ovn-nbctl", "show"]), shown(state, run(&["microovn.ovn-sbctl", "show"]))];
    for (program, variable, socket) in
        [("microovn.ovn-nbctl", "OVN_NB_DAEMON", NB_CLIENT), ("microovn.ovn-sbctl", "OVN_SB_DAEMON", SB_CLIENT)]
    {
        let (nobody, there) = (format!("{variable}=/dev/null"), format!("{variable}={socket}"));
        let through = |socket: &str| run(&["env", socket, program, "show"]);
        let nobody = through(&nobody).refused(format!("{}: /dev/null: …", program.trim_start_matches("microovn.")));
        acts.push(nobody);
        acts.push(run(&[program, "--detach", &format!("--unixctl={socket}")]).says(socket));
        let answer = through(&there);
        acts.push(if variable == "OVN_SB_DAEMON" { shown(state, answer) } else { answer });
        acts.push(run(&["microovn.ovn-appctl", "-t", socket, "exit"]));
    }
    acts
}

/// Every chassis is shown.
fn shown(state: &State, act: Act) -> Act {
    let chassis = state.members_with(Service::Chassis).map(|member| format!("    hostname: {}", member.hostname));
    chassis.fold(act, Act::says)
}
