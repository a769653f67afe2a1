//! `microovn certificates list`.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::error::{Context, Error, Result};
use crate::ovn::pki;
use crate::paths::Paths;
use crate::{address, faults};

use crate::cli::client::Client;

/// Title and file name stem of every certificate, in the order they are listed.
const CERTIFICATES: [(&str, &str); 6] = [
    ("OVN CA", "ca"),
    ("OVN Northbound Database", "ovnnb"),
    ("OVN Southbound Database", "ovnsb"),
    ("OVN Northd Service", "ovn-northd"),
    ("OVN Chassis Service", "ovn-controller"),
    ("Client", "client"),
];

/// Who has a certificate on this member. Which services it has is looked up by the host's name, as MicroOVN does: of a member that is
/// called otherwise nobody has.
pub(crate) async fn stems(client: &Client) -> Result<Vec<&'static str>> {
    let services = client.get("/1.0/services").await.context("failed to get services")?;
    let here = |entry: &&Value| entry["location"] == address::hostname();
    let name = |entry: &Value| entry["service"].as_str().map(str::to_owned);
    let services: Vec<String> = services.as_array().into_iter().flatten().filter(here).filter_map(name).collect();
    Ok(if services.is_empty() { Vec::new() } else { pki::stems(&services) })
}

/// Prints the certificates of this member.
pub(crate) async fn list(client: &Client, paths: &Paths, format: &str) -> Result<()> {
    let ca = client.get("/1.0/ca").await.context("failed to get CA info")?;
    let mut stems = stems(client).await?;
    stems.retain(|stem| !faults::certificates::unlists(paths, stem));
    let listed = Listed {
        pki: paths.pki(),
        auto_renew: faults::certificates::renewal(paths, ca["auto_renew"].as_bool().unwrap_or_default()),
        stems,
    };
    match format {
        "text" => say!("{}", listed.text()),
        "json" => say!("{}", listed.json()),
        _ => return Err(unknown(format)),
    }
    Ok(())
}

fn unknown(format: &str) -> Error {
    Error::new(400, format!("unknown output format specified: {format}"))
}

/// What is to be listed.
struct Listed {
    pki: PathBuf,
    auto_renew: bool,
    /// Who has a certificate, besides the authority.
    stems: Vec<&'static str>,
}

fn files(pki: &Path, stem: &str) -> (PathBuf, Option<PathBuf>) {
    if stem == "ca" {
        return (pki.join("cacert.pem"), None);
    }
    (pki.join(format!("{stem}-cert.pem")), Some(pki.join(format!("{stem}-privkey.pem"))))
}

impl Listed {
    fn has(&self, stem: &str) -> bool {
        stem == "ca" || self.stems.contains(&stem)
    }

    fn text(&self) -> String {
        let state = |path: &Path| {
            if path.exists() { "OK: Present" } else { "Error: Missing file" }
        };
        let mut blocks = Vec::new();
        for (title, stem) in CERTIFICATES {
            let mut block = format!("[{title}]\n");
            if self.has(stem) {
                let (certificate, key) = files(&self.pki, stem);
                block.push_str(&format!("{} ({})\n", certificate.display(), state(&certificate)));
                if let Some(expiry) = crate::tls::expiry_of_file(&certificate) {
                    block.push_str(&format!("expiration date: {expiry}\n"));
                }
                match key {
                    Some(key) => block.push_str(&format!("{} ({})\n", key.display(), state(&key))),
                    None => block.push_str(&format!("Auto-renew: {}\n", self.auto_renew)),
                }
            } else {
                block.push_str("Not present.\n");
            }
            blocks.push(block);
        }
        blocks.join("\n")
    }

    fn json(&self) -> Value {
        let mut all = Map::new();
        for (_, stem) in CERTIFICATES {
            let (certificate, key) = files(&self.pki, stem);
            let expiry = crate::tls::expiry_of_file(&certificate);
            let entry = match key {
                _ if !self.has(stem) => Value::Null,
                Some(key) => json!({"cert": certificate, "key": key, "expiration_date": expiry}),
                None => json!({"cert": certificate, "auto_renew": self.auto_renew, "expiration_date": expiry}),
            };
            all.insert(stem.to_owned(), entry);
        }
        Value::Object(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a recording shows on its first stream.
    fn recorded(recording: &str) -> &str {
        let output = recording.split_once("--- stdout\n").expect("an output").1;
        output.split_once("--- stderr\n").expect("a second stream").0.trim_end()
    }

    #[test]
    fn an_unknown_format_is_said_as_recorded() {
        let recording = include_str!("../../../tests/fixtures/101-certs-list-badformat.txt");
        let said = recording.split_once("--- stderr\n").expect("a second stream").1;
        assert_eq!(format!("Error: {}\n", unknown("yaml")), said);
    }

    #[test]
    fn the_lists_have_the_recorded_shapes() {
        let everything = ["central", "chassis", "switch"].map(str::to_owned);
        let (all, chassis) = (&everything[..], &everything[1..]);
        // What the member issued certificates for, and what it runs now.
        for (issued, services, text, json) in [
            (
                all,
                all,
                include_str!("../../../tests/fixtures/12-certs-list.txt"),
                include_str!("../../../tests/fixtures/12-certs-list-json.txt"),
            ),
            (
                chassis,
                chassis,
                include_str!("../../../tests/fixtures/101-certs-list-chassis.txt"),
                include_str!("../../../tests/fixtures/101-certs-list-json-chassis.txt"),
            ),
            // Once the databases are disabled their files are still there.
            (
                all,
                chassis,
                include_str!("../../../tests/fixtures/202-certs-after-central-disabled.txt"),
                include_str!("../../../tests/fixtures/101-certs-list-json-chassis.txt"),
            ),
        ] {
            let dir = tempfile::tempdir().expect("a temporary directory");
            let paths = Paths { state: dir.path().into(), common: dir.path().into(), snap: dir.path().into() };
            std::fs::create_dir_all(paths.pki()).expect("a folder");
            let ca = pki::Ca::generate().expect("a CA");
            pki::write(&paths, &ca, "real-1", issued).expect("certificates");
            let listed = Listed { pki: paths.pki(), auto_renew: true, stems: pki::stems(services) };

            let shape = |text: &str, pki: &str| -> Vec<String> {
                let without_dates = |line: &str| line.split(": 20").next().unwrap_or_default().replace(pki, "PKI");
                text.trim_end().lines().map(without_dates).collect()
            };
            let own = paths.pki().display().to_string();
            assert_eq!(shape(&listed.text(), &own), shape(recorded(text), "/var/snap/microovn/common/data/pki"));

            let wanted: Value = serde_json::from_str(recorded(json)).expect("the recording is JSON");
            let keys = |value: &Value| -> Vec<(String, Vec<String>)> {
                let inner =
                    |value: &Value| value.as_object().map(|it| it.keys().cloned().collect()).unwrap_or_default();
                let object = value.as_object().expect("an object");
                object.iter().map(|(key, value)| (key.clone(), inner(value))).collect()
            };
            assert_eq!(keys(&listed.json()), keys(&wanted));
        }
    }
}
