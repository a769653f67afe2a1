//! What the product under test can do, asked before a cluster is formed.
//!
//! An older MicroOVN asks fewer questions and lacks API extensions. A cell that needs what it lacks cannot be tested,
//! which is said and not guessed: a scratch copy of the golden image is bootstrapped once with every default accepted,
//! and what it asked is kept with the golden image.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::control::call;
use super::provision::{CLONE, tags, wait_ready};
use super::{ClusterError, Site, faults};
use crate::host;
use crate::image::{Golden, NodeNic};
use crate::lxd::{Client, Exec, InstancePatch};
use crate::microovn::{ControlCall, ControlError, redact};
use crate::plan::Need;
use crate::session::{Kind, reaper};

/// Where the answer is kept on the golden image.
const KEY: &str = "user.testkit.capabilities";
/// Bootstrapping takes seconds, and some of MicroOVN's own time-outs are 30 s.
const DIALOG: Duration = Duration::from_secs(120);
/// The daemon answers at once.
const CALL: Duration = Duration::from_secs(30);
/// The address of the scratch copy, from a block set aside for documentation (RFC 5737): it talks to nobody.
const ADDRESS: &str = "192.0.2.1/32";
/// More empty lines than `init` has questions.
const DEFAULTS: usize = 40;

/// What the product can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The extensions that the REST API lists.
    extensions: BTreeSet<String>,
    /// What `microovn init` printed while it bootstrapped with every default accepted. `None` where it failed: then
    /// nothing is known to be lacking, and the suites show what is wrong.
    dialog: Option<String>,
}

impl Capabilities {
    /// The needs that the product does not meet.
    pub fn lacks<'a>(&self, needs: &'a [Need]) -> Vec<&'a Need> {
        let met = |need: &&Need| match need {
            Need::Extension(extension) => self.extensions.contains(extension),
            Need::Prompt(prompt) => self.dialog.as_ref().is_none_or(|dialog| dialog.contains(prompt)),
        };
        needs.iter().filter(|need| !met(need)).collect()
    }
}

/// Asks the product, or reads what it answered before.
///
/// # Errors
/// When the scratch copy does not come up, or its daemon does not answer.
pub async fn capabilities(site: &Site, golden: &Golden) -> Result<Capabilities, ClusterError> {
    // Faults make the product another one.
    let lasting = site.config.faults.is_none();
    if lasting {
        let kept = site.client.get_instance(&golden.instance).await?.value.config.get(KEY).cloned();
        if let Some(known) = kept.and_then(|text| serde_json::from_str(&text).ok()) {
            return Ok(known);
        }
    }
    reaper::arm(&site.run, &site.exe).await?;
    let instance = format!("microovn-scratch-{}", site.run.id());
    site.run.ledger().intend(Kind::Instance, &instance, "scratch")?;
    let device = "eth0".to_owned();
    let networkd = format!("[Match]\nName={device}\n\n[Network]\nDHCP=no\nAddress={ADDRESS}\n");
    let nic = NodeNic { device, network: Some(host::BRIDGE.to_owned()), networkd };
    let mut spec = golden.node(&instance, "scratch", &[nic]);
    spec.config.extend(tags(site, "scratch", "scratch").to_config());
    spec.start = true;
    site.client.create_instance(&spec, CLONE).await?;
    let asked = ask(site, &instance).await;
    let removed = site.client.delete_instance_forced(&instance, CLONE).await;
    let found = asked?;
    removed?;
    if lasting && found.dialog.is_some() {
        let text = serde_json::to_string(&found).unwrap_or_default();
        let patch = InstancePatch { config: [(KEY.to_owned(), text)].into(), ..InstancePatch::default() };
        site.client.patch_instance(&golden.instance, &patch, None).await?;
    }
    Ok(found)
}

async fn ask(site: &Site, instance: &str) -> Result<Capabilities, ClusterError> {
    wait_ready(&site.client, "scratch", instance).await?;
    if let Some(all) = &site.config.faults {
        faults::seed(&site.client, instance, &all.of_member(1)).await?;
    }
    let server = match call(&site.client, instance, "scratch", &ControlCall::server(), CALL).await {
        // The API of 22.03 is elsewhere, and has no extensions.
        Err(ClusterError::Control { source: ControlError::Refused { code: 404, .. }, .. }) => Value::Null,
        answered => answered?,
    };
    let extensions = server["extensions"].as_array().into_iter().flatten();
    let extensions = extensions.filter_map(|extension| extension.as_str().map(str::to_owned)).collect();
    let dialog = match bootstrap(&site.client, instance).await {
        Ok(text) => Some(text),
        Err(reason) => {
            tracing::warn!(reason, "a default bootstrap fails, so what the product can do is not known");
            None
        }
    };
    Ok(Capabilities { extensions, dialog })
}

/// What `init` printed; why it failed.
async fn bootstrap(client: &Client, instance: &str) -> Result<String, String> {
    let input = format!("\nyes\n{}", "\n".repeat(DEFAULTS));
    let exec = Exec::new(["/snap/bin/microovn", "init"]).stdin(input).timeout(DIALOG);
    let output = client.exec(instance, &exec).await.map_err(|error| crate::report::chain(&error))?;
    if output.success() {
        return Ok(redact(&output.stdout_text()));
    }
    Err(format!("exit code {}: {}", output.exit_code, redact(output.stderr_text().trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(text: &str) -> Need {
        Need::Prompt(text.to_owned())
    }

    #[test]
    fn what_is_lacking_is_what_is_not_asked_or_not_listed() {
        let able = Capabilities {
            extensions: ["custom_encapsulation_ip".to_owned()].into(),
            dialog: Some("Please choose the address: Would you like tea? (yes/no): ".to_owned()),
        };
        let needs = [
            prompt("Would you like tea?"),
            prompt("Would you like coffee?"),
            Need::Extension("custom_encapsulation_ip".to_owned()),
            Need::Extension("tea".to_owned()),
        ];
        assert_eq!(able.lacks(&needs), [&needs[1], &needs[3]]);
        assert_eq!(able.lacks(&needs[..1]), [] as [&Need; 0]);
    }

    #[test]
    fn a_product_that_could_not_be_asked_lacks_no_question() {
        let unknown = Capabilities { extensions: BTreeSet::new(), dialog: None };
        assert_eq!(unknown.lacks(&[prompt("Would you like tea?")]), [] as [&Need; 0]);
    }
}
