//! Where the databases are is told by configuration, rightly and wrongly, and is no longer.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Need, Service, State, Turnover};

use super::{centrals, name, no_quorum, northd_restarts, not_online, numbers, without_leader};

pub(super) const KIND: StepKind = StepKind {
    name: "central_ips",
    about: "where the databases are is told a member by configuration, rightly or wrongly",
    possible: |state| {
        let each = |member| [false, true].map(|wrongly| CentralIps { member, wrongly });
        StepKind::of(state, numbers(state).flat_map(each))
    },
};

/// Where the databases are is told a member by configuration, in a way that is refused, or in one that counts until it is taken
/// back.
#[derive(Debug, Clone, Copy)]
pub struct CentralIps {
    /// The member's number.
    pub member: usize,
    /// Whether it is told what is no list of addresses.
    pub wrongly: bool,
}

/// The option.
const KEY: &str = "ovn.central-ips";

/// What is no list of addresses, and which part of it is not one. Recorded.
const WRONG: [(&str, &str); 10] = [
    ("127.0.0", "127.0.0"),
    ("192.0.2.1, 192.0.2.2", " 192.0.2.2"),
    ("192.0.2.1,", ""),
    ("central.example", "central.example"),
    ("[fd00::1]", "[fd00::1]"),
    ("192.0.2.1,[2001:db8::68]", "[2001:db8::68]"),
    ("192.0.2.1:6642", "192.0.2.1:6642"),
    ("192.0.2.1/24", "192.0.2.1/24"),
    ("fe80::1%eth0", "fe80::1%eth0"),
    ("192.0.2.256", "192.0.2.256"),
];

impl CentralIps {
    fn wrong(name: &str) -> Vec<Act> {
        let run = |words: &[&str]| Act::run(name, words.iter().copied());
        let refused = |value: &str, why: &str| {
            let why = format!("configuration for key '{KEY}' not valid: {why}");
            run(&["microovn", "config", "set", KEY, value])
                .refused(format!("Error: failed to set config option '{KEY}': {why}"))
        };
        let unparsed = WRONG.map(|(value, part)| refused(value, &format!("cannot parse IP address '{part}'")));
        let unknown = run(&["microovn", "config", "set", "no.such", "1"]).refused(
            "Error: failed to set config option 'no.such': config key 'no.such' is not a recognized config option",
        );
        let missing = run(&["microovn", "config", "set", KEY]).refused("Error: accepts 2 arg(s), received 1");
        // Nothing of it was kept.
        let get = run(&["microovn", "config", "get", KEY]).never_says("…");
        unparsed.into_iter().chain([refused("", "no IPs provided"), unknown, missing, get]).collect()
    }

    fn right(state: &State, name: &str) -> Vec<Act> {
        let run = |words: &[&str]| Act::run(name, words.iter().copied());
        // The other way round, so that it is not what MicroOVN finds out itself.
        let mut ips: Vec<_> = state.members_with(Service::Central).map(|member| member.address).collect();
        ips.reverse();
        let join =
            |each: &dyn Fn(std::net::IpAddr) -> String| ips.iter().map(|ip| each(*ip)).collect::<Vec<_>>().join(",");
        let value = join(&|ip| ip.to_string());
        let connect = |port: u16| join(&|ip| format!("ssl:{}", std::net::SocketAddr::new(ip, port)));
        let env = || run(&["cat", "/var/snap/microovn/common/data/env/ovn.env"]);
        let lines = [format!("OVN_NB_CONNECT=\"{}\"", connect(6641)), format!("OVN_SB_CONNECT=\"{}\"", connect(6642))];
        let told = lines.iter().fold(env(), Act::says);
        let untold = lines.iter().fold(env(), Act::never_says);
        let untold = if ips.len() > 1 { untold } else { env() };
        vec![
            run(&["microovn", "config", "set", KEY, &value]).says(format!("Successfully set config option '{KEY}'")),
            run(&["microovn", "config", "get", KEY]).says(value),
            told,
            run(&["microovn", "config", "delete", KEY]).says(format!("Successfully deleted config option '{KEY}'")),
            run(&["microovn", "config", "get", KEY]).never_says("…"),
            untold,
        ]
    }
}

impl Step for CentralIps {
    fn words(&self) -> String {
        let Self { member, wrongly } = self;
        format!("{}central_ips_{member}", if *wrongly { "wrong_" } else { "" })
    }

    fn about(&self) -> String {
        let member = self.member;
        if self.wrongly {
            format!("member {member} is told what is no list of addresses of the databases, and takes none")
        } else {
            format!("member {member} is told where the databases are, and no longer")
        }
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let nowhere = || (centrals(state) == 0).then(|| "there is no central".to_owned());
        not_online(state, self.member).or_else(|| without_leader(state)).or_else(nowhere).or_else(|| no_quorum(state))
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::CoreApi]
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let name = name(state, self.member);
        if self.wrongly { Self::wrong(&name) } else { Self::right(state, &name) }
    }

    // Recorded: at each change ovn-northd starts again on every central.
    fn effect(&self, state: &mut State) {
        if !self.wrongly {
            northd_restarts(state, Turnover::Fresh);
        }
    }
}
