//! A tap on MicroOVN's control socket, so that it is known what it was told and not only what came of it.

use std::time::Duration;

use super::ClusterError;
use crate::lxd::{Client, Exec};
use crate::microovn::{CONTROL_SOCKET, commands};
use crate::wait;

const SCRIPT: &str = include_str!("tap.pl");
/// It listens at once, and a file is there at once.
const BEGIN: Duration = Duration::from_secs(30);
/// The file on a member that says which name is not in what its MicroOVN answers, while it is there.
const HIDDEN: &str = "/run/testkit-hidden";
/// What MicroOVN calls in `GET /core/1.0` that it takes an address for its tunnels.
const UNDERLAY: &str = "custom_encapsulation_ip";

/// Has everything that a member's MicroOVN is told from now on be noted on the member, until its daemon starts again.
///
/// # Errors
/// When it has no socket yet.
pub(super) async fn tap(client: &Client, member: &str, instance: &str) -> Result<(), ClusterError> {
    let argv = ["perl", "-e", SCRIPT, CONTROL_SOCKET, commands::TOLD, HIDDEN];
    done(client, member, instance, "perl, to tap MicroOVN's control socket", &argv).await
}

/// Has a member's MicroOVN, which is tapped, seem one that takes no address for its tunnels to whoever asks what it can do; or no longer.
///
/// # Errors
/// When the member does not take note of it.
pub(super) async fn seem_older(client: &Client, member: &str, instance: &str, older: bool) -> Result<(), ClusterError> {
    let begin =
        ["perl", "-e", "open my $f, '>', shift or die $!; print $f shift; close $f or die $!", HIDDEN, UNDERLAY];
    let end = ["rm", "-f", HIDDEN];
    let argv = if older { &begin[..] } else { &end[..] };
    done(client, member, instance, "noting what MicroOVN is to hide", argv).await
}

async fn done(client: &Client, member: &str, instance: &str, command: &str, argv: &[&str]) -> Result<(), ClusterError> {
    let output = client.exec(instance, &Exec::new(argv.iter().copied()).timeout(wait::patience(BEGIN))).await?;
    if output.success() {
        return Ok(());
    }
    Err(ClusterError::Command {
        command: command.to_owned(),
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

    /// A daemon that answers with what `answer` makes of a request, in pieces, and a tap on it; the process that listens is ended with it.
    struct Tapped {
        folder: tempfile::TempDir,
        listens: String,
    }

    impl Tapped {
        fn new(answer: impl Fn(&str) -> Vec<String> + Send + 'static) -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("control.socket");
            let daemon = UnixListener::bind(&path).expect("a socket");
            std::thread::spawn(move || {
                for mut stream in daemon.incoming().map_while(Result::ok) {
                    let mut bytes = [0; 4096];
                    let length = stream.read(&mut bytes).expect("a request");
                    for piece in answer(&String::from_utf8_lossy(&bytes[..length])) {
                        let _ = stream.write_all(piece.as_bytes());
                        // So that they are read one by one.
                        std::thread::sleep(Duration::from_millis(20));
                    }
                }
            });
            let files = ["control.socket", "told", "hidden"].map(|name| folder.path().join(name));
            let tapping = Command::new("perl").args(["-e", SCRIPT]).args(files).output().expect("perl is installed");
            assert!(tapping.status.success(), "{}", String::from_utf8_lossy(&tapping.stderr));
            Self { folder, listens: String::from_utf8_lossy(&tapping.stdout).trim().to_owned() }
        }

        fn ask(&self, request: &str) -> String {
            asked(&self.folder.path().join("control.socket"), request)
        }
    }

    impl Drop for Tapped {
        fn drop(&mut self) {
            let _ = Command::new("kill").arg(&self.listens).status();
        }
    }

    #[tokio::test]
    async fn what_is_told_is_noted_without_its_token_and_answered_by_the_daemon() {
        let tapped = Tapped::new(|request| vec![format!("answered {}", request.chars().take(4).collect::<String>())]);
        let body =
            r#"{"bootstrap":false,"config":{"ovn-encap-ip":"10.1.1.12"},"join_token":"eyJzZWNyZXQ","name":"mc2"}"#;
        let join = format!("POST /core/control HTTP/1.1\r\nHost: x\r\n\r\n{body}\n");
        assert_eq!(tapped.ask(&join), "answered POST");
        assert_eq!(tapped.ask("GET /core/1.0 HTTP/1.1\r\n\r\n"), "answered GET ");
        assert_eq!(tapped.ask("DELETE /core/1.0/tokens/mc2 HTTP/1.1\r\n\r\n"), "answered DELE");
        let notes = tapped.folder.path().join("told");
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
    }

    #[test]
    fn a_name_is_hidden_while_a_file_says_so_also_where_it_comes_in_pieces() {
        let pieces = ["[\"cust", "om_encapsulation_ip\",\"custom_encapsulation_ip_2\",\"custom_", "x\",\"cu"];
        let tapped = Tapped::new(move |_| pieces.map(str::to_owned).into());
        let get = "GET /core/1.0 HTTP/1.1\r\n\r\n";
        assert_eq!(tapped.ask(get), pieces.concat());
        let hidden = tapped.folder.path().join("hidden");
        std::fs::write(&hidden, UNDERLAY).expect("written");
        let answered = tapped.ask(get);
        assert_eq!(answered, pieces.concat().replace(UNDERLAY, &"-".repeat(UNDERLAY.len())), "of the same length");
        std::fs::remove_file(&hidden).expect("removed");
        assert_eq!(tapped.ask(get), pieces.concat());
    }
}
