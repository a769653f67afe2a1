//! The daemons of a member, as they were started.

use testkit::plan::{Changes, Member, Process, Service, State};

use super::number;
use super::tools::list;

/// The processes of a member, in the words of the recorded process list.
pub(super) fn daemons(state: &State, member: &Member, changes: &Changes) -> String {
    let mut text = String::new();
    let mut add = |process: Process, line: &str| {
        if member.dead.contains(&process) {
            return;
        }
        let argv: Vec<&str> = line.split(' ').collect();
        let (number, generation) = (process as usize, number(changes.of_process(&member.name, process)));
        let (pid, started) = (100 + number + 10 * generation, 2000 + 1000 * generation);
        text += &format!("{} {} {pid} {started}\n", argv[0].trim_end_matches(':'), argv.len());
        argv.iter().for_each(|argument| text += &format!("{}:{argument}\n", argument.len()));
    };
    let common = "/var/snap/microovn/common";
    let keys = |stem: &str| {
        let pki = format!("{common}/data/pki");
        format!("--private-key={pki}/{stem}-privkey.pem --certificate={pki}/{stem}-cert.pem --ca-cert={pki}/cacert.pem")
    };
    let kept = |run: &str, name: &str| {
        format!("--no-chdir --log-file={common}/logs/{name}.log --pidfile={common}/run/{run}//{name}.pid --detach")
    };
    let silent = if member.logs_security() { "" } else { " --disable-security-logging" };
    add(Process::Daemon, &format!("microovnd --verbose --state-dir {common}/state{silent}"));
    if member.running().contains(&Service::Switch) {
        let socket = format!("unix:{common}/run/switch//db.sock");
        let kept = |name| kept("switch", name);
        let line = format!(
            "ovsdb-server {common}/data/switch/db/conf.db -vconsole:emer --remote=p{socket} \
             --private-key=db:Open_vSwitch,SSL,private_key --certificate=db:Open_vSwitch,SSL,certificate \
             --bootstrap-ca-cert=db:Open_vSwitch,SSL,ca_cert {} --monitor",
            kept("ovsdb-server")
        );
        add(Process::SwitchDatabase, &line);
        add(
            Process::Switch,
            &format!("ovs-vswitchd {socket} -vconsole:emer --mlockall {} --monitor", kept("ovs-vswitchd")),
        );
    }
    if member.running().contains(&Service::Central) {
        for (process, short, schema, table) in [
            (Process::Northbound, "nb", "OVN_Northbound", "NB_Global"),
            (Process::Southbound, "sb", "OVN_Southbound", "SB_Global"),
        ] {
            let run = format!("{common}/run/ovn//ovn{short}_db");
            let line = format!(
                "ovsdb-server -vsyslog:info --log-file={common}/logs/ovsdb-server-{short}.log --remote=punix:{run}.sock \
                 --pidfile={run}.pid --unixctl={run}.ctl --remote=db:{schema},{table},connections {} \
                 --ssl-protocols=db:{schema},SSL,ssl_protocols --ssl-ciphers=db:{schema},SSL,ssl_ciphers \
                 {common}/data/central/db/ovn{short}_db.db",
                keys(&format!("ovn{short}"))
            );
            add(process, &line);
        }
        let (nb, sb) = (list(state, 6641), list(state, 6642));
        let kept = kept("ovn", "ovn-northd");
        let keys = keys("ovn-northd");
        let line = format!("ovn-northd {keys} -vsyslog:info --ovnnb-db={nb} --ovnsb-db={sb} {kept}");
        add(Process::Northd, &line);
    }
    if member.running().contains(&Service::Chassis) {
        let kept = kept("ovn", "ovn-controller");
        let keys = keys("ovn-controller");
        let line = format!("ovn-controller unix:{common}/run/switch//db.sock {keys} {kept}");
        add(Process::Controller, &line);
    }
    text
}
