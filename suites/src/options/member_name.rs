//! The name a member has in the cluster.

use testkit::matrix::Declaration;
use testkit::plan::{Answer, InitOption, Member, Plan, Role};

/// `member_name`: hostname.
pub(super) struct MemberName;

impl InitOption for MemberName {
    fn declaration(&self) -> Declaration {
        Declaration::new("member_name", &["hostname"]).suffix(|_, _| "member_name".to_owned())
    }

    fn answers(&self, _value: &str, _plan: &Plan, member: &Member) -> Vec<Answer> {
        match member.role {
            // An empty line accepts the default, the host name.
            Role::Bootstrap => vec![Answer::text("member_name", "Please choose a name for this system", "")],
            // A join asks for no name: the token is for one.
            Role::Join => Vec::new(),
        }
    }
}
