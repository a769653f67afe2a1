//! What MicroOVN's services say, wherever they say it.
//!
//! The journal has it on most hosts. On some with AppArmor the services' way to the journal is taken from them when
//! they start; what is left then are the daemons' own log files, and syslog where a member has one.

/// Prints what the snap's services have said; what is asked for is in the first argument. `journal`: what the journal has
/// of their units, and where none of them has a line of its own in there, the log files. `follow`: the same, and what comes
/// after. `files`: the ends of the log files. Systemd's lines about a unit are in the journal of every unit, and are no
/// word of the service: those have the unit that they come from in another field. The other arguments are where units,
/// the snap's data and syslog are.
const SCRIPT: &str = r#"
how=$1 units=$2 common=$3 syslog=$4
shopt -s nullglob
files=()
for file in "$common"/logs/* "$common"/state/*.log "$common"/state/logs/* "$common"/backup_*/logs/* "$syslog"; do
    [ -f "$file" ] && { [ -s "$file" ] || [ "$how" = follow ]; } && files+=("$file")
done
[ "$how" = files ] && { ((${#files[@]})) && exec tail --verbose --lines=5000 -- "${files[@]}"; exit; }
own=()
for unit in "$units"/snap.microovn.*.service; do own+=("_SYSTEMD_UNIT=${unit##*/}"); done
journal=(journalctl --no-pager --quiet --output=short-iso '--unit=snap.microovn.*')
[ "$how" = follow ] && journal+=(--follow)
if ((! ${#files[@]})) || [ -n "$(journalctl --no-pager --quiet --lines=1 "${own[@]}")" ]; then exec "${journal[@]}"; fi
[ "$how" = follow ] && { tail --verbose --lines=+1 --follow=name -- "${files[@]}" & exec "${journal[@]}"; }
"${journal[@]}"
echo "-- the services have no line of their own in the journal; their log files --"
exec tail --verbose --lines=+1 -- "${files[@]}"
"#;
const UNITS: &str = "/etc/systemd/system";
const COMMON: &str = "/var/snap/microovn/common";
const SYSLOG: &str = "/var/log/syslog";

/// What of the services' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// The journal of the services, and their log files where it has none of their own words.
    Journal,
    /// The same, and what comes after, until it is ended.
    Follow,
    /// The ends of their log files.
    Files,
}

impl Words {
    /// The command that prints them on a member.
    pub(crate) fn argv(self) -> Vec<String> {
        self.argv_at(UNITS, COMMON, SYSLOG)
    }

    fn argv_at(self, units: &str, common: &str, syslog: &str) -> Vec<String> {
        let how = match self {
            Self::Journal => "journal",
            Self::Follow => "follow",
            Self::Files => "files",
        };
        ["bash", "-c", SCRIPT, "words", how, units, common, syslog].map(str::to_owned).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::Command;

    use super::*;

    /// A member whose journal has `own` from the services themselves.
    fn member(own: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        };
        write("units/snap.microovn.chassis.service", "");
        write("common/logs/ovn-controller.log", "of the controller\n");
        write("common/logs/ovn-northd.log", "");
        write("syslog", "of syslog\n");
        let fake = format!(
            "#!/bin/sh\ncase \"$*\" in *_SYSTEMD_UNIT=snap.microovn.chassis.service) printf '{own}' ;; \
             *--unit=snap.microovn.*) echo 'systemd[1]: Started'; printf '{own}' ;; esac\n"
        );
        write("bin/journalctl", &fake);
        let program = root.path().join("bin/journalctl");
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("a program");
        root
    }

    fn said(words: Words, root: &Path) -> String {
        let at = |path: &str| root.join(path).display().to_string();
        let argv = words.argv_at(&at("units"), &at("common"), &at("syslog"));
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", at("bin"));
        let output = Command::new(&argv[0]).args(&argv[1..]).env("PATH", path).output().expect("bash runs");
        String::from_utf8_lossy(&output.stdout).replace(&root.display().to_string(), "")
    }

    #[test]
    fn the_journal_is_enough_where_the_services_speak_there() {
        let root = member("ovs|00001|vlog|INFO|opened\\n");
        assert_eq!(said(Words::Journal, root.path()), "systemd[1]: Started\novs|00001|vlog|INFO|opened\n");
    }

    #[test]
    fn where_the_journal_has_only_systemds_lines_the_log_files_are_shown() {
        let root = member("");
        assert_eq!(
            said(Words::Journal, root.path()),
            "systemd[1]: Started\n-- the services have no line of their own in the journal; their log files --\n\
             ==> /common/logs/ovn-controller.log <==\nof the controller\n\n==> /syslog <==\nof syslog\n"
        );
    }

    #[test]
    fn evidence_has_the_log_files_in_any_case() {
        let root = member("ovs|00001|vlog|INFO|opened\\n");
        let files = "==> /common/logs/ovn-controller.log <==\nof the controller\n\n==> /syslog <==\nof syslog\n";
        assert_eq!(said(Words::Files, root.path()), files);
        let nothing = tempfile::tempdir().expect("a folder");
        assert_eq!(said(Words::Files, nothing.path()), "");
    }
}
