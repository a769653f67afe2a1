//! `microovn certificates list`.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::error::{Context, Error, Result};
use crate::paths::Paths;

use super::client::Client;

/// Title and file name stem of every certificate, in the order they are listed.
const CERTIFICATES: [(&str, &str); 6] = [
    ("OVN CA", "ca"),
    ("OVN Northbound Database", "ovnnb"),
    ("OVN Southbound Database", "ovnsb"),
    ("OVN Northd Service", "ovn-northd"),
    ("OVN Chassis Service", "ovn-controller"),
    ("Client", "client"),
];

/// Prints the certificates of this member.
pub(crate) async fn list(client: &Client, paths: &Paths, format: &str) -> Result<()> {
    let ca = client.get("/1.0/ca").await.context("failed to get CA info")?;
    let auto_renew = ca["auto_renew"].as_bool().unwrap_or_default();
    match format {
        "text" => print!("{}", text(&paths.pki(), auto_renew)),
        "json" => print!("{}", json(&paths.pki(), auto_renew)),
        _ => return Err(Error::new(400, format!("Invalid format \"{format}\""))),
    }
    Ok(())
}

fn files(pki: &Path, stem: &str) -> (PathBuf, Option<PathBuf>) {
    if stem == "ca" {
        return (pki.join("cacert.pem"), None);
    }
    (pki.join(format!("{stem}-cert.pem")), Some(pki.join(format!("{stem}-privkey.pem"))))
}

fn text(pki: &Path, auto_renew: bool) -> String {
    let state = |path: &Path| {
        if path.exists() { "OK: Present" } else { "Error: Missing file" }
    };
    let mut blocks = Vec::new();
    for (title, stem) in CERTIFICATES {
        let (certificate, key) = files(pki, stem);
        let mut block = format!("[{title}]\n{} ({})\n", certificate.display(), state(&certificate));
        if let Some(expiry) = crate::tls::expiry_of_file(&certificate) {
            block.push_str(&format!("expiration date: {expiry}\n"));
        }
        match key {
            Some(key) => block.push_str(&format!("{} ({})\n", key.display(), state(&key))),
            None => block.push_str(&format!("Auto-renew: {auto_renew}\n")),
        }
        blocks.push(block);
    }
    blocks.join("\n")
}

fn json(pki: &Path, auto_renew: bool) -> Value {
    let mut all = Map::new();
    for (_, stem) in CERTIFICATES {
        let (certificate, key) = files(pki, stem);
        let Some(expiry) = crate::tls::expiry_of_file(&certificate) else {
            continue;
        };
        let entry = match key {
            Some(key) => json!({"cert": certificate, "key": key, "expiration_date": expiry}),
            None => json!({"cert": certificate, "auto_renew": auto_renew, "expiration_date": expiry}),
        };
        all.insert(stem.to_owned(), entry);
    }
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_the_recorded_shape() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let ca = crate::ovn::pki::Ca::generate().expect("a CA");
        crate::ovn::pki::write_all(&ca, dir.path(), "real-1").expect("certificates");
        let shape = |text: &str, pki: &str| -> Vec<String> {
            let without_dates = |line: &str| line.split(": 20").next().unwrap_or_default().replace(pki, "PKI");
            text.lines().map(without_dates).collect()
        };
        let recorded = include_str!("../../tests/fixtures/12-certs-list.txt");
        let recorded = recorded.split_once("--- stdout\n").expect("an output").1;
        let recorded = recorded.split_once("--- stderr\n").expect("a second stream").0;
        let pki = dir.path().display().to_string();
        assert_eq!(shape(&text(dir.path(), true), &pki), shape(recorded, "/var/snap/microovn/common/data/pki"));

        let recorded = include_str!("../../tests/fixtures/12-certs-list-json.txt");
        let recorded = recorded.split_once("--- stdout\n").expect("an output").1.replace("--- stderr\n", "");
        let recorded: Value = serde_json::from_str(recorded.trim()).expect("the recording is JSON");
        let seen = json(dir.path(), true);
        let keys = |value: &Value| -> Vec<(String, Vec<String>)> {
            let object = value.as_object().expect("an object");
            let inner = |value: &Value| value.as_object().expect("an object").keys().cloned().collect();
            object.iter().map(|(key, value)| (key.clone(), inner(value))).collect()
        };
        assert_eq!(keys(&seen), keys(&recorded));
    }
}
