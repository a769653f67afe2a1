//! Telling the stand-in which faults to have.

use super::ClusterError;
use crate::config::Faults;
use crate::lxd::{self, Client, FileSpec};
use crate::plan::Plan;

/// Where the stand-in looks, each time a fault would matter (`images/stand-in/README.md`).
const FILE: &str = "/var/snap/microovn/common/faults";

/// Where that for MicroCloud looks, and how the names of its faults begin.
const MICROCLOUD: (&str, &str) = ("/var/snap/microcloud/common/faults", "microcloud-");

/// Fails where a fault is for a member that the plan does not have.
pub(super) fn require_members(faults: Option<&Faults>, plan: &Plan) -> Result<(), ClusterError> {
    let members = plan.state.members.len();
    match faults.and_then(Faults::last_member).filter(|last| *last > members) {
        None => Ok(()),
        Some(member) => Err(ClusterError::FaultWithoutMember { cell: plan.cell.to_string(), members, member }),
    }
}

/// Tells the stand-in on an instance to have these faults.
///
/// # Errors
/// When LXD refuses the file.
pub(super) async fn seed(client: &Client, instance: &str, faults: &str) -> Result<(), lxd::Error> {
    client.push_file(instance, FILE, &FileSpec::new(faults.to_owned())).await?;
    // Each passes over what is the other's.
    if faults.lines().any(|line| line.starts_with(MICROCLOUD.1)) {
        client.push_file(instance, MICROCLOUD.0, &FileSpec::new(faults.to_owned())).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Cell;
    use crate::plan::{Outline, Segments};

    #[test]
    fn a_fault_for_a_member_that_is_not_there_is_refused() {
        let cell = Cell::new(&[], &[]).expect("a cell").id().clone();
        let plan = Plan::outlined(cell, Outline { members: 3, ..Outline::default() }, Segments::documentation());
        let require = |faults: &str| require_members(Some(&faults.parse().expect("known")), &plan);
        assert!(require_members(None, &plan).is_ok() && require("encap-other\n3:encap-other").is_ok());
        let refused = require("4:encap-other\n2:encap-other").expect_err("there is no fourth");
        let said = "a fault is for member 4, and init_cluster has 3 members; nothing would play it";
        assert_eq!((refused.to_string().as_str(), refused.is_usage()), (said, true));
    }
}
