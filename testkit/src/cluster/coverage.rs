//! What MicroOVN counted of its own code on members, taken from them before they go, where the folder is that its own tests
//! have it in: `<suite>/<member>/coverage`.
//!
//! A MicroOVN that is built for it (`MICROOVN_COVERAGE="yes"` in its `snapcraft.yaml`) counts in every process and writes when that
//! ends, so the daemon is stopped first.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;

use super::Members;
use crate::lxd::{Client, Exec};
use crate::report::chain;

/// A daemon may be in the middle of something.
const PACK: Duration = Duration::from_secs(120);
const PACKED: &str = "/run/testkit-coverage.tar";

/// Packs all files of all folders of that name: a member that has left the cluster has what it counted before in a backup. Go
/// names files by program, process and time, so that none is there twice.
const SCRIPT: &str = r#"
snap stop microovn.daemon >/dev/null || exit
cd /var/snap/microovn/common || exit
find . -type f -path '*/coverage/*' -print0 |
    tar --create --file="$1" --null --files-from=- --transform='s,.*/,,'
"#;

/// What became of the coverage of a suite's members.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// How many files there are.
    pub files: usize,
    /// Of which members there are none, and why.
    pub missing: Vec<String>,
}

/// Takes what was counted on these members to the folder `to`, one folder a member.
pub async fn collect_coverage(client: &Client, instances: &Members, to: &Path) -> Coverage {
    let members = instances.iter().map(|(member, instance)| async move {
        let taken = take(client, instance, to.join(member).join("coverage")).await;
        taken.map_err(|why| format!("no coverage of {member}: {why}"))
    });
    let mut coverage = Coverage::default();
    for taken in join_all(members).await {
        match taken {
            Ok(files) => coverage.files += files,
            Err(why) => coverage.missing.push(why),
        }
    }
    coverage
}

/// How many files there were.
async fn take(client: &Client, instance: &str, to: PathBuf) -> Result<usize, String> {
    let pack = Exec::new(["bash", "-c", SCRIPT, "coverage", PACKED]).timeout(PACK);
    let packed = client.exec(instance, &pack).await.map_err(|error| chain(&error))?;
    if packed.exit_code != 0 {
        return Err(format!("packing it ended with exit code {}: {}", packed.exit_code, packed.stderr_text().trim()));
    }
    let file = client.pull_file(instance, PACKED).await.map_err(|error| chain(&error))?;
    unpack(&file.content, &to).map_err(|error| format!("it cannot be unpacked to {}: {error}", to.display()))
}

fn unpack(packed: &[u8], to: &Path) -> std::io::Result<usize> {
    std::fs::create_dir_all(to)?;
    let mut files = 0;
    for entry in tar::Archive::new(packed).entries()? {
        // One that would lie elsewhere is left out.
        files += usize::from(entry?.unpack_in(to)?);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    #[test]
    fn what_was_counted_is_packed_wherever_it_is_and_the_daemon_stopped_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let (common, bin) = (folder.path().join("common"), folder.path().join("bin"));
        for (path, text) in
            [("data/coverage/covmeta.1", "m"), ("backup_7/data/coverage/covcounters.1.2.3", "c"), ("data/x", "no")]
        {
            let path = common.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
        // The daemon writes when it is stopped.
        fs::create_dir_all(&bin).expect("made");
        let snap = format!(
            "#!/bin/sh\n[ \"$*\" = 'stop microovn.daemon' ] && echo d >{}/data/coverage/covcounters.1.9.9\n",
            common.display()
        );
        fs::write(bin.join("snap"), snap).expect("written");
        let packed = folder.path().join("packed.tar");
        let script = SCRIPT.replace("/var/snap/microovn/common", &common.display().to_string());
        let chmod = format!("chmod +x {0}/snap; PATH={0}:$PATH", bin.display());
        let status = Command::new("bash").args(["-c", &format!("{chmod}\n{script}"), "coverage"]).arg(&packed).status();
        assert!(status.expect("bash runs").success());
        let to = folder.path().join("suite/member/coverage");
        assert_eq!(unpack(&fs::read(&packed).expect("packed"), &to).expect("unpacked"), 3);
        let mut names: Vec<_> =
            fs::read_dir(&to).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        assert_eq!(names, ["covcounters.1.2.3", "covcounters.1.9.9", "covmeta.1"]);
    }
}
