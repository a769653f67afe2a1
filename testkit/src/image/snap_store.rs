//! Snaps from the snap store.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Progress;
use super::cache::Cache;
use super::error::Error;
use super::hash::Hasher;
use super::program::Program;
use super::requirements;
use super::snap::Snap;

/// How the names of its artifacts in the cache begin, before the snap's.
const STEM: &str = "snap-of-store";
/// How long the store may take to give a snap, of which the largest has some hundred MB.
const PATIENCE: Duration = Duration::from_secs(600);
/// The most that `snap download` says.
const SAID: u64 = 1 << 20;

/// The snap store, by the `snap` command of this host; what it gives is kept in the cache.
pub struct SnapStore<'a> {
    cache: &'a Cache,
    program: &'a str,
}

impl<'a> SnapStore<'a> {
    /// The store, with this cache.
    pub fn new(cache: &'a Cache) -> Self {
        Self { cache, program: "snap" }
    }

    /// MicroOVN's snap of a channel such as `24.03/stable`, as it was fetched last; with `anew` it is fetched again, because a
    /// channel gets other snaps in time.
    ///
    /// # Errors
    /// [`Error::Snap`] when the store does not give it.
    pub fn channel(&self, channel: &str, anew: bool) -> Result<PathBuf, Error> {
        self.fetch("microovn", channel, anew).map_err(|error| Error::Snap {
            path: channel.into(),
            problem: format!(
                "it is taken for a channel of the snap store, and nothing came from there ({})",
                why_not(&error)
            ),
            mend: "name a snap's file with MICROOVN_UPGRADE_FROM; `snap download microovn --channel=…` fetches one where the \
                   store can be reached"
                .to_owned(),
        })
    }

    /// The snaps to install before `snap` on a node that has none: first what neither it nor `given` brings, the snap snapd and
    /// bases, as far as the store gives them, then those given. Also why the store gave no more, where something is lacking
    /// still.
    pub fn supply(&self, snap: &Snap, given: Vec<Snap>, progress: &mut Progress<'_>) -> (Vec<Snap>, Option<String>) {
        let mut before = Vec::new();
        let mut refused = None;
        for name in requirements::missing(&given.iter().chain([snap]).collect::<Vec<_>>()) {
            progress(&format!("taking {name} from the snap store"));
            match self.fetch(&name, "latest/stable", false).and_then(|path| Snap::inspect(&path)) {
                Ok(snap) => before.push(snap),
                Err(error) => {
                    refused = Some(format!("nothing came from the snap store ({})", why_not(&error)));
                    break;
                }
            }
        }
        before.extend(given);
        (before, refused)
    }

    fn fetch(&self, name: &str, channel: &str, anew: bool) -> Result<PathBuf, Error> {
        let hash = Hasher::new(STEM).text("name", name).text("channel", channel).finish();
        // Those of several channels are in use side by side, and none is an old one of another.
        let stem = format!("{STEM}-{name}-{}", channel.replace('/', "_"));
        if anew {
            self.cache.forget(&stem, "snap", &hash)?;
        }
        self.cache.ensure(&stem, "snap", &hash, |made| self.download(name, channel, made))
    }

    fn download(&self, name: &str, channel: &str, made: &Path) -> Result<(), Error> {
        let folder = made.parent().unwrap_or(Path::new("."));
        Program::new("fetch a snap", self.program)
            .args(["download", name, "--basename=artifact"])
            .arg(format!("--channel={channel}"))
            .arg(format!("--target-directory={}", folder.display()))
            .run_bounded(SAID, PATIENCE)
            .map(drop)
    }
}

fn why_not(error: &Error) -> String {
    match error {
        Error::Program { program, status, said, .. } => match said.lines().next_back() {
            Some(last) => last.trim_start_matches("error: ").to_owned(),
            None => format!("{program} {status}"),
        },
        Error::NoProgram { .. } => "this host has no `snap`".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::super::hash::of_file;
    use super::super::snap::Description;
    use super::*;

    fn snap(yaml: &str) -> Snap {
        let description = Description::parse(yaml.as_bytes()).expect("a description");
        description.into_snap(PathBuf::from("/given.snap"), of_file(Path::new("/dev/null")).expect("a hash"))
    }

    /// A `snap` that gives what the folder has by the name of each, and notes what it was asked for.
    fn program(folder: &Path) -> String {
        let path = folder.join("snap");
        let text = format!(
            "#!/bin/sh\ncd '{}' || exit 1\necho \"$2\" >>asked\n[ -f \"$2.snap\" ] || {{ echo \"error: snap \\\"$2\\\" not \
             found\" >&2; exit 1; }}\nexec cp \"$2.snap\" \"${{5#*=}}/artifact.snap\"\n",
            folder.display()
        );
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("a program");
        path.display().to_string()
    }

    fn put(folder: &Path, name: &str, yaml: &str) {
        let tree = folder.join(format!("{name}.tree"));
        fs::create_dir_all(tree.join("meta")).expect("a tree");
        fs::write(tree.join("meta/snap.yaml"), yaml).expect("written");
        let packed = duct::cmd!("mksquashfs", &tree, folder.join(format!("{name}.snap")), "-quiet", "-no-progress");
        packed.stdout_null().run().expect("it is packed");
    }

    #[test]
    fn what_a_node_lacks_is_taken_from_the_store_once_and_comes_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::open(&folder.path().join("cache")).expect("a cache");
        let program = program(folder.path());
        put(folder.path(), "snapd", "name: snapd\nversion: 2.73\ntype: snapd\n");
        put(folder.path(), "core24", "name: core24\nversion: 1\ntype: base\n");
        let store = SnapStore { cache: &cache, program: &program };
        let app = snap("name: microovn\nbase: core24\n");
        let other = snap("name: other\nversion: 1\nbase: none\n");
        for _ in 0..2 {
            let (before, refused) = store.supply(&app, vec![other.clone()], &mut |_| {});
            let names: Vec<&str> = before.iter().map(|snap| snap.name.as_str()).collect();
            assert_eq!((names, refused), (vec!["snapd", "core24", "other"], None));
        }
        assert_eq!(fs::read_to_string(folder.path().join("asked")).expect("it was asked"), "snapd\ncore24\n");

        // What is given is not asked for, and what the store does not have is told.
        let given = vec![snap("name: snapd\nversion: 2.73\ntype: snapd\n")];
        let (before, refused) = store.supply(&snap("name: microovn\nbase: core99\n"), given, &mut |_| {});
        assert_eq!(before.len(), 1);
        assert_eq!(refused.as_deref(), Some("nothing came from the snap store (snap \"core99\" not found)"));
        let none = SnapStore { cache: &cache, program: "no-such-program-here" };
        let (_, refused) = none.supply(&snap("name: microovn\nbase: core98\n"), Vec::new(), &mut |_| {});
        assert_eq!(refused.as_deref(), Some("nothing came from the snap store (this host has no `snap`)"));
    }
}
