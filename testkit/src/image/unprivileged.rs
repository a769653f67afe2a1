//! What it takes to unpack packages without being root: a user namespace, with ids for the users of a distribution.
//!
//! Source: subuid(5), newuidmap(1), usermod(8), and mmdebstrap(1), "unshare".

use std::fs;

use super::program::is_contained_as_root;

/// So many ids a distribution's users need.
const IDS: u64 = 1 << 16;
/// Where the ids of users begin, where nobody has any; login.defs(5), `SUB_UID_MIN`.
const FIRST: u64 = 100_000;

/// Why images cannot be built by this user, and the command by which root mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// What is wrong.
    pub problem: String,
    /// What root types; without `sudo`.
    pub command: String,
}

/// What is in the way of this user; `None` for root, and where nothing is known to be.
pub fn obstacle() -> Option<Obstacle> {
    if rustix::process::geteuid().is_root() || is_contained_as_root() {
        return None;
    }
    let number = |name: &str| fs::read_to_string(format!("/proc/sys/{name}")).ok()?.trim().parse().ok();
    let of_kernel = ["kernel/unprivileged_userns_clone", "user/max_user_namespaces"]
        .map(|name| (name.replace('/', "."), number(name)));
    obstacle_of(&SubordinateIds::of_this_user(), which::which("newuidmap").is_ok(), &of_kernel)
}

fn obstacle_of(ids: &SubordinateIds, has_newuidmap: bool, of_kernel: &[(String, Option<u64>)]) -> Option<Obstacle> {
    if let Some((key, _)) = of_kernel.iter().find(|(_, value)| *value == Some(0)) {
        let least = if key.ends_with("clone") { 1 } else { 10_000 };
        let problem = format!("{key} is 0, so that only root makes user namespaces");
        return Some(Obstacle { problem, command: format!("sysctl -w {key}={least}") });
    }
    if !has_newuidmap {
        let problem = "the program newuidmap is not installed".to_owned();
        return Some(Obstacle { problem, command: "apt-get install uidmap".to_owned() });
    }
    let command = ids.lacking()?;
    let problem = format!("/etc/subuid and /etc/subgid do not each give {} {IDS} ids", ids.user);
    Some(Obstacle { problem, command: command.join(" ") })
}

/// The ids that the user database gives users besides their own.
#[derive(Debug)]
pub struct SubordinateIds {
    user: String,
    uid: Option<u32>,
    /// Of users, and of groups.
    files: [String; 2],
}

impl SubordinateIds {
    /// Those of the user of this name.
    pub fn of(user: &str) -> Self {
        let uid = users().find(|(name, _)| name == user).map(|(_, uid)| uid);
        let files = ["/etc/subuid", "/etc/subgid"].map(|file| fs::read_to_string(file).unwrap_or_default());
        Self { user: user.to_owned(), uid, files }
    }

    fn of_this_user() -> Self {
        let uid = rustix::process::getuid().as_raw();
        let name = users().find(|(_, of)| *of == uid).map_or_else(|| uid.to_string(), |(name, _)| name);
        Self::of(&name)
    }

    /// The command that gives the user enough of them; `None` where there are enough.
    pub fn lacking(&self) -> Option<Vec<String>> {
        if self.files.iter().all(|file| self.given(file) >= IDS) {
            return None;
        }
        let ends = self.files.iter().flat_map(|file| ranges(file)).map(|(_, start, count)| start.saturating_add(count));
        let start = ends.max().unwrap_or(FIRST).max(FIRST);
        let range = format!("{start}-{}", start + IDS - 1);
        let words = ["usermod", "--add-subuids", &range, "--add-subgids", &range, &self.user];
        Some(words.map(str::to_owned).into())
    }

    fn given(&self, file: &str) -> u64 {
        let own = |name: &str| name == self.user || name.parse().ok().is_some_and(|uid| self.uid == Some(uid));
        ranges(file).filter(|(name, ..)| own(name)).map(|(_, _, count)| count).sum()
    }
}

/// Who has which ids: name or number, the first, and how many.
fn ranges(file: &str) -> impl Iterator<Item = (&str, u64, u64)> {
    file.lines().filter_map(|line| {
        let [name, start, count] = line.split(':').collect::<Vec<_>>()[..] else { return None };
        Some((name, start.trim().parse().ok()?, count.trim().parse().ok()?))
    })
}

/// The users of this host, by name and number; see passwd(5).
fn users() -> impl Iterator<Item = (String, u32)> {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let users: Vec<_> = users
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            Some((fields.next()?.to_owned(), fields.nth(1)?.parse().ok()?))
        })
        .collect();
    users.into_iter()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn ids(subuid: &str, subgid: &str) -> SubordinateIds {
        SubordinateIds { user: "dev".to_owned(), uid: Some(1000), files: [subuid.to_owned(), subgid.to_owned()] }
    }

    #[rstest]
    #[case::by_name("dev:100000:65536\n", "dev:100000:65536\n", None)]
    #[case::by_number("1000:100000:65536\n", "1000:100000:65536\n", None)]
    #[case::in_parts("dev:100000:32768\ndev:200000:32768\n", "dev:1:65536", None)]
    #[case::none("", "", Some("100000-165535"))]
    #[case::of_others("root:100000:65536\nother:300000:65536\n", "", Some("365536-431071"))]
    #[case::no_groups("dev:100000:65536\n", "", Some("165536-231071"))]
    #[case::too_few("dev:100000:1000\n", "dev:100000:65536\n", Some("165536-231071"))]
    #[case::what_is_no_range("dev\ndev:x:65536\n", "", Some("100000-165535"))]
    fn who_has_too_few_ids_is_given_the_next_that_nobody_has(
        #[case] subuid: &str,
        #[case] subgid: &str,
        #[case] range: Option<&str>,
    ) {
        let command = range.map(|range| format!("usermod --add-subuids {range} --add-subgids {range} dev"));
        assert_eq!(ids(subuid, subgid).lacking().map(|words| words.join(" ")), command);
    }

    #[test]
    fn the_first_obstacle_is_told_with_its_mend() {
        let none = ids("", "");
        let kernel = |value| [("user.max_user_namespaces".to_owned(), Some(value))];
        let told =
            |ids, newuidmap, kernel: &[_]| obstacle_of(ids, newuidmap, kernel).map(|it| (it.problem, it.command));
        let (problem, command) = told(&none, false, &kernel(0)).expect("the kernel's");
        assert!(problem.starts_with("user.max_user_namespaces is 0"), "{problem}");
        assert_eq!(command, "sysctl -w user.max_user_namespaces=10000");
        assert_eq!(told(&none, false, &kernel(9)).expect("no newuidmap").1, "apt-get install uidmap");
        assert!(told(&none, true, &[]).expect("no ids").0.contains("do not each give dev 65536 ids"));
        assert_eq!(told(&ids("dev:1:65536", "dev:1:65536"), true, &kernel(9)), None);
    }
}
