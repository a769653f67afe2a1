//! Kernel limits and device nodes that many nodes at a time need.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::state::State;

/// Path below `/proc/sys`, the least value, and what fails below it.
const LIMITS: [(&str, u64, &str); 3] = [
    // All unprivileged instances share one mapped root, and each takes about 28 keys.
    ("kernel/keys/maxkeys", 2000, "units of the seventh node fail with KEYRING"),
    ("kernel/keys/maxbytes", 2_000_000, "units of the seventh node fail with KEYRING"),
    // Each node takes about ten.
    ("fs/inotify/max_user_instances", 1024, "networkd and udevd of the thirteenth node fail"),
];

/// Read and write for others, as nodes are.
const OPEN_TO_ALL: u32 = 0o006;

/// Device nodes that udev opens to all, where it runs; the kernel alone does not.
const DEVICES: [&str; 2] = ["/dev/fuse", "/dev/net/tun"];

/// The limits that are too low: `kernel.keys.maxkeys`, its value, the least value, and what fails.
pub(super) fn too_low() -> impl Iterator<Item = (String, u64, u64, &'static str)> {
    LIMITS.into_iter().filter_map(|(name, least, otherwise)| {
        let value = read_number(&Path::new("/proc/sys").join(name)).ok()??;
        (value < least).then(|| (name.replace('/', "."), value, least, otherwise))
    })
}

/// The device nodes that nodes cannot open.
pub(super) fn closed_devices() -> impl Iterator<Item = PathBuf> {
    let open = |device: &PathBuf| {
        fs::metadata(device).is_ok_and(|metadata| metadata.permissions().mode() & OPEN_TO_ALL == OPEN_TO_ALL)
    };
    DEVICES.map(PathBuf::from).into_iter().filter(move |device| !open(device))
}

/// The kernel of this host: where its limits and device nodes are, and how they are changed.
pub(super) struct Kernel {
    limits: PathBuf,
    devices: PathBuf,
    root: bool,
    set_limit: Box<SetLimit>,
    set_mode: fn(&Path, u32) -> io::Result<()>,
}

type SetLimit = dyn Fn(&Path, u64) -> io::Result<()>;

impl Kernel {
    /// That of this host, for this user.
    pub(super) fn here() -> Self {
        Self {
            limits: "/proc/sys".into(),
            devices: "/".into(),
            root: is_root(),
            set_limit: Box::new(|path, value| fs::write(path, value.to_string())),
            set_mode: |path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)),
        }
    }

    /// Raises what is too low. Without the right to, says so in `advice`: a user who is not root, and root in a container,
    /// whose kernel is another root's.
    pub(super) fn raise(
        &self,
        state: &mut State,
        changes: &mut Vec<String>,
        advice: &mut Vec<String>,
    ) -> Result<(), Error> {
        for (name, least, otherwise) in LIMITS {
            let path = self.limits.join(name);
            let Some(value) = read_number(&path)? else { continue };
            if value >= least {
                continue;
            }
            let key = name.replace('/', ".");
            let told = format!("{key} is {value}, and {otherwise}: ");
            if !self.root {
                advice.push(format!("{told}`sudo sysctl -w {key}={least}`"));
                continue;
            }
            // Written down before it is changed; what is not changed is no business of a teardown.
            let known = state.limits.contains_key(name);
            state.limits.entry(name.to_owned()).or_insert(value);
            state.save()?;
            match (self.set_limit)(&path, least) {
                Ok(()) => changes.push(format!("raised {key} from {value} to {least}")),
                Err(error) if is_forbidden(&error) => {
                    if !known {
                        state.limits.remove(name);
                        state.save()?;
                    }
                    advice
                        .push(format!("{told}`sysctl -w {key}={least}` on the host that this runs on ({error} here)"));
                }
                Err(error) => return Err(Error::file("write", &path)(error)),
            }
        }
        for device in DEVICES.map(Path::new) {
            // It is shown by its own name, wherever it is looked for.
            let (shown, device) = (device.display(), self.devices.join(device.strip_prefix("/").unwrap_or(device)));
            let Ok(metadata) = fs::metadata(&device) else {
                advice.push(format!("{shown} is missing: nodes need the kernel's driver for it"));
                continue;
            };
            let mode = metadata.permissions().mode() & 0o777;
            if mode & OPEN_TO_ALL == OPEN_TO_ALL {
                continue;
            }
            if !self.root {
                advice.push(format!("{shown} is closed to nodes: `sudo chmod 0666 {shown}`"));
                continue;
            }
            let known = state.modes.contains_key(&device);
            state.modes.entry(device.clone()).or_insert(mode);
            state.save()?;
            match (self.set_mode)(&device, 0o666) {
                Ok(()) => changes.push(format!("opened {shown} to nodes")),
                Err(error) if is_forbidden(&error) => {
                    if !known {
                        state.modes.remove(&device);
                        state.save()?;
                    }
                    let mend = format!("`chmod 0666 {shown}` on the host that this runs on ({error} here)");
                    advice.push(format!("{shown} is closed to nodes: {mend}"));
                }
                Err(error) => return Err(Error::file("open up", &device)(error)),
            }
        }
        Ok(())
    }
}

/// Whether the kernel will not have it of this user, or of anybody in this container: EACCES, EPERM, EROFS.
fn is_forbidden(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// Puts back what [`Kernel::raise`] changed.
pub(super) fn restore(state: &mut State, changes: &mut Vec<String>) -> Result<(), Error> {
    while let Some((name, value)) = state.limits.pop_first() {
        let path = Path::new("/proc/sys").join(&name);
        fs::write(&path, value.to_string()).map_err(Error::file("write", &path))?;
        changes.push(format!("restored {} to {value}", name.replace('/', ".")));
        state.save()?;
    }
    while let Some((device, mode)) = state.modes.pop_first() {
        if device.exists() {
            fs::set_permissions(&device, fs::Permissions::from_mode(mode)).map_err(Error::file("close", &device))?;
            changes.push(format!("closed {} as it was", device.display()));
        }
        state.save()?;
    }
    Ok(())
}

/// Fails where what a setup as root wrote down has to be undone, and this user may not.
pub(super) fn check_undoable(state: &State) -> Result<(), Error> {
    let empty = state.limits.is_empty() && state.modes.is_empty() && state.daemons.is_empty();
    if empty || is_root() {
        return Ok(());
    }
    let problem = "root set this host up, and only root can put it back".to_owned();
    let program = std::env::current_exe().map_or_else(|_| "testkit".to_owned(), |path| path.display().to_string());
    Err(Error::Host { problem, mend: format!("run `sudo {program} teardown`") })
}

/// Whether this process may change the host.
pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The number in a file; `None` where the kernel has no such limit.
fn read_number(path: &Path) -> Result<Option<u64>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.trim().parse().ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file("read", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    /// A kernel with the least limits of all and closed devices, of root, who may do nothing for the reason given.
    fn kernel(folder: &Path, set_limit: impl Fn(&Path, u64) -> io::Result<()> + 'static) -> Kernel {
        for (name, ..) in LIMITS {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "128\n").unwrap();
        }
        for device in DEVICES {
            let path = folder.join(device.trim_start_matches('/'));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let set_mode = |_: &Path, _| Err(Errno::PERM.into());
        Kernel {
            limits: folder.to_owned(),
            devices: folder.to_owned(),
            root: true,
            set_limit: Box::new(set_limit),
            set_mode,
        }
    }

    #[rstest::rstest]
    #[case::of_another_user_namespace(Errno::ACCESS)]
    #[case::without_the_capability(Errno::PERM)]
    #[case::mounted_read_only(Errno::ROFS)]
    fn root_of_a_container_is_advised_and_nothing_is_written_down(#[case] refused: Errno) {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::load(folder.path()).unwrap();
        let (mut changes, mut advice) = (Vec::new(), Vec::new());
        kernel(folder.path(), move |_, _| Err(refused.into())).raise(&mut state, &mut changes, &mut advice).unwrap();
        assert_eq!(changes, Vec::<String>::new());
        assert_eq!(advice.len(), LIMITS.len() + DEVICES.len(), "{advice:?}");
        assert!(advice[0].starts_with("kernel.keys.maxkeys is 128, and "), "{advice:?}");
        assert!(advice[0].contains("`sysctl -w kernel.keys.maxkeys=2000` on the host that this runs on"), "{advice:?}");
        assert!(advice[3].contains("`chmod 0666 /dev/fuse` on the host"), "{advice:?}");
        let kept = State::load(folder.path()).unwrap();
        assert!(kept.limits.is_empty() && kept.modes.is_empty());
    }

    #[test]
    fn another_failure_is_told_as_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::load(folder.path()).unwrap();
        let kernel = kernel(folder.path(), |_, _| Err(Errno::INVAL.into()));
        let failed = kernel.raise(&mut state, &mut Vec::new(), &mut Vec::new());
        assert!(matches!(failed, Err(Error::File { attempt: "write", .. })), "{failed:?}");
    }

    #[test]
    fn who_is_not_root_is_told_what_root_types() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::load(folder.path()).unwrap();
        let (mut changes, mut advice) = (Vec::new(), Vec::new());
        let kernel = Kernel { root: false, ..kernel(folder.path(), |_, _| panic!("a limit was written")) };
        kernel.raise(&mut state, &mut changes, &mut advice).unwrap();
        assert!(advice[0].ends_with("`sudo sysctl -w kernel.keys.maxkeys=2000`"), "{advice:?}");
        assert_eq!(changes, Vec::<String>::new());
    }

    #[test]
    fn what_is_raised_is_written_down_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::load(folder.path()).unwrap();
        let mut changes = Vec::new();
        let kernel = kernel(folder.path(), |path, value| fs::write(path, value.to_string()));
        kernel.raise(&mut state, &mut changes, &mut Vec::new()).unwrap();
        assert_eq!(changes[0], "raised kernel.keys.maxkeys from 128 to 2000");
        assert_eq!(State::load(folder.path()).unwrap().limits.get("kernel/keys/maxkeys"), Some(&128));
        // What is enough already needs nobody's right.
        let again = Kernel { set_limit: Box::new(|_, _| panic!("written again")), ..kernel };
        again.raise(&mut state, &mut Vec::new(), &mut Vec::new()).unwrap();
    }
}
