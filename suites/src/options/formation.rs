//! How the cluster is formed: who creates it, and how the others get their join tokens.

use testkit::matrix::Declaration;
use testkit::microcloud::{Outside, PASSPHRASE};
use testkit::plan::{
    self, Answer, Cue, Deed, ETHERNET_MTU, InitOption, Member, Need, Network, Nic, Outline, Plan, Reply, Role, Shown,
};

/// Where MicroCloud forms the cluster.
pub(super) const MICROCLOUD: &[&str] = &["microcloud_dialog", "microcloud_preseed"];
/// What it asks where there is no MicroCeph, and of the network.
const MICROCEPH: &str = "MicroCeph not found. Continue anyway?";
const NETWORKING: &str = "Configure distributed networking?";
/// The headings of its tables of who may join, and of what may be an uplink.
const JOINERS: [&str; 3] = ["NAME", "ADDRESS", "FINGERPRINT"];
const UPLINKS: [&str; 3] = ["LOCATION", "IFACE", "TYPE"];
/// The port that it tells MicroOVN to listen on.
const MICROCLOUD_PORT: u16 = 6443;

/// `formation`: dialog, on a terminal as a person would | dialog_piped, without one as a script would | cli, with
/// `cluster bootstrap`, `add` and `join` | rest, on the control socket as MicroCloud does | microcloud_dialog, by MicroCloud itself on
/// terminals, and microcloud_preseed, by it and files, both in a tier of their own.
pub(super) struct Formation;

impl InitOption for Formation {
    fn declaration(&self) -> Declaration {
        let values = &["dialog", "dialog_piped", "cli", "rest", "microcloud_dialog", "microcloud_preseed"];
        Declaration::new("formation", values).apart(MICROCLOUD).suffix(|value, _| match value {
            "dialog_piped" => "piped".to_owned(),
            value => value.to_owned(),
        })
    }

    fn outline(&self, value: &str, outline: &mut Outline) {
        outline.formation = match value {
            "dialog_piped" => plan::Formation::DialogPiped,
            "cli" => plan::Formation::Cli,
            "rest" => plan::Formation::Rest,
            "microcloud_dialog" => plan::Formation::MicrocloudDialog,
            "microcloud_preseed" => plan::Formation::MicrocloudPreseed,
            _ => plan::Formation::Dialog,
        };
    }

    fn shape(&self, _value: &str, plan: &mut Plan) {
        if !plan.formation.is_microcloud() {
            return;
        }
        plan.state.told_port = Some(MICROCLOUD_PORT);
        plan.state.tapped = true;
        for member in &mut plan.state.members {
            member.nics.push(Nic {
                device: Outside::NIC.to_owned(),
                network: Network::Underlay,
                mtu: ETHERNET_MTU,
                addresses: Vec::new(),
                routes: Vec::new(),
                bridge: Some(Outside::BRIDGE.to_owned()),
            });
        }
    }

    fn needs(&self, value: &str, plan: &Plan) -> Vec<Need> {
        if value == "rest" || plan.formation.is_microcloud() { vec![Need::CoreApi] } else { Vec::new() }
    }

    fn answers(&self, _value: &str, plan: &Plan, member: &Member) -> Vec<Answer> {
        let create = "Would you like to create a new MicroOVN cluster?";
        let answer = |prompt: &str, replies| Answer { option: "formation".into(), prompt: prompt.into(), replies };
        match plan.role(member) {
            Role::Join => vec![
                Answer::text("formation", create, "no"),
                answer("Please enter your join token", vec![Reply::JoinToken]),
            ],
            Role::Bootstrap => {
                let alone = plan.joiners().next().is_none();
                let names = plan.joiners().map(|joiner| Reply::IssueToken(joiner.name.clone()));
                let add = if alone { "no" } else { "yes" };
                let mut answers = vec![
                    Answer::text("formation", create, "yes"),
                    Answer::text("formation", "Would you like to add additional servers to the cluster?", add),
                ];
                if !alone {
                    // An empty name ends the list.
                    let replies = names.chain([Reply::Text(String::new())]).collect();
                    answers.push(answer("What's the name of the new MicroOVN server?", replies));
                }
                answers
            }
        }
    }

    // What is recorded of MicroCloud 2.1, in its order.
    fn cues(&self, _value: &str, plan: &Plan, member: &Member) -> Vec<Cue> {
        let ask = |starts: &str, text: &str| Cue::question("formation", starts, text);
        if plan.role(member) == Role::Join {
            let shown = Shown::Question("Specify the passphrase for joining the system".to_owned());
            return vec![Cue { option: "formation".into(), shown, deeds: vec![Deed::Tell(PASSPHRASE.into())] }];
        }
        let joiners = plan.joiners().map(|joiner| [joiner.name.clone(), joiner.address.to_string()]);
        let uplinks = plan.state.members().map(|member| [member.name.clone(), Outside::BRIDGE.to_owned()]);
        vec![
            ask("Do you want to set up more than one cluster member?", "yes"),
            ask(MICROCEPH, "yes"),
            Cue::table("formation", &JOINERS, joiners),
            ask(NETWORKING, "yes"),
            Cue::table("formation", &UPLINKS, uplinks),
            ask("Specify the IPv4 gateway (CIDR) on the uplink network", Outside::GATEWAY),
            ask("Specify the first IPv4 address in the range to use on the uplink network", Outside::RANGE[0]),
            ask("Specify the last IPv4 address in the range to use on the uplink network", Outside::RANGE[1]),
            ask("Specify the IPv6 gateway (CIDR) on the uplink network", ""),
            ask("Specify the DNS addresses", ""),
        ]
    }

    // As read in MicroCloud 2.1: of the others nothing is asked again, and OVN's network is there.
    fn added(&self, _value: &str, _plan: &Plan, member: &Member) -> Vec<Cue> {
        let row = [member.name.clone(), member.address.to_string()];
        let uplink = [member.name.clone(), Outside::BRIDGE.to_owned()];
        vec![
            Cue::question("formation", MICROCEPH, "yes"),
            Cue::table("formation", &JOINERS, [row]),
            Cue::question("formation", NETWORKING, "yes"),
            Cue::table("formation", &UPLINKS, [uplink]),
        ]
    }

    fn preseed(&self, _value: &str, _plan: &Plan, member: &Member) -> Vec<(String, String)> {
        let entries = [("name", member.name.as_str()), ("ovn_uplink_interface", Outside::BRIDGE)];
        entries.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    }
}

#[cfg(test)]
mod tests {
    use testkit::matrix::Tier;

    use super::super::tests::plan;
    use super::super::{core, matrix};
    use super::*;

    #[test]
    fn what_microcloud_forms_is_in_a_tier_of_its_own_and_in_no_other() {
        let matrix = matrix().expect("a matrix");
        let core = core(&matrix).expect("a core");
        for tier in Tier::ALL {
            let apart = tier == Tier::MicroCloud;
            assert!(matrix.select(tier, &core).iter().all(|cell| matrix.is_apart(cell) == apart), "{tier}");
        }
        let cells = matrix.select(Tier::MicroCloud, &core);
        let names: Vec<&str> = cells.iter().map(|cell| cell.id().as_str()).collect();
        assert_eq!(names.len(), 20, "{names:?}");
        assert!(names.contains(&"init_cluster_ipv6_custom_encap_ipv4_microcloud_preseed"), "{names:?}");
        assert!(names.contains(&"init_cluster_custom_encap_microcloud_dialog_after_two_interfaces"), "{names:?}");
    }

    #[test]
    fn the_first_member_is_asked_for_all_of_them_and_the_others_for_their_address_and_the_passphrase() {
        let plan = plan(&[("formation", "microcloud_dialog"), ("encap", "ipv6")]);
        let [first, second, ..] = &plan.state.members[..] else { panic!("members") };
        let cues = &plan.recipe(first).cues;
        let told = |headings: &str| {
            let cue = cues.iter().find(|cue| cue.shown.to_string() == headings).expect("a table");
            cue.deeds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", then ")
        };
        let [a, b, c] = [0, 1, 2].map(|n| plan.state.members[n].name.clone());
        assert_eq!(
            told("a table of NAME | ADDRESS | FINGERPRINT"),
            format!("choose {b} | 10.77.0.12, {c} | 10.77.0.13")
        );
        assert_eq!(
            told("a table of LOCATION | IFACE | TYPE | IP ADDRESS (CIDR)"),
            format!("choose {a} | eth1 | fd42:88::b/64, {b} | eth1 | fd42:88::c/64, {c} | eth1 | fd42:88::d/64")
        );
        let other: Vec<String> = plan.recipe(second).cues.iter().map(|cue| cue.shown.to_string()).collect();
        assert_eq!(other, ["a table of ADDRESS | IFACE", "Specify the passphrase for joining the system"]);
        assert_eq!(plan.recipe(second).config.get("ovn-encap-ip").map(String::as_str), Some("fd42:88::c"));
        assert_eq!((plan.state.member_port(), first.nics.len()), (6443, 3));
        assert!(first.nics[2].addresses.is_empty(), "an uplink has no address");
        let cut: Vec<&str> = first.nics_on(Network::Underlay).map(|nic| nic.device.as_str()).collect();
        assert_eq!(cut, ["eth1", "eth2"], "who is cut off from the underlay has no link there");
        // LXD calls the NIC of a container by no kind that can be one.
        assert_eq!(first.nics[2].bridge.as_deref(), Some("br-uplink"));
        let uplinks = format!("choose {a} | br-uplink, {b} | br-uplink, {c} | br-uplink");
        assert_eq!(told("a table of LOCATION | IFACE | TYPE"), uplinks);
    }

    #[test]
    fn a_preseed_says_of_each_system_what_it_is_and_a_mistake_is_of_the_last_one_alone() {
        let chosen = [("formation", "microcloud_preseed"), ("encap", "ipv4"), ("mistake", "with_mask")];
        let plan = plan(&chosen);
        let underlays = |recipes: &std::collections::BTreeMap<String, plan::Recipe>| {
            let found =
                recipes.values().map(|recipe| recipe.preseed.get("ovn_underlay_ip").cloned().unwrap_or_default());
            found.collect::<Vec<_>>()
        };
        let attempt = plan.refused.clone().expect("an attempt");
        assert_eq!(underlays(&plan.recipes), ["10.88.0.11", "10.88.0.12", "10.88.0.13"]);
        assert_eq!(underlays(&attempt.recipes), ["10.88.0.11", "10.88.0.12", "10.88.0.13/24"]);
        assert_eq!(attempt.refusal.as_deref(), Some("Error: Invalid underlay IP \"10.88.0.13/24\""));
        let text = testkit::microcloud::preseed(&plan, &plan.recipes, "words");
        assert!(text.starts_with("session_passphrase: \"words\"\nsession_timeout: 60\ninitiator_address: \"10.77.0.11\"\nsystems:\n- address: "), "{text}");
    }
}
