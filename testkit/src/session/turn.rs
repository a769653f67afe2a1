//! Turns: a bound on how many clusters of a run are formed at the same time, and the order in which they are.
//!
//! Processes that may be killed at any instruction share the places, so nobody hands them out: whoever waits looks for
//! itself. A place is a locked file, and so is a waiter; the kernel unlocks both when their process dies.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;

use super::run::{RunError, io_error};
use super::{Run, lock};
use crate::clock::Clock;

/// Between two looks of the waiter that is next. One that is further behind looks more seldom, up to the longest pause:
/// forming a cluster takes seconds, and looks cost the processor that it needs.
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The right to form a cluster, until it is dropped or the process ends.
#[derive(Debug)]
pub struct Turn {
    place: usize,
    _held: File,
}

impl Turn {
    /// Which of the places it is, counted from 0. The lowest that is free is taken, so somebody who goes on has place 0
    /// whenever few do.
    pub fn place(&self) -> usize {
        self.place
    }
}

impl Run {
    /// Waits for a place, whichever is free first. Of those who wait, the one with the highest `cost` is next, so that
    /// what takes longest starts first; of the same cost, the one who came first.
    ///
    /// `places` says how many there are, and is asked before every look: they may be fewer for a while. Nobody who waits
    /// holds one, so the first place is always somebody's who goes on.
    ///
    /// # Errors
    /// Those of `places`, or when the run's folder cannot be used.
    pub async fn turn<E: From<RunError>>(
        &self,
        cost: u64,
        mut places: impl AsyncFnMut() -> Result<usize, E>,
    ) -> Result<Turn, E> {
        let dir = self.common().turns();
        fs::create_dir_all(&dir).map_err(io_error("create", &dir))?;
        let waiter = Waiter::register(&dir, cost, self.clock()).await.map_err(io_error("wait in", &dir))?;
        loop {
            let places = places().await?.max(1);
            match waiter.look(places).await.map_err(io_error("look into", &dir))? {
                Look::Place(turn) => return Ok(turn),
                Look::Behind(ahead) => {
                    let ahead = u32::try_from(ahead).unwrap_or(u32::MAX).saturating_add(1);
                    tokio::time::sleep(PAUSE.saturating_mul(ahead).min(LONGEST_PAUSE)).await;
                }
            }
        }
    }
}

/// What a waiter finds.
enum Look {
    Place(Turn),
    /// No place for it yet; so many may be ahead of it.
    Behind(usize),
}

/// One who waits: a locked file whose name sorts in the order of turns. It goes when it is dropped.
struct Waiter {
    dir: PathBuf,
    file: NamedTempFile,
}

impl Waiter {
    async fn register(dir: &Path, cost: u64, clock: Clock) -> io::Result<Self> {
        let dir = dir.to_owned();
        blocking(move || {
            let _alone = alone(&dir)?;
            let arrived = clock.now().as_nanosecond();
            // The most expensive first, then the first to come.
            let prefix = format!("{WAITER}{:020}-{arrived:020}-", u64::MAX - cost);
            let file = tempfile::Builder::new().prefix(&prefix).tempfile_in(&dir)?;
            file.as_file().lock()?;
            Ok(Self { dir, file })
        })
        .await
    }

    async fn look(&self, places: usize) -> io::Result<Look> {
        let (dir, me) = (self.dir.clone(), self.file.path().to_owned());
        blocking(move || look(&dir, &me, places)).await
    }
}

/// Waiters' files begin with this.
const WAITER: &str = "waiter-";

/// Takes a place if there is one for `me`: more are free than living waiters are ahead.
fn look(dir: &Path, me: &Path, places: usize) -> io::Result<Look> {
    let _alone = alone(dir)?;
    let mut waiters = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(WAITER.as_bytes())) && *path < *me {
            waiters.push(path);
        }
    }
    let mut ahead = 0;
    for waiter in waiters {
        match lock::try_exclusive(&waiter)? {
            None => ahead += 1,
            // Its process is gone.
            Some(_) => drop(fs::remove_file(&waiter)),
        }
    }
    let mut free = 0;
    for place in 0..places {
        // Those for the others are given back at the end of this turn of the loop.
        let Some(held) = lock::try_exclusive(&dir.join(format!("place-{place}")))? else { continue };
        free += 1;
        if free > ahead {
            return Ok(Look::Place(Turn { place, _held: held }));
        }
    }
    Ok(Look::Behind(ahead))
}

/// One looks at a time, so that nobody takes a place, or a waiter that registers, for what it is not.
fn alone(dir: &Path) -> io::Result<File> {
    let file = File::options().create(true).truncate(false).write(true).open(dir.join("look.lock"))?;
    file.lock()?;
    Ok(file)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::{Pin, pin};

    use super::*;
    use crate::config::{Config, Layer};

    async fn run(out: &Path) -> Run {
        let flags = Layer { out_dir: Some(out.to_owned()), ..Layer::default() };
        Run::start(&Config::resolve(flags).expect("a workspace")).await.expect("a run")
    }

    async fn turn(run: &Run, places: usize, cost: u64) -> Result<Turn, RunError> {
        run.turn(cost, async || Ok::<_, RunError>(places)).await
    }

    /// The turn, which must come.
    async fn comes(turn: Pin<&mut impl Future<Output = Result<Turn, RunError>>>) -> Turn {
        let turn = tokio::time::timeout(Duration::from_secs(60), turn).await;
        turn.expect("a turn in time").expect("a turn")
    }

    /// Whether no turn comes while others keep theirs.
    async fn waits(turn: Pin<&mut impl Future<Output = Result<Turn, RunError>>>) -> bool {
        tokio::time::timeout(Duration::from_millis(300), turn).await.is_err()
    }

    /// Returns when so many wait.
    async fn waiting(run: &Run, count: usize) {
        let waiters = || {
            let entries = fs::read_dir(run.common().turns()).into_iter().flatten().flatten();
            entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(WAITER)).count()
        };
        while waiters() < count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    #[tokio::test]
    async fn whoever_waits_gets_the_place_that_is_free_first() {
        let out = tempfile::tempdir().expect("a folder");
        let run = run(out.path()).await;
        let first = turn(&run, 2, 0).await.expect("a turn");
        let second = turn(&run, 2, 0).await.expect("a turn");
        assert_eq!((first.place(), second.place()), (0, 1));
        let mut third = pin!(turn(&run, 2, 0));
        assert!(waits(third.as_mut()).await, "no more than the bound are in at once");
        drop(second);
        assert_eq!(comes(third).await.place(), 1, "the second place is free, whatever the first does");
    }

    #[tokio::test]
    async fn the_most_expensive_is_next_and_then_the_first_to_come() {
        let out = tempfile::tempdir().expect("a folder");
        let run = run(out.path()).await;
        let held = turn(&run, 1, 0).await.expect("a turn");
        let order = std::sync::Mutex::new(Vec::new());
        // Each comes when those before it wait.
        let wait = async |name: &'static str, cost: u64, before: usize| {
            waiting(&run, before).await;
            let turn = turn(&run, 1, cost).await.expect("a turn");
            order.lock().expect("nobody panicked").push(name);
            drop(turn);
        };
        let give = async {
            waiting(&run, 4).await;
            drop(held);
        };
        tokio::join!(wait("short", 1, 0), wait("early", 5, 1), wait("late", 5, 2), wait("long", u64::MAX, 3), give);
        assert_eq!(*order.lock().expect("nobody panicked"), ["long", "early", "late", "short"]);
    }

    #[tokio::test]
    async fn two_places_that_are_free_do_not_wait_for_each_other() {
        let out = tempfile::tempdir().expect("a folder");
        let run = run(out.path()).await;
        let dir = run.common().turns();
        fs::create_dir(&dir).expect("made");
        // It is ahead, and does not look.
        let _ahead = Waiter::register(&dir, 9, Clock::start()).await.expect("waits");
        let mut second = pin!(turn(&run, 2, 0));
        // There is a place for both.
        let second = comes(second.as_mut()).await;
        drop(second);
        let mut only = pin!(turn(&run, 1, 0));
        assert!(waits(only.as_mut()).await, "the one place is for who is ahead");
    }

    #[tokio::test]
    async fn there_may_be_fewer_places_for_a_while() {
        let out = tempfile::tempdir().expect("a folder");
        let run = run(out.path()).await;
        let _first = turn(&run, 2, 0).await.expect("a turn");
        let places = std::sync::atomic::AtomicUsize::new(1);
        let count = async || Ok::<_, RunError>(places.load(std::sync::atomic::Ordering::SeqCst));
        let mut second = pin!(run.turn(0, count));
        assert!(waits(second.as_mut()).await, "the second place does not count now");
        places.store(2, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(comes(second).await.place(), 1, "it counts again");
    }

    #[tokio::test]
    async fn who_came_first_is_a_matter_of_the_clock_of_the_run() {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = Clock::saying("2020-02-29T12:00:00Z".parse().expect("a time"));
        let waiter = Waiter::register(dir.path(), 0, clock).await.expect("waits");
        let name = waiter.file.path().file_name().expect("a name").to_string_lossy().into_owned();
        let arrived: i128 = name.split('-').nth(2).and_then(|part| part.parse().ok()).expect("a moment");
        assert!((clock.now().as_nanosecond() - arrived) < 60_000_000_000, "{name} is by the wall clock");
        assert!(arrived <= clock.now().as_nanosecond(), "{name} is by the wall clock");
    }

    #[tokio::test]
    async fn the_dead_are_not_waited_for() {
        let out = tempfile::tempdir().expect("a folder");
        let run = run(out.path()).await;
        let dir = run.common().turns();
        fs::create_dir(&dir).expect("made");
        // What a killed process leaves: files that nobody has locked.
        let dead = dir.join(format!("{WAITER}{:020}-0-x", 0));
        fs::write(&dead, "").expect("left");
        fs::write(dir.join("place-0"), "").expect("left");
        comes(pin!(turn(&run, 1, 0))).await;
        assert!(!dead.exists(), "and it is cleared away");
    }

    #[tokio::test]
    async fn who_gives_up_waiting_is_no_longer_ahead() {
        let out = tempfile::tempdir().expect("a folder");
        let run = run(out.path()).await;
        let held = turn(&run, 1, 0).await.expect("a turn");
        {
            let mut costly = pin!(turn(&run, 1, 9));
            assert!(waits(costly.as_mut()).await);
        }
        drop(held);
        comes(pin!(turn(&run, 1, 0))).await;
    }
}
