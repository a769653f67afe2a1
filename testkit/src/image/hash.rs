//! Content hashes: the same inputs give the same name, and any other input gives another.

use std::fmt;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::Error;

/// The SHA-256 of some inputs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Hash(String);

impl Hash {
    /// The first twelve digits: enough for names.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }

    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Takes named inputs, one after another. Lengths go in too, so that no two lists of inputs look alike.
pub struct Hasher(Sha256);

impl Hasher {
    /// `domain` names what is hashed and carries the version of how it is made from the inputs.
    pub fn new(domain: &str) -> Self {
        Self(Sha256::new()).add("domain", domain.as_bytes())
    }

    /// Some bytes.
    pub fn add(mut self, name: &str, value: &[u8]) -> Self {
        for part in [name.as_bytes(), value] {
            self.0.update((part.len() as u64).to_be_bytes());
            self.0.update(part);
        }
        self
    }

    /// A text.
    pub fn text(self, name: &str, value: &str) -> Self {
        self.add(name, value.as_bytes())
    }

    /// A file: its content and whether it can be executed, not its times.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn file(self, name: &str, path: &Path) -> Result<Self, Error> {
        let content = of_file(path)?;
        let executable = is_executable(path)?;
        Ok(self.text(name, content.as_str()).text("executable", if executable { "yes" } else { "no" }))
    }

    /// A folder: the names, contents, links and executable bits of all it holds.
    ///
    /// # Errors
    /// When something in it cannot be read.
    pub fn folder(mut self, name: &str, root: &Path) -> Result<Self, Error> {
        self = self.text("folder", name);
        for path in sorted(root)? {
            let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let kind = fs::symlink_metadata(&path).map_err(Error::file("read", &path))?.file_type();
            self = if kind.is_dir() {
                self.folder(&file_name, &path)?
            } else if kind.is_symlink() {
                let target = fs::read_link(&path).map_err(Error::file("read", &path))?;
                self.text(&file_name, &format!("-> {}", target.display()))
            } else {
                self.file(&file_name, &path)?
            };
        }
        Ok(self.text("end", name))
    }

    /// The hash of all that was taken.
    pub fn finish(self) -> Hash {
        Hash(hex(&self.0.finalize()))
    }
}

/// The SHA-256 of a file's content.
pub fn of_file(path: &Path) -> Result<Hash, Error> {
    let mut file = fs::File::open(path).map_err(Error::file("open", path))?;
    let mut sha = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(Error::file("read", path))? {
            0 => return Ok(Hash(hex(&sha.finalize()))),
            n => sha.update(&buffer[..n]),
        }
    }
}

/// What a folder holds, by name.
pub(crate) fn sorted(root: &Path) -> Result<Vec<std::path::PathBuf>, Error> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(root).map_err(Error::file("list", root))? {
        paths.push(entry.map_err(Error::file("list", root))?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Whether the owner may execute the file.
pub(crate) fn is_executable(path: &Path) -> Result<bool, Error> {
    Ok(fs::metadata(path).map_err(Error::file("read", path))?.permissions().mode() & 0o100 != 0)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_stable_across_versions_of_this_program() {
        let hash = Hasher::new("test 1").text("suite", "bookworm").finish();
        assert_eq!(hash.short(), "b8b04355ee17");
    }

    #[test]
    fn moving_a_byte_between_fields_changes_the_hash() {
        let one = Hasher::new("t").text("ab", "c").finish();
        let other = Hasher::new("t").text("a", "bc").finish();
        assert_ne!(one, other);
    }

    #[test]
    fn a_folder_is_known_by_names_contents_and_executable_bits_only() {
        let hash = |change: &dyn Fn(&Path)| {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join("sub")).unwrap();
            fs::write(folder.path().join("sub/file"), "text").unwrap();
            change(folder.path());
            Hasher::new("t").folder("root", folder.path()).unwrap().finish()
        };
        let plain = hash(&|_| {});
        assert_eq!(plain, hash(&|_| {}), "another folder with the same content");
        assert_ne!(plain, hash(&|root| fs::write(root.join("sub/file"), "other").unwrap()));
        assert_ne!(plain, hash(&|root| fs::rename(root.join("sub/file"), root.join("file")).unwrap()));
        let executable = fs::Permissions::from_mode(0o755);
        assert_ne!(plain, hash(&|root| fs::set_permissions(root.join("sub/file"), executable.clone()).unwrap()));
    }
}
