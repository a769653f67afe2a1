//! `microovn status` and `microovn waitready`.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::error::{Context, Error, Result};

use super::client::Client;
use crate::paths::Paths;

/// What one of the two OVN databases says about itself.
#[derive(Debug)]
pub(crate) struct Schema {
    title: &'static str,
    active: String,
    expected: Value,
}

/// Prints the services of every member and the state of the databases.
pub(crate) async fn status(client: &Client, paths: &Paths) -> Result<()> {
    let services = client.get("/1.0/services").await.context("failed listing services")?;
    if client.release().is_first() {
        say!("{}", render_members(&client.get("/core/1.0/cluster").await?, &services));
        return Ok(());
    }
    let members = client.get("/core/1.0/cluster").await?;
    let mut schemas = Vec::new();
    for (title, db) in [("Northbound", "nb"), ("Southbound", "sb")] {
        let active = client.get(&format!("/1.0/ovsdb/schema/{db}/active")).await;
        let expected = client.get(&format!("/1.0/ovsdb/schema/{db}/expected/all")).await?;
        let active = active.ok().and_then(|active| active.as_str().map(str::to_owned)).unwrap_or_default();
        schemas.push(Schema { title, active, expected });
    }
    say!("{}", render(&members, &services, &schemas));
    let certificate = paths.pki().join("client-cert.pem");
    if certificate.exists() && crate::tls::ends_within(&certificate, 0) {
        say_line!("Client certificate has expired");
    }
    Ok(())
}

/// The host in a member's address.
fn host_of(member: &Value) -> String {
    let address = member["address"].as_str().unwrap_or_default();
    address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']).to_owned()
}

/// The services of every member, which is all that 22.03 prints.
fn render_members(members: &Value, services: &Value) -> String {
    let members = members.as_array().map(Vec::as_slice).unwrap_or_default();
    let services = services.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut text = String::from("MicroOVN deployment summary:\n");
    for member in members {
        let name = member["name"].as_str().unwrap_or_default();
        let of_member = services.iter().filter(|entry| entry["location"] == name);
        let names: Vec<&str> = of_member.filter_map(|entry| entry["service"].as_str()).collect();
        text.push_str(&format!("- {name} ({})\n  Services: {}\n", host_of(member), names.join(", ")));
    }
    text
}

fn render(members: &Value, services: &Value, schemas: &[Schema]) -> String {
    let mut text = render_members(members, services);
    let members = members.as_array().map(Vec::as_slice).unwrap_or_default();
    text.push_str("OVN Database summary:\n");
    for schema in schemas {
        let reports = schema.expected.as_array().map(Vec::as_slice).unwrap_or_default();
        let agrees = |report: &Value| report["error"] == 0 && report["schemaVersion"] == schema.active.as_str();
        if !schema.active.is_empty() && reports.iter().all(agrees) {
            text.push_str(&format!("OVN {}: OK ({})\n", schema.title, schema.active));
            continue;
        }
        if schema.active.is_empty() {
            text.push_str(&format!(
                "Error creating OVN {0} Database summary: failed to get OVN {0} active schema version\n",
                schema.title
            ));
        }
        text.push_str(&format!(
            "OVN {}: Upgrade or attention required!\nCurrently active schema: {}\n\
             Cluster report (expected schema versions):\n",
            schema.title, schema.active
        ));
        for member in members {
            let name = member["name"].as_str().unwrap_or_default();
            let host = host_of(member);
            match reports.iter().find(|report| report["host"] == host.as_str() && report["error"] == 0) {
                Some(report) => {
                    text.push_str(&format!("\t{name}: {}\n", report["schemaVersion"].as_str().unwrap_or_default()));
                }
                None => text.push_str(&format!("\t{name}: Error. Failed to contact member\n")),
            }
        }
        text.push('\n');
    }
    text
}

/// Waits until the daemon answers, for at most `seconds` if it is not zero.
pub(crate) async fn wait_ready(client: &Client, seconds: u64) -> Result<()> {
    let started = Instant::now();
    loop {
        match client.get("/core/1.0/ready").await {
            Ok(_) => return Ok(()),
            Err(error) if seconds > 0 && started.elapsed() >= Duration::from_secs(seconds) => {
                let late = "MicroCluster still not running after context deadline exceeded";
                return Err(Error::internal(format!("{late}: {error}")));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn recorded(text: &str) -> &str {
        let body = text.split_once("--- stdout\n").expect("a recording has an output").1;
        body.split_once("--- stderr\n").expect("a recording has a second stream").0
    }

    fn members() -> Value {
        json!([{"name": "real-1", "address": "10.77.0.101:6686"}, {"name": "real-2", "address": "10.77.0.102:6686"},
               {"name": "real-3", "address": "10.77.0.103:6686"}])
    }

    fn services(of_third: &[&str]) -> Value {
        let mut all = Vec::new();
        for (member, services) in [
            ("real-1", &["central", "chassis", "switch"][..]),
            ("real-2", &["central", "chassis", "switch"]),
            ("real-3", of_third),
        ] {
            all.extend(services.iter().map(|service| json!({"service": service, "location": member})));
        }
        Value::Array(all)
    }

    fn schemas(third_answers: bool) -> Vec<Schema> {
        let schema = |title, version: &str| {
            let third = if third_answers {
                json!({"host": "10.77.0.103", "schemaVersion": version, "error": 0})
            } else {
                json!({"host": "10.77.0.103", "schemaVersion": "", "error": 1})
            };
            Schema {
                title,
                active: version.to_owned(),
                expected: json!([{"host": "10.77.0.101", "schemaVersion": version, "error": 0}, third,
                                 {"host": "10.77.0.102", "schemaVersion": version, "error": 0}]),
            }
        };
        vec![schema("Northbound", "7.0.0"), schema("Southbound", "20.27.0")]
    }

    #[test]
    fn the_status_reads_as_recorded() {
        let all = ["central", "chassis", "switch"];
        for (third, answers, text) in [
            (&all[..], true, include_str!("../../tests/fixtures/07-status.txt")),
            (&all[1..], true, include_str!("../../tests/fixtures/16-status-no-central.txt")),
            (&all[..], false, include_str!("../../tests/fixtures/61-one-down-status.txt")),
        ] {
            assert_eq!(render(&members(), &services(third), &schemas(answers)), recorded(text));
        }
    }

    #[test]
    fn the_first_release_says_nothing_of_databases() {
        let text = render_members(&members(), &services(&["chassis", "switch"]));
        assert!(text.ends_with("- real-3 (10.77.0.103)\n  Services: chassis, switch\n"), "{text}");
    }

    #[test]
    fn without_a_central_it_reads_as_recorded() {
        let text = recorded(include_str!("../../tests/fixtures/204-zero-5-status-timed.txt"));
        let name = |number: u8| format!("microovn-init-cluster-members-4-{number}");
        let ip = |number: u8| format!("10.166.211.1{number}");
        let members: Value = (1..=4).map(|n| json!({"name": name(n), "address": format!("{}:6686", ip(n))})).collect();
        let of = |n: u8| ["chassis", "switch"].map(|service| json!({"service": service, "location": name(n)}));
        let services: Value = (1..=4).flat_map(of).collect();
        let schema = |title, version: &str| Schema {
            title,
            active: String::new(),
            expected: (1..=4).map(|n| json!({"host": ip(n), "schemaVersion": version, "error": 0})).collect(),
        };
        let schemas = [schema("Northbound", "7.11.0"), schema("Southbound", "20.41.0")];
        // MicroOVN asks all members at once, and reports them as they answer.
        let swapped = render(&members, &services, &schemas).replace(
            "4-3: 20.41.0\n\tmicroovn-init-cluster-members-4-4: 20",
            "4-4: 20.41.0\n\tmicroovn-init-cluster-members-4-3: 20",
        );
        assert_eq!(swapped, text);
    }

    #[test]
    fn ipv6_addresses_lose_brackets_and_port() {
        let members = json!([{"name": "real-1", "address": "[fd42:77::101]:6686"}]);
        assert!(render(&members, &json!([]), &[]).contains("- real-1 (fd42:77::101)\n"));
    }
}
