//! What the programs of a distribution must be: for any host of their kind, and without a word of the one they were built on.

use std::fs;
use std::io::Read;
use std::path::Path;

use super::{failed, files};
use crate::cli::Failure;
use crate::cli::output::complain;

/// What an ELF file begins with.
const ELF: &[u8] = b"\x7fELF";
/// The kind of the segment that names the program which loads this one; `PT_INTERP` of elf(5).
const INTERPRETER: u32 = 3;

/// Fails where a program below `root` takes another to be loaded, or names one of these folders. The `runner` is not compiled for this,
/// and may do both; that it names a folder is told, because one that was compiled on this host names where its sources were, which it
/// never looks for. What is in the archive of the suites counts, too; what the runner says of that does not.
pub(super) fn check(root: &Path, archive: &Path, runner: &Path, folders: &[String]) -> Result<(), Failure> {
    for file in files(root)?.iter().filter(|file| *file != archive) {
        let bytes = fs::read(file).map_err(|error| failed("read", file, &error))?;
        judge(&file.display().to_string(), &bytes, file == runner, folders)?;
    }
    let unreadable = |error: std::io::Error| failed("read", archive, &error);
    let unpacked = duct::cmd!("zstd", "--decompress", "--stdout", archive).reader().map_err(unreadable)?;
    for entry in tar::Archive::new(unpacked).entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let name = entry.path().map_err(unreadable)?.display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(unreadable)?;
        judge(&format!("{name} of {}", archive.display()), &bytes, false, folders)?;
    }
    Ok(())
}

/// The same of one file; one that is no program is good, such as the objects of build scripts, which the runner's archive has and nobody
/// ever reads.
fn judge(name: &str, bytes: &[u8], brought: bool, folders: &[String]) -> Result<(), Failure> {
    if !is_program(bytes) {
        return Ok(());
    }
    if !brought && !is_static(bytes) {
        let said = format!(
            "{name} is not linked statically, and would not run on every host: a distribution is not packed of it"
        );
        return Err(Failure::Usage(said));
    }
    match folders.iter().find(|folder| contains(bytes, folder.as_bytes())) {
        None => Ok(()),
        Some(folder) if brought => {
            complain!(
                "note: {name} names {folder}, where it was compiled; a runner that was released, which --runner takes, does not"
            );
            Ok(())
        }
        Some(folder) => Err(Failure::Usage(format!(
            "{name} names {folder}, which is of this host: a distribution is not packed of it"
        ))),
    }
}

/// Whether it is ELF that can be loaded: `ET_EXEC` or `ET_DYN` of elf(5).
fn is_program(bytes: &[u8]) -> bool {
    bytes.starts_with(ELF) && matches!(bytes.get(0x10..0x12), Some([2 | 3, 0]))
}

/// Whether no segment of a program names another that loads it. Source: elf(5), of 64 bits and little-endian, as all hosts are that this
/// framework runs on.
fn is_static(program: &[u8]) -> bool {
    let number = |at: usize, length: usize| {
        let bytes = program.get(at..at + length)?;
        Some(bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
    };
    let segments = || {
        let (table, size, count) = (number(0x20, 8)?, number(0x36, 2)?, number(0x38, 2)?);
        let kinds = (0..count).map(|nth| number(usize::try_from(table + nth * size).ok()?, 4));
        kinds.collect::<Option<Vec<u64>>>()
    };
    segments().is_some_and(|kinds| !kinds.contains(&u64::from(INTERPRETER)))
}

fn contains(bytes: &[u8], words: &[u8]) -> bool {
    let Some(first) = words.first() else { return false };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        if rest[at..].starts_with(words) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(judged: Result<(), Failure>) -> Option<String> {
        judged.err().map(|failure| match failure {
            Failure::Usage(said) => said,
            other => panic!("{other:?}"),
        })
    }

    /// A program that says `text`, linked as those of a distribution or as usual.
    fn program(folder: &Path, text: &str, statically: bool) -> Vec<u8> {
        let (source, program) = (folder.join("program.rs"), folder.join("program"));
        fs::write(&source, format!("fn main() {{ println!({text:?}) }}")).expect("written");
        let flags: &[&str] = if statically { &["-Ctarget-feature=+crt-static"] } else { &[] };
        let compiled = std::process::Command::new("rustc").args(flags).arg("-o").arg(&program).arg(&source).status();
        assert!(compiled.expect("rustc runs").success());
        fs::read(program).expect("a program")
    }

    #[test]
    fn a_program_that_takes_another_to_be_loaded_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(words(judge("p", &program(folder.path(), "x", true), false, &[])), None);
        let dynamic = program(folder.path(), "x", false);
        assert!(
            words(judge("p", &dynamic, false, &[])).is_some_and(|said| said.starts_with("p is not linked statically"))
        );
        assert_eq!(words(judge("p", &dynamic, true, &[])), None, "a runner is brought as it is");
        assert!(!is_static(&dynamic[..0x30]), "cut");
    }

    #[test]
    fn a_program_that_names_a_folder_of_the_builder_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = program(folder.path(), "/home/builder/checkout/suites", true);
        let folders = |name: &str| [name.to_owned()];
        let said = words(judge("p", &program, false, &folders("/home/builder/checkout"))).expect("it does");
        assert!(said.starts_with("p names /home/builder/checkout, which is of this host"), "{said}");
        assert_eq!(words(judge("p", &program, false, &folders("/home/builder/elsewhere"))), None);
        assert_eq!(words(judge("p", &program, true, &folders("/home/builder/checkout"))), None, "a runner is brought");
        assert_eq!(words(judge("p", b"/home/builder", false, &folders("/home/builder"))), None, "no program");
        let object = [&program[..0x10], &[1, 0], &program[0x12..]].concat();
        assert_eq!(words(judge("p", &object, false, &folders("/home/builder/checkout"))), None, "an object");
    }

    #[test]
    fn the_beginning_of_words_is_not_the_words() {
        assert!(contains(b"/ho/home/b", b"/home/b") && !contains(b"/ho/home/", b"/home/b") && !contains(b"a", b""));
    }
}
