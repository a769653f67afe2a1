//! Who makes a golden image: marked on the instance, so that others wait for it instead of making it a second time.
//!
//! Users of one LXD need not share a cache, nor a host: a lock in the cache keeps nobody else away, the mark does. It is
//! there from the moment the instance is, because it is a part of the request, and LXD refuses a second instance of the
//! name. A maker that has ended, or that is past its time, is taken over by whoever changes the mark first.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::build::Progress;
use super::super::error::Error;
use super::{READY_KEY, is_golden};
use crate::lxd::{Client, Devices, Instance, InstancePatch, Tagged};
use crate::wait::{self, Pace, Poll, WaitError};

/// Who makes it, as [`Maker::name`] says.
const MAKER_KEY: &str = "user.testkit.maker";
/// Until when, RFC 3339. A maker puts it off with each step.
const UNTIL_KEY: &str = "user.testkit.maker-until";
/// Longer than any step takes; what others wait who cannot see whether the maker still runs.
const STEP: SignedDuration = SignedDuration::from_mins(10);
/// How long the making by others is waited for. Each step that they make is within its own time.
const PATIENCE: Pace = Pace::new(3600, 500);

/// A process that makes golden images.
#[derive(Debug, Clone)]
pub struct Maker {
    /// Its host and which of the host's processes it is, as other users of the same LXD know it.
    pub name: String,
    /// Whether the maker of that name still runs; `None` where that cannot be told from here.
    pub is_alive: fn(&str) -> Option<bool>,
}

/// How an instance that is to be a golden image is found.
pub(super) enum Found {
    /// There is none.
    Nothing,
    /// It is complete.
    Ready(Box<Instance>),
    /// It is half made, and nobody makes it any more.
    Abandoned(Box<Tagged<Instance>>),
}

impl Maker {
    /// The marks that this process makes it, for a while from now on.
    pub(super) fn marks(&self) -> BTreeMap<String, String> {
        let now = Timestamp::now();
        let until = now.checked_add(STEP).unwrap_or(now);
        [(MAKER_KEY, self.name.clone()), (UNTIL_KEY, until.to_string())].map(|(key, it)| (key.to_owned(), it)).into()
    }

    /// Whether the marks are this process's.
    pub(super) fn is_of(&self, config: &BTreeMap<String, String>) -> bool {
        config.get(MAKER_KEY).is_some_and(|maker| *maker == self.name)
    }

    /// The other process that is at work on an instance with this configuration.
    fn other<'a>(&self, config: &'a BTreeMap<String, String>, now: Timestamp) -> Option<&'a str> {
        let maker = config.get(MAKER_KEY).filter(|maker| !maker.is_empty() && **maker != self.name)?;
        let in_time = config.get(UNTIL_KEY).and_then(|until| until.parse().ok()).is_some_and(|it: Timestamp| now < it);
        // One that hangs is past its time, too.
        (in_time && (self.is_alive)(maker) != Some(false)).then_some(maker)
    }
}

/// The marks of a golden image that nobody has to make any more.
pub(super) fn no_marks() -> BTreeMap<String, String> {
    [MAKER_KEY, UNTIL_KEY].map(|key| (key.to_owned(), String::new())).into()
}

/// Looks for the golden image, and waits as long as another process makes it.
pub(super) async fn find(
    client: &Client,
    name: &str,
    maker: &Maker,
    progress: &mut Progress<'_>,
) -> Result<Found, Error> {
    // The text that was told last.
    let telling = Mutex::new((progress, String::new()));
    let found = wait::until("the golden image that another process makes", PATIENCE, async || {
        let found = match client.find_instance(name).await {
            Ok(found) => found,
            Err(error) => return Poll::Failed(Error::lxd(format!("look for golden image {name}"))(error)),
        };
        let Some(found) = found else { return Poll::Ready(Found::Nothing) };
        let config = &found.value.config;
        if config.get(READY_KEY).is_some_and(|ready| ready == "true") && !found.value.is_running() {
            return Poll::Ready(Found::Ready(Box::new(found.value)));
        }
        if !is_golden(config) {
            let problem = "an instance of this name exists that is not ours; delete or rename it".to_owned();
            return Poll::Failed(Error::Prepare { instance: name.to_owned(), step: "start over".to_owned(), problem });
        }
        match maker.other(config, Timestamp::now()) {
            None => Poll::Ready(Found::Abandoned(Box::new(found))),
            Some(other) => {
                let text = format!("waiting for golden image {name}, which {other} makes");
                let (progress, told) = &mut *telling.lock().unwrap_or_else(PoisonError::into_inner);
                if *told != text {
                    progress(&text);
                    told.clone_from(&text);
                }
                Poll::NotYet(text)
            }
        }
    });
    found.await.map_err(|error| match error {
        WaitError::Failed { source, .. } => source,
        late => Error::Prepare { instance: name.to_owned(), step: "wait".to_owned(), problem: late.to_string() },
    })
}

/// Takes over what nobody makes any more; whether nobody else did meanwhile.
pub(super) async fn take_over(
    client: &Client,
    name: &str,
    found: &Tagged<Instance>,
    maker: &Maker,
) -> Result<bool, Error> {
    let patch = InstancePatch { config: maker.marks(), devices: Devices::new() };
    match client.patch_instance(name, &patch, found.etag.as_deref()).await {
        Ok(()) => Ok(true),
        Err(error) if error.is_etag_conflict() || error.is_not_found() => Ok(false),
        Err(error) => Err(Error::lxd(format!("take over golden image {name}, which is half made"))(error)),
    }
}

/// Says that it is still being made.
pub(super) async fn prolong(client: &Client, name: &str, maker: &Maker) -> Result<(), Error> {
    let patch = InstancePatch { config: maker.marks(), devices: Devices::new() };
    let prolonged = client.patch_instance(name, &patch, None).await;
    prolonged.map_err(Error::lxd(format!("mark golden image {name} as being made")))
}

/// Removes what this process made of it. What another has taken over meanwhile is that one's.
pub(super) async fn remove_own(client: &Client, name: &str, maker: &Maker, deadline: Duration) {
    let found = client.find_instance(name).await;
    if found.is_ok_and(|found| found.is_some_and(|found| maker.is_of(&found.value.config))) {
        // Whether this succeeds changes nothing: the next call removes what is left.
        let _ = client.delete_instance_forced(name, deadline).await;
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use rstest::rstest;

    use super::*;

    fn maker(name: &str, alive: fn(&str) -> Option<bool>) -> Maker {
        Maker { name: name.to_owned(), is_alive: alive }
    }

    #[rstest]
    #[case::alive(|_: &str| Some(true), 0, true)]
    #[case::on_another_host(|_: &str| None, 0, true)]
    #[case::dead(|_: &str| Some(false), 0, false)]
    #[case::hanging(|_: &str| Some(true), 11, false)]
    #[case::past_its_time_on_another_host(|_: &str| None, 11, false)]
    fn another_maker_is_waited_for_while_it_lives_and_is_in_time(
        #[case] alive: fn(&str) -> Option<bool>,
        #[case] minutes: i64,
        #[case] waits: bool,
    ) {
        let marks = maker("b", |_| None).marks();
        let now = Timestamp::now().checked_add(minutes.minutes()).expect("in range");
        assert_eq!(maker("a", alive).other(&marks, now), waits.then_some("b"));
        assert_eq!(maker("b", alive).other(&marks, now), None, "waits for itself");
        assert_eq!(maker("a", alive).other(&no_marks(), now), None, "waits for nobody");
    }
}
