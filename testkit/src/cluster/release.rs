//! What the plan takes from the release under test, as far as the snap tells it.

use std::cmp::Reverse;

use crate::image::{Golden, Snap, Unconnected};
use crate::plan::{Plug, Programs, Release, Schemas};

/// The release that a golden image has.
pub(super) fn of(golden: &Golden) -> Release {
    of_snap(&golden.snap, &golden.unconnected)
}

/// The release that copies of a golden image can be refreshed to, where they can; `older` is the one that they have. Recorded: the
/// port stays. A plug that is new has not been refused yet, but where it waits for another snap.
pub(super) fn newer(golden: &Golden, older: &Release) -> Option<Release> {
    let mut newer = of_snap(golden.newer.as_ref()?, &golden.unconnected);
    newer.member_port = older.member_port;
    let new = newer.plugs.iter_mut().filter(|(name, _)| !older.plugs.contains_key(*name));
    for (_, plug) in new.filter(|(_, plug)| plug.interface == "content") {
        plug.refused = Some("it was not there when the members' image was made".to_owned());
    }
    Some(newer)
}

fn of_snap(snap: &Snap, unconnected: &[Unconnected]) -> Release {
    let refused = |name: &str| unconnected.iter().find(|plug| plug.plug == name).map(|plug| plug.reason.clone());
    let plug = |plug: &crate::image::Plug| {
        (plug.name.clone(), Plug { interface: plug.interface.clone(), refused: refused(&plug.name) })
    };
    Release {
        version: snap.version.clone(),
        services: snap.services.clone(),
        plugs: snap.plugs.iter().map(plug).collect(),
        programs: programs(snap),
        schemas: snap.schemas.clone().map(|[northbound, southbound]| Schemas { northbound, southbound }),
        ..Release::default()
    }
}

/// The programs that can be run in the surroundings of one app: those with no other plugs than it has. The app is that for which
/// these are the most, and the first by name of several.
fn programs(snap: &Snap) -> Programs {
    let within = |app: &str| {
        let allowed = &snap.commands[app].plugs;
        snap.commands.iter().filter(move |(_, command)| command.plugs.is_subset(allowed))
    };
    let Some(app) = snap.commands.keys().min_by_key(|app| Reverse(within(app).count())) else {
        return Programs::default();
    };
    let name = |app: &str| if app == snap.name { app.to_owned() } else { format!("{}.{app}", snap.name) };
    let files = within(app).map(|(app, command)| (name(app), command.file.clone())).collect();
    Programs { app: name(app), files }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Description;

    #[test]
    fn programs_are_run_where_most_of_them_may_do_what_they_do() {
        let yaml = "
name: microovn
apps:
  daemon: {command: bin/daemon, daemon: simple, plugs: [network, network-bind, network-control]}
  microovn: {command: commands/microovn, plugs: [network]}
  nbctl: {command: commands/nbctl, plugs: [network, network-bind]}
  sbctl: {command: commands/sbctl, plugs: [network-bind]}
  vsctl: {command: commands/vsctl, plugs: {network: null}}
  tool: {command: bin/tool}
  dpctl: {command: commands/dpctl, plugs: [network, network-control]}
  chained: {command: bin/chained, command-chain: [bin/launch]}
  set: {command: bin/set, environment: {A: b}}
  told: {command: bin/told --loud}
  offering: {command: bin/offering, slots: [microovn]}
";
        let description = Description::parse(yaml.as_bytes()).expect("a description");
        let hash = crate::image::of_file(std::path::Path::new("/dev/null")).expect("a hash");
        let programs = programs(&description.into_snap("microovn.snap".into(), hash));
        assert_eq!(programs.app, "microovn.nbctl");
        let files = [
            ("microovn", "commands/microovn"),
            ("microovn.nbctl", "commands/nbctl"),
            ("microovn.sbctl", "commands/sbctl"),
            ("microovn.tool", "bin/tool"),
            ("microovn.vsctl", "commands/vsctl"),
        ];
        assert_eq!(programs.files, files.map(|(name, file)| (name.to_owned(), file.to_owned())).into());
    }
}
