//! What is done wrong on purpose, as for the stand-in for MicroOVN: a line each in a file, with an optional value.

use crate::world::World;

/// What the names of this stand-in's faults begin with, where they are told together with those of the other.
const OWN: &str = "microcloud-";

/// The value of a fault that is to be played, or nothing.
pub(crate) fn find(world: &World, fault: &str) -> Option<String> {
    let text = std::fs::read_to_string(world.file("faults")).ok()?;
    text.lines().map(str::trim).find_map(|line| {
        let (name, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        (name.strip_prefix(OWN) == Some(fault)).then(|| value.trim().to_owned())
    })
}

/// Whether a fault is to be played.
pub(crate) fn plays(world: &World, fault: &str) -> bool {
    find(world, fault).is_some()
}
