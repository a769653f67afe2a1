//! Moves every CPU's namespace counter past the instance's own mount namespace, before snapd starts.
//!
//! From Linux 6.18 on, all namespaces draw their ids from one counter that hands them to the CPUs in batches of
//! 4096, so that a mount namespace made later, on another CPU, can have the lower id. The kernel refuses to bind-mount
//! a mount namespace that is not younger than the one it is bound in, which is what snap-confine does to keep a
//! snap's namespace: `cannot preserve mount namespace of process N as microovn.mnt: Invalid argument`.
//!
//! The cure: on each CPU this instance may use, make namespaces and throw them away until that CPU's ids are past the
//! instance's. UTS namespaces are the cheapest kind, and they draw from the same counter. On kernels without the
//! shared counter there is nothing to do, and on any surprise this says so and lets the boot go on.

use std::fs::File;
use std::io;
use std::process::ExitCode;
use std::time::Instant;

use rustix::io::Errno;
use rustix::ioctl::{Getter, ioctl, opcode};
use rustix::thread::{CpuSet, UnshareFlags, sched_getaffinity, sched_setaffinity, unshare_unsafe};

/// `NS_GET_ID` of `linux/nsfs.h`, since Linux 6.18: the id of any namespace.
const NS_GET_ID: rustix::ioctl::Opcode = opcode::read::<u64>(0xb7, 13);

/// Two batches of the kernel's counter: more means that the ids do not move as this program believes.
const MOST_PER_CPU: u32 = 2 * 4096;

/// Looking at the id costs twice as much as making a namespace, and making a few too many costs nothing.
const BETWEEN_LOOKS: u32 = 16;

fn main() -> ExitCode {
    let begun = Instant::now();
    match push_all() {
        Ok(Some(pushed)) => {
            let list: Vec<String> = pushed.iter().map(|(cpu, count)| format!("cpu{cpu}: {count}")).collect();
            println!("nspush: namespaces made to pass the instance's own: {} ({:?})", list.join(", "), begun.elapsed());
            ExitCode::SUCCESS
        }
        Ok(None) => {
            println!("nspush: this kernel numbers mount namespaces in order; nothing to do");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("nspush: {error}; snaps may fail to start here");
            ExitCode::FAILURE
        }
    }
}

/// Pushes every allowed CPU past the mount namespace this runs in, which for a plain unit is the instance's own; how many namespaces each took, or `None` where the kernel has no shared counter.
fn push_all() -> io::Result<Option<Vec<(usize, u32)>>> {
    let Some(own) = namespace_id("/proc/self/ns/mnt")? else {
        return Ok(None);
    };
    let allowed = sched_getaffinity(None)?;
    let mut pushed = Vec::new();
    for cpu in (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)) {
        let mut one = CpuSet::new();
        one.set(cpu);
        sched_setaffinity(None, &one)?;
        pushed.push((cpu, push_one(own)?));
    }
    sched_setaffinity(None, &allowed)?;
    Ok(Some(pushed))
}

/// Makes namespaces on the CPU this thread is pinned to until one has an id above `own`; how many it took.
fn push_one(own: u64) -> io::Result<u32> {
    let mut made = 0;
    while made < MOST_PER_CPU {
        for _ in 0..BETWEEN_LOOKS {
            #[expect(unsafe_code, reason = "unsafe for file descriptor tables only; this leaves them shared")]
            // SAFETY: only the UTS namespace is replaced, so that no file descriptor changes its meaning.
            unsafe {
                unshare_unsafe(UnshareFlags::NEWUTS)?;
            }
        }
        made += BETWEEN_LOOKS;
        match namespace_id("/proc/thread-self/ns/uts")? {
            Some(id) if id > own => return Ok(made),
            Some(_) => {}
            None => break,
        }
    }
    Err(io::Error::other(format!("no id above {own} after {made} namespaces")))
}

/// The kernel's id of the namespace behind `path`; `None` where the kernel has no such call.
fn namespace_id(path: &str) -> io::Result<Option<u64>> {
    let file =
        File::open(path).map_err(|error| io::Error::new(error.kind(), format!("cannot open {path}: {error}")))?;
    #[expect(unsafe_code, reason = "rustix has no wrapper for nsfs calls")]
    // SAFETY: NS_GET_ID writes one u64, which is what the getter provides room for.
    let id = unsafe { ioctl(&file, Getter::<NS_GET_ID, u64>::new()) };
    match id {
        Ok(id) => Ok(Some(id)),
        Err(Errno::NOTTY | Errno::INVAL) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
