//! How long a cell will probably take, so that the longest can start first.

use std::path::Path;

use crate::folder::{CellDocument, CellFolder};
use crate::plan::Plan;
use crate::report::spent::{path_of, sum};
use crate::report::{Owner, timeline};

/// Milliseconds a cell is expected to take: a part for every cell, one for each of its members, and one for each step that
/// is taken from it.
const CELL_COST: u64 = 3_000;
const MEMBER_COST: u64 = 4_000;
const STEP_COST: u64 = 4_000;

/// Milliseconds that the cell of this plan, from which so many steps are taken, is expected to take: as long as the product
/// and LXD took for it in the last run below `out_dir` that recorded it, or else estimated from its number of members and
/// of steps.
pub fn expected(out_dir: &Path, plan: &Plan, steps: usize) -> u64 {
    let estimated = || CELL_COST + MEMBER_COST * plan.state.members.len() as u64 + STEP_COST * steps as u64;
    recorded(out_dir, plan.cell.as_str()).unwrap_or_else(estimated)
}

/// How many milliseconds the product and LXD took for a cell in the last run below `out_dir` that recorded it.
pub fn recorded(out_dir: &Path, cell: &str) -> Option<u64> {
    let folders = std::fs::read_dir(out_dir).ok()?.flatten().map(|entry| entry.path().join(cell));
    let made = |dir: &Path| {
        std::fs::metadata(CellFolder::new(dir).document(CellDocument::Manifest)).and_then(|file| file.modified()).ok()
    };
    let newest = folders.filter_map(|dir| Some((made(&dir)?, dir))).max()?.1;
    let stages = timeline::read(&newest).ok()?;
    let spent = sum(&path_of(&stages));
    let spent = spent.iter().filter(|spent| spent.owner != Owner::Framework).map(|spent| spent.ms).sum::<u64>();
    (spent > 0).then_some(spent)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::plan::{Outline, Segments};

    fn plan(members: usize) -> Plan {
        let cell = crate::matrix::Cell::new(&[], &[]).expect("a cell").id().clone();
        Plan::outlined(cell, Outline { members, ..Outline::default() }, Segments::documentation())
    }

    fn leave(out: &Path, run: &str, formed: bool, timeline: &str) {
        let cell = out.join(run).join("init_cluster");
        fs::create_dir_all(&cell).expect("made");
        fs::write(cell.join("timeline.jsonl"), timeline).expect("written");
        if formed {
            fs::write(cell.join("manifest.json"), "{}").expect("written");
        }
    }

    #[test]
    fn a_cell_takes_as_long_as_it_took_and_else_by_its_members() {
        let out = tempfile::tempdir().expect("a folder");
        assert_eq!(expected(out.path(), &plan(3), 0), 15_000);
        assert!(expected(out.path(), &plan(1), 0) < expected(out.path(), &plan(4), 0));
        let journey = expected(out.path(), &plan(5), 7);
        assert!(journey > expected(out.path(), &plan(5), 6), "each step is paid for");
        assert!(journey > expected(out.path(), &plan(9), 0), "a journey starts before a cell that is only formed");
        // A boot beside the product does not count twice, and to wait for others is no time of its own.
        let line = |name: &str, owner: &str, second: u32, ms: u32| {
            format!(
                "{{\"name\":\"{name}\",\"owner\":\"{owner}\",\"at\":\"2026-01-01T00:00:{second:02}Z\",\"ms\":{ms}}}\n"
            )
        };
        let timeline = line("turn", "framework", 0, 9_000)
            + &line("boot 2", "lxd", 9, 2_000)
            + &line("bootstrap", "product", 9, 3_000);
        leave(out.path(), "a", true, &timeline);
        assert_eq!(expected(out.path(), &plan(3), 0), 3_000);
        leave(out.path(), "b", false, &line("bootstrap", "product", 1, 50));
        assert_eq!(expected(out.path(), &plan(3), 0), 3_000, "one that was not formed says nothing");
    }
}
