//! The host as a process: booted, watched until it powers off, and gone with everything when this process ends.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use testkit::image::{Error, Program, Progress};

use super::kernel::Kernel;
use super::order::PROGRESS;
use crate::folder::Folder;

/// How the names of the folders of such hosts begin; no others do, such as those of tests that set up a second LXD.
const FOLDER: &str = "testkit-booted-";
/// Between two looks at what the host says.
const LOOK: Duration = Duration::from_millis(500);
/// What its console may print.
const CONSOLE: u64 = 64 << 20;
/// So many mappings one of its processes may have: a page of the host is one in the process that it is in.
const MAPPINGS: u64 = 1 << 20;
/// Runs a kernel below a shell: the first process of a namespace cannot abort itself, as a kernel does that panics.
const BELOW: &str = "LD_PRELOAD=\"$LD_PRELOAD_OF_HOST\" \"$@\"; exit $?";
/// What a kernel says before the reason.
const PANIC: &str = "Kernel panic - not syncing: ";
const MAPPINGS_FILE: &str = "/proc/sys/vm/max_map_count";

/// The folder of one host: what it shares, what it writes to its disk, its console.
pub(super) fn folder() -> io::Result<Folder> {
    let folder = Folder::make(FOLDER)?;
    fs::create_dir(share(&folder))?;
    Ok(folder)
}

/// What is shared with it.
pub(super) fn share(folder: &Folder) -> PathBuf {
    folder.path().join("share")
}

/// What a host is booted with.
#[derive(Debug)]
pub(super) struct Machine<'a> {
    pub(super) kernel: &'a Kernel,
    /// What the kernel is preloaded with.
    pub(super) preload: Option<&'a Path>,
    /// It is not written to.
    pub(super) disk: &'a Path,
    pub(super) memory_mib: u32,
}

/// Boots the host; its console, and whether it has powered off within `patience`. What it says of its progress is passed on.
pub(super) fn run(
    folder: &Folder,
    machine: &Machine<'_>,
    patience: Duration,
    progress: &mut Progress<'_>,
) -> (String, Result<(), Error>) {
    let _mappings = Mappings::raise();
    let args = [
        format!("umid={}", folder.name()),
        format!("uml_dir={}", folder.path().display()),
        format!("mem={}M", machine.memory_mib),
        format!("ubd0={},{}", folder.path().join("disk.cow").display(), machine.disk.display()),
        format!("systemd.setenv=TESTKIT_LAB_SHARE={}", share(folder).display()),
    ];
    let fixed = "root=/dev/ubda rw apparmor=1 security=apparmor lsm=apparmor systemd.unified_cgroup_hierarchy=1 \
                 con=null con0=null,fd:1 con1=null ssl=null";
    let memory = memory_folder(&fs::read_to_string("/proc/self/mounts").unwrap_or_default(), folder.path());
    let mut console = Vec::new();
    let ended = std::thread::scope(|scope| {
        // It ends with the thread that started it, which waits for it.
        let running = scope.spawn(|| {
            let program = Program::new("run the host", "sh").args(["-c", BELOW, "sh"]).arg(&machine.kernel.program);
            let program = program.args(args).args(fixed.split(' ')).contained().env("TMPDIR", &memory);
            let preload = machine.preload.map(Path::as_os_str).unwrap_or_default();
            program.env("LD_PRELOAD_OF_HOST", preload).run_into(&mut console, CONSOLE, patience)
        });
        let mut told = 0;
        while !running.is_finished() {
            told = pass_on(&share(folder).join(PROGRESS), told, progress);
            std::thread::sleep(LOOK);
        }
        pass_on(&share(folder).join(PROGRESS), told, progress);
        running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    (String::from_utf8_lossy(&console).into_owned(), ended.map(drop))
}

/// Why the host's kernel ended itself, as its console has it.
pub(super) fn panic_in(console: &str) -> Option<&str> {
    console.lines().find_map(|line| Some(line.split_once(PANIC)?.1.trim()))
}

/// Passes on the whole lines of a file after the first `told`; how many have been told now.
fn pass_on(path: &Path, told: usize, progress: &mut Progress<'_>) -> usize {
    let text = fs::read_to_string(path).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines: Vec<&str> = whole.lines().collect();
    lines.iter().skip(told).for_each(|line| progress(line));
    told.max(lines.len())
}

/// Where the host's memory is kept: a file that is mapped and run from. In memory where that may be, or else on disk.
fn memory_folder(mounts: &str, otherwise: &Path) -> PathBuf {
    let mut shared = mounts.lines().map(|mount| mount.split(' ').collect::<Vec<_>>());
    let shared = shared.rfind(|fields| fields.get(1) == Some(&"/dev/shm"));
    let runs =
        shared.is_some_and(|fields| fields.get(3).is_some_and(|options| !options.split(',').any(|it| it == "noexec")));
    if runs { PathBuf::from("/dev/shm") } else { otherwise.to_owned() }
}

/// A higher bound on mappings for as long as this lives, where this process may raise it.
struct Mappings(Option<u64>);

impl Mappings {
    fn raise() -> Self {
        let was = fs::read_to_string(MAPPINGS_FILE).ok().and_then(|text| text.trim().parse().ok());
        let low = was.filter(|was: &u64| *was < MAPPINGS);
        Self(low.filter(|_| fs::write(MAPPINGS_FILE, MAPPINGS.to_string()).is_ok()))
    }
}

impl Drop for Mappings {
    fn drop(&mut self) {
        if let Some(was) = self.0 {
            // It could be written before.
            let _ = fs::write(MAPPINGS_FILE, was.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn memory_is_kept_where_programs_may_run() {
        let elsewhere = Path::new("/tmp/x");
        let folder = |options: &str| memory_folder(&format!("tmpfs /dev/shm tmpfs {options} 0 0\n"), elsewhere);
        assert_eq!(folder("rw,relatime"), Path::new("/dev/shm"));
        assert_eq!((folder("rw,noexec").as_path(), memory_folder("", elsewhere).as_path()), (elsewhere, elsewhere));
    }

    #[test]
    fn a_kernel_that_panics_has_ended_and_its_reason_is_found() {
        let folder = folder().expect("a folder");
        let program = folder.path().join("kernel");
        let said = format!("[    0.1] {PANIC}no init");
        fs::write(&program, format!("#!/bin/sh\necho '{said}'\nkill -ABRT $$\nexec sleep 60\n")).expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it can be run");
        let kernel = Kernel { program, modules: PathBuf::new() };
        let machine = Machine { kernel: &kernel, preload: None, disk: Path::new("/dev/null"), memory_mib: 1 };
        let (console, ended) = run(&folder, &machine, Duration::from_secs(120), &mut |_| {});
        let error = ended.expect_err("it did not power off").to_string();
        assert!(!error.contains("did not end"), "{error}");
        assert_eq!(panic_in(&console), Some("no init"), "{console}");
        assert_eq!(panic_in("[    0.1] Run /sbin/init\n"), None);
    }

    #[test]
    fn only_whole_lines_are_passed_on_and_each_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("progress");
        let mut said = Vec::new();
        let mut say = |line: &str| said.push(line.to_owned());
        assert_eq!(pass_on(&path, 0, &mut say), 0);
        fs::write(&path, "one\ntwo\nthr").expect("written");
        let told = pass_on(&path, 0, &mut say);
        fs::write(&path, "one\ntwo\nthree\n").expect("written");
        assert_eq!((told, pass_on(&path, told, &mut say)), (2, 3));
        assert_eq!(said, ["one", "two", "three"]);
    }
}
