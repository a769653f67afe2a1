//! What somebody writes is not empty.

use std::path::PathBuf;

use serde::Deserialize;
use serde::de::Error as _;

/// A text that says something. Elsewhere a variable that is empty counts as not set, which nobody writes into a file; and as a
/// path an empty one would be the folder of the file itself.
pub(super) fn filled<'de, D: serde::Deserializer<'de>, T: From<String>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    match String::deserialize(deserializer)? {
        text if text.trim().is_empty() => Err(D::Error::custom(EMPTY)),
        text => Ok(Some(T::from(text))),
    }
}

/// The same of a list.
pub(super) fn all_filled<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<PathBuf>>, D::Error> {
    let paths = Vec::<PathBuf>::deserialize(deserializer)?;
    if paths.iter().any(|path| path.to_string_lossy().trim().is_empty()) {
        Err(D::Error::custom(EMPTY))
    } else {
        Ok(Some(paths))
    }
}

/// The same of what must be there.
pub(super) fn filled_one<'de, D: serde::Deserializer<'de>, T: From<String> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    filled(deserializer).map(Option::unwrap_or_default)
}

pub(super) const EMPTY: &str = "a value that is empty says nothing; give one, or leave it out";
