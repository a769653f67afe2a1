//! A tap on MicroOVN's control socket, so that it is known what it was told and not only what came of it.

use std::time::Duration;

use super::ClusterError;
use crate::lxd::{Client, Exec};
use crate::microovn::{CONTROL_SOCKET, commands};
use crate::wait;

const SCRIPT: &str = include_str!("tap.pl");
/// It listens at once.
const BEGIN: Duration = Duration::from_secs(30);

/// Has everything that a member's MicroOVN is told from now on be noted on the member, until its daemon starts again.
///
/// # Errors
/// When it has no socket yet.
pub(super) async fn tap(client: &Client, member: &str, instance: &str) -> Result<(), ClusterError> {
    let exec = Exec::new(["perl", "-e", SCRIPT, CONTROL_SOCKET, commands::TOLD]).timeout(wait::patience(BEGIN));
    let output = client.exec(instance, &exec).await?;
    if output.success() {
        return Ok(());
    }
    Err(ClusterError::Command {
        command: "perl, to tap MicroOVN's control socket".to_owned(),
        member: member.to_owned(),
        code: output.exit_code,
        tail: output.stderr_text().trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::process::Command;

    use super::*;
    use crate::wait::{Pace, Poll};

    /// Asks a daemon that answers so, through the tap.
    fn asked(path: &std::path::Path, request: &str) -> String {
        let mut stream = UnixStream::connect(path).expect("somebody listens");
        stream.write_all(request.as_bytes()).expect("asked");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).expect("a reply");
        reply
    }

    #[tokio::test]
    async fn what_is_told_is_noted_without_its_token_and_answered_by_the_daemon() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, notes) = (folder.path().join("control.socket"), folder.path().join("told"));
        let daemon = UnixListener::bind(&path).expect("a socket");
        std::thread::spawn(move || {
            for stream in daemon.incoming().map_while(Result::ok) {
                let mut stream = stream;
                let mut bytes = [0; 4096];
                let length = stream.read(&mut bytes).expect("a request");
                let method = String::from_utf8_lossy(&bytes[..length]).chars().take(4).collect::<String>();
                let _ = stream.write_all(format!("answered {method}").as_bytes());
            }
        });
        let tapping =
            Command::new("perl").args(["-e", SCRIPT]).arg(&path).arg(&notes).output().expect("perl is installed");
        assert!(tapping.status.success(), "{}", String::from_utf8_lossy(&tapping.stderr));
        let body =
            r#"{"bootstrap":false,"config":{"ovn-encap-ip":"10.1.1.12"},"join_token":"eyJzZWNyZXQ","name":"mc2"}"#;
        let join = format!("POST /core/control HTTP/1.1\r\nHost: x\r\n\r\n{body}\n");
        assert_eq!(asked(&path, &join), "answered POST");
        assert_eq!(asked(&path, "GET /core/1.0 HTTP/1.1\r\n\r\n"), "answered GET ");
        assert_eq!(asked(&path, "DELETE /core/1.0/tokens/mc2 HTTP/1.1\r\n\r\n"), "answered DELE");
        let both = wait::until("both notes", Pace::new(20, 20), async || match std::fs::read_to_string(&notes) {
            Ok(text) if text.lines().count() == 2 => Poll::Ready(text),
            other => Poll::<_, std::convert::Infallible>::NotYet(format!("{other:?}")),
        });
        let told = both.await.expect("noted");
        // Requests are noted as they end, side by side.
        let mut told: Vec<&str> = told.lines().collect();
        told.sort_unstable();
        let wanted = body.replace("eyJzZWNyZXQ", "[redacted join token]");
        assert_eq!(told, ["DELETE /core/1.0/tokens/mc2 ", format!("POST /core/control {wanted}").as_str()]);
        let listens = String::from_utf8_lossy(&tapping.stdout).trim().to_owned();
        let ended = Command::new("kill").arg(&listens).status().expect("kill is installed");
        assert!(ended.success(), "{listens}");
    }
}
