//! What a snap's own programs have words for: found in their bytes, without running them.

use std::collections::BTreeSet;
use std::path::Path;

use memchr::memmem;

use super::READ;
use crate::image::program::Program;

/// MicroOVN's client and its daemon, and the one program that is both in the stand-in, where those are links.
const PROGRAMS: [&str; 3] = ["bin/microovn", "bin/microovnd", "bin/microovn-stand-in"];
/// The most bytes of a program; MicroOVN's have some tens of millions.
const LONGEST_PROGRAM: u64 = 256 << 20;

/// Those of these texts that a program of MicroOVN in the snap at `path` has in it; `None` where none of them can be read.
pub fn words_of<'a>(path: &Path, texts: &[&'a str]) -> Option<BTreeSet<&'a str>> {
    let mut found = None;
    for program in PROGRAMS {
        let attempt = format!("read {program} of {}", path.display());
        let read = Program::new(&attempt, "unsquashfs")
            .args(["-no-progress", "-cat"])
            .args([path.as_os_str(), program.as_ref()])
            .run_bounded(LONGEST_PROGRAM, READ);
        let Some(bytes) = read.ok().flatten().filter(|bytes| !bytes.is_empty()) else { continue };
        let has = |text: &&&str| memmem::find(&bytes, text.as_bytes()).is_some();
        found.get_or_insert_with(BTreeSet::new).extend(texts.iter().filter(has));
    }
    found
}
