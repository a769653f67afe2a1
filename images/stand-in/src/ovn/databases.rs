//! The files of the databases of a central that is one no more.

use jiff::Timestamp;

use crate::error::{Error, Result, io_text};
use crate::faults::{Fault, plays};
use crate::paths::Paths;

use super::raft::Db;

/// Moves the databases out of the way, so that this member joins with new ones when it is a central again.
pub(crate) fn set_aside(paths: &Paths, now: Timestamp) -> Result<()> {
    if plays(paths, Fault::DatabaseStays) {
        return Ok(());
    }
    let folder = paths.common.join("data/central/db");
    for db in Db::ALL {
        let file = folder.join(format!("ovn{}_db.db", db.short()));
        let moved = if plays(paths, Fault::DatabaseDeleted) {
            std::fs::remove_file(&file)
        } else {
            std::fs::rename(&file, folder.join(backup_name(db, now)))
        };
        match moved {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::internal(format!("{}: {}", file.display(), io_text(&error))));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The name of a database that was set aside.
fn backup_name(db: Db, now: Timestamp) -> String {
    format!("ovn{}_db_backup_{}.db", db.short(), now.strftime("%Y-%m-%d %H:%M:%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_by(faults: &str) -> Vec<String> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let paths = Paths { state: dir.path().into(), common: dir.path().into(), snap: dir.path().into() };
        let folder = dir.path().join("data/central/db");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(paths.faults(), faults).expect("the faults");
        for db in Db::ALL {
            std::fs::write(folder.join(format!("ovn{}_db.db", db.short())), "").expect("a database");
        }
        set_aside(&paths, "2026-11-28T19:50:41Z".parse().expect("a time")).expect("set aside");
        let entries = std::fs::read_dir(folder).expect("the folder").flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_backups_are_called_as_recorded() {
        let recorded = include_str!("../../tests/fixtures/201-migrate-files-1.txt");
        let left = left_by("");
        assert_eq!(left.len(), 2);
        for name in left {
            assert!(recorded.contains(&format!(" {name}\n")), "{name}");
        }
    }

    #[test]
    fn each_fault_has_no_backup_in_its_own_way() {
        assert_eq!(left_by("database-stays"), ["ovnnb_db.db", "ovnsb_db.db"]);
        assert_eq!(left_by("database-deleted"), Vec::<String>::new());
    }
}
