//! A stand-in for MicroCloud: the dialog and the preseed outside, and inside no more than it takes for several members to agree and for
//! each to tell its MicroOVN what MicroCloud tells it.
//!
//! It has no daemon: what its commands know of each other is in a file, and members talk while a command runs.

mod add;
mod ask;
mod faults;
mod form;
mod guest;
mod init;
mod interfaces;
mod list;
mod microovn;
mod preseed;
mod rules;
mod session;
mod table;
mod world;

use std::process::ExitCode;

use world::World;

/// What goes wrong, in the words of `Error: `.
type Result<T> = std::result::Result<T, String>;

/// The version that this is recorded of.
const VERSION: &str = "2.1.0 (stand-in)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["--version"] => {
            ask::say(VERSION);
            Ok(())
        }
        ["init"] => World::find().and_then(|world| init::run(&world)),
        ["add"] => World::find().and_then(|world| add::run(&world)),
        ["join"] => World::find().and_then(|world| guest::run(&world)),
        ["preseed"] => World::find().and_then(|world| preseed::run(&world)),
        ["status"] => World::find().and_then(|world| list::status(&world)),
        ["cluster", "list"] => World::find().and_then(|world| list::members(&world)),
        ["service", "list"] => World::find().and_then(|world| list::services(&world)),
        _ => Err(format!("unknown command {:?} for \"microcloud\"", words.join(" "))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ask::complain(&format!("Error: {error}"));
            ExitCode::FAILURE
        }
    }
}
