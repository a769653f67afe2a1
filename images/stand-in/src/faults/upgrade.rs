//! Faults of a cluster whose members are refreshed to another release.

use crate::ovn::raft::Db;
use crate::paths::Paths;

use super::{Fault, find_or, plays};

/// The database that is left out when the fault names none.
const LEFT_OUT: &str = "sb";

/// Whether a member gives the databases its schemas without waiting for the others.
pub(crate) fn is_impatient(paths: &Paths) -> bool {
    plays(paths, Fault::SchemaTooEarly)
}

/// Whether a database is never given another schema.
pub(crate) fn leaves_out(paths: &Paths, db: Db) -> bool {
    find_or(paths, Fault::SchemaLeftOut, LEFT_OUT).is_some_and(|left_out| left_out == db.short())
}

/// Whether `status` is content with the schemas whatever the members want.
pub(crate) fn is_content(paths: &Paths) -> bool {
    plays(paths, Fault::StatusContent)
}

#[cfg(test)]
mod tests {
    use super::super::tests::playing;
    use super::*;

    #[test]
    fn one_database_is_left_out_the_southbound_unless_the_other_is_named() {
        for (faults, left_out) in [("schema-left-out", [false, true]), ("schema-left-out nb", [true, false])] {
            let (_dir, paths) = playing(faults);
            assert_eq!(Db::ALL.map(|db| leaves_out(&paths, db)), left_out, "{faults}");
        }
    }
}
