//! A distribution runs where there is no compiler, and elsewhere than it was built; by the script of the action, too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The suite that is run.
const SUITE: &str = "init_cluster_members_1";

/// A folder with a distribution as this checkout gives it, and another for whoever calls it.
struct Unpacked {
    folder: tempfile::TempDir,
}

impl Unpacked {
    fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let unpacked = Self { folder };
        fs::create_dir(unpacked.work()).expect("a folder");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut pack = Command::new(env!("CARGO_BIN_EXE_testkit"));
        pack.current_dir(root).args(["dist", "--unoptimized", "--deb", "--out"]).arg(unpacked.folder.path());
        let packed = said(&pack.output().expect("testkit runs"));
        let archive = packed.0.lines().last().expect("a path").to_owned();
        let (status, said) = unpacked.action("unpack", &[("ARCHIVE", &archive)]);
        assert!(status, "{said}");
        unpacked
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("moved here")
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// A program as on a machine without a compiler, called from elsewhere.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        // The inner runner is none of the outer one's.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NEXTEST") || name.starts_with("CARGO")) {
            command.env_remove(name);
        }
        command.current_dir(self.work()).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    /// The script of the action. Whether it ended well, and what it said.
    fn action(&self, phase: &str, settings: &[(&str, &str)]) -> (bool, String) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github/action/system-tests");
        let mut command = self.command(&script);
        command.arg(phase).env("FOLDER", self.root()).envs(settings.iter().copied());
        let output = command.output().expect("bash runs");
        let (printed, errors) = said(&output);
        (output.status.success(), format!("{printed}{errors}"))
    }
}

fn said(output: &Output) -> (String, String) {
    (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_distribution_tests_where_nothing_can_be_compiled() {
    let unpacked = Unpacked::make();
    let root = unpacked.root();

    let (good, text) = unpacked.action("build", &[]);
    assert_eq!((good, text.as_str()), (true, "development\n"));
    // What runs on nodes is for any node. That all of one that is compiled for others is like that, `testkit dist` looks at itself.
    let programs = fs::read_dir(root.join("images/programs")).expect("programs").map(|it| it.expect("one").path());
    let mut looked = 0;
    for program in programs.map(|folder| folder.join(folder.file_name().expect("a name"))) {
        let linked = Command::new("ldd").arg(&program).output().expect("ldd runs");
        let (printed, errors) = said(&linked);
        let text = format!("{printed}{errors}");
        let alone = ["statically linked", "not a dynamic executable"].iter().any(|words| text.contains(words));
        assert!(alone, "{}: {text}", program.display());
        looked += 1;
    }
    assert_eq!(looked, 3, "both stand-ins and nspush");

    let (good, text) = unpacked.action("prepare", &[]);
    assert!(good, "{text}");
    // As a workflow writes a text of several lines.
    let (good, text) = unpacked.action("run", &[("SUITES", &format!("\n{SUITE}\n")), ("FORBID_SKIPS", "true")]);
    assert!(good, "{text}");
    assert!(text.contains(&format!("{SUITE} ")) && text.contains(" passed"), "{text}");
    let results = unpacked.work().join("results");
    let (good, text) = unpacked.action("collect", &[("RESULTS", &results.display().to_string())]);
    assert!(good, "{text}");
    assert!(text.contains(SUITE), "{text}");
    let junit = fs::read_to_string(results.join("junit.xml")).expect("a JUnit file");
    assert!(junit.contains(&format!("{SUITE}::members")), "{junit}");
    let runs = fs::read_dir(results.join("testkit")).expect("runs").map(|run| run.expect("a run").path());
    assert_eq!(runs.filter(|run| run.join("report.html").is_file()).count(), 1);

    // A package of it has the same, and the command is found.
    let mut packages = fs::read_dir(unpacked.folder.path()).expect("a folder").map(|it| it.expect("one").path());
    let package = packages.find(|path| path.extension().is_some_and(|it| it == "deb")).expect("a package");
    let host = unpacked.folder.path().join("host");
    let extract = Command::new("dpkg-deb").arg("--extract").args([&package, &host]).status().expect("dpkg-deb runs");
    assert!(extract.success());
    let planned = unpacked.command(&host.join("usr/bin/testkit")).arg("plan").output().expect("testkit runs");
    assert!(planned.status.success() && said(&planned).0.contains("init_cluster"), "{}", said(&planned).1);

    // What is named by a path from where it is called is found there.
    let given =
        unpacked.command(&root.join("testkit")).args(["run", SUITE]).env("MICROOVN_SNAP_PATH", "no.snap").output();
    let given = given.expect("testkit runs");
    let errors = said(&given).1;
    assert_eq!(given.status.code(), Some(2), "{errors}");
    assert!(errors.contains(&unpacked.work().join("no.snap").display().to_string()), "{errors}");

    // Any runner of its kind does, with the archive alone.
    let mut runner = unpacked.command(&root.join("bin/cargo-nextest"));
    let test = format!("test(={SUITE}::members)");
    let archive = root.join("suites.tar.zst");
    runner.args(["nextest", "run", "-E", &test, "--archive-file"]).arg(archive).arg("--workspace-remap").arg(&root);
    let output = runner.output().expect("the runner runs");
    let errors = said(&output).1;
    assert!(output.status.success() && errors.contains("1 test run: 1 passed"), "{errors}");

    // An archive is used whole.
    let label = root.join("dist.toml");
    let text = fs::read_to_string(&label).expect("a label").replace("development", "0123456789ab");
    fs::write(&label, text).expect("written");
    let other = unpacked.command(&root.join("testkit")).args(["run", SUITE]).output().expect("testkit runs");
    let errors = said(&other).1;
    assert_eq!(other.status.code(), Some(2), "{errors}");
    assert!(errors.contains("is of build 0123456789ab, and this program is of a checkout"), "{errors}");
}

#[test]
fn what_cannot_be_used_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let unpacked = Unpacked { folder };
    fs::create_dir(unpacked.work()).expect("a folder");
    let archive = unpacked.work().join("archive");
    fs::write(&archive, "no archive").expect("written");
    let archive = archive.display().to_string();
    for (phase, settings, wanted) in [
        ("unpack", &[("ARCHIVE", "none.tar.zst")][..], "there is no archive none.tar.zst"),
        ("unpack", &[("ARCHIVE", &archive), ("SHA256", "00")], ", wanted 00"),
        ("unpack", &[("ARCHIVE", &archive)], "is no archive of a distribution"),
        ("run", &[("TRAFFIC", "maybe")], "TRAFFIC is \"maybe\", which is neither true nor false"),
        ("run", &[("SNAP", "none.snap")], "there is no snap none.snap"),
        ("run", &[("SUITES", " \n ")], "SUITES has only spaces in it"),
        ("collect", &[("RESULTS", "results")], "nothing was run in "),
        ("sweep", &[], "wanted unpack, prepare, plan, run, collect or build; seen sweep"),
    ] {
        let (good, said) = unpacked.action(phase, settings);
        assert!(!good && said.contains(wanted), "no {wanted:?} in {said:?}");
    }
}
