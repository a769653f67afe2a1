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

#[cfg(test)]
mod tests {
    use testkit::plan::Service;

    use super::super::tests::plan;

    #[test]
    fn members_are_as_many_as_chosen_and_the_fourth_has_no_central() {
        for (value, count) in [("1", 1), ("3", 3), ("4", 4)] {
            let plan = plan(&[("members", value)]);
            assert_eq!(plan.state.members.len(), count);
            assert_eq!(plan.state.members_with(Service::Central).count(), count.min(3));
        }
    }
}
