//! A change made in the Northbound on any member reaches the Southbound.

use std::time::Duration;

use testkit::cluster::{Manifest, PATH};
use testkit::expect::{Verdict, VerdictBuilder};
use testkit::lxd::{Client, Exec};
use testkit::ovn;
use testkit::report::chain;

use super::{Body, Check};

pub(super) const CHECK: Check = Check {
    name: "nb_sb_propagation",
    about: "a logical switch added with --wait=sb on every member is a datapath in the Southbound, and goes again",
    applies: |_| true,
    body: Body::Live(|client, manifest| Box::pin(judge(client, manifest))),
};

/// `--wait=sb` returns when northd has written the Southbound; a leader election in between takes seconds.
const DEADLINE: Duration = Duration::from_secs(60);

/// One member after the other, so that each change is seen to be that member's.
async fn judge(client: &Client, manifest: &Manifest) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for member in &manifest.plan.members {
        let Some(instance) = manifest.instances.get(&member.name) else {
            verdict.unread(&member.name, "LXD", "the member has no instance");
            continue;
        };
        let switch = format!("testkit-{}", member.name);
        let node = Node { client, instance, member: &member.name };
        let added = node.change(&mut verdict, &["ls-add", &switch]).await;
        if added {
            node.look(&mut verdict, &switch, 1).await;
        }
        // Also after a failure: what may have been half done is not left to the next member's turn.
        node.change(&mut verdict, &["--if-exists", "ls-del", &switch]).await;
        if added {
            node.look(&mut verdict, &switch, 0).await;
        }
    }
    verdict.finish()
}

/// One member's terminal.
struct Node<'a> {
    client: &'a Client,
    instance: &'a str,
    member: &'a str,
}

impl Node<'_> {
    /// Runs `ovn-nbctl --wait=sb` with this command; whether it succeeded.
    async fn change(&self, verdict: &mut VerdictBuilder, command: &[&str]) -> bool {
        let mut argv = vec!["microovn.ovn-nbctl", "--timeout=45", "--wait=sb"];
        argv.extend(command);
        let outcome = self.run(&argv).await;
        let seen = outcome.as_ref().err().map_or_else(|| "success".to_owned(), Clone::clone);
        verdict.compare(self.member, "ovn-nbctl --wait=sb", &command.join(" "), "success", seen);
        outcome.is_ok()
    }

    /// Compares how many datapaths of the Southbound belong to the switch.
    async fn look(&self, verdict: &mut VerdictBuilder, switch: &str, wanted: usize) {
        let condition = format!("external_ids:name={switch}");
        let argv = [
            "microovn.ovn-sbctl",
            "--timeout=45",
            "--format=json",
            "--columns=_uuid",
            "find",
            "Datapath_Binding",
            &condition,
        ];
        let rows = match self.run(&argv).await {
            Ok(text) => ovn::parse_tables(&text)
                .map(|tables| tables.iter().map(|table| table.rows().count()).sum::<usize>())
                .map_err(|error| error.to_string()),
            Err(reason) => Err(reason),
        };
        match rows {
            Ok(rows) => drop(verdict.compare(self.member, "Datapath_Binding", &condition, wanted, rows)),
            Err(reason) => drop(verdict.unread(self.member, "Datapath_Binding", reason)),
        }
    }

    async fn run(&self, argv: &[&str]) -> Result<String, String> {
        let exec = Exec::new(argv.iter().copied()).env("PATH", PATH).timeout(DEADLINE);
        match self.client.exec(self.instance, &exec).await {
            Ok(output) if output.success() => Ok(output.stdout_text()),
            Ok(output) => Err(format!("exit code {}: {}", output.exit_code, output.stderr_text().trim())),
            Err(error) => Err(chain(&error)),
        }
    }
}
