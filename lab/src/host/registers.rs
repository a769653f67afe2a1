//! Processors with more registers than the host's kernel has room for: what it is preloaded with there.

use std::arch::x86_64::__cpuid_count;
use std::path::{Path, PathBuf};

use testkit::image::{Error, Program};

/// What is preloaded; it says why.
const SOURCE: &str = "registers.rs";
/// So many bytes User-Mode Linux of 6.1 has room for.
const ROOM: u32 = 2696;

/// Compiles into `folder` what the host's kernel is preloaded with, from its source in `recipes`; `None` where this processor
/// asks for nothing of the kind.
///
/// # Errors
/// When the compiler that this was compiled with is not there, or fails.
pub(super) fn preload(recipes: &Path, folder: &Path) -> Result<Option<PathBuf>, Error> {
    if whole_state() <= ROOM {
        return Ok(None);
    }
    let library = folder.join("registers.so");
    let args = ["--edition", "2024", "--crate-type", "cdylib", "-O", "-o"];
    let rustc = Program::new("compile what the host's kernel is preloaded with", "rustc").args(args);
    rustc.arg(&library).arg(recipes.join(SOURCE)).run()?;
    Ok(Some(library))
}

/// How many bytes the state of all registers takes that the system has turned on (CPUID, leaf 13).
fn whole_state() -> u32 {
    __cpuid_count(13, 0).ebx
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_preloaded_compiles_and_has_the_call_that_it_stands_in_front_of() {
        let folder = tempfile::tempdir().expect("a folder");
        let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("host");
        let library = preload(&recipes, folder.path()).expect("it compiles");
        assert_eq!(library.is_some(), whole_state() > ROOM);
        if let Some(library) = library {
            let loaded = Program::new("load it", "cat").arg("/proc/self/maps").env("LD_PRELOAD", library).run();
            assert!(String::from_utf8_lossy(&loaded.expect("cat runs")).contains("registers.so"));
        }
    }
}
