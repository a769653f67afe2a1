//! Who issues the certificates of OVN's services.

use testkit::matrix::Declaration;
use testkit::plan::{Answer, InitOption, Member, Plan, Role};

/// `user_ca`: generated, by MicroOVN itself.
pub(super) struct UserCa;

impl InitOption for UserCa {
    fn declaration(&self) -> Declaration {
        Declaration::new("user_ca", &["generated"]).suffix(|value, _| format!("user_ca_{value}"))
    }

    fn answers(&self, _value: &str, _plan: &Plan, member: &Member) -> Vec<Answer> {
        match member.role {
            Role::Bootstrap => {
                let prompt = "Would you like to provide your own CA certificate and private key";
                vec![Answer::text("user_ca", prompt, "no")]
            }
            Role::Join => Vec::new(),
        }
    }
}
