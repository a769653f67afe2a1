//! A fault in the arguments of daemons: the scripts that start them replace a text by another one.

use crate::error::{Context, Error, Result};
use crate::paths::Paths;

use super::{Fault, find};

/// Hands the fault to the scripts (`snap/commands/env.sh`): three lines, the script that is meant, the text and what
/// stands in its place.
///
/// # Errors
/// When its value is of another form, or the file cannot be written.
pub(crate) fn prepare(paths: &Paths) -> Result<()> {
    let Some(value) = find(paths, Fault::DaemonArgument) else {
        return Ok(());
    };
    let rule = value.split_once(' ').and_then(|(script, rest)| Some((script, rest.split_once(" => ")?)));
    let Some((script, (old, new))) = rule else {
        return Err(Error::internal(format!("the fault needs `SCRIPT OLD => NEW`, not {value:?}")));
    };
    let file = paths.common.join("data/arguments");
    std::fs::write(&file, format!("{script}\n{old}\n{new}\n")).context(file.display())
}

#[cfg(test)]
mod tests {
    use super::super::tests::playing;
    use super::*;

    #[test]
    fn the_scripts_are_told_what_to_replace_and_by_what() {
        let (dir, paths) = playing("daemon-argument ovn-northd --ca-cert=/a b => --ca-cert=none");
        std::fs::create_dir(dir.path().join("data")).expect("a folder");
        prepare(&paths).expect("prepared");
        let told = std::fs::read_to_string(dir.path().join("data/arguments")).expect("a file");
        assert_eq!(told, "ovn-northd\n--ca-cert=/a b\n--ca-cert=none\n");
        let (_dir, paths) = playing("daemon-argument ovn-northd");
        assert!(prepare(&paths).is_err());
    }
}
