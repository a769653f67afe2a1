//! Which services a member runs.

use testkit::matrix::Declaration;
use testkit::plan::{Answer, InitOption, Member, Plan};

/// `services`: auto, where MicroOVN gives the first three members `central`.
pub(super) struct Services;

impl InitOption for Services {
    fn declaration(&self) -> Declaration {
        Declaration::new("services", &["auto"]).suffix(|_, _| "services".to_owned())
    }

    fn answers(&self, _value: &str, _plan: &Plan, _member: &Member) -> Vec<Answer> {
        // An empty line accepts the default, `auto`.
        vec![Answer::text("services", "Please select comma-separated list services you would like to enable", "")]
    }
}
