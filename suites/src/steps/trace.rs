//! Every member traces a packet through the logical network, and all stays as it was.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Member, Process, Service, State};

pub(super) const KIND: StepKind = StepKind {
    name: "trace",
    about: "every member with a chassis traces a packet between two ports of a logical switch",
    possible: |state| StepKind::of(state, [Trace]),
};

/// Every member with a chassis traces a packet between two ports of a logical switch, which is made for it and goes again.
#[derive(Debug, Clone, Copy)]
pub struct Trace;

/// The logical switch, and its ports.
const SWITCH: &str = "testkit-trace";
const PORTS: [&str; 2] = ["testkit-trace-1", "testkit-trace-2"];
/// Their addresses.
const MACS: [&str; 2] = ["02:00:00:00:00:01", "02:00:00:00:00:02"];

fn tracers(state: &State) -> impl Iterator<Item = &Member> {
    state.online_with(Service::Chassis)
}

impl Step for Trace {
    fn words(&self) -> String {
        "trace".to_owned()
    }

    fn about(&self) -> String {
        "every member with a chassis traces a packet between two ports of a logical switch".to_owned()
    }

    fn impossible(&self, state: &State) -> Option<String> {
        if !state.has_quorum() {
            return Some("the databases cannot be written".to_owned());
        }
        if !state.members.iter().any(|member| member.lives(Process::Northd)) {
            return Some("no ovn-northd runs".to_owned());
        }
        // The trace also reads the flows of the member's own bridge, which is there where a chassis is.
        let broken = |member: &&Member| !member.dead.is_empty() || !member.runs(Service::Switch);
        match tracers(state).find(broken) {
            Some(member) => Some(format!("the chassis of {} is broken", member.name)),
            None => tracers(state).next().is_none().then(|| "there is no chassis".to_owned()),
        }
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let Some(first) = tracers(state).next() else { return Vec::new() };
        let [from, to] = PORTS;
        let [source, destination] = MACS;
        let ports = ["--", "lsp-add", SWITCH, from, "--", "lsp-set-addresses", from, source];
        let more = ["--", "lsp-add", SWITCH, to, "--", "lsp-set-addresses", to, destination];
        let add = ["microovn.ovn-nbctl", "--wait=sb", "ls-add", SWITCH].into_iter().chain(ports).chain(more);
        let flow =
            format!("inport == \"{from}\" && eth.src == {source} && eth.dst == {destination} && eth.type == 0x800");
        let trace = |member: &Member| {
            Act::run(&member.name, ["microovn.ovn-trace", "--ovs", SWITCH, &flow])
                .says(format!("ingress(dp=\"{SWITCH}\", inport=\"{from}\")"))
                .says(format!("egress(dp=\"{SWITCH}\", inport=\"{from}\", outport=\"{to}\")"))
                .says(format!("…output to \"{to}\"…"))
                .never_says("…|WARN|…")
                .never_says("…|ERR|…")
        };
        let delete = Act::run(&first.name, ["microovn.ovn-nbctl", "--wait=sb", "ls-del", SWITCH]);
        [Act::run(&first.name, add)].into_iter().chain(tracers(state).map(trace)).chain([delete]).collect()
    }

    fn effect(&self, _state: &mut State) {}
}
