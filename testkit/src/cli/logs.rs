//! What MicroOVN's services say on the members of a cluster that is up.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use futures_util::future::try_join_all;

use super::Failure;
use super::interrupt::Interrupt;
use crate::cluster::Words;
use crate::lxd::{Client, Error, Exec};

/// Starting the command; then it prints as long as it likes.
const START: Duration = Duration::from_secs(30);
/// How long an answer without `--follow` may take to end after its last line.
const END: Duration = Duration::from_secs(30);

/// Prints what the members' MicroOVN services say in the journal, or in their log files where they say nothing there, each
/// line after its member's name where there are several. With `follow` it goes on until it is interrupted.
pub(super) async fn logs(client: &Client, members: &[(String, String)], follow: bool) -> Result<ExitCode, Failure> {
    let words = if follow { Words::Follow } else { Words::Journal };
    let exec = Exec::new(words.argv()).timeout(START);
    let prefix = |member: &str| if members.len() > 1 { format!("{member}  ") } else { String::new() };
    let interrupt = &Interrupt::new();
    if follow {
        let all = members.iter().map(|(member, instance)| stream(client, instance, &exec, prefix(member), interrupt));
        interrupt.during(try_join_all(all)).await.map_err(Failure::usage)?;
    } else {
        // One after the other, so that each member's lines stay together.
        for (member, instance) in members {
            let streaming = stream(client, instance, &exec, prefix(member), interrupt);
            interrupt.during(streaming).await.map_err(Failure::usage)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn stream(
    client: &Client,
    instance: &str,
    exec: &Exec,
    prefix: String,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    if interrupt.is_now() {
        return Ok(());
    }
    let mut pipes = client.exec_pipes(instance, exec).await?;
    let mut rest = Vec::new();
    while let Some(piece) = interrupt.or(pipes.read()).await {
        let Some(piece) = piece? else { break };
        rest.extend_from_slice(&piece);
        let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if !print(rest.drain(..whole).as_slice(), &prefix) {
            // Nobody reads any more, as in `testkit logs … | head`.
            interrupt.now();
        }
    }
    if interrupt.is_now() {
        pipes.end().await;
        return Ok(());
    }
    print(&rest, &prefix);
    pipes.wait(END).await.map(drop)
}

/// Prints whole lines; whether somebody read them.
fn print(lines: &[u8], prefix: &str) -> bool {
    let mut out = std::io::stdout().lock();
    let mut lines = lines.split_inclusive(|byte| *byte == b'\n');
    lines.all(|line| out.write_all(prefix.as_bytes()).and_then(|()| out.write_all(line)).is_ok()) && out.flush().is_ok()
}
