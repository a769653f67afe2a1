//! Who issues the certificates of OVN's services.

use testkit::matrix::{Constraint, Declaration};
use testkit::plan::{Answer, Content, File, InitOption, KeyAlgorithm, KeyForm, Member, Need, Plan, Role};

/// How MicroOVN asks whether it is given an authority; releases that do not ask take none later, either.
pub(crate) const PROVIDE: &str = "Would you like to provide your own CA certificate and private key";
/// Where the bootstrap member finds them. MicroOVN's daemon reads them, and its snap sees no more than its own folders.
const CERTIFICATE: &str = "/var/snap/microovn/common/testkit-ca.crt";
const KEY: &str = "/var/snap/microovn/common/testkit-ca.key";

/// `user_ca`: generated, by MicroOVN itself, or made for the cluster and given to the bootstrap member, with a key in one of
/// the forms that people have: rsa | ecdsa, as PKCS #8 | rsa_pkcs1 | ecdsa_sec1 | chain, an intermediate authority whose
/// certificate's file has the root behind it.
pub(super) struct UserCa;

impl InitOption for UserCa {
    fn declaration(&self) -> Declaration {
        Declaration::new("user_ca", &["generated", "rsa", "ecdsa", "rsa_pkcs1", "ecdsa_sec1", "chain"])
            .suffix(|value, _| format!("user_ca_{value}"))
    }

    fn constraints(&self) -> Vec<Constraint> {
        let why = "`cluster bootstrap` takes no certificate authority";
        vec![Constraint::new(why).when("formation", &["cli"]).then("user_ca", &["generated"])]
    }

    fn shape(&self, value: &str, plan: &mut Plan) {
        let (algorithm, form) = match value {
            "rsa" => (KeyAlgorithm::Rsa, KeyForm::Pkcs8),
            "ecdsa" | "chain" => (KeyAlgorithm::Ecdsa, KeyForm::Pkcs8),
            "rsa_pkcs1" => (KeyAlgorithm::Rsa, KeyForm::Traditional),
            "ecdsa_sec1" => (KeyAlgorithm::Ecdsa, KeyForm::Traditional),
            _ => return,
        };
        let intermediate = value == "chain";
        plan.state.user_ca =
            Some(testkit::plan::UserCa { intermediate, ..testkit::plan::UserCa::new(algorithm, form) });
        if let Some(first) = plan.bootstrap().map(|member| member.hostname.clone()) {
            let files = &mut plan.recipe_mut(&first).files;
            let file = |path: &str, mode, content| File { path: path.to_owned(), mode, content };
            files.push(file(CERTIFICATE, 0o644, Content::CaCertificate));
            files.push(file(KEY, 0o600, Content::CaKey));
        }
    }

    fn needs(&self, _value: &str, plan: &Plan) -> Vec<Need> {
        // A release that does not ask for an authority ignores one over REST.
        plan.state.user_ca.iter().map(|_| Need::Prompt(PROVIDE.to_owned())).collect()
    }

    fn answers(&self, _value: &str, plan: &Plan, member: &Member) -> Vec<Answer> {
        match (plan.role(member), &plan.state.user_ca) {
            (Role::Join, _) => Vec::new(),
            (Role::Bootstrap, None) => vec![Answer::text("user_ca", PROVIDE, "no")],
            (Role::Bootstrap, Some(_)) => vec![
                Answer::text("user_ca", PROVIDE, "yes"),
                Answer::text("user_ca", "Please enter the path to the CA certificate file", CERTIFICATE),
                Answer::text("user_ca", "Please enter the path to the CA private key file", KEY),
            ],
        }
    }

    fn config(&self, _value: &str, plan: &Plan, member: &Member) -> Vec<(String, String)> {
        let entries = [("ovn-ca-cert", CERTIFICATE), ("ovn-ca-key", KEY)];
        match (plan.role(member), &plan.state.user_ca) {
            (Role::Bootstrap, Some(_)) => entries.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::plan;
    use super::*;

    #[test]
    fn a_given_key_has_the_form_that_its_value_names() {
        use testkit::plan::{KeyAlgorithm::*, KeyForm::*};
        for (value, wanted) in [
            ("rsa", (Rsa, Pkcs8, false)),
            ("ecdsa", (Ecdsa, Pkcs8, false)),
            ("rsa_pkcs1", (Rsa, Traditional, false)),
            ("ecdsa_sec1", (Ecdsa, Traditional, false)),
            ("chain", (Ecdsa, Pkcs8, true)),
        ] {
            let given = plan(&[("user_ca", value)]).state.user_ca.expect("an authority");
            assert_eq!((given.algorithm, given.form, given.intermediate), wanted, "{value}");
        }
    }

    #[test]
    fn a_given_authority_goes_to_the_bootstrap_member_only() {
        for formation in ["dialog", "rest"] {
            let plan = plan(&[("user_ca", "rsa"), ("formation", formation)]);
            assert!(plan.state.user_ca.is_some());
            for member in &plan.state.members {
                let recipe = plan.recipe(member);
                let told = recipe.config.len()
                    + recipe.answers.iter().filter(|a| a.option == "user_ca" && a.prompt.contains("path")).count();
                let wanted = if plan.role(member) == Role::Bootstrap { 2 } else { 0 };
                assert_eq!((recipe.files.len(), told), (wanted, wanted), "{formation}");
            }
        }
    }
}
