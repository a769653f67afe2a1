//! Turns: a bound on how many clusters of a run are formed at the same time, the order in which they are, and on which host
//! each is, where LXD is a cluster of hosts.
//!
//! Processes that may be killed at any instruction share the places, so nobody hands them out: whoever waits looks for
//! itself. A place is a locked file, and so is a waiter; the kernel unlocks both when their process dies.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;

use super::run::{RunError, io_error};
use super::{Run, lock};
use crate::clock::Clock;
use crate::placement::{self, Need, Place};

/// Between two looks of the waiter that is next. One that is further behind looks more seldom, up to the longest pause:
/// forming a cluster takes seconds, and looks cost the processors that it needs: those of forty journeys that waited took more than
/// two hundredths of all.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The right to form a cluster, until it is dropped or the process ends.
#[derive(Debug)]
pub struct Turn {
    place: usize,
    member: Option<String>,
    _held: File,
}

impl Turn {
    /// Which of the places it is, counted from 0. The lowest that is free is taken, so somebody who goes on has place 0
    /// whenever few do.
    pub fn place(&self) -> usize {
        self.place
    }

    /// The member of the LXD cluster that it is on; `None` where LXD is no cluster.
    pub fn member(&self) -> Option<&str> {
        self.member.as_deref()
    }
}

impl Run {
    /// Waits for a place, whichever is free first. Of those who wait, the one of the highest cost is next, so that
    /// what takes longest starts first; of the same cost, the one who came first. On which host, [`placement::choose`] says.
    ///
    /// `places` says which hosts there are and how many turns each has, and is asked before every look: they may be fewer for
    /// a while. Who is at work on them is found out here. Nobody who waits holds one, so the first place is always somebody's
    /// who goes on.
    ///
    /// # Errors
    /// Those of `places`, or when the run's folder cannot be used.
    pub async fn turn<E: From<RunError>>(
        &self,
        need: Need,
        mut places: impl AsyncFnMut() -> Result<Vec<Place>, E>,
    ) -> Result<Turn, E> {
        let dir = self.common().turns();
        fs::create_dir_all(&dir).map_err(io_error("create", &dir))?;
        let waiter = Waiter::register(&dir, need, self.clock()).await.map_err(io_error("wait in", &dir))?;
        loop {
            match waiter.look(places().await?).await.map_err(io_error("look into", &dir))? {
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
    need: Need,
}

impl Waiter {
    async fn register(dir: &Path, need: Need, clock: Clock) -> io::Result<Self> {
        let dir = dir.to_owned();
        blocking(move || {
            let _alone = alone(&dir)?;
            let arrived = clock.now().as_nanosecond();
            // The most expensive first, then the first to come.
            let prefix = format!("{WAITER}{:020}-{arrived:020}-", u64::MAX - need.cost);
            let file = tempfile::Builder::new().prefix(&prefix).tempfile_in(&dir)?;
            file.as_file().lock()?;
            Ok(Self { dir, file, need })
        })
        .await
    }

    async fn look(&self, places: Vec<Place>) -> io::Result<Look> {
        let (dir, me, need) = (self.dir.clone(), self.file.path().to_owned(), self.need);
        blocking(move || look(&dir, &me, need, places)).await
    }
}

/// Waiters' files begin with this.
const WAITER: &str = "waiter-";

/// What the hosts of a cluster were given so far, in milliseconds by their names: a document in the folder of turns.
const GIVEN: &str = "given.json";

/// Takes a place if there is one for `me`: more are free than living waiters are ahead.
fn look(dir: &Path, me: &Path, need: Need, mut places: Vec<Place>) -> io::Result<Look> {
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
    if ahead >= places.iter().map(|place| place.turns).sum::<usize>() {
        return Ok(Look::Behind(ahead));
    }
    let given = given(dir);
    // Those that are not taken are given back at the end.
    let mut free: Vec<(usize, usize, File)> = Vec::new();
    for (at, place) in places.iter_mut().enumerate() {
        place.given = given.get(&place.name).copied().unwrap_or_default();
        for number in 0..place.turns {
            let path = dir.join(file_of(&place.name, number));
            match lock::try_exclusive(&path)? {
                Some(held) => free.push((at, number, held)),
                None => {
                    place.taken += 1;
                    place.at_work += fs::read_to_string(&path)?.trim().parse().unwrap_or(0);
                }
            }
        }
    }
    let chosen = if free.len() > ahead { placement::choose(&places, need) } else { None };
    let chosen = chosen.and_then(|place| free.into_iter().find(|(at, ..)| *at == place));
    let Some((at, number, mut held)) = chosen else { return Ok(Look::Behind(ahead)) };
    held.set_len(0)?;
    held.rewind()?;
    write!(held, "{}", need.cost)?;
    let Place { name, .. } = places.swap_remove(at);
    let member = (!name.is_empty()).then_some(name);
    if let Some(member) = &member {
        note_given(dir, given, member, need.cost)?;
    }
    Ok(Look::Place(Turn { place: number, member, _held: held }))
}

/// The file of a place. A member's name is its own to choose, so it is no part of a path.
fn file_of(member: &str, number: usize) -> String {
    if member.is_empty() {
        return format!("place-{number}");
    }
    let name: String = member.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("place-{name}-{number}")
}

fn given(dir: &Path) -> BTreeMap<String, u64> {
    let read = || -> io::Result<String> {
        let mut text = String::new();
        File::open(dir.join(GIVEN))?.read_to_string(&mut text)?;
        Ok(text)
    };
    // It decides between equals only: one that was cut short is begun anew.
    read().ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

fn note_given(dir: &Path, mut given: BTreeMap<String, u64>, member: &str, cost: u64) -> io::Result<()> {
    *given.entry(member.to_owned()).or_default() += cost;
    fs::write(dir.join(GIVEN), serde_json::to_vec(&given)?)
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

    fn need(cost: u64) -> Need {
        Need { memory: 0, cost }
    }

    async fn turn(run: &Run, places: usize, cost: u64) -> Result<Turn, RunError> {
        run.turn(need(cost), async || Ok::<_, RunError>(vec![Place::only(places)])).await
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
        let _ahead = Waiter::register(&dir, need(9), Clock::start()).await.expect("waits");
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
        let count = async || Ok::<_, RunError>(vec![Place::only(places.load(std::sync::atomic::Ordering::SeqCst))]);
        let mut second = pin!(run.turn(need(0), count));
        assert!(waits(second.as_mut()).await, "the second place does not count now");
        places.store(2, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(comes(second).await.place(), 1, "it counts again");
    }

    #[tokio::test]
    async fn who_came_first_is_a_matter_of_the_clock_of_the_run() {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = Clock::saying("2020-02-29T12:00:00Z".parse().expect("a time"));
        let waiter = Waiter::register(dir.path(), need(0), clock).await.expect("waits");
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

    /// A turn on one of these members of an LXD cluster, each of which has one.
    async fn turn_on(run: &Run, members: &[&str], cost: u64) -> Turn {
        let places = || members.iter().map(|name| Place { name: (*name).to_owned(), ..Place::only(1) }).collect();
        run.turn(need(cost), async || Ok::<_, RunError>(places())).await.expect("a turn")
    }

    #[tokio::test]
    async fn turns_count_for_each_member_and_go_to_the_one_that_has_least_to_do() {
        let out = tempfile::tempdir().expect("a folder");
        let run = run(out.path()).await;
        let all = ["a", "b/../c"];
        let long = turn_on(&run, &all, 9_000).await;
        let short = turn_on(&run, &all, 1_000).await;
        assert_eq!((long.member(), short.member()), (Some("a"), Some("b/../c")));
        let mut third = pin!(async { Ok(turn_on(&run, &all, 1_000).await) });
        assert!(waits(third.as_mut()).await, "each has one");
        drop(short);
        let third = comes(third).await;
        assert_eq!(third.member(), Some("b/../c"));
        drop((long, third));
        // Both are free: the one that was given less by then is next.
        assert_eq!(turn_on(&run, &all, 0).await.member(), Some("b/../c"));
    }

    #[tokio::test]
    async fn a_member_that_went_away_gives_no_turn() {
        let out = tempfile::tempdir().expect("a folder");
        let run = run(out.path()).await;
        let _a = turn_on(&run, &["a", "b"], 0).await;
        let mut second = pin!(async { Ok(turn_on(&run, &["a"], 0).await) });
        assert!(waits(second.as_mut()).await, "b is away, and a has nothing free");
    }
}
