//! Watching a cluster for as long as a step lasts.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::watch;

use super::{Batch, Members, PATH};
use crate::journey::{Watch, Watched};
use crate::lxd::{Client, Exec};
use crate::packets::{self, Heard};
use crate::plan::Programs;
use crate::report::chain;

/// Between two looks. Each is a process on the member.
const PACE: Duration = Duration::from_millis(500);
/// One look; a database that does not answer by then is gone.
const LOOK: Duration = Duration::from_secs(10);
/// Packets are sent for no longer, whatever became of who asked for them.
const LONGEST: Duration = Duration::from_secs(1800);
/// What sends packets is told to end so often, each time after waiting that long for it to have ended.
const ENDINGS: usize = 10;
const ENDING: Duration = Duration::from_secs(2);

/// What `stepping` comes to, and what was seen meanwhile.
pub(super) async fn watching<T>(
    client: &Client,
    instances: &Members,
    watches: &[Watch],
    stepping: impl Future<Output = T>,
) -> (T, Vec<Watched>) {
    let (end, ended) = watch::channel(false);
    let looking = watches.iter().map(async |watch| {
        let instance = instances.get(watch.on()).map(String::as_str).unwrap_or_default();
        let seen = Watched { watch: watch.clone(), looks: 0, lost: 0, row: 0, gap_ms: 0, said: None };
        let ended = ended.clone();
        match watch {
            Watch::Southbound { .. } => look(client, instance, seen, ended).await,
            Watch::Packets { from, to, .. } => {
                let addresses: Vec<IpAddr> = to.values().flatten().copied().collect();
                let heard = send(client, instance, &from.to_string(), &addresses, ended).await;
                hear(seen, &addresses, heard)
            }
        }
    });
    let looking = join_all(looking);
    let stepping = async {
        let done = stepping.await;
        // Nobody listens where there is nothing to watch.
        let _ = end.send(true);
        done
    };
    tokio::join!(stepping, looking)
}

/// Looks until the end, and once more.
async fn look(client: &Client, instance: &str, mut seen: Watched, mut ended: watch::Receiver<bool>) -> Watched {
    let argv = ["microovn.ovn-sbctl", "--timeout=8", "--columns=name", "list", "Chassis"].map(str::to_owned).to_vec();
    let batch = Batch { client, instance, programs: &Programs::default(), deadline: LOOK };
    let mut last = Instant::now();
    loop {
        let over = *ended.borrow();
        let answered = batch.in_turn(std::slice::from_ref(&argv)).await;
        seen.looks += 1;
        match answered.into_iter().next() {
            Some(Ok(_)) => {
                seen.gap_ms = seen.gap_ms.max(u64::try_from(last.elapsed().as_millis()).unwrap_or(u64::MAX));
                last = Instant::now();
            }
            Some(Err(said)) => seen.said = Some(said),
            None => {}
        }
        if over {
            seen.gap_ms = seen.gap_ms.max(u64::try_from(last.elapsed().as_millis()).unwrap_or(u64::MAX));
            return seen;
        }
        // Ends early when the step has ended, for the last look.
        let _ = tokio::time::timeout(PACE, ended.wait_for(|over| *over)).await;
    }
}

/// Sends packets until the end. Returns what was said of them, or why nothing was.
async fn send(
    client: &Client,
    instance: &str,
    from: &str,
    to: &[IpAddr],
    mut ended: watch::Receiver<bool>,
) -> Result<String, String> {
    let mut argv: Vec<String> = ["bash", "-c", packets::PULSE, "pulse", from].map(str::to_owned).into();
    argv.push(LONGEST.as_secs().to_string());
    argv.extend(to.iter().map(ToString::to_string));
    let sender = Exec::new(argv).env("PATH", PATH).timeout(LONGEST + LOOK);
    let mut sending = std::pin::pin!(client.exec(instance, &sender));
    let sent = tokio::select! {
        sent = &mut sending => sent,
        // It had begun, or begins to, and is told again where it had not.
        _ = ended.wait_for(|over| *over) => {
            let mut sent = None;
            for _ in 0..ENDINGS {
                let end = Exec::new(["pkill", "-INT", "-f", "^testkit-pulse "]).env("PATH", PATH).timeout(LOOK);
                // Whether there was one to be told shows by what comes back.
                let _ = client.exec(instance, &end).await;
                sent = tokio::time::timeout(ENDING, &mut sending).await.ok();
                if sent.is_some() {
                    break;
                }
            }
            sent.ok_or_else(|| "what sends packets does not end".to_owned())?
        }
    };
    match sent {
        Ok(output) if output.stdout.is_empty() => Err(output.stderr_text().trim().to_owned()),
        Ok(output) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => Err(chain(&error)),
    }
}

/// What was seen of packets to these addresses, all together, and of each that was not always heard.
fn hear(mut seen: Watched, to: &[IpAddr], said: Result<String, String>) -> Watched {
    let heard = match said {
        Ok(said) => packets::heard(&said),
        Err(why) => {
            seen.said = Some(why);
            return seen;
        }
    };
    let mut lines = Vec::new();
    for address in to {
        let Heard { sent, lost, row, gap_ms } = heard.get(address).copied().unwrap_or_default();
        seen.looks += sent;
        seen.lost += lost;
        seen.row = seen.row.max(row);
        seen.gap_ms = seen.gap_ms.max(gap_ms);
        if lost > 0 || sent == 0 {
            lines.push(format!(
                "{address}: {lost} of {sent} packets lost, {row} in a row, {gap_ms} ms without an answer"
            ));
        }
    }
    if to.iter().any(|address| !heard.contains_key(address)) {
        // To some nothing was sent, which no bound of the others says anything of.
        seen.looks = 0;
    }
    seen.said = (!lines.is_empty()).then(|| lines.join("\n"));
    seen
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::journey::Bound;
    use crate::plan::Overlay;

    #[test]
    fn what_was_sent_to_all_is_summed_up_and_what_was_lost_is_told_by_address() {
        let [one, other]: [IpAddr; 2] = [[198, 19, 1, 2].into(), [198, 19, 1, 3].into()];
        let watch =
            Watch::Packets { on: "m".to_owned(), from: Overlay::Red, to: BTreeMap::new(), bound: Bound::Nothing };
        let seen = || Watched { watch: watch.clone(), looks: 0, lost: 0, row: 0, gap_ms: 0, said: None };
        let text = "[1.0] 198.19.1.2 : [0], 64 bytes, 0.42 ms (0.42 avg, 0% loss)\n\
                    [1.5] 198.19.1.3 : [0], timed out (NaN avg, 100% loss)\n";
        let both = hear(seen(), &[one, other], Ok(text.to_owned()));
        assert_eq!((both.looks, both.lost, both.gap_ms), (2, 1, 500));
        assert_eq!(both.said.as_deref(), Some("198.19.1.3: 1 of 1 packets lost, 1 in a row, 500 ms without an answer"));
        let third = IpAddr::from([198, 19, 1, 4]);
        let one_not = hear(seen(), &[one, third], Ok(text.to_owned()));
        assert!(one_not.differs().is_some_and(|told| told.contains("never")), "{one_not:?}");
        let failed = hear(seen(), &[one], Err("no network namespace".to_owned()));
        assert_eq!((failed.looks, failed.said.as_deref()), (0, Some("no network namespace")));
    }
}
