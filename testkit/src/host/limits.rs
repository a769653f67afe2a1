//! Kernel limits and device nodes that many nodes at a time need.

use std::fs;
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

/// Raises what is too low. Without the right to, says so in `advice`.
pub(super) fn raise(state: &mut State, changes: &mut Vec<String>, advice: &mut Vec<String>) -> Result<(), Error> {
    for (name, least, otherwise) in LIMITS {
        let path = Path::new("/proc/sys").join(name);
        let Some(value) = read_number(&path)? else { continue };
        if value >= least {
            continue;
        }
        let key = name.replace('/', ".");
        if !is_root() {
            advice.push(format!("{key} is {value}, and {otherwise}: `sudo sysctl -w {key}={least}`"));
            continue;
        }
        state.limits.entry(name.to_owned()).or_insert(value);
        state.save()?;
        fs::write(&path, least.to_string()).map_err(Error::file("write", &path))?;
        changes.push(format!("raised {key} from {value} to {least}"));
    }
    for device in DEVICES.map(PathBuf::from) {
        let Ok(metadata) = fs::metadata(&device) else {
            advice.push(format!("{} is missing: nodes need the kernel's driver for it", device.display()));
            continue;
        };
        let mode = metadata.permissions().mode() & 0o777;
        if mode & OPEN_TO_ALL == OPEN_TO_ALL {
            continue;
        }
        if !is_root() {
            advice.push(format!("{0} is closed to nodes: `sudo chmod 0666 {0}`", device.display()));
            continue;
        }
        state.modes.entry(device.clone()).or_insert(mode);
        state.save()?;
        fs::set_permissions(&device, fs::Permissions::from_mode(0o666)).map_err(Error::file("open up", &device))?;
        changes.push(format!("opened {} to nodes", device.display()));
    }
    Ok(())
}

/// Puts back what [`raise`] changed.
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
