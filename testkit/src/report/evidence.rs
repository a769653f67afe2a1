//! Evidence: files that show what the nodes were like, readable by their owner only and free of secrets.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::microovn::redact;

/// The evidence of one cell: a folder with one folder a node.
#[derive(Debug, Clone)]
pub struct Evidence {
    dir: PathBuf,
}

impl Evidence {
    /// Evidence below this folder, which exists.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes one file about `node`, with join tokens and private keys taken out. Replaces an earlier one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, node: &str, name: &str, text: &str) -> io::Result<PathBuf> {
        let folder = self.dir.join(node);
        match DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let path = folder.join(name);
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        file.write_all(redact(text).as_bytes())?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn evidence_is_private_and_without_secrets() {
        let folder = tempfile::tempdir().expect("a folder");
        let evidence = Evidence::new(folder.path());
        let token =
            "eyJzZWNyZXQiOiIwMDAwIiwiZmluZ2VycHJpbnQiOiJmZmZmIiwiam9pbl9hZGRyZXNzZXMiOlsiMTAuNzcuMC4xMDE6NjY4NiJdfQ==";
        let path = evidence.write("node-1", "dialog.txt", &format!("token: {token}\nend")).expect("written");
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(!text.contains(token) && text.ends_with("end"), "{text}");
        let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&folder.path().join("node-1"))), (0o600, 0o700));
    }
}
