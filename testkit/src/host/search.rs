//! Finds LXD or Incus, whichever answers.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::SetupOptions;
use super::error::Error;
use super::packages::{has_program, incusd};
use crate::daemon::Daemon;
use crate::lxd::{Client, Endpoint};

/// Where LXD's folder is: of the snap, of a distribution's package.
pub(super) const LXD_DIRS: [&str; 2] = ["/var/snap/lxd/common/lxd", "/var/lib/lxd"];

/// Incus's: the newer place of its socket, and the folder of distributions' packages. Source: Incus's `client/connection.go`.
pub(super) const INCUS_DIRS: [&str; 2] = ["/run/incus", "/var/lib/incus"];

/// The LXD that answers, or the Incus, if one does: LXD where both do. One that refuses this user is an error where no other
/// answers.
pub(super) async fn find_lxd(options: &SetupOptions) -> Result<Option<Endpoint>, Error> {
    if let Some(endpoint) = &options.endpoint {
        return Ok(Some(endpoint.clone()));
    }
    first_answering(folders(options), options.daemon).await
}

/// The first of these folders in which one answers, of the two the `wanted` one.
async fn first_answering(folders: Vec<PathBuf>, wanted: Option<Daemon>) -> Result<Option<Endpoint>, Error> {
    let mut refused = None;
    for dir in folders {
        let socket = dir.join("unix.socket");
        match fs::metadata(&socket) {
            Ok(metadata) if metadata.file_type().is_socket() => {}
            _ => continue,
        }
        let endpoint = Endpoint::Unix(socket);
        match Client::connect_as(&endpoint, wanted).await {
            Ok(_) => return Ok(Some(endpoint)),
            // A socket that nobody listens on was left by a daemon that died.
            Err(error) if error.is_unreachable() => {}
            Err(source) => refused = refused.or(Some(source)),
        }
    }
    refused.map_or(Ok(None), |source| Err(Error::Unusable(Box::new(source))))
}

/// The folders that one may be in, in the order in which they are preferred.
fn folders(options: &SetupOptions) -> Vec<PathBuf> {
    if let Some(dir) = &options.lxd_dir {
        return vec![dir.clone()];
    }
    let of = |daemon| options.daemon.is_none_or(|wanted| wanted == daemon);
    let (lxd, incus) = (LXD_DIRS.iter().filter(|_| of(Daemon::Lxd)), INCUS_DIRS.iter().filter(|_| of(Daemon::Incus)));
    lxd.chain(incus).map(PathBuf::from).collect()
}

/// That none answers which might.
pub(super) fn none_answers(options: &SetupOptions) -> &'static str {
    match options.daemon {
        Some(Daemon::Incus) => "no Incus answers",
        Some(Daemon::Lxd) => "no LXD answers",
        None => "no LXD answers, nor an Incus",
    }
}

/// Which one is started where none runs: the one that is named, or else the one that is installed, LXD where both are or
/// none is.
pub(super) fn to_start(options: &SetupOptions) -> Daemon {
    let lxd = || has_program("lxd") || Path::new("/snap/bin/lxd").exists();
    options.daemon.unwrap_or_else(|| if !lxd() && incusd().is_some() { Daemon::Incus } else { Daemon::Lxd })
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn both_are_looked_for_and_lxd_first_where_none_is_named() {
        let looked = |options: &SetupOptions| -> Vec<String> {
            folders(options).iter().map(|folder| folder.display().to_string()).collect()
        };
        let options = SetupOptions::default();
        let all = ["/var/snap/lxd/common/lxd", "/var/lib/lxd", "/run/incus", "/var/lib/incus"];
        assert_eq!(looked(&options), all);
        assert_eq!(looked(&SetupOptions { daemon: Some(Daemon::Incus), ..options.clone() }), all[2..]);
        assert_eq!(looked(&SetupOptions { daemon: Some(Daemon::Lxd), ..options.clone() }), all[..2]);
        let named = SetupOptions { daemon: Some(Daemon::Incus), lxd_dir: Some("/srv/i".into()), ..options };
        assert_eq!((looked(&named), to_start(&named)), (vec!["/srv/i".to_owned()], Daemon::Incus));
    }

    /// Has `server` answer in a folder of this name, for as long as the test runs.
    fn serve(root: &Path, name: &str, metadata: &'static str) -> PathBuf {
        let folder = root.join(name);
        fs::create_dir(&folder).unwrap();
        let listener = std::os::unix::net::UnixListener::bind(folder.join("unix.socket")).unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let body = format!(r#"{{"type":"sync","status_code":200,"metadata":{metadata}}}"#);
                let head = io::BufRead::lines(io::BufReader::new(stream.try_clone().unwrap()));
                head.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                io::Write::write_all(&mut stream, answer.as_bytes()).unwrap();
            }
        });
        folder
    }

    const LXD: &str =
        r#"{"auth":"trusted","api_extensions":[],"environment":{"server":"lxd","server_version":"5.0.2"}}"#;
    const INCUS: &str =
        r#"{"auth":"trusted","api_extensions":[],"environment":{"server":"incus","server_version":"6.0.4"}}"#;
    const UNTRUSTED: &str = r#"{"auth":"untrusted","api_extensions":[]}"#;

    #[tokio::test]
    async fn the_first_that_answers_and_lets_this_user_in_is_found() {
        let root = tempfile::tempdir().unwrap();
        // One that died leaves its socket.
        let dead = root.path().join("dead");
        fs::create_dir(&dead).unwrap();
        drop(std::os::unix::net::UnixListener::bind(dead.join("unix.socket")).unwrap());
        let (lxd, incus) = (serve(root.path(), "lxd", LXD), serve(root.path(), "incus", INCUS));
        let closed = serve(root.path(), "closed", UNTRUSTED);
        let found = async |folders: &[&PathBuf], wanted| {
            let found = first_answering(folders.iter().map(|folder| (*folder).clone()).collect(), wanted).await;
            found.map(|found| match found {
                Some(Endpoint::Unix(socket)) => socket.parent().map(Path::to_owned),
                _ => None,
            })
        };
        assert_eq!(found(&[&dead, &lxd, &incus], None).await.unwrap(), Some(lxd.clone()));
        assert_eq!(found(&[&dead, &closed, &incus], None).await.unwrap(), Some(incus.clone()));
        assert_eq!(found(&[&dead], None).await.unwrap(), None);
        let refused = found(&[&closed, &dead], None).await.unwrap_err();
        assert!(refused.to_string().contains("auth is \"untrusted\""), "{refused}");
        let other = found(&[&lxd], Some(Daemon::Incus)).await.unwrap_err();
        assert!(other.to_string().contains("LXD 5.0.2 answers there"), "{other}");
    }
}
