//! The inputs that images and snaps share: a bootstrap of packages, and static programs of this workspace.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use serde::Deserialize;

use super::cache::Cache;
use super::error::Error;
use super::hash::{Hash, Hasher, sorted};
use super::program::Program;
use super::recipe::Workspace;
use super::unprivileged::{Obstacle, obstacle};
use crate::cargo;
use crate::config::StandIn;
use crate::dist;

/// Raised when a bootstrap is run in another way, so that cached ones are not used.
const BOOTSTRAP_VERSION: &str = "bootstrap 1";

/// Raised when programs are built in another way from the same sources.
const PROGRAMS_VERSION: &str = "programs 1";

/// What a bootstrap is for: the node image, and the snapd snap of the same version; or the base and the stand-in.
pub(crate) const FOR_NODE: &str = "node";
pub(crate) const FOR_SNAPS: &str = "snaps";
/// And the LXD of members on which it makes networks.
pub(crate) const FOR_LXD: &str = "lxd";

/// Told in a few words what is being made.
pub type Progress<'a> = dyn FnMut(&str) + 'a;

/// A piece of work that says what it does.
pub(crate) type Job<'a> = &'a (dyn Fn(&mut Progress<'_>) -> Result<(), Error> + Sync);

/// Runs jobs that need nothing of each other all at once, and returns when all have ended, with the error of the first
/// that failed. What they say is passed on as it comes.
pub(crate) fn at_once(jobs: &[Job<'_>], progress: &mut Progress<'_>) -> Result<(), Error> {
    let (say, said) = mpsc::channel::<String>();
    std::thread::scope(|scope| {
        let mut running = Vec::new();
        for job in jobs {
            let say = say.clone();
            // Who listens does so until all have ended.
            running.push(scope.spawn(move || job(&mut |text| drop(say.send(text.to_owned())))));
        }
        drop(say);
        said.iter().for_each(|text| progress(&text));
        let ended: Vec<_> = running.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        ended.into_iter().try_for_each(|ended| ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// A tar of the essential packages of `suite` and of `packages` with what they depend on. The packages come from
/// where the host's own do.
///
/// Each is kept apart by what it is `for_what`, and of which suite: no cleaning of the cache takes one for an old one of another.
pub(crate) fn bootstrap(
    cache: &Cache,
    for_what: &str,
    suite: &str,
    packages: &[String],
    exclude: &[String],
    progress: &mut Progress<'_>,
) -> Result<PathBuf, Error> {
    cache.ensure(&bootstrap_stem(for_what, suite), "tar", &bootstrap_hash(suite, packages, exclude), |made| {
        progress(&format!("bootstrapping {suite} with {} packages", packages.len()));
        bootstrap_to(cache, suite, packages, exclude, made)
    })
}

/// Makes the tar of `bootstrap` at `made`, in the folder where the cache makes an artifact.
///
/// # Errors
/// When packages cannot be fetched or unpacked.
pub fn bootstrap_to(
    cache: &Cache,
    suite: &str,
    packages: &[String],
    exclude: &[String],
    made: &Path,
) -> Result<(), Error> {
    if let Some(Obstacle { problem, command }) = obstacle() {
        return Err(Error::Unprivileged { suite: suite.to_owned(), problem, command });
    }
    let attempt = format!("bootstrap {suite}");
    let scratch = cache.scratch_elsewhere(made)?;
    let bootstrapped = Program::new(&attempt, "mmdebstrap")
        .args(["--variant=essential", "--format=tar"])
        .arg(format!("--include={}", packages.join(",")))
        .arg("--aptopt=APT::Install-Recommends \"false\"")
        .args(exclude.iter().map(|pattern| format!("--dpkgopt=path-exclude={pattern}")))
        .arg(suite)
        .arg(made)
        .args(host_sources(suite))
        .env("TMPDIR", scratch.path())
        .contained()
        .run();
    bootstrapped.map(drop).and(scratch.remove())
}

fn bootstrap_stem(for_what: &str, suite: &str) -> String {
    format!("bootstrap-{suite}-{for_what}")
}

fn bootstrap_hash(suite: &str, packages: &[String], exclude: &[String]) -> Hash {
    Hasher::new(BOOTSTRAP_VERSION)
        .text("suite", suite)
        .text("packages", &packages.join(","))
        .text("exclude", &exclude.join(","))
        .text("architecture", std::env::consts::ARCH)
        .finish()
}

/// Whether [`bootstrap`] can be had: it is in the cache, or the mirror serves the suite.
pub(crate) fn has_bootstrap(
    cache: &Cache,
    for_what: &str,
    suite: &str,
    packages: &[String],
    exclude: &[String],
) -> bool {
    cache.has(&bootstrap_stem(for_what, suite), "tar", &bootstrap_hash(suite, packages, exclude)) || is_served(suite)
}

/// Asks where [`bootstrap`] would fetch `suite` for its index, as apt would: with the host's proxies. Of a host that has no
/// such source mmdebstrap knows where to go, and one suite is there as the other is.
fn is_served(suite: &str) -> bool {
    let sources = host_sources(suite);
    let Some(mirror) = mirror_of(suite, &sources) else { return true };
    let url = format!("{}/dists/{suite}/InRelease", mirror.trim_end_matches('/'));
    let Ok(folder) = tempfile::tempdir() else { return false };
    let asked = Program::new("ask the mirror", "/usr/lib/apt/apt-helper")
        .args(["-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10", "-o", "Acquire::https::Timeout=10"])
        .args(["download-file", &url])
        .arg(folder.path().join("InRelease"))
        .run_bounded(1 << 16, Duration::from_secs(30));
    asked.is_ok()
}

/// Where a suite is, not its updates, of entries of a `sources.list`.
fn mirror_of<'a>(suite: &str, sources: &'a [String]) -> Option<&'a str> {
    let words = sources.iter().map(|entry| entry.split(' ').collect::<Vec<_>>());
    let mut suites = words.filter(|words| words.contains(&suite));
    suites.find_map(|words| words.into_iter().find(|word| word.contains("://")))
}

/// The host's own sources of `suite`, for a host that takes its packages from a mirror of its own. A mirror that has
/// another suite of these is asked for this one. None where the host runs another distribution: mmdebstrap then knows
/// where to go.
fn host_sources(suite: &str) -> Vec<String> {
    let listed = Program::new("list the host's package sources", "apt-get")
        .args(["indextargets", "--format", "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(SIGNED_BY)", "Created-By: Packages"])
        .run();
    listed.map(|lines| sources_like(suite, &String::from_utf8_lossy(&lines))).unwrap_or_default()
}

/// [`sources_of`], and where there are none those of another suite of the distribution, for this one.
fn sources_like(suite: &str, lines: &str) -> Vec<String> {
    let others = StandIn::WORDS.iter().filter(|word| **word != suite);
    let others = others.map(|other| lines.replace(&format!("|{other}"), &format!("|{suite}")));
    let mut found = [lines.to_owned()].into_iter().chain(others).map(|lines| sources_of(suite, &lines));
    found.find(|sources| !sources.is_empty()).unwrap_or_default()
}

/// The lines that are of `suite` or of its updates, as entries of a `sources.list`.
fn sources_of(suite: &str, lines: &str) -> Vec<String> {
    let entry = |line: &str| {
        let [uri, release, component, signed_by] = line.split('|').collect::<Vec<_>>()[..] else {
            return None;
        };
        let of_suite = release.strip_prefix(suite).is_some_and(|rest| matches!(rest, "" | "-updates" | "-security"));
        // A key in the entry itself would need the other format; such an entry is left out.
        let option = match signed_by {
            // Versions of apt that do not know the field print it back.
            "" | "$(SIGNED_BY)" => String::new(),
            path if path.starts_with('/') && !path.contains([' ', '\n']) => format!(" [signed-by={path}]"),
            _ => return None,
        };
        of_suite.then(|| format!("deb{option} {uri} {release} {component}"))
    };
    let entries: BTreeSet<String> = lines.lines().filter_map(entry).collect();
    // Updates alone are no distribution.
    let complete = entries.iter().any(|entry| entry.split(' ').any(|word| word == suite));
    if complete { entries.into_iter().collect() } else { Vec::new() }
}

/// The programs of [`static_programs`] by name, from the cache where nothing they are built from has changed: even
/// when it has nothing to do, cargo takes longer than everything else in finding a golden image.
pub(crate) fn cached_programs(
    workspace: &Workspace,
    cache: &Cache,
    package: &str,
    progress: &mut Progress<'_>,
) -> Result<Vec<(String, PathBuf)>, Error> {
    let root = workspace.root();
    if let Some(brought) = brought(workspace, package) {
        return named(&brought);
    }
    let hash = Hasher::new(PROGRAMS_VERSION)
        .text("package", package)
        .text("architecture", std::env::consts::ARCH)
        .file("workspace", &root.join("Cargo.toml"))?
        .file("lock", &root.join("Cargo.lock"))?
        .folder("images", &root.join("images"))?
        .finish();
    let folder = cache.ensure(&format!("programs-{package}"), "d", &hash, |made| {
        progress(&format!("building {package}"));
        fs::create_dir(made).map_err(Error::file("create", made))?;
        for (name, program) in static_programs(workspace, package)? {
            fs::copy(&program, made.join(name)).map_err(Error::file("copy", &program))?;
        }
        Ok(())
    })?;
    named(&folder)
}

/// Where the programs are that a distribution brings.
fn brought(workspace: &Workspace, package: &str) -> Option<PathBuf> {
    Some(dist::programs(workspace.root(), package)).filter(|folder| folder.is_dir())
}

/// The files of a folder, by name.
fn named(folder: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let files = sorted(folder)?.into_iter().map(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (name, path)
    });
    Ok(files.collect())
}

/// Builds the program of a crate of the workspace, both of one name, linked statically so that it runs in any root file
/// system.
///
/// It is built of the whole workspace and for development, as this command itself, into the same folder: what both depend on
/// has been compiled already, and only the program itself is another one, which gets a place of its own. Before 1.91 cargo
/// knows one folder for both, and compiles all of it there. Inside a node the program mostly waits.
pub(crate) fn static_programs(workspace: &Workspace, package: &str) -> Result<Vec<(String, PathBuf)>, Error> {
    if let Some(brought) = brought(workspace, package) {
        return named(&brought);
    }
    let target = workspace.target()?;
    let output = Program::new(&format!("build {package}"), "cargo")
        .args(["build", "--locked", "--message-format=json-render-diagnostics", "--workspace", "--bin", package])
        .tied()
        .run_with(|cargo| {
            cargo::by_hand(cargo)
                .dir(workspace.root())
                .env("RUSTC_WORKSPACE_WRAPPER", workspace.static_rustc())
                .env("CARGO_BUILD_BUILD_DIR", &target)
                .env("CARGO_TARGET_DIR", target.join("static"))
                .stdin_null()
        })?;
    let mut programs: Vec<(String, PathBuf)> = Vec::new();
    for line in String::from_utf8_lossy(&output).lines() {
        let Ok(Message::CompilerArtifact { target, executable: Some(executable) }) = serde_json::from_str(line) else {
            continue;
        };
        programs.push((target.name, executable));
    }
    programs.sort();
    if programs.is_empty() {
        let problem = format!("the crate {package} has no programs");
        return Err(Error::Recipe { recipe: "programs", problem });
    }
    Ok(programs)
}

/// What cargo says of an artifact; see "Artifact Messages" under "External tools" in the Cargo book.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        target: Target,
        executable: Option<PathBuf>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// The distribution's name of the architecture this runs on.
pub fn debian_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "i386",
        "aarch64" => "arm64",
        "arm" => "armhf",
        "powerpc64" => "ppc64el",
        other => other,
    }
}

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(Error::file("read", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_run_side_by_side_and_the_first_that_failed_is_told() {
        // Neither goes on before the other has come this far.
        let both = std::sync::Barrier::new(2);
        let meet = |name: &str, progress: &mut Progress<'_>| {
            progress(name);
            both.wait();
        };
        let good: Job<'_> = &|progress| {
            meet("good", progress);
            Ok(())
        };
        let bad: Job<'_> = &|progress| {
            meet("bad", progress);
            Err(Error::Recipe { recipe: "programs", problem: "none".to_owned() })
        };
        let mut said = Vec::new();
        let ended = at_once(&[good, bad], &mut |text| said.push(text.to_owned()));
        said.sort();
        assert_eq!(said, ["bad", "good"]);
        assert!(ended.is_err_and(|error| error.to_string().contains("none")));
    }

    #[test]
    fn cleaning_the_cache_leaves_the_bootstraps_of_the_node_and_of_every_release() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::open(root.path()).unwrap();
        let kept = [(FOR_NODE, "bookworm"), (FOR_LXD, "bookworm"), (FOR_SNAPS, "bookworm"), (FOR_SNAPS, "trixie")];
        let make = |path: &Path| fs::write(path, "").map_err(Error::file("write", path));
        for (for_what, suite) in kept {
            for packages in ["old", "new"] {
                let hash = bootstrap_hash(suite, &[packages.to_owned()], &[]);
                let made = cache.ensure(&bootstrap_stem(for_what, suite), "tar", &hash, make).unwrap();
                let day =
                    std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(if packages == "old" { 0 } else { 9 });
                fs::File::options().write(true).open(made).unwrap().set_modified(day).unwrap();
            }
        }
        cache.keep_newest().unwrap();
        for (for_what, suite) in kept {
            let has = |packages: &str| {
                cache.has(&bootstrap_stem(for_what, suite), "tar", &bootstrap_hash(suite, &[packages.to_owned()], &[]))
            };
            assert!(has("new") && !has("old"), "{for_what} {suite}");
        }
    }

    #[test]
    fn a_mirror_is_asked_for_the_suite_and_for_another_one_of_the_distribution() {
        let lines = "\
http://mirror.example/debian-security/|bookworm-security|main|$(SIGNED_BY)
http://mirror.example/debian/|bookworm|main|$(SIGNED_BY)
http://other.example/|nodistro|main|
";
        for suite in ["bookworm", "trixie"] {
            let sources = sources_like(suite, lines);
            let security = format!("deb http://mirror.example/debian-security/ {suite}-security main");
            assert_eq!(sources, [security, format!("deb http://mirror.example/debian/ {suite} main")]);
            assert_eq!(mirror_of(suite, &sources), Some("http://mirror.example/debian/"));
        }
        assert_eq!(sources_like("trixie", "http://mirror.example/ubuntu/|noble|main|"), Vec::<String>::new());
    }

    #[test]
    fn the_hosts_sources_are_used_for_its_own_suite_only() {
        let lines = "\
http://mirror.example/debian/|bookworm|main|/usr/share/keyrings/debian.gpg
http://mirror.example/debian/|bookworm|main|/usr/share/keyrings/debian.gpg
http://mirror.example/debian/|bookworm-updates|main|$(SIGNED_BY)
http://mirror.example/debian/|bookworm-backports|main|
http://other.example/|nodistro|main|/etc/apt/other.gpg
";
        let expected = [
            "deb [signed-by=/usr/share/keyrings/debian.gpg] http://mirror.example/debian/ bookworm main",
            "deb http://mirror.example/debian/ bookworm-updates main",
        ];
        assert_eq!(sources_of("bookworm", lines), expected);
        assert_eq!(sources_of("trixie", lines), Vec::<String>::new());
        let updates = "http://mirror.example/debian/|bookworm-updates|main|";
        assert_eq!(sources_of("bookworm", updates), Vec::<String>::new());
    }
}
