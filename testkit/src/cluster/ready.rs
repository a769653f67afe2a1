//! A copy of the golden image, until it runs and MicroOVN's daemon on it answers.

use std::time::Duration;

use super::ClusterError;
use crate::image::DAEMON_ANSWERS;
use crate::lxd::{Client, Exec};
use crate::microovn::CONTROL_SOCKET;
use crate::wait::{self, Pace, Poll};

/// Copying and starting one instance; a busy host and a plain directory pool take tens of seconds.
pub(super) const CLONE: Duration = Duration::from_secs(180);
/// From started to MicroOVN's daemon answering.
const READY: Pace = Pace::new(120, 200);
/// Waits inside the node until the daemon's socket is there, because a look from outside costs a booting node more
/// than all looks from within, and then asks the daemon. Where the socket never comes, the daemon is asked all the same
/// and says what it lacks. When it has answered, the member's own time is printed. Between two looks it reads, for so long,
/// from a pipe that nothing comes through: a `sleep` would be a process for every look.
const AWAIT_DAEMON: &str = r#"
exec {never}<> <(:)
for _ in {1..500}; do [ -S "$1" ] && break; read -rt 0.02 -u "$never"; done
bash -c "$2" answers /snap/bin/microovn "$1" 60 && echo "$EPOCHREALTIME"
"#;

/// Waits until MicroOVN's daemon answers, and returns when that was by the member's own clock. That needs no cluster, and fails
/// while snapd has not mounted the snap or the daemon does not listen.
pub(super) async fn wait_ready(client: &Client, member: &str, instance: &str) -> Result<String, ClusterError> {
    let probe = Exec::new(["bash", "-c", AWAIT_DAEMON, "await", CONTROL_SOCKET, DAEMON_ANSWERS])
        .timeout(wait::patience(Duration::from_secs(90)));
    let ready = wait::until("MicroOVN's daemon to answer", READY, async || match client.exec(instance, &probe).await {
        Ok(output) if output.exit_code == 0 => {
            Poll::Ready(output.stdout_text().lines().next_back().unwrap_or_default().trim().to_owned())
        }
        Ok(output) => Poll::NotYet(format!("exit code {}: {}", output.exit_code, output.stderr_text().trim())),
        Err(error) => Poll::Failed(error),
    });
    ready.await.map_err(|source| ClusterError::NotReady { member: member.to_owned(), source })
}
