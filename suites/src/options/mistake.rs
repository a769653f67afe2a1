//! What MicroCloud is told wrong before it is told right: it must be refused, and nothing of it be left.

use std::net::IpAddr;

use testkit::matrix::{Constraint, Declaration};
use testkit::plan::{Attempt, Cue, Deed, HostFact, InitOption, Member, Need, Network, Plan, Shown};

use super::encap::{UNDERLAY_IP, UNDERLAYS};

/// Those of the preseed.
const PRESEEDED: &[&str] = &["not_an_ip", "with_mask", "missing_on_one", "in_no_subnet", "not_owned", "old_microovn"];
/// Those of the dialog.
const CHOSEN: &[&str] = &["two_interfaces", "left_out"];
/// An address in no network of a cluster, from a block set aside for documentation (RFC 5737).
const NOWHERE: &str = "203.0.113.9";
/// The host in the underlay's network that no member is.
const NOBODY: u32 = 99;
/// What MicroCloud asks where it has refused a choice of underlays.
const RETRY: &str = "Retry selecting underlay network interfaces?";

/// `mistake`: none | of the underlay address of the last member in a preseed: not_an_ip | with_mask | missing_on_one |
/// in_no_subnet | not_owned, in its network and not its own | of the preseed: old_microovn, underlays for MicroOVNs that know of none |
/// of the choice of underlays in the dialog: two_interfaces for one member, which it lets choose again | left_out, the last member.
pub(super) struct Mistake;

impl InitOption for Mistake {
    fn declaration(&self) -> Declaration {
        let values = &[
            "none",
            "not_an_ip",
            "with_mask",
            "missing_on_one",
            "in_no_subnet",
            "two_interfaces",
            "not_owned",
            "left_out",
            "old_microovn",
        ];
        Declaration::new("mistake", values)
            .apart(values.get(1..).unwrap_or_default())
            .suffix(|value, _| format!("after_{value}"))
    }

    fn constraints(&self) -> Vec<Constraint> {
        let all = self.declaration().values.get(1..).unwrap_or_default();
        let alike = "what MicroCloud refuses of an underlay does not depend on families";
        let preseed = "it is a mistake of the preseed, where addresses are written";
        let dialog = "it is a mistake of the dialog, where interfaces are chosen";
        let without = "with a MicroOVN that knows no underlay a cluster can be formed without one";
        let of_underlay: &[&str] =
            &["not_an_ip", "with_mask", "missing_on_one", "in_no_subnet", "two_interfaces", "not_owned", "left_out"];
        vec![
            Constraint::new(preseed).when("mistake", PRESEEDED).then("formation", &["microcloud_preseed"]),
            Constraint::new(dialog).when("mistake", CHOSEN).then("formation", &["microcloud_dialog"]),
            Constraint::new(alike).when("mistake", of_underlay).then("encap", &["ipv4"]),
            Constraint::new(without).when("mistake", &["old_microovn"]).then("encap", &["default"]),
            Constraint::new(alike).when("mistake", all).then("address_family", &["ipv4"]),
        ]
    }

    // Its attempt has underlays, the cluster has none.
    fn needs(&self, value: &str, _plan: &Plan) -> Vec<Need> {
        if value == "old_microovn" { vec![Need::Host(HostFact::Underlays)] } else { Vec::new() }
    }

    fn by_microcloud(&self) -> &'static [&'static str] {
        self.declaration().values
    }

    fn spoil(&self, value: &str, plan: &mut Plan) {
        match value {
            "two_interfaces" => choose_twice(plan),
            "left_out" => plan.refused = left_out(plan),
            "old_microovn" => plan.refused = of_older(plan),
            value if PRESEEDED.contains(&value) => plan.refused = attempt(value, plan),
            _ => {}
        }
    }
}

/// The preseed with a mistake in what it says of the last member. Recorded of MicroCloud 2.1: how it refuses, but for an address that is
/// not the member's own, which it takes.
fn attempt(value: &str, plan: &Plan) -> Option<Attempt> {
    let last = plan.state.members().last()?;
    let (name, right) = (&last.name, last.encap.ip);
    let (about, wrong, refusal) = match value {
        "not_an_ip" => ("is no address", Some("foo".to_owned()), Some("Error: Invalid underlay IP \"foo\"".to_owned())),
        "with_mask" => {
            let wrong = format!("{right}/24");
            ("has a mask", Some(wrong.clone()), Some(format!("Error: Invalid underlay IP \"{wrong}\"")))
        }
        "missing_on_one" => {
            ("is missing", None, Some("Error: Some systems are missing an underlay interface".to_owned()))
        }
        "not_owned" => ("is in its network and not its own", Some(nobodys(last)?.to_string()), None),
        _ => {
            let refusal = format!("Error: No available interface found for OVN underlay IP \"{NOWHERE}\"");
            ("is in no network of it", Some(NOWHERE.to_owned()), Some(refusal))
        }
    };
    let mut recipes = plan.recipes.clone();
    let preseed = &mut recipes.get_mut(&last.hostname)?.preseed;
    match wrong {
        Some(wrong) => preseed.insert(UNDERLAY_IP.to_owned(), wrong),
        None => preseed.remove(UNDERLAY_IP),
    };
    let about = format!("the underlay address of {name} {about}");
    Some(Attempt { about, member: name.clone(), recipes, refusal, older: false })
}

/// An address in the network of a member's underlay that no member has.
fn nobodys(member: &Member) -> Option<IpAddr> {
    let nic = member.nics.iter().find(|nic| nic.device == member.encap.device)?;
    let net = nic.addresses.iter().find(|net| net.addr() == member.encap.ip)?;
    match net.network() {
        IpAddr::V4(network) => Some((u32::from(network) + NOBODY).to_be_bytes().into()),
        IpAddr::V6(network) => Some((u128::from(network) + u128::from(NOBODY)).to_be_bytes().into()),
    }
}

/// A preseed with underlays, for MicroOVNs that know of none. The document that asked for underlays (LX060) wants that told before
/// anything is formed; MicroCloud 2.1 was read never to ask.
fn of_older(plan: &Plan) -> Option<Attempt> {
    let first = plan.bootstrap()?;
    let mut recipes = plan.recipes.clone();
    for member in plan.state.members() {
        let address = member.find_nic(Network::Underlay).and_then(|nic| nic.find_address(false))?;
        recipes.get_mut(&member.hostname)?.preseed.insert(UNDERLAY_IP.to_owned(), address.to_string());
    }
    let about = "there are underlays for a MicroOVN that does not know the API extension \"custom_encapsulation_ip\"";
    let member = first.name.clone();
    Some(Attempt { about: about.to_owned(), member, recipes, refusal: None, older: true })
}

/// The dialog in which nothing is chosen of the last member. Recorded of MicroCloud 2.1: it takes that without a word, though it
/// asks for exactly one of each.
fn left_out(plan: &Plan) -> Option<Attempt> {
    let (first, last) = (plan.bootstrap()?, plan.state.members().last()?);
    let mut recipes = plan.recipes.clone();
    let cues = &mut recipes.get_mut(&first.hostname)?.cues;
    let Deed::Choose(rows) = find_underlays(cues)?.deeds.first_mut()? else { return None };
    rows.retain(|row| row.first() != Some(&last.name));
    cues.push(Cue::question("mistake", RETRY, "no"));
    let about = format!("no underlay is chosen of {}, and one of each other member", last.name);
    Some(Attempt { about, member: last.name.clone(), recipes, refusal: None, older: false })
}

/// What is done where the dialog shows the table of underlays.
fn find_underlays(cues: &mut [Cue]) -> Option<&mut Cue> {
    let table = Shown::Table(UNDERLAYS.map(str::to_owned).into());
    cues.iter_mut().find(|cue| cue.shown == table)
}

/// In the dialog both devices of the first member are chosen at first. Recorded of MicroCloud 2.1: it says so, and asks again.
fn choose_twice(plan: &mut Plan) {
    let Some(first) = plan.bootstrap().cloned() else { return };
    let also = first.nics.iter().find(|nic| nic.device != first.encap.device && !nic.addresses.is_empty());
    let also = also.and_then(|nic| Some([first.name.clone(), nic.device.clone(), nic.addresses.first()?.to_string()]));
    let cues = &mut plan.recipe_mut(&first.hostname).cues;
    if let (Some(Cue { deeds, .. }), Some(also)) = (find_underlays(cues), also)
        && let Some(Deed::Choose(rows)) = deeds.first()
    {
        let both = Deed::Choose(rows.iter().cloned().chain([also.into()]).collect());
        deeds.insert(0, both);
        cues.push(Cue::question("mistake", RETRY, "yes"));
    }
}

#[cfg(test)]
mod tests {
    use testkit::cluster::MicrocloudError;
    use testkit::plan::Plan;

    use super::super::tests::plan;
    use super::*;

    const PRESEED: (&str, &str) = ("formation", "microcloud_preseed");
    const DIALOG: (&str, &str) = ("formation", "microcloud_dialog");

    fn attempt(chosen: &[(&str, &str)]) -> (Plan, Attempt) {
        let plan = plan(chosen);
        let attempt = plan.refused.clone().expect("an attempt");
        (plan, attempt)
    }

    #[test]
    fn an_address_that_is_nobodys_is_in_the_network_and_no_members() {
        let (plan, attempt) = attempt(&[PRESEED, ("encap", "ipv4"), ("mistake", "not_owned")]);
        let last = &plan.state.members[2];
        assert_eq!(attempt.recipes[&last.hostname].preseed["ovn_underlay_ip"], "10.88.0.99");
        assert_eq!((attempt.member.as_str(), attempt.refusal), (last.name.as_str(), None));
        assert_eq!(plan.recipe(last).preseed["ovn_underlay_ip"], "10.88.0.13", "the new attempt is right");
    }

    #[test]
    fn who_is_left_out_is_not_chosen_at_first_and_a_refusal_ends_the_dialog() {
        let (plan, attempt) = attempt(&[DIALOG, ("encap", "ipv4"), ("mistake", "left_out")]);
        let first = &plan.state.members[0].hostname;
        let chosen = |cues: &[Cue]| {
            let table = "a table of LOCATION | IFACE | TYPE | IP ADDRESS (CIDR)";
            let deeds = &cues.iter().find(|cue| cue.shown.to_string() == table).expect("a table").deeds;
            let [Deed::Choose(rows)] = &deeds[..] else { panic!("{deeds:?}") };
            rows.len()
        };
        assert_eq!((chosen(&attempt.recipes[first].cues), chosen(&plan.recipes[first].cues)), (2, 3));
        let retry = |cues: &[Cue]| cues.iter().any(|cue| cue.shown.to_string() == RETRY);
        assert!(retry(&attempt.recipes[first].cues) && !retry(&plan.recipes[first].cues));
    }

    #[test]
    fn underlays_for_an_older_microovn_are_in_the_attempt_alone() {
        let (plan, attempt) = attempt(&[PRESEED, ("mistake", "old_microovn")]);
        assert!(attempt.older && attempt.recipes.values().all(|recipe| recipe.preseed.contains_key(UNDERLAY_IP)));
        assert!(plan.recipes.values().all(|recipe| !recipe.preseed.contains_key(UNDERLAY_IP)));
        assert!(plan.needs.iter().all(|need| !need.to_string().contains("custom_encapsulation_ip")), "any will do");
    }

    /// What is not refused is told in the words by which it is known, and nothing else is.
    #[test]
    fn what_microcloud_takes_is_known() {
        let known = crate::KNOWN.read().expect("a list");
        let told = |command, seen: &str, chosen: &[(&str, &str)]| {
            let (plan, attempt) = attempt(chosen);
            let (member, about) = (plan.state.members[0].name.clone(), attempt.about);
            let wanted = "an error before anything is formed".to_owned();
            let error = MicrocloudError::NotRefused { command, member, about, wanted, seen: seen.to_owned() };
            let found = known.iter().find(|fault| fault.is_why_there_is_none(&error.to_string()));
            found.map(|fault| fault.told.name.clone()).unwrap_or_default()
        };
        let ready =
            "exit code 0, \"MicroCloud is ready\"; MicroOVN on \"m-3\" is formed with the ovn-encap-ip 10.88.0.99";
        let not_owned = [PRESEED, ("encap", "ipv4"), ("mistake", "not_owned")];
        assert_eq!(told("microcloud preseed", ready, &not_owned), "microcloud-takes-an-address-that-is-nobodys");
        let old = [PRESEED, ("mistake", "old_microovn")];
        assert_eq!(told("microcloud preseed", ready, &old), "microcloud-asks-no-microovn-whether-it-knows-underlays");
        let well = "no word of it, and a good end; MicroOVN on \"m-3\" is formed with the ovn-encap-ip 10.77.0.13";
        let left_out = [DIALOG, ("encap", "ipv4"), ("mistake", "left_out")];
        assert_eq!(told("microcloud init", well, &left_out), "microcloud-takes-a-choice-that-leaves-out-a-member");
        let failed = "exit code 1, \"Error: no room\"; MicroOVN on \"m-3\" is not formed";
        assert_eq!(told("microcloud preseed", failed, &not_owned), "");
    }
}
