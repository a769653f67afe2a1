//! What MicroCloud is told wrong before it is told right: it must be refused, and nothing of it be left.

use testkit::matrix::{Constraint, Declaration};
use testkit::plan::{Attempt, Cue, Deed, InitOption, Plan, Shown};

use super::encap::{UNDERLAY_IP, UNDERLAYS};

/// All but the default.
const PRESEEDED: &[&str] = &["not_an_ip", "with_mask", "missing_on_one", "in_no_subnet"];
/// An address in no network of a cluster, from a block set aside for documentation (RFC 5737).
const NOWHERE: &str = "203.0.113.9";

/// `mistake`: none | of the underlay address of the last member in a preseed: not_an_ip | with_mask | missing_on_one |
/// in_no_subnet | of the choice of underlays in the dialog: two_interfaces for one member, which it lets choose again.
pub(super) struct Mistake;

impl InitOption for Mistake {
    fn declaration(&self) -> Declaration {
        let values = &["none", "not_an_ip", "with_mask", "missing_on_one", "in_no_subnet", "two_interfaces"];
        let apart = &["not_an_ip", "with_mask", "missing_on_one", "in_no_subnet", "two_interfaces"];
        Declaration::new("mistake", values).apart(apart).suffix(|value, _| format!("after_{value}"))
    }

    fn constraints(&self) -> Vec<Constraint> {
        let all = self.declaration().values.get(1..).unwrap_or_default();
        let alike = "what MicroCloud refuses of an underlay does not depend on families";
        let preseed = "it is a mistake of the preseed, where addresses are written";
        let dialog = "it is a mistake of the dialog, where interfaces are chosen";
        vec![
            Constraint::new(preseed).when("mistake", PRESEEDED).then("formation", &["microcloud_preseed"]),
            Constraint::new(dialog).when("mistake", &["two_interfaces"]).then("formation", &["microcloud_dialog"]),
            Constraint::new(alike).when("mistake", all).then("encap", &["ipv4"]),
            Constraint::new(alike).when("mistake", all).then("address_family", &["ipv4"]),
        ]
    }

    fn by_microcloud(&self) -> &'static [&'static str] {
        self.declaration().values
    }

    fn spoil(&self, value: &str, plan: &mut Plan) {
        if value == "two_interfaces" {
            choose_twice(plan);
        } else if PRESEEDED.contains(&value) {
            plan.refused = attempt(value, plan);
        }
    }
}

/// The preseed with a mistake in what it says of the last member. Recorded of MicroCloud 2.1: how it refuses.
fn attempt(value: &str, plan: &Plan) -> Option<Attempt> {
    let last = plan.state.members().last()?;
    let (name, right) = (&last.name, last.encap.ip);
    let (about, wrong, refusal) = match value {
        "not_an_ip" => ("is no address", Some("foo".to_owned()), "Error: Invalid underlay IP \"foo\"".to_owned()),
        "with_mask" => {
            let wrong = format!("{right}/24");
            ("has a mask", Some(wrong.clone()), format!("Error: Invalid underlay IP \"{wrong}\""))
        }
        "missing_on_one" => ("is missing", None, "Error: Some systems are missing an underlay interface".to_owned()),
        _ => {
            let refusal = format!("Error: No available interface found for OVN underlay IP \"{NOWHERE}\"");
            ("is in no network of it", Some(NOWHERE.to_owned()), refusal)
        }
    };
    let mut recipes = plan.recipes.clone();
    let preseed = &mut recipes.get_mut(&last.hostname)?.preseed;
    match wrong {
        Some(wrong) => preseed.insert(UNDERLAY_IP.to_owned(), wrong),
        None => preseed.remove(UNDERLAY_IP),
    };
    Some(Attempt { about: format!("the underlay address of {name} {about}"), recipes, refusal })
}

/// In the dialog both devices of the first member are chosen at first. Recorded of MicroCloud 2.1: it says so, and asks again.
fn choose_twice(plan: &mut Plan) {
    let Some(first) = plan.bootstrap().cloned() else { return };
    let also = first.nics.iter().find(|nic| nic.device != first.encap.device && !nic.addresses.is_empty());
    let also = also.and_then(|nic| Some([first.name.clone(), nic.device.clone(), nic.addresses.first()?.to_string()]));
    let cues = &mut plan.recipe_mut(&first.hostname).cues;
    let table = Shown::Table(UNDERLAYS.map(str::to_owned).into());
    let found = cues.iter_mut().find(|cue| cue.shown == table);
    if let (Some(Cue { deeds, .. }), Some(also)) = (found, also)
        && let Some(Deed::Choose(rows)) = deeds.first()
    {
        let both = Deed::Choose(rows.iter().cloned().chain([also.into()]).collect());
        deeds.insert(0, both);
        cues.push(Cue::question("mistake", "Retry selecting underlay network interfaces?", "yes"));
    }
}
