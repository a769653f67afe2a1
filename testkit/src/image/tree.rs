//! A file tree on its way from a bootstrap to a squashfs: taken from a tar, changed by name, packed again.
//!
//! Nothing is unpacked on the host, so that neither root nor a clean-up is needed for owners and device nodes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::error::Error;
use super::hash::{is_executable, sorted};
use super::program::Program;

/// One file system entry. Extended attributes are not kept: snaps have none, and a node needs none.
#[derive(Debug, Clone)]
struct Entry {
    kind: Kind,
    mode: u32,
    uid: u64,
    gid: u64,
    mtime: u64,
}

#[derive(Debug, Clone)]
enum Kind {
    Folder,
    File(Content),
    Symlink(String),
    Hardlink(String),
}

/// Where a file's bytes are.
#[derive(Debug, Clone)]
enum Content {
    Tar { tar: PathBuf, offset: u64, size: u64 },
    Bytes(Vec<u8>),
    Host(PathBuf),
}

/// What a packed tree is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Squashfs {
    /// Unpacked once, when it first comes to a storage pool.
    Image,
    /// Root's altogether. Every node reads it through a squashfuse of its own, which unpacks lz4 with the least work.
    Snap,
}

/// Entries by their path, without a leading slash. Parents sort before what they hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    entries: BTreeMap<String, Entry>,
}

impl Tree {
    /// Reads the index of a tar. The file must stay where it is until the tree is packed.
    pub(crate) fn of_tar(tar: &Path) -> Result<Self, Error> {
        let read = || -> io::Result<Self> {
            let mut tree = Self::default();
            let mut archive = tar::Archive::new(File::open(tar)?);
            for entry in archive.entries_with_seek()? {
                let entry = entry?;
                let path = utf8(entry.path()?.as_ref())?;
                let name = plain(&path);
                if name.is_empty() {
                    continue;
                }
                let link = || -> io::Result<String> {
                    let target =
                        entry.link_name()?.ok_or_else(|| io::Error::other(format!("{name} links to nothing")))?;
                    utf8(&target)
                };
                let header = entry.header();
                let kind = match header.entry_type() {
                    tar::EntryType::Directory => Kind::Folder,
                    tar::EntryType::Symlink => Kind::Symlink(link()?),
                    tar::EntryType::Link => Kind::Hardlink(plain(&link()?).to_owned()),
                    kind if kind.is_file() => Kind::File(Content::Tar {
                        tar: tar.to_owned(),
                        offset: entry.raw_file_position(),
                        size: entry.size(),
                    }),
                    // Device nodes: whoever mounts a root file system fills /dev.
                    _ => continue,
                };
                let (uid, gid, mtime) = (header.uid()?, header.gid()?, header.mtime()?);
                let entry = Entry { kind, mode: header.mode()? & 0o7777, uid, gid, mtime };
                tree.entries.insert(name.to_owned(), entry);
            }
            Ok(tree)
        };
        read().map_err(Error::file("read", tar))
    }

    pub(crate) fn contains(&self, path: &str) -> bool {
        self.entries.contains_key(plain(path))
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Whether there is an entry that is not a folder.
    pub(crate) fn is_file_or_link(&self, path: &str) -> bool {
        self.entries.get(plain(path)).is_some_and(|entry| !matches!(entry.kind, Kind::Folder))
    }

    /// The target of a symbolic link.
    pub(crate) fn find_link(&self, path: &str) -> Option<&str> {
        match &self.entries.get(plain(path))?.kind {
            Kind::Symlink(target) => Some(target),
            _ => None,
        }
    }

    /// When the entry was changed, in seconds of the epoch.
    pub(crate) fn find_mtime(&self, path: &str) -> Option<u64> {
        self.entries.get(plain(path)).map(|entry| entry.mtime)
    }

    /// The bytes of a regular file.
    pub(crate) fn find_file(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let Some(Entry { kind: Kind::File(content), .. }) = self.entries.get(plain(path)) else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        let (_, mut reader) = content.open()?;
        reader.read_to_end(&mut bytes).map_err(Error::file("read", path))?;
        Ok(Some(bytes))
    }

    /// Keeps what `keep` says yes to; hard links whose file goes, go too.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.entries.retain(|path, _| keep(path));
        let kept: Vec<String> = self.entries.keys().cloned().collect();
        self.entries.retain(|_, entry| match &entry.kind {
            Kind::Hardlink(target) => kept.binary_search(target).is_ok(),
            _ => true,
        });
    }

    /// Removes a path and what is below it.
    pub(crate) fn remove(&mut self, path: &str) {
        let path = plain(path);
        self.retain(|other| !is_at_or_below(other, path));
    }

    pub(crate) fn add_file(&mut self, path: &str, bytes: impl Into<Vec<u8>>, mode: u32) {
        self.add(path, Kind::File(Content::Bytes(bytes.into())), mode, 0);
    }

    /// Adds a file of the host; it is read when the tree is packed.
    pub(crate) fn add_host_file(&mut self, path: &str, host: &Path, mode: u32) {
        self.add(path, Kind::File(Content::Host(host.to_owned())), mode, 0);
    }

    pub(crate) fn add_folder(&mut self, path: &str, mode: u32) {
        if !self.contains(path) {
            self.add(path, Kind::Folder, mode, 0);
        }
    }

    pub(crate) fn add_link(&mut self, path: &str, target: &str) {
        self.add(path, Kind::Symlink(target.to_owned()), 0o777, 0);
    }

    /// Adds an empty file with a time, in seconds of the epoch.
    pub(crate) fn add_stamp(&mut self, path: &str, mtime: u64) {
        self.add(path, Kind::File(Content::Bytes(Vec::new())), 0o644, mtime);
    }

    /// Adds all that a folder of the host holds, owned by root.
    pub(crate) fn add_host_folder(&mut self, host: &Path) -> Result<(), Error> {
        self.add_host_folder_at("", host)
    }

    fn add_host_folder_at(&mut self, at: &str, host: &Path) -> Result<(), Error> {
        for path in sorted(host)? {
            let name = path.file_name().unwrap_or_default();
            let name = utf8(Path::new(name)).map_err(Error::file("use the name of", &path))?;
            let inside = if at.is_empty() { name } else { format!("{at}/{name}") };
            let kind = fs::symlink_metadata(&path).map_err(Error::file("read", &path))?.file_type();
            if kind.is_dir() {
                self.add_folder(&inside, 0o755);
                self.add_host_folder_at(&inside, &path)?;
            } else if kind.is_symlink() {
                let target = fs::read_link(&path).map_err(Error::file("read", &path))?;
                let target = utf8(&target).map_err(Error::file("use the target of", &path))?;
                self.add_link(&inside, &target);
            } else {
                let mode = if is_executable(&path)? { 0o755 } else { 0o644 };
                self.add_host_file(&inside, &path, mode);
            }
        }
        Ok(())
    }

    /// Adds an entry and the folders above it. A path through a link to a folder (`lib` to `usr/lib`) is followed.
    fn add(&mut self, path: &str, kind: Kind, mode: u32, mtime: u64) {
        let path = self.resolve(plain(path));
        for (slash, _) in path.match_indices('/') {
            let folder = Entry { kind: Kind::Folder, mode: 0o755, uid: 0, gid: 0, mtime: 0 };
            self.entries.entry(path[..slash].to_owned()).or_insert(folder);
        }
        self.entries.insert(path, Entry { kind, mode, uid: 0, gid: 0, mtime });
    }

    /// `lib/x` as `usr/lib/x` where `lib` is a link: packages and people use both names.
    pub(crate) fn resolve(&self, path: &str) -> String {
        let path = plain(path);
        let Some((first, rest)) = path.split_once('/') else {
            return path.to_owned();
        };
        match self.find_link(first) {
            Some(target) => format!("{}/{rest}", plain(target)),
            None => path.to_owned(),
        }
    }

    /// Packs the tree as a squashfs at `made`, through a tar beside it.
    pub(crate) fn pack(&self, made: &Path, kind: Squashfs) -> Result<(), Error> {
        let tar = made.with_extension("tar");
        self.write_tar(&tar)?;
        let program = Program::new("pack a squashfs", "mksquashfs")
            .tied()
            .arg("-")
            .arg(made)
            .args(["-tar", "-noappend", "-no-xattrs", "-quiet", "-no-progress"])
            .args(["-root-mode", "755", "-root-uid", "0", "-root-gid", "0"]);
        let program = match kind {
            Squashfs::Image => program.args(["-comp", "zstd", "-Xcompression-level", "3"]),
            Squashfs::Snap => program.args(["-comp", "lz4", "-all-root"]),
        };
        program.run_on(&tar)?;
        fs::remove_file(&tar).map_err(Error::file("remove", &tar))
    }

    fn write_tar(&self, path: &Path) -> Result<(), Error> {
        let file = File::create(path).map_err(Error::file("create", path))?;
        let mut builder = tar::Builder::new(BufWriter::new(file));
        for (name, entry) in &self.entries {
            let mut header = tar::Header::new_gnu();
            header.set_mode(entry.mode);
            header.set_uid(entry.uid);
            header.set_gid(entry.gid);
            header.set_mtime(entry.mtime);
            header.set_size(0);
            let written = match &entry.kind {
                Kind::Folder => {
                    header.set_entry_type(tar::EntryType::Directory);
                    builder.append_data(&mut header, name, io::empty())
                }
                Kind::Symlink(target) => {
                    header.set_entry_type(tar::EntryType::Symlink);
                    builder.append_link(&mut header, name, target)
                }
                Kind::Hardlink(target) => {
                    header.set_entry_type(tar::EntryType::Link);
                    builder.append_link(&mut header, name, target)
                }
                Kind::File(content) => {
                    let (size, reader) = content.open()?;
                    header.set_entry_type(tar::EntryType::Regular);
                    header.set_size(size);
                    builder.append_data(&mut header, name, reader)
                }
            };
            written.map_err(Error::file("write", path))?;
        }
        builder.into_inner().and_then(|mut writer| writer.flush()).map_err(Error::file("write", path))
    }
}

impl Content {
    fn open(&self) -> Result<(u64, Box<dyn Read + '_>), Error> {
        match self {
            Self::Bytes(bytes) => Ok((bytes.len() as u64, Box::new(bytes.as_slice()))),
            Self::Host(path) => {
                let file = File::open(path).map_err(Error::file("open", path))?;
                let size = file.metadata().map_err(Error::file("read", path))?.len();
                Ok((size, Box::new(file)))
            }
            Self::Tar { tar, offset, size } => {
                let mut file = File::open(tar).map_err(Error::file("open", tar))?;
                file.seek(SeekFrom::Start(*offset)).map_err(Error::file("read", tar))?;
                Ok((*size, Box::new(file.take(*size))))
            }
        }
    }
}

/// A path without `/` or `./` in front and `/` behind.
fn plain(path: &str) -> &str {
    path.trim_start_matches("./").trim_matches('/')
}

/// Whether `path` is `root` or below it.
pub(crate) fn is_at_or_below(path: &str, root: &str) -> bool {
    path.strip_prefix(plain(root)).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn utf8(path: &Path) -> io::Result<String> {
    let text = path.to_str().ok_or_else(|| io::Error::other(format!("{} is not UTF-8", path.display())))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_survives_a_tar() {
        let folder = tempfile::tempdir().unwrap();
        let long = format!("usr/share/{}/file", "x".repeat(120));
        let mut tree = Tree::default();
        tree.add_link("lib", "usr/lib");
        tree.add_file("/usr/lib/tool", "binary", 0o4755);
        tree.add_file(&long, "deep", 0o644);
        let tar = folder.path().join("tree.tar");
        tree.write_tar(&tar).unwrap();
        let again = Tree::of_tar(&tar).unwrap();
        assert_eq!(again.paths().collect::<Vec<_>>(), tree.paths().collect::<Vec<_>>());
        assert_eq!(again.find_link("lib"), Some("usr/lib"));
        assert_eq!(again.find_file("usr/lib/tool").unwrap().unwrap(), b"binary");
        assert_eq!(again.entries["usr/lib/tool"].mode, 0o4755);
        assert_eq!(again.find_file(&long).unwrap().unwrap(), b"deep");
    }

    #[test]
    fn additions_follow_a_merged_usr() {
        let mut tree = Tree::default();
        tree.add_link("lib", "usr/lib");
        tree.add_file("lib/modules.conf", "", 0o644);
        assert_eq!(tree.paths().collect::<Vec<_>>(), ["lib", "usr", "usr/lib", "usr/lib/modules.conf"]);
    }

    #[test]
    fn removing_a_folder_takes_what_is_below_and_nothing_beside() {
        let mut tree = Tree::default();
        for path in ["var/lib/apt/lists/one", "var/lib/aptitude/two"] {
            tree.add_file(path, "", 0o644);
        }
        tree.remove("/var/lib/apt");
        assert_eq!(tree.paths().collect::<Vec<_>>(), ["var", "var/lib", "var/lib/aptitude", "var/lib/aptitude/two"]);
    }
}
