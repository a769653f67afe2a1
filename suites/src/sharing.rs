//! Tests that share a cluster, each a process of its own: the first to come plays, which is all that is done on the cluster, and
//! each judges what that one left.

use std::path::Path;

use jiff::Timestamp;
use testkit::config::{self, Config, Layer};
use testkit::folder::{CellFolder, FolderError};
use testkit::record::{CellPart, CheckPart, RunPart};
use testkit::session::Run;
use testkit::session::lease::{Part, Unprovisioned, wait_for_player};

use crate::failure::Failure;
use crate::ground::Ground;
use crate::judged::Judged;
use crate::options;

/// What the tests of a cell, or of a journey, have in common.
pub(crate) trait Shared {
    /// What is judged: what whoever plays leaves for a test.
    type Left;

    /// The cell or journey, and so its folder.
    fn name(&self) -> &str;

    /// Whether MicroCloud forms its cluster.
    fn is_microclouds(&self) -> bool;

    /// What is known of it before.
    fn part(&self) -> CellPart;

    /// Does all that is done on the cluster, leaves what was seen or why there is no cluster, and gives the cluster back. The
    /// test that plays began at the moment given. What comes back is what was said of giving back.
    async fn play(&self, ground: &Ground, dir: &Path, began: Timestamp) -> Result<Option<String>, Failure>;

    /// What was left for this test, if it is there by now.
    fn look(&self, dir: &Path, test: &str) -> Result<Option<Self::Left>, FolderError>;

    /// Judges what was left.
    fn judge(&self, ground: &Ground, dir: &Path, test: &str, left: Self::Left) -> Judged;

    /// What a test says for which nothing was left, because there is no cluster for this reason; the one that `tells` it is to
    /// say all of it.
    fn unformed(&self, test: &str, why: &Unprovisioned, tells: bool) -> String;
}

/// Runs one test: `exe` is the `testkit` command as it was built.
///
/// # Errors
/// When it does not pass; the text says what, where and how to look closer.
pub(crate) fn run<S: Shared>(
    shared: impl FnOnce(&Config) -> Result<S, Failure>,
    test: &str,
    exe: &str,
) -> Result<(), Failure> {
    testkit::cli::init_log();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(Failure::of)?.block_on(async {
        let config = Config::resolve(Layer::default()).map_err(Failure::of)?;
        config.require_decided().map_err(Failure::of)?;
        let shared = shared(&config)?;
        let run = Run::join(&config).await.map_err(Failure::of)?;
        run.end_with_runner();
        let dir = run.cell_dir(shared.name()).map_err(Failure::of)?;
        let declarations = options::OPTIONS.iter().map(|option| option.declaration());
        RunPart::new(&run, &config, declarations).leave(run.dir()).map_err(Failure::of)?;
        shared.part().leave(&dir).map_err(Failure::of)?;
        let clock = run.clock();
        let part = CheckPart::begin(&dir, test, clock).map_err(Failure::of)?;
        let ground = Ground { config, run, exe: config::program("testkit", exe) };
        let mut judged = take_part(&shared, &ground, &dir, test, part.started).await?;
        if ground.config.known {
            judged.know(&ground.known(shared.name(), shared.is_microclouds())?);
        }
        let failure = judged.failure();
        let (verdict, known) = (judged.verdict.take(), judged.known.clone());
        let ended = part.end_knowing(&dir, clock, verdict, failure.as_deref(), known);
        judged.afterwards(ended.map(|()| None).map_err(Failure::of));
        judged.conclude()
    })
}

/// Plays where nobody has, and judges.
async fn take_part<S: Shared>(
    shared: &S,
    ground: &Ground,
    dir: &Path,
    test: &str,
    began: Timestamp,
) -> Result<Judged, Failure> {
    let (tells, played) = match Part::take(dir).map_err(Failure::of)? {
        Part::Player(_lease) => (true, Some(shared.play(ground, dir, began).await)),
        Part::Judge => (false, None),
    };
    let mut judged = judge(shared, ground, dir, test, tells).await?;
    if let Some(played) = played {
        judged.afterwards(played);
    }
    Ok(judged)
}

enum Found<L> {
    Left(L),
    Unformed(Unprovisioned),
}

async fn judge<S: Shared>(shared: &S, ground: &Ground, dir: &Path, test: &str, tells: bool) -> Result<Judged, Failure> {
    let folder = CellFolder::new(dir);
    let look = || -> Result<_, FolderError> {
        Ok(match shared.look(dir, test)? {
            Some(left) => Some(Found::Left(left)),
            None => folder.read()?.map(Found::Unformed),
        })
    };
    let unformed = |why: &Unprovisioned, tells: bool| {
        let text = format!("{}\n  evidence: {}", shared.unformed(test, why, tells), dir.display());
        Judged::unformed(Failure::new(text), why.headline())
    };
    Ok(match wait_for_player(dir, test, look).await.map_err(Failure::of)? {
        Some(Found::Left(left)) => shared.judge(ground, dir, test, left),
        Some(Found::Unformed(why)) => unformed(&why, tells),
        None => {
            let died = Unprovisioned::from("the test that acted on the cluster died".to_owned());
            let mut judged = unformed(&died, true);
            // One of those who hear of it gives back what there is of the cluster.
            if folder.write_new(&died).map_err(Failure::of)? {
                judged.afterwards(ground.leave_unformed(shared.name(), &died.message).await);
            }
            judged
        }
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use testkit::config::Keep;
    use testkit::expect::Verdict;
    use testkit::folder::CellDocument;
    use testkit::wait::{self, Pace, Poll};

    use super::*;

    /// Stands for a cell: whoever plays it leaves a word, or nothing.
    struct Word {
        word: Result<&'static str, &'static str>,
        played: AtomicUsize,
    }

    impl Word {
        fn new(word: Result<&'static str, &'static str>) -> Self {
            Self { word, played: AtomicUsize::new(0) }
        }
    }

    impl Shared for Word {
        type Left = String;

        fn name(&self) -> &str {
            "init_cluster"
        }

        fn is_microclouds(&self) -> bool {
            false
        }

        fn part(&self) -> CellPart {
            unreachable!("it has begun")
        }

        async fn play(&self, ground: &Ground, dir: &Path, _began: Timestamp) -> Result<Option<String>, Failure> {
            self.played.fetch_add(1, Ordering::SeqCst);
            match self.word {
                Ok(word) => fs::write(dir.join("word"), word).map_err(Failure::of)?,
                Err(why) => {
                    let failed = Unprovisioned::from(why.to_owned());
                    CellFolder::new(dir).write(&failed).map_err(Failure::of)?;
                    return ground.leave_unformed(self.name(), why).await;
                }
            }
            Ok(Some("given back".to_owned()))
        }

        fn look(&self, dir: &Path, _test: &str) -> Result<Option<String>, FolderError> {
            Ok(fs::read_to_string(dir.join("word")).ok())
        }

        fn judge(&self, _ground: &Ground, _dir: &Path, test: &str, left: String) -> Judged {
            let mut verdict = Verdict::builder(test);
            verdict.compare("a", "t", "c", "good", left.as_str());
            let verdict = verdict.finish();
            let outcome = if verdict.passed() { Ok(()) } else { Err(Failure::new(format!("it is {left}"))) };
            Judged::with_verdict(outcome, verdict)
        }

        fn unformed(&self, _test: &str, why: &Unprovisioned, tells: bool) -> String {
            if tells { why.message.clone() } else { format!("heard of: {}", why.headline()) }
        }
    }

    /// A run on a host without LXD, with a program in place of the command that notes how it is called.
    struct World {
        out: tempfile::TempDir,
        ground: Ground,
        dir: PathBuf,
    }

    impl World {
        async fn new() -> Self {
            let out = tempfile::tempdir().expect("a folder");
            let (exe, told) = (out.path().join("exe"), out.path().join("told"));
            fs::write(&exe, format!("#!/bin/sh\necho \"$@\" >>'{}'\n", told.display())).expect("written");
            fs::set_permissions(&exe, fs::Permissions::from_mode(0o700)).expect("a program");
            let absent = Some(out.path().join("no.socket"));
            let out_dir = Some(out.path().to_owned());
            let flags = Layer { out_dir, lxd_socket: absent, keep: Some(Keep::Never), ..Layer::default() };
            let config = Config::resolve(flags).expect("a configuration");
            let run = Run::start(&config).await.expect("a run");
            let dir = run.cell_dir("init_cluster").expect("a folder");
            Self { ground: Ground { config, run, exe }, dir, out }
        }

        async fn test(&self, word: &Word, name: &str) -> Judged {
            let taken = take_part(word, &self.ground, &self.dir, name, Timestamp::now()).await;
            taken.unwrap_or_else(|failure| panic!("{failure:?}"))
        }

        /// How often what there is of the cluster was given back.
        async fn given_back(&self) -> usize {
            let wanted = format!("reap --run {} --runner {}", self.ground.run.id(), self.ground.run.runner());
            // It is started, and not waited for.
            let told = wait::until("the cluster to be given back", Pace::new(60, 20), async || {
                let told = fs::read_to_string(self.out.path().join("told")).unwrap_or_default();
                match told.lines().filter(|line| line.starts_with(&wanted)).count() {
                    0 => Poll::<_, std::convert::Infallible>::NotYet(told),
                    count => Poll::Ready(count),
                }
            });
            told.await.expect("given back")
        }
    }

    #[tokio::test]
    async fn the_first_plays_and_all_judge_what_it_left() {
        let world = World::new().await;
        let bad = Word::new(Ok("bad"));
        let first = world.test(&bad, "a").await;
        assert_eq!(first.failure().as_deref(), Some("it is bad\ngiven back"), "who plays says what became of it");
        let second = world.test(&bad, "b").await;
        assert_eq!(second.failure().as_deref(), Some("it is bad"));
        assert_eq!(bad.played.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn what_there_is_of_a_cluster_that_could_not_be_formed_is_given_back_once() {
        let world = World::new().await;
        let none = Word::new(Err("no image\n  caused by: rain\n  a long tale"));
        let first = world.test(&none, "a").await.failure().expect("there is none");
        assert!(first.starts_with("no image\n  caused by: rain\n  a long tale\n  evidence: "), "{first}");
        assert_eq!(world.given_back().await, 1);
        let second = world.test(&none, "b").await.failure().expect("there is none");
        assert!(second.starts_with("heard of: no image") && second.contains("evidence: "), "{second}");
        assert!(!second.contains("tale"), "{second}");
        assert_eq!((none.played.load(Ordering::SeqCst), world.given_back().await), (1, 1));
    }

    #[tokio::test]
    async fn of_a_player_that_died_all_hear_and_one_gives_back() {
        let world = World::new().await;
        let folder = CellFolder::new(&world.dir);
        fs::write(folder.started(), b"").expect("left by the dead");
        let word = Word::new(Ok("good"));
        for name in ["a", "b"] {
            let told = world.test(&word, name).await.failure().expect("nothing was left");
            assert!(told.contains("died") && told.contains("evidence: "), "{told}");
        }
        assert_eq!((word.played.load(Ordering::SeqCst), world.given_back().await), (0, 1));
        assert!(folder.document(CellDocument::Failure).exists(), "the record says it, too");
    }
}
