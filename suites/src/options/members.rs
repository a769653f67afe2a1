//! How many members the cluster has.

use testkit::matrix::Declaration;
use testkit::plan::{InitOption, Outline};

/// `members`: 3 | 1 | 4, where the fourth gets no central.
pub(super) struct Members;

impl InitOption for Members {
    fn declaration(&self) -> Declaration {
        Declaration::new("members", &["3", "1", "4"]).suffix(|value, _| format!("members_{value}"))
    }

    fn outline(&self, value: &str, outline: &mut Outline) {
        outline.members = value.parse().unwrap_or(outline.members);
    }
}
