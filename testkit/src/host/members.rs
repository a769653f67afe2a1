//! The members of an LXD cluster: whether they are there, whether they go together, and what their hosts have to give.

use std::time::Duration;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::capacity::Capacity;
use super::error::Error;
use crate::config::LxdTarget;
use crate::lxd::{self, Client, ClusterMember};

/// How long what was said of all members may be taken for what is. LXD itself notices after twenty seconds that one is away.
pub const SURVEY_LASTS: Duration = Duration::from_secs(8);

/// Where the mend is to have every member there again.
const BRING_BACK: &str = "start LXD there, or take the member out of the cluster with `lxc cluster remove --force NAME` if it is gone for good";

/// A member of the LXD cluster, as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Surveyed {
    /// Its name.
    pub name: String,
    /// Such as `x86_64`.
    pub architecture: String,
    /// What its host has to give; `None` where it cannot be used.
    pub capacity: Option<Capacity>,
    /// How many processes want a processor there, over the last minute; `None` where that is not told.
    pub load: Option<f64>,
    /// Why it cannot be used, in LXD's words; empty where it can.
    pub problem: String,
}

/// All members of the cluster, in the order of their names, with what their hosts have to give.
///
/// # Errors
/// When LXD does not list them. That one of them does not answer is no error, and is in what is returned.
pub async fn survey(target: &LxdTarget, client: &Client) -> Result<Vec<Surveyed>, lxd::Error> {
    let members = client.list_cluster_members().await?;
    let here = members.iter().find(|member| member.name == client.server().environment.server_name);
    let images = here.map(|member| member.architecture.as_str());
    Ok(join_all(members.iter().map(|member| look(target, client, images, member))).await)
}

/// A member, where images are made for the architecture `images`.
async fn look(target: &LxdTarget, client: &Client, images: Option<&str>, member: &ClusterMember) -> Surveyed {
    let mut surveyed = Surveyed {
        name: member.name.clone(),
        architecture: member.architecture.clone(),
        capacity: None,
        load: None,
        problem: String::new(),
    };
    if let Some(problem) = useless(member, images) {
        surveyed.problem = problem;
        return surveyed;
    }
    match Capacity::of_member(target, client, &member.name).await {
        Ok((capacity, load)) => (surveyed.capacity, surveyed.load) = (Some(capacity), load),
        Err(error) => surveyed.problem = format!("{:?} does not answer: {error}", member.name),
    }
    surveyed
}

/// Why a cluster of nodes is not placed on a member, by what LXD says of it; `None` where it may be.
fn useless(member: &ClusterMember, images: Option<&str>) -> Option<String> {
    if !member.is_online() {
        return Some(member.told());
    }
    let other = images.filter(|images| *images != member.architecture)?;
    Some(format!("{:?} is of {}, and images are made for {other}", member.name, member.architecture))
}

/// The names of all members of the cluster; none where LXD is no cluster. Networks and pools can be made only while all are
/// there.
///
/// # Errors
/// When one is not, naming it and what mends it.
pub async fn require_all(client: &Client) -> Result<Vec<String>, Error> {
    if !client.is_clustered() {
        return Ok(Vec::new());
    }
    let members = client.list_cluster_members().await.map_err(|source| Error::Unusable(Box::new(source)))?;
    let away: Vec<String> = members.iter().filter(|member| !member.is_there()).map(ClusterMember::told).collect();
    if away.is_empty() {
        return Ok(members.into_iter().map(|member| member.name).collect());
    }
    let problem = format!("of the LXD cluster {}, and LXD makes no network while a member is away", away.join(", "));
    Err(Error::Host { problem, mend: BRING_BACK.to_owned() })
}

/// Fails where LXD is a cluster of which a member is away, or one has another version than the others. Who is about to begin asks.
///
/// # Errors
/// As for [`require_all`], and with the version of each where they differ.
pub async fn require_whole(client: &Client) -> Result<Vec<String>, Error> {
    let members = require_all(client).await?;
    require_one_version(client, &members).await?;
    Ok(members)
}

/// Fails where members of the cluster have different versions of LXD: they refuse each other's requests one by one.
async fn require_one_version(client: &Client, members: &[String]) -> Result<(), Error> {
    let ask = |member: &String| {
        let member = member.clone();
        async move { client.get_server_on(&member).await.map(|server| (member, server.environment.server_version)) }
    };
    let versions: Result<Vec<_>, _> = join_all(members.iter().map(ask)).await.into_iter().collect();
    differ(&versions.map_err(|source| Error::Unusable(Box::new(source)))?)
}

fn differ(versions: &[(String, String)]) -> Result<(), Error> {
    if versions.windows(2).all(|pair| pair[0].1 == pair[1].1) {
        return Ok(());
    }
    let each: Vec<String> = versions.iter().map(|(member, version)| format!("{member} {version}")).collect();
    Err(Error::Host {
        problem: format!("the members of the LXD cluster have different versions: {}", each.join(", ")),
        mend: "bring all to the newest of them: `sudo snap refresh lxd --cohort=+` on each, or the packages' way"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_away_evacuated_or_of_another_architecture_is_no_place() {
        let member = |status: &str, architecture: &str| -> ClusterMember {
            let said = serde_json::json!({ "server_name": "b", "status": status, "architecture": architecture });
            serde_json::from_value(said).expect("a member")
        };
        let useless = |status, architecture| useless(&member(status, architecture), Some("x86_64"));
        assert_eq!(useless("Online", "x86_64"), None);
        assert_eq!(useless("Offline", "x86_64").as_deref(), Some("\"b\" is Offline"));
        assert_eq!(useless("Evacuated", "x86_64").as_deref(), Some("\"b\" is Evacuated"));
        assert_eq!(
            useless("Online", "aarch64").as_deref(),
            Some("\"b\" is of aarch64, and images are made for x86_64")
        );
        assert!(member("Evacuated", "x86_64").is_there() && !member("Offline", "x86_64").is_there());
    }

    #[test]
    fn members_of_different_versions_are_told_with_the_version_of_each() {
        let of = |versions: &[(&str, &str)]| {
            let all: Vec<_> = versions.iter().map(|(name, it)| ((*name).to_owned(), (*it).to_owned())).collect();
            differ(&all).map_err(|error| error.to_string())
        };
        assert_eq!(of(&[]), Ok(()));
        assert_eq!(of(&[("a", "5.0.2"), ("b", "5.0.2")]), Ok(()));
        let said = of(&[("a", "5.0.2"), ("b", "5.0.2"), ("c", "5.0.3")]).expect_err("they differ");
        assert!(said.contains("a 5.0.2, b 5.0.2, c 5.0.3") && said.contains("snap refresh"), "{said}");
    }
}
