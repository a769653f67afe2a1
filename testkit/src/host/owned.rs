//! The tag by which what this framework has in LXD for good is known.

use std::collections::BTreeMap;

use super::error::Error;
use crate::image::{OWNER, OWNER_KEY};

pub(super) fn tagged(config: &[(&str, &str)]) -> BTreeMap<String, String> {
    let tag = [(OWNER_KEY, OWNER)];
    config.iter().chain(&tag).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub(super) fn is_tagged(config: &BTreeMap<String, String>) -> bool {
    config.get(OWNER_KEY).is_some_and(|owner| owner == OWNER)
}

pub(super) fn check_ours(config: &BTreeMap<String, String>, kind: &'static str, name: &str) -> Result<(), Error> {
    if is_tagged(config) { Ok(()) } else { Err(Error::Foreign { kind, name: name.to_owned() }) }
}
