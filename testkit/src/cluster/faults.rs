//! Telling the stand-in which faults to have.

use crate::lxd::{self, Client, FileSpec};

/// Where the stand-in looks, each time a fault would matter (`images/stand-in/README.md`).
const FILE: &str = "/var/snap/microovn/common/faults";

/// The faults of one member, numbered from 1: every line, but for those that begin with another member's number.
pub(super) fn for_member(all: &str, number: usize) -> String {
    let here = all.lines().filter_map(|line| {
        match line.split_once(':').map(|(head, fault)| (head.trim().parse::<usize>(), fault)) {
            Some((Ok(wanted), fault)) => (number == wanted).then_some(fault),
            // A colon in a fault's value.
            _ => Some(line),
        }
    });
    here.map(|fault| format!("{}\n", fault.trim())).collect()
}

/// Tells the stand-in on an instance to have these faults.
///
/// # Errors
/// When LXD refuses the file.
pub(super) async fn seed(client: &Client, instance: &str, faults: &str) -> Result<(), lxd::Error> {
    client.push_file(instance, FILE, &FileSpec::new(faults.to_owned())).await
}

#[cfg(test)]
mod tests {
    use super::for_member;

    #[test]
    fn a_fault_is_for_all_members_or_for_the_numbered_one() {
        let all = "encap-type-vxlan\n2: encap-other 10.0.0.1\n3:encap-other fd42::1\nextra-question Why: ?";
        assert_eq!(for_member(all, 1), "encap-type-vxlan\nextra-question Why: ?\n");
        assert_eq!(for_member(all, 2), "encap-type-vxlan\nencap-other 10.0.0.1\nextra-question Why: ?\n");
        assert_eq!(for_member(all, 3), "encap-type-vxlan\nencap-other fd42::1\nextra-question Why: ?\n");
    }
}
