//! What one init option contributes to plans.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Answer, Cue, Formation, Member, Plan};
use crate::matrix::{Constraint, Declaration};

/// What is decided before any member is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outline {
    /// How many members the cluster has.
    pub members: usize,
    /// How it is formed.
    pub formation: Formation,
}

impl Default for Outline {
    fn default() -> Self {
        Self { members: 3, formation: Formation::default() }
    }
}

/// What a host can be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostFact {
    /// The kernel's module vrf is loaded.
    Vrf,
    /// It is not.
    NoVrf,
    /// Something can carry packets between members: the kernel's module openvswitch, or a switch by /dev/net/tun.
    Packets,
    /// The kernel carries packets between members, by its module openvswitch.
    KernelDatapath,
    /// Members have netplan, by which MicroOVN makes devices, or the stand-in is tested, which makes them itself.
    Netplan,
    /// Members can be given the LXD of their distribution.
    Lxd,
    /// MicroCloud takes the NIC of a container for an underlay, as it does from 2.1.1 on, and its stand-in.
    Underlays,
}

/// Something that not every release of the product can do, or not every host has. Asked for before a cluster is formed; a cell
/// that needs what is lacking is skipped, with this as the reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// `microovn init` asks a question that starts like this when it bootstraps with every default accepted.
    Prompt(String),
    /// The REST API lists this extension.
    Extension(String),
    /// The calls of the REST API that concern the cluster are below `/core/`.
    CoreApi,
    /// Its snap has a service of this name.
    Service(String),
    /// There is an older release, from which a cluster is upgraded to it.
    Older,
    /// The host is like this.
    Host(HostFact),
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prompt(prompt) => write!(f, "`microovn init` asking {prompt:?}"),
            Self::Extension(extension) => write!(f, "the API extension {extension:?}"),
            Self::CoreApi => f.write_str("an API below /core/, as POST /core/control is"),
            Self::Service(name) => write!(f, "a service {name:?} in its snap"),
            Self::Host(HostFact::Vrf) => {
                f.write_str("vrf in its kernel, which `modprobe vrf` loads where there is one")
            }
            Self::Host(HostFact::NoVrf) => f.write_str("a kernel that is known to be without vrf"),
            Self::Host(HostFact::Packets) => {
                f.write_str("something that carries packets between members, which `testkit doctor` tells of")
            }
            Self::Host(HostFact::KernelDatapath) => {
                f.write_str("openvswitch in its kernel for what carries packets, which `testkit doctor` tells of")
            }
            Self::Host(HostFact::Netplan) => f.write_str(
                "netplan on members, by which MicroOVN makes devices for BGP; MICROOVN_TEST_CONTAINER_IMAGE names an image that has it",
            ),
            Self::Host(HostFact::Lxd) => f.write_str(
                "what members are given LXD of: packages of the distribution, in the cache or at its mirror, for a node image that \
                 was built here, and no LXD that LXD_SNAP_PATH names",
            ),
            Self::Host(HostFact::Underlays) => {
                f.write_str("a MicroCloud from 2.1.1 on, as those before take no NIC of a container for an underlay")
            }
            Self::Older => f.write_str("an older snap to come from, which MICROOVN_UPGRADE_FROM names"),
        }
    }
}

/// One init option. One file under `suites/src/options/` implements it; only [`declaration`](Self::declaration) is
/// required, and every other method says what a value changes, if it changes anything there.
pub trait InitOption: Sync {
    /// Name and values; the first value is the default.
    fn declaration(&self) -> Declaration;

    /// Which values go with which values of other options.
    fn constraints(&self) -> Vec<Constraint> {
        Vec::new()
    }

    /// What `value` decides before any member is drawn.
    fn outline(&self, value: &str, outline: &mut Outline) {
        let _ = (value, outline);
    }

    /// What `value` changes in the plan: addresses, NICs, files, services, names. Every expectation follows from it.
    fn shape(&self, value: &str, plan: &mut Plan) {
        let _ = (value, plan);
    }

    /// What the product must be able to do.
    fn needs(&self, value: &str, plan: &Plan) -> Vec<Need> {
        let _ = (value, plan);
        Vec::new()
    }

    /// The prompts of `microovn init` that this option answers for `member`, and with what.
    fn answers(&self, value: &str, plan: &Plan, member: &Member) -> Vec<Answer> {
        let _ = (value, plan, member);
        Vec::new()
    }

    /// What is added to `microovn cluster bootstrap` or `microovn cluster join` for `member`.
    fn arguments(&self, value: &str, plan: &Plan, member: &Member) -> Vec<String> {
        let _ = (value, plan, member);
        Vec::new()
    }

    /// What is added to `config` in `POST /core/control` for `member`: keys and values.
    fn config(&self, value: &str, plan: &Plan, member: &Member) -> Vec<(String, String)> {
        let _ = (value, plan, member);
        Vec::new()
    }

    /// Its values that MicroCloud can pass on to MicroOVN, where that is another than the default alone.
    fn by_microcloud(&self) -> &'static [&'static str] {
        &[]
    }

    /// What is done in MicroCloud's dialog on `member`, by what is shown there. What MicroOVN is to be told of it is `config`.
    fn cues(&self, value: &str, plan: &Plan, member: &Member) -> Vec<Cue> {
        let _ = (value, plan, member);
        Vec::new()
    }

    /// What MicroCloud's preseed says of `member`: keys of its system, and values.
    fn preseed(&self, value: &str, plan: &Plan, member: &Member) -> Vec<(String, String)> {
        let _ = (value, plan, member);
        Vec::new()
    }

    /// What is done in MicroCloud's dialog on the member that adds this one later, by what is shown.
    fn added(&self, value: &str, plan: &Plan, member: &Member) -> Vec<Cue> {
        let _ = (value, plan, member);
        Vec::new()
    }

    /// What is told wrong on purpose, once every option has said what is right.
    fn spoil(&self, value: &str, plan: &mut Plan) {
        let _ = (value, plan);
    }
}
