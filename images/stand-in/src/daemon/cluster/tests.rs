//! How a cluster grows, and what it refuses.

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + seconds).expect("a time")
}

fn token(name: &str, expires: i64) -> Change {
    Change::AddToken(TokenRecord {
        name: name.to_owned(),
        secret: format!("secret of {name}"),
        token: String::new(),
        expires_at: at(expires),
    })
}

fn joining(token: &str, name: &str, last: u8) -> Joining {
    Joining {
        secret: format!("secret of {token}"),
        name: name.to_owned(),
        address: SocketAddr::from(([10, 77, 0, last], 6686)),
        certificate: crate::tls::Identity::generate(name).expect("an identity").certificate,
        services: None,
    }
}

fn grown_to(count: u8) -> Cluster {
    let mut cluster = Cluster::default();
    for number in 1..=count {
        let name = format!("real-{number}");
        cluster.apply(token(&name, 100), at(0)).expect("a token");
        cluster.apply(Change::Join(joining(&name, &name, 100 + number)), at(0)).expect("a member");
        let services = cluster.get(&name).expect("a member").services.clone();
        cluster.apply(Change::SetServices { name, services }, at(0)).expect("services");
    }
    cluster
}

#[test]
fn the_first_three_members_get_the_databases() {
    let cluster = grown_to(4);
    let services: Vec<String> = cluster.members.iter().map(|member| member.services.join(",")).collect();
    assert_eq!(
        services,
        ["central,chassis,switch", "central,chassis,switch", "central,chassis,switch", "chassis,switch"]
    );
    let env = cluster.env_of(cluster.get("real-4").expect("a member"));
    assert_eq!(env.sb_connect(), "ssl:10.77.0.101:6642,ssl:10.77.0.102:6642,ssl:10.77.0.103:6642");
}

#[test]
fn who_comes_back_has_its_place_again() {
    let mut cluster = grown_to(3);
    cluster.apply(Change::Remove { name: "real-1".to_owned() }, at(1)).expect("it leaves");
    let env = |cluster: &Cluster| cluster.env_of(cluster.get("real-2").expect("a member")).sb_connect();
    assert_eq!(env(&cluster), "ssl:10.77.0.102:6642,ssl:10.77.0.103:6642");
    cluster.apply(token("real-1", 100), at(1)).expect("a token");
    let reply = cluster.apply(Change::Join(joining("real-1", "real-1", 101)), at(2)).expect("a member again");
    assert_eq!(reply, json!(["central", "chassis", "switch"]));
    let services = cluster.get("real-1").expect("a member").services.clone();
    cluster.apply(Change::SetServices { name: "real-1".to_owned(), services }, at(2)).expect("services");
    assert_eq!(env(&cluster), "ssl:10.77.0.101:6642,ssl:10.77.0.102:6642,ssl:10.77.0.103:6642");
    let names: Vec<&str> = cluster.by_address().iter().map(|member| member.name.as_str()).collect();
    assert_eq!(names, ["real-1", "real-2", "real-3"]);
}

#[test]
fn a_member_that_is_being_formed_is_named_by_itself_only() {
    let mut cluster = grown_to(1);
    cluster.apply(token("real-2", 100), at(0)).expect("a token");
    cluster.apply(Change::Join(joining("real-2", "real-2", 102)), at(0)).expect("a member");
    let env = |name| cluster.env_of(cluster.get(name).expect("a member")).nb_connect();
    assert_eq!(env("real-1"), "ssl:10.77.0.101:6641");
    assert_eq!(env("real-2"), "ssl:10.77.0.101:6641,ssl:10.77.0.102:6641");
}

#[test]
fn a_token_works_once_in_time_and_for_its_name() {
    let mut cluster = grown_to(1);
    cluster.apply(token("real-2", 10), at(0)).expect("a token");
    let pending = cluster.apply(token("real-2", 10), at(0)).expect_err("one is pending").message;
    assert!(pending.ends_with("UNIQUE constraint failed: core_token_records.name"), "{pending}");
    let refused = |cluster: &mut Cluster, who: Joining, seconds| {
        cluster.apply(Change::Join(who), at(seconds)).expect_err("refused").message
    };
    assert_eq!(refused(&mut cluster, joining("real-2", "real-2", 102), 11), "Token expired");
    assert_eq!(
        refused(&mut cluster, joining("real-2", "real-3", 103), 1),
        "Joining server certificate SAN does not contain join token name"
    );
    cluster.apply(Change::Join(joining("real-2", "real-2", 102)), at(1)).expect("a member");
    assert!(refused(&mut cluster, joining("real-2", "real-2", 102), 1).starts_with("No core_token_record"));
    cluster.apply(token("real-2", 20), at(0)).expect("a token for a member");
    cluster.apply(token("real-2", 40), at(30)).expect("a token after the old one expired");
}

#[test]
fn roles_advance_with_heartbeats() {
    let mut cluster = grown_to(5);
    let all: Vec<String> = (1..=5).map(|number| format!("real-{number}")).collect();
    let roles = |cluster: &Cluster| -> Vec<String> { cluster.members.iter().map(|m| m.role.clone()).collect() };
    assert_eq!(roles(&cluster), ["PENDING"; 5]);
    cluster.apply(Change::Heartbeat { answered: all.clone() }, at(1)).expect("a heartbeat");
    assert_eq!(roles(&cluster), ["voter", "spare", "spare", "spare", "spare"]);
    cluster.apply(Change::Heartbeat { answered: all }, at(2)).expect("a heartbeat");
    assert_eq!(roles(&cluster), ["voter", "voter", "voter", "stand-by", "stand-by"]);
    assert!(cluster.has_quorum(&["real-1".to_owned(), "real-2".to_owned()]));
    assert!(!cluster.has_quorum(&["real-1".to_owned(), "real-4".to_owned(), "real-5".to_owned()]));
}

#[test]
fn the_last_member_stays() {
    let mut cluster = grown_to(1);
    let error = cluster.apply(Change::Remove { name: "real-1".to_owned() }, at(0)).expect_err("it stays");
    assert_eq!(error.message, "Cannot leave a cluster with 1 members");
    let error = cluster.apply(Change::Remove { name: "nosuch".to_owned() }, at(0)).expect_err("unknown");
    assert_eq!(error.message, "No remote exists with the given name \"nosuch\"");
}
