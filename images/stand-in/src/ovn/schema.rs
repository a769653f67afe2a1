//! The versions of the databases' schemas.

use serde_json::Value;

use crate::error::{Context, Error, Result};
use crate::paths::Paths;

use super::env::OvnEnv;
use super::raft::Db;
use super::tools;

/// The version the installed OVN brings.
pub(crate) fn expected(paths: &Paths, db: Db) -> Result<String> {
    let file = file(paths, db);
    let text = std::fs::read_to_string(&file).context(file.display())?;
    let schema: Value = serde_json::from_str(&text)?;
    let version = schema["version"].as_str().ok_or_else(|| Error::internal("the schema has no version"))?;
    Ok(version.to_owned())
}

/// The version that the database has in the local server.
pub(crate) async fn local(paths: &Paths, db: Db) -> Result<String> {
    let args = ["--timeout=10", "get-schema-version", &socket(paths, db), db.schema()];
    tools::run(paths, "ovsdb-client", &args).await.map(|version| version.trim().to_owned())
}

/// Gives a database the schema that the installed OVN brings.
pub(crate) async fn convert(paths: &Paths, db: Db) -> Result<()> {
    let file = file(paths, db).display().to_string();
    tools::run(paths, "ovsdb-client", &["--timeout=60", "convert", &socket(paths, db), &file]).await.map(drop)
}

fn socket(paths: &Paths, db: Db) -> String {
    format!("unix:{}", paths.run_ovn().join(format!("ovn{}_db.sock", db.short())).display())
}

fn file(paths: &Paths, db: Db) -> std::path::PathBuf {
    paths.snap.join(format!("usr/share/ovn/ovn-{}.ovsschema", db.short()))
}

/// The version the running database has.
pub(crate) async fn active(paths: &Paths, db: Db, env: &OvnEnv) -> Result<String> {
    let pki = paths.pki();
    let file = |option: &str, name: &str| format!("--{option}={}", pki.join(name).display());
    let remotes = match db {
        Db::Northbound => env.nb_connect(),
        Db::Southbound => env.sb_connect(),
    };
    if remotes.is_empty() {
        return Err(Error::internal("there is no central"));
    }
    let args = [
        "--timeout=10".to_owned(),
        file("private-key", "client-privkey.pem"),
        file("certificate", "client-cert.pem"),
        file("ca-cert", "cacert.pem"),
        "get-schema-version".to_owned(),
        remotes,
        db.schema().to_owned(),
    ];
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    tools::run(paths, "ovsdb-client", &args).await.map(|version| version.trim().to_owned())
}
