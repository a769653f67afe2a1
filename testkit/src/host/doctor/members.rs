//! The members of an LXD cluster: whether all are there and go together, and the room that the host of each has.

use super::finding::Finding;
use super::lxd::memory;
use crate::config::Config;
use crate::host::members::{Surveyed, require_whole, survey};
use crate::host::pool::check_everywhere;
use crate::lxd::Client;

const WHAT: &str = "LXD member";

/// What is known of each, and of all together.
pub(super) async fn findings(config: &Config, client: &Client) -> Vec<Finding> {
    let members = match survey(&config.lxd, client).await {
        Ok(members) => members,
        Err(error) => return vec![Finding::fail("LXD cluster", error.to_string(), "LXD's own log may say more")],
    };
    let names: Vec<String> = members.iter().map(|member| member.name.clone()).collect();
    let mut findings: Vec<Finding> = members.iter().map(of).collect();
    findings.push(match require_whole(client).await {
        Ok(names) => Finding::ok("LXD cluster", format!("all of {} are there, with one version", names.join(", "))),
        Err(error) => split(&error.to_string()),
    });
    if let Ok(Some(pool)) = client.find_storage_pool(&config.pool).await
        && let Err(error) = check_everywhere(&pool.value, &names)
    {
        findings.push(split(&error.to_string()));
    }
    findings
}

/// One member, with its name before what is seen of it.
fn of(member: &Surveyed) -> Finding {
    match member.capacity {
        None => Finding::fail(WHAT, member.problem.clone(), "start LXD there, or take it out of the cluster"),
        Some(capacity) => {
            let memory = memory(capacity);
            Finding { what: WHAT, seen: format!("{}: {}", member.name, memory.seen), ..memory }
        }
    }
}

/// An error that says what is wrong and, behind a semicolon, what mends it.
fn split(said: &str) -> Finding {
    let (seen, mend) = said.split_once("; ").unwrap_or((said, "see above"));
    Finding::fail("LXD cluster", seen.trim_start_matches("this host cannot run nodes: "), mend)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;
    use crate::host::Capacity;

    #[test]
    fn each_member_is_told_by_its_name_with_its_room_or_with_what_is_wrong() {
        let there = Surveyed {
            name: "a".to_owned(),
            architecture: "x86_64".to_owned(),
            capacity: Some(Capacity { memory: 24 << 30, processors: 2 }),
            load: None,
            problem: String::new(),
        };
        let finding = of(&there);
        assert_eq!(finding.level, Level::Ok);
        assert!(finding.seen.starts_with("a: ") && finding.seen.contains("room for 102 members"), "{finding:?}");
        let away = Surveyed { capacity: None, problem: "\"c\" is Offline".to_owned(), ..there };
        let finding = of(&away);
        assert_eq!((finding.level, finding.seen.as_str()), (Level::Fail, "\"c\" is Offline"));
    }
}
