//! Every bad input that is declared in `testkit/tests/corpus/` gives the error that is declared with it, soon and
//! without a panic; and nothing makes the parsers of what others write panic.

mod entry;
mod lxd;
mod matrix;
mod mutations;
mod readers;
mod seeds;
mod settings;
mod snap;

#[expect(dead_code, reason = "a part of it is used here")]
#[path = "../fake_lxd/mod.rs"]
mod fake_lxd;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use entry::Entry;
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// For one input. None takes a second; a host with much else to do is given time.
const DEADLINE: Duration = Duration::from_secs(120);

/// What reading one input may take of the heap beyond what there was, in MiB.
const MEMORY: f32 = 64.0;

#[test]
fn every_bad_input_gives_the_error_that_is_declared() {
    let entries = entry::all();
    let wrong: Vec<String> = entries.iter().filter_map(|entry| Some(format!("{entry}: {}", problem(entry)?))).collect();
    assert!(wrong.is_empty(), "{} of {} entries:\n\n{}", wrong.len(), entries.len(), wrong.join("\n\n"));
}

/// What is wrong with how an input is taken; `None` when it is refused as declared.
fn problem(entry: &Entry) -> Option<String> {
    let read = readers::find(&entry.reads);
    let (bytes, begun) = (entry.bytes(), Instant::now());
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage_as_mb();
    let (done, end) = mpsc::channel();
    let mut with = entry.with.clone();
    // In a thread of its own: one that panics or never ends must not keep the others from being tried.
    std::thread::spawn(move || done.send(read(&bytes, &mut with)));
    let refused = match end.recv_timeout(DEADLINE) {
        Err(mpsc::RecvTimeoutError::Timeout) => return Some(format!("no end after {} s", begun.elapsed().as_secs())),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            return Some("it makes its reader panic, as said above".to_owned());
        }
        Ok(refused) => refused,
    };
    let taken = HEAP.peak_usage_as_mb() - before;
    if taken > MEMORY {
        return Some(format!("reading it takes {taken} MiB"));
    }
    match refused {
        Ok(()) => Some("is accepted".to_owned()),
        Err(seen) => entry.judge(&seen),
    }
}

#[test]
fn the_corpus_is_large_and_says_nothing_twice() {
    let entries = entry::all();
    let (mut names, mut inputs) = (BTreeSet::new(), BTreeMap::new());
    for entry in &entries {
        assert!(names.insert((&entry.file, &entry.name)), "{entry}: the name is there twice");
        let input = (&entry.reads, entry.bytes(), entry.with.to_string());
        if let Some(first) = inputs.insert(input, entry.to_string()) {
            panic!("{entry}: the input of {first} again");
        }
    }
    assert!(inputs.len() >= 200, "{} inputs", inputs.len());
}
