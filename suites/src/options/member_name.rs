//! The name a member has in the cluster.

use testkit::matrix::{Constraint, Declaration};
use testkit::plan::{Answer, Formation, InitOption, Member, Plan, Role};

/// `member_name`: hostname | custom, which only the Chassis table's `hostname` then shows.
pub(super) struct MemberName;

impl InitOption for MemberName {
    fn declaration(&self) -> Declaration {
        Declaration::new("member_name", &["hostname", "custom"]).suffix(|_, _| "named".to_owned())
    }

    fn constraints(&self) -> Vec<Constraint> {
        let why = "`cluster bootstrap` and `cluster join` take no name";
        vec![Constraint::new(why).when("formation", &["cli"]).then("member_name", &["hostname"])]
    }

    fn shape(&self, value: &str, plan: &mut Plan) {
        if value == "hostname" {
            return;
        }
        let rest = plan.formation == Formation::Rest;
        let bootstrap = plan.bootstrap().map(|member| member.hostname.clone());
        for (n, member) in (1..).zip(&mut plan.state.members) {
            // The dialog of a join asks for no name: it takes the host's.
            if rest || bootstrap.as_ref() == Some(&member.hostname) {
                member.name = format!("member-{n}");
            }
        }
    }

    // Over REST the name is no `config`: every request names it.
    fn answers(&self, value: &str, plan: &Plan, member: &Member) -> Vec<Answer> {
        let choose = "Please choose a name for this system";
        // An empty line accepts the default, the host name.
        let name = if value == "hostname" { "" } else { member.name.as_str() };
        match plan.role(member) {
            Role::Bootstrap => vec![Answer::text("member_name", choose, name)],
            Role::Join => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::plan;

    #[test]
    fn custom_names_are_given_where_they_can_be() {
        let named = |formation: &str| -> Vec<bool> {
            let plan = plan(&[("member_name", "custom"), ("formation", formation)]);
            plan.state.members.iter().map(|member| member.name != member.hostname).collect()
        };
        assert_eq!(named("dialog"), [true, false, false], "the dialog of a join asks for no name");
        assert_eq!(named("rest"), [true, true, true]);
    }
}
