//! Writes what the fuzz targets start from, for `make fuzz`: `cargo run --package testkit --example fuzz_seeds -- FOLDER`.

#[path = "../tests/bad_input_corpus/entry.rs"]
#[expect(dead_code, reason = "the inputs are used here, not the errors they give")]
mod entry;
#[path = "../tests/bad_input_corpus/seeds.rs"]
mod seeds;

use std::path::PathBuf;
use std::{env, fs, io};

use testkit::fuzzing::TARGETS;

fn main() -> io::Result<()> {
    let Some(folder) = env::args_os().nth(1).map(PathBuf::from) else {
        return Err(io::Error::other("give the folder to write the seeds to"));
    };
    for target in &TARGETS {
        let folder = folder.join(target.0);
        fs::create_dir_all(&folder)?;
        for (name, bytes) in seeds::seeds(target) {
            fs::write(folder.join(name), bytes)?;
        }
    }
    Ok(())
}
