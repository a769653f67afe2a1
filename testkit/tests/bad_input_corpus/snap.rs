//! Snap files: with a description that is the input, or a good one that is then damaged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use testkit::image::Snap;
use toml::Table;

use crate::readers::{nothing_else, said, take};
use crate::settings::in_folder;

/// The input is `meta/snap.yaml`; without one the snap has none.
pub(crate) fn description(input: &[u8], with: &mut Table) -> Result<(), String> {
    nothing_else(with);
    in_folder(|folder| inspect(&pack(folder, &[("meta/snap.yaml", input)])))
}

/// A good snap is kept up to a place (`keep`), or overwritten from one (`at`) with bytes (`set`) or as many of one byte
/// (`fill`) as `length` says, to its end where it does not. Places are names of the superblock's fields, whose values
/// they stand for, or of the fields themselves (`field.compressor`), `plus` a number. The input is appended.
pub(crate) fn squashfs(input: &[u8], with: &mut Table) -> Result<(), String> {
    let mut bytes = GOOD.clone();
    let plus: i64 = take(with, "plus").unwrap_or_default();
    let place = |name: String| {
        let at = i64::try_from(place(&bytes, &name)).expect("a small file") + plus;
        usize::try_from(at).expect("a place in the file")
    };
    let keep = take(with, "keep").map(place);
    let at = take(with, "at").map(place);
    if let Some(keep) = keep {
        bytes.truncate(keep);
    }
    if let Some(at) = at {
        let length: usize = take(with, "length").unwrap_or(bytes.len() - at);
        let fill = take(with, "fill").map(|byte: u8| vec![byte; length]);
        let set: Vec<u8> = fill.or_else(|| take(with, "set")).expect("what to overwrite with");
        bytes[at..at + set.len()].copy_from_slice(&set);
    }
    nothing_else(with);
    bytes.extend(input);
    in_folder(|folder| {
        let file = folder.join("given.snap");
        fs::write(&file, &bytes).expect("a file");
        inspect(&file)
    })
}

fn inspect(file: &Path) -> Result<(), String> {
    said(Snap::inspect(file).and_then(|snap| snap.require_microovn()))
}

/// Fields of the superblock: name, offset and length. Source: "Squashfs Binary Format", section "Superblock".
const FIELDS: &[(&str, usize, usize)] = &[
    ("magic", 0, 4),
    ("inode_count", 4, 4),
    ("block_size", 12, 4),
    ("fragment_count", 16, 4),
    ("compressor", 20, 2),
    ("block_log", 22, 2),
    ("flags", 24, 2),
    ("id_count", 26, 2),
    ("version", 28, 4),
    ("root_inode", 32, 8),
    ("end", 40, 8),
    ("id_table", 48, 8),
    ("xattr_table", 56, 8),
    ("inode_table", 64, 8),
    ("directory_table", 72, 8),
    ("fragment_table", 80, 8),
];

fn place(bytes: &[u8], name: &str) -> u64 {
    if name == "start" {
        return 0;
    }
    let (field, of_it) = name.strip_prefix("field.").map_or((name, false), |field| (field, true));
    let (_, offset, length) = FIELDS.iter().find(|(known, ..)| *known == field).expect("a field of the superblock");
    if of_it {
        return *offset as u64;
    }
    let mut value = [0; 8];
    value[..*length].copy_from_slice(&bytes[*offset..offset + length]);
    u64::from_le_bytes(value)
}

/// A snap of MicroOVN with a file that does not compress, so that it has a middle.
static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let yaml: &[u8] =
        b"name: microovn\nversion: 1\napps:\n  microovn: {command: x}\n  daemon: {command: x, daemon: simple}\n";
    let mut state = 1u64;
    let mut noise = Vec::new();
    for _ in 0..200_000 {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        noise.push((state >> 56) as u8);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = pack(folder.path(), &[("meta/snap.yaml", yaml), ("bin/tool", &noise)]);
    said(Snap::inspect(&file).and_then(|snap| snap.require_microovn())).expect("a good snap");
    fs::read(file).expect("a snap")
});

fn pack(folder: &Path, files: &[(&str, &[u8])]) -> PathBuf {
    let (tree, file) = (folder.join("tree"), folder.join("given.snap"));
    fs::create_dir(&tree).expect("a tree");
    for (path, content) in files.iter().filter(|(_, content)| !content.is_empty()) {
        let path = tree.join(path);
        fs::create_dir_all(path.parent().expect("in the tree")).expect("a folder");
        fs::write(path, content).expect("a file");
    }
    let packed = Command::new("mksquashfs")
        .args([&tree, &file])
        // Times are packed too: a snap of another second may be a byte longer.
        .args(["-quiet", "-no-progress", "-noappend", "-comp", "gzip", "-all-time", "0", "-mkfs-time", "0"])
        .output()
        .expect("mksquashfs is installed");
    assert!(packed.status.success(), "{packed:?}");
    file
}
