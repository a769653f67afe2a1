//! What to run on a member to read each of its surfaces: argv, never a shell line.
//!
//! The placement of options is that of the real tools: `--format` is an option of the whole command line, `--columns`
//! one of each `list`, and `--` starts the next command.

use std::net::{IpAddr, SocketAddr};

use super::LISTENERS;

/// A program and its arguments.
pub type Argv = Vec<String>;

/// Where the control sockets of the OVN databases are.
const OVN_RUN: &str = "/var/snap/microovn/common/run/ovn";

/// The folder of what the daemon knows.
const STATE: &str = "/var/snap/microovn/common/state";

/// The folder of keys and certificates.
pub(crate) const PKI: &str = "/var/snap/microovn/common/data/pki";

/// Says what is in the folder that is its argument. An encrypted key is not asked for its password. Only keys take a
/// process each: there are a dozen files.
const PKI_SCRIPT: &str = r#"
certificates() {
    local line inside=
    while IFS= read -r line || [ "$line" ]; do
        case $line in *-BEGIN\ CERTIFICATE-*) inside=yes ;; esac
        [ "$inside" ] && printf '%s\n' "$line"
        case $line in *-END\ CERTIFICATE-*) inside= ;; esac
    done
}
cd "$1" 2>&1 || exit 0
echo "now $EPOCHSECONDS"
stat -c '== %a %U:%G %Y %n' -- * | while IFS= read -r about; do
    printf '%s\n' "$about"
    file=${about#== * * * }
    case $file in
        *-privkey.pem) openssl pkey -in "$file" -pubout -passin pass: </dev/null 2>&1 ;;
        *) certificates <"$file" ;;
    esac
done
exit 0
"#;
/// Asks every end that is an argument for its databases, in plain TLS, and shows the certificates that it shows. A server that
/// wants a certificate ends the connection at once, and on a slow host later; one that answers is left after a moment. Nothing
/// is verified here, so none of the world's authorities is loaded, which is most of what openssl has to do otherwise.
const LISTENERS_SCRIPT: &str = r#"
for end in "$@"; do
    echo "port ${end##*:}"
    printf '{"id":0,"method":"list_dbs","params":[]}' |
        timeout 10 openssl s_client -no-CAfile -no-CApath -no-CAstore -showcerts -ign_eof -connect "$end" 2>&1 ||
        [ $? != 124 ] || echo "(nothing ended within 10 s)"
    echo
done
exit 0
"#;
/// Prints the certificates of the folder that is its first argument, then those that are shown at the end that is its second.
const API_SCRIPT: &str = r#"
echo own
for file in cluster server; do [ ! -e "$1/$file.crt" ] || printf '%s\n' "$(<"$1/$file.crt")"; done
echo
echo shown
timeout 10 openssl s_client -no-CAfile -no-CApath -no-CAstore -showcerts -connect "$2" </dev/null 2>&1
exit 0
"#;
/// Prints every daemon of MicroOVN that is where it stays, with its process id, when it was started, and the lengths of its arguments, because they may hold any character but NUL.
const DAEMONS_SCRIPT: &str = r#"
exec 2>/dev/null
LC_ALL=C
for process in /proc/[0-9]*; do
    read -r name <"$process/comm" || continue
    case $name in microovnd | ovn-controller | ovn-northd | ovs-vswitchd | ovsdb-server) ;; *) continue ;; esac
    mapfile -d '' -t argv <"$process/cmdline" && ((${#argv[@]})) || continue
    # The 22nd field, counted behind the name in brackets, which may hold spaces.
    stat=$(<"$process/stat") || continue
    read -ra fields <<<"${stat##*) }"
    # One that goes to the background is at first two, until the one that was started has ended: that one is of the session of
    # who started it, the other, or the one that watches over it, has a session of its own.
    if [[ " ${argv[*]} " == *" --detach "* && -e /proc/${fields[3]}/exe ]]; then
        [ "/proc/${fields[3]}/exe" -ef "$process/exe" ] || continue
    fi
    printf '%s %s %s %s\n' "$name" "${#argv[@]}" "${process#/proc/}" "${fields[19]}"
    for argument in "${argv[@]}"; do printf '%s:%s\n' "${#argument}" "$argument"; done
done
exit 0
"#;

/// Prints the network devices, and of the snap what is mounted, runs and lies where only snapd and the snap itself put something.
/// A process is known by its program, by the name that it calls itself, and by the group that snapd or systemd started it in: not
/// by its other arguments, among which this text may be.
const REMAINS_SCRIPT: &str = r#"
exec 2>/dev/null
shopt -s nullglob
sed -n 's/^ *\([^ ]*\): .*/device \1/p' /proc/net/dev || exit
awk '$2 ~ "/snap([^ ]*)[/.]microovn([/.]|$)" { print "mount " $2 }' /proc/self/mounts || exit
for process in /proc/[0-9]*; do
    read -r name <"$process/comm" || continue
    mapfile -d '' -t argv <"$process/cmdline"
    case "$name $(readlink "$process/exe") ${argv[0]} $(<"$process/cgroup")" in
        microovnd\ * | ovn-* | ovs-* | ovsdb-* | */snap/microovn/* | *snap.microovn.*) ;;
        *) continue ;;
    esac
    printf 'process %s %s\n' "${process#/proc/}" "${argv[*]:-$name}"
done
for path in /snap/microovn /var/snap/microovn /snap/bin/microovn* /run/snap.microovn* \
    /etc/systemd/system/snap[.-]microovn[.-]*.{service,socket,timer,mount} /var/lib/snapd/snaps/microovn_*; do
    [ ! -e "$path" ] && [ ! -L "$path" ] || echo "file $path"
done
echo end
"#;

/// Prints the table of `snap services microovn`. snapd asks systemd for every property of every unit by a process of its own, and is
/// asked itself by a program that takes long to start: that is eight times what it takes to ask systemd once. As there, a
/// service is enabled by what starts it, and active while it is reloaded. Where there are no units, snapd says why.
const SERVICES_SCRIPT: &str = r#"
cd /etc/systemd/system || exit
shopt -s nullglob
units=(snap."$1".*.{service,timer})
((${#units[@]})) || exec snap services "$1"
declare -A startup current notes
states=$(systemctl show --property=Id,UnitFileState,ActiveState -- "${units[@]}") || exit
while IFS='=' read -r property value; do
    case $property in
        Id) id=$value ;;
        UnitFileState) [[ $value == enabled || $value == static ]] && enabled=enabled || enabled=disabled ;;
        ActiveState) [[ $value == active || $value == reloading ]] && active=active || active=inactive ;;
        '')
            service=${id#snap.} service=${service%.*}
            if [[ $id == *.timer ]]; then
                startup[$service]=$enabled notes[$service]=timer-activated
            else
                current[$service]=$active startup[$service]=${startup[$service]:-$enabled}
            fi
            ;;
    esac
done <<<"$states"$'\n'
echo 'Service Startup Current Notes'
for service in "${!current[@]}"; do
    echo "$service ${startup[$service]} ${current[$service]} ${notes[$service]:--}"
done
"#;

fn argv(words: &[&str]) -> Argv {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Open_vSwitch, Interface and Bridge of the local switch; read by [`Switch::parse`](crate::ovn::Switch::parse).
pub fn switch() -> Argv {
    argv(&[
        "microovn.ovs-vsctl",
        "--format=json",
        "--columns=external_ids",
        "list",
        "Open_vSwitch",
        "--",
        "--columns=name,type,options",
        "list",
        "Interface",
        "--",
        "--columns=name,datapath_type,datapath_id",
        "list",
        "Bridge",
    ])
}

/// Chassis and Encap of the Southbound; read by [`Southbound::parse`](crate::ovn::Southbound::parse).
pub fn southbound() -> Argv {
    chassis_and_encaps(&["microovn.ovn-sbctl"])
}

/// The same where nobody should answer. It gives up after two seconds by itself, as recorded, where the other servers are gone, and
/// not at all where they keep their connections and say nothing.
pub fn lost_southbound() -> Argv {
    chassis_and_encaps(&["microovn.ovn-sbctl", "--timeout=8"])
}

fn chassis_and_encaps(program: &[&str]) -> Argv {
    let words = [
        "--format=json",
        "--columns=_uuid,name,hostname,encaps",
        "list",
        "Chassis",
        "--",
        "--columns=_uuid,chassis_name,ip,type,options",
        "list",
        "Encap",
    ];
    argv(&[program, &words[..]].concat())
}

/// The local Northbound server's cluster; read by [`RaftStatus::parse`](crate::ovn::RaftStatus::parse).
pub fn northbound_raft() -> Argv {
    raft("ovnnb_db.ctl", "OVN_Northbound")
}

/// The local Southbound server's cluster; read by [`RaftStatus::parse`](crate::ovn::RaftStatus::parse).
pub fn southbound_raft() -> Argv {
    raft("ovnsb_db.ctl", "OVN_Southbound")
}

fn raft(socket: &str, database: &str) -> Argv {
    argv(&["microovn.ovn-appctl", "-t", &format!("{OVN_RUN}/{socket}"), "cluster/status", database])
}

/// The cluster's members; read by [`parse_members`](super::parse_members).
pub fn members() -> Argv {
    argv(&["microovn", "cluster", "list", "--format", "json"])
}

/// The snap's services, for a person.
pub fn services() -> Argv {
    argv(&["snap", "services", "microovn"])
}

/// The same as a table of the same form; read by [`parse_services`](super::parse_services).
pub fn services_table() -> Argv {
    argv(&["bash", "-c", SERVICES_SCRIPT, "services", "microovn"])
}

/// The version of the snap; read by [`parse_snap_version`](super::parse_snap_version).
pub fn snap_version() -> Argv {
    argv(&["snap", "list", "microovn"])
}

/// What MicroOVN says of the databases; read by [`Status::parse`](super::Status::parse).
pub fn status() -> Argv {
    argv(&["microovn", "status"])
}

/// The version of the schema that the local Northbound server has.
pub fn northbound_schema() -> Argv {
    schema("ovnnb_db.sock", "OVN_Northbound")
}

/// The version of the schema that the local Southbound server has.
pub fn southbound_schema() -> Argv {
    schema("ovnsb_db.sock", "OVN_Southbound")
}

fn schema(socket: &str, database: &str) -> Argv {
    let server = format!("unix:{OVN_RUN}/{socket}");
    argv(&["microovn.ovsdb-client", "--timeout=30", "get-schema-version", &server, database])
}

/// What is connected to the snap's plugs; read by [`Plugs::parse`](super::Plugs::parse).
pub fn plugs() -> Argv {
    argv(&["snap", "connections", "microovn"])
}

/// The services' environment; read by [`OvnEnv::parse`](super::OvnEnv::parse).
pub fn ovn_env() -> Argv {
    argv(&["cat", "/var/snap/microovn/common/data/env/ovn.env"])
}

/// How the services have fared since the boot; read by [`Health::parse`](super::Health::parse).
pub fn health() -> Argv {
    super::health::argv()
}

/// What is left of a snap that was removed; read by [`Remains::parse`](super::Remains::parse).
pub fn remains() -> Argv {
    argv(&["bash", "-c", REMAINS_SCRIPT, "remains"])
}

/// ovn-northd's argv; read by [`Northd::parse`](super::Northd::parse). `-ww` because ps may cut lines at 80 columns
/// when it does not print to a terminal (ps(1), "-w").
pub fn northd() -> Argv {
    argv(&["ps", "-ww", "-C", "ovn-northd", "-o", "args="])
}

/// The network devices; read by [`parse_devices`](super::parse_devices).
pub fn addresses() -> Argv {
    argv(&["ip", "-j", "address", "show"])
}

/// The way to `peer`; read by [`Route::parse`](super::Route::parse).
pub fn route(peer: IpAddr) -> Argv {
    argv(&["ip", "-j", "route", "get", &peer.to_string()])
}

/// The folder of keys and certificates; read by [`Pki::parse`](super::Pki::parse). Private keys stay on the member: of a
/// key's file only the public key that belongs to it is printed, of the others only certificates.
pub fn pki() -> Argv {
    argv(&["bash", "-c", PKI_SCRIPT, "pki", PKI])
}

/// The certificates as MicroOVN lists them; read by [`CertificateList::parse`](super::CertificateList::parse).
pub fn certificate_list() -> Argv {
    argv(&["microovn", "certificates", "list", "--format", "json"])
}

/// The same as text; read by [`CertificateList::parse_text`](super::CertificateList::parse_text).
pub fn certificate_text() -> Argv {
    argv(&["microovn", "certificates", "list"])
}

/// What the daemon shows at `end`, its address; read by [`Api::parse`](super::Api::parse).
pub fn api(end: SocketAddr) -> Argv {
    argv(&["bash", "-c", API_SCRIPT, "api", STATE, &end.to_string()])
}

/// What the database servers at `address` show and answer a client without a certificate; read by
/// [`Listener::parse_all`](super::Listener::parse_all).
pub fn listeners(address: IpAddr) -> Argv {
    let ends = LISTENERS.map(|port| SocketAddr::new(address, port).to_string());
    [&argv(&["bash", "-c", LISTENERS_SCRIPT, "listeners"])[..], &ends].concat()
}

/// The daemons and their arguments; read by [`Daemon::parse_all`](super::Daemon::parse_all).
pub fn daemons() -> Argv {
    argv(&["bash", "-c", DAEMONS_SCRIPT, "daemons"])
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use super::*;
    use crate::microovn::{Daemon, Pki, PkiContent};

    #[test]
    fn a_daemon_that_is_not_yet_in_the_background_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("ovn-northd");
        fs::copy("/usr/bin/perl", &program).expect("a program of that name");
        // It says which process it is once it runs, and ends when nobody is there to write to it.
        let said = [program.to_str().expect("a path"), "-e", "$| = 1; print \"$$\\n\"; <STDIN>", "--", "--detach"];
        let listed = |by: &[&str]| {
            // Of a session of its own, or of one whose leader is there: what leads the session of the tests may have ended.
            let mut command = Command::new("setsid");
            command.args(by).args(said).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = command.spawn().expect("it runs");
            let mut process = String::new();
            BufReader::new(child.stdout.take().expect("its words")).read_line(&mut process).expect("its process");
            let argv = daemons();
            let output = Command::new(&argv[0]).args(&argv[1..]).output().expect("bash runs");
            let seen = Daemon::parse_all(&String::from_utf8_lossy(&output.stdout)).expect("daemons");
            drop(child.stdin.take());
            child.wait().expect("it ends");
            seen.iter().any(|daemon| daemon.identity.0.to_string() == process.trim())
        };
        assert!(!listed(&["bash", "-c", r#""$@"; true"#, "bash"]), "it is of the session of what started it");
        assert!(listed(&[]), "it has a session of its own");
    }

    #[test]
    fn of_the_folder_of_keys_only_what_is_public_is_printed() {
        let folder = tempfile::tempdir().expect("a folder");
        let openssl = "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=a -out made.pem -keyout";
        let mut make = Command::new("openssl");
        make.current_dir(&folder).args(openssl.split(' ')).arg("a b-privkey.pem");
        assert!(make.output().expect("openssl runs").status.success());
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("a file");
        let (secret, certificate) = (read("a b-privkey.pem"), read("made.pem"));
        fs::write(folder.path().join("a-cert.pem"), format!("text\n{certificate}{secret}{}", certificate.trim_end()))
            .expect("written");
        fs::write(folder.path().join("b-privkey.pem"), "no key\n").expect("written");
        let mut argv = pki();
        *argv.last_mut().expect("the folder") = folder.path().display().to_string();
        let output = Command::new(&argv[0]).args(&argv[1..]).output().expect("bash runs");
        let printed = String::from_utf8(output.stdout).expect("text");
        assert!(secret.lines().all(|line| line.contains("PRIVATE") || !printed.contains(line)), "{printed}");
        assert!(!printed.contains("PRIVATE KEY"), "{printed}");
        let seen = Pki::parse(&printed).expect("the folder");
        let content = |name: &str| &seen.files[name].content;
        assert!(matches!(content("a-cert.pem"), PkiContent::Certificates(all) if all.len() == 2), "{seen:?}");
        assert!(matches!(content("a b-privkey.pem"), PkiContent::Key(_)), "{seen:?}");
        assert!(matches!(content("b-privkey.pem"), PkiContent::Unusable(_)), "{seen:?}");
    }
}
