//! Where a person's home is and where caches go, after the XDG base directory specification.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// The user database of this host.
const USERS: &str = "/etc/passwd";

/// The folder of caches: `XDG_CACHE_HOME`, or else `.cache` in the home folder; `None` where there is no home.
///
/// The specification has it that a variable which is empty counts as not set, and that one which is no absolute path is
/// ignored. Of `HOME` it says nothing; a relative one would be another folder for each working directory.
/// Source: "XDG Base Directory Specification", version 0.8, "Basics" and "Environment variables".
pub(super) fn cache(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    absolute(environment, "XDG_CACHE_HOME").or_else(|| Some(home(environment)?.join(".cache")))
}

/// The folder of programs' settings, where `XDG_CONFIG_HOME` says it.
pub(super) fn config(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    absolute(environment, "XDG_CONFIG_HOME")
}

/// The home folder: `HOME`, or else that of this user in the user database.
pub(super) fn home(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let of_user = || home_of(rustix::process::getuid().as_raw(), &fs::read_to_string(USERS).ok()?);
    absolute(environment, "HOME").or_else(of_user)
}

fn absolute(environment: &BTreeMap<String, String>, name: &str) -> Option<PathBuf> {
    environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The home folder of a user in a user database; see passwd(5).
fn home_of(user: u32, users: &str) -> Option<PathBuf> {
    users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [_, _, id, _, _, home, ..] = fields[..] else { return None };
        (id.parse() == Ok(user)).then(|| PathBuf::from(home)).filter(|home| home.is_absolute())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The folder of caches with the given variables.
    fn with(variables: &[(&str, &str)]) -> Option<PathBuf> {
        cache(&variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[rstest::rstest]
    #[case::empty("")]
    #[case::relative("cache")]
    #[case::relative_by_dots("./cache")]
    #[case::a_tilde_that_no_shell_replaced("~/.cache")]
    fn a_folder_that_is_no_absolute_path_is_ignored(#[case] folder: &str) {
        let cache = with(&[("XDG_CACHE_HOME", folder), ("HOME", "/home/dev")]);
        assert_eq!(cache, Some(PathBuf::from("/home/dev/.cache")));
        let of_the_user_database = with(&[]);
        assert!(of_the_user_database.as_ref().is_none_or(|cache| cache.is_absolute()), "{of_the_user_database:?}");
        assert_eq!(with(&[("HOME", folder)]), of_the_user_database);
    }

    #[test]
    fn an_absolute_folder_is_taken_as_it_is() {
        let cache = with(&[("XDG_CACHE_HOME", "/var/cache/me"), ("HOME", "/home/dev")]);
        assert_eq!(cache, Some(PathBuf::from("/var/cache/me")));
    }

    #[test]
    fn a_home_is_found_by_the_user_s_number() {
        let users =
            "root:x:0:0:root:/root:/bin/bash\nbroken:x:7\ndev:x:1000:1000:,,,:/home/dev:/bin/sh\nnone:x:9:9:::\n";
        assert_eq!(home_of(1000, users), Some(PathBuf::from("/home/dev")));
        assert_eq!((home_of(1, users), home_of(9, users), home_of(7, users)), (None, None, None));
    }
}
