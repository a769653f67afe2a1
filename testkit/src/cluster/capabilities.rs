//! What the product under test can do, asked before a cluster is formed.
//!
//! An older MicroOVN asks fewer questions and lacks API extensions. A cell that needs what it lacks cannot be tested,
//! which is said and not guessed: a scratch copy of the golden image is bootstrapped once with every default accepted,
//! and what it asked is kept with the golden image. So is where it listened, which the plans of all cells expect of members.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::control::call;
use super::owned::tags;
use super::ready::{CLONE, wait_ready};
use super::{ClusterError, Site, batch, faults};
use crate::host;
use crate::image::{Golden, NodeNic, Snap, words_of};
use crate::lxd::{Client, Exec, InstancePatch};
use crate::microovn::{ControlCall, ControlError, commands, parse_members, redact};
use crate::plan::{Need, Release};
use crate::session::{Kind, reaper};

/// Where the answer is kept on the golden image.
const KEY: &str = "user.testkit.capabilities";
/// Bootstrapping takes seconds, and some of MicroOVN's own time-outs are 30 s.
const DIALOG: Duration = Duration::from_secs(120);
/// The daemon answers at once.
const CALL: Duration = Duration::from_secs(30);
/// The address of the scratch copy, from a block set aside for documentation (RFC 5737): it talks to nobody.
const ADDRESS: &str = "192.0.2.1/32";
/// Where the API of the cluster is controlled, as a product that has it there names it.
const CORE_API: &str = "core/control";
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
    /// Whether its REST API is below `/core/`. What was kept before this was asked for does not say, and is asked again.
    core_api: bool,
    /// The port that a member listens on where nobody chooses one. `None` where it could not be found out.
    member_port: Option<u16>,
    /// The services of its snap. They are the snap's own to tell, and kept nowhere else. `None` where it is not known.
    #[serde(skip)]
    services: Option<BTreeSet<String>>,
}

/// Those of a product that could not be asked.
impl Default for Capabilities {
    fn default() -> Self {
        Self { extensions: BTreeSet::new(), dialog: None, core_api: true, member_port: None, services: None }
    }
}

impl Capabilities {
    /// What the product in this snap can do of what is needed, as far as its files say: what none of its programs has a word for
    /// it neither asks nor lists. That it has the word does not mean that it always asks. `None` where they cannot be read.
    pub fn of_files(snap: &Snap, needs: &[&Need]) -> Option<Self> {
        let word = |need: &Need| match need {
            Need::Prompt(text) | Need::Extension(text) => Some(text.clone()),
            Need::CoreApi => Some(CORE_API.to_owned()),
            Need::Service(_) | Need::Older | Need::Host(_) => None,
        };
        let words: BTreeSet<String> = needs.iter().filter_map(|need| word(need)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let found = words_of(&snap.path, &words)?;
        Some(Self {
            extensions: found.iter().map(|word| (*word).to_owned()).collect(),
            dialog: Some(found.iter().copied().collect::<Vec<_>>().join("\n")),
            core_api: found.contains(CORE_API),
            member_port: None,
            services: Some(snap.services.clone()),
        })
    }

    /// A release with what only a running product tells of it.
    pub(super) fn complete(&self, release: Release) -> Release {
        let member_port = self.member_port.unwrap_or(release.member_port);
        Release { member_port, core_api: self.core_api, ..release }
    }

    /// The needs that the product does not meet.
    pub fn lacks<'a>(&self, needs: &'a [Need]) -> Vec<&'a Need> {
        let met = |need: &&Need| match need {
            Need::Extension(extension) => self.extensions.contains(extension),
            Need::CoreApi => self.core_api,
            Need::Service(name) => self.services.as_ref().is_none_or(|services| services.contains(name)),
            // It is the older release that was asked.
            Need::Older => true,
            // The host is asked.
            Need::Host(_) => true,
            Need::Prompt(prompt) => self.dialog.as_ref().is_none_or(|dialog| dialog.contains(prompt)),
        };
        needs.iter().filter(|need| !met(need)).collect()
    }
}

/// What the product can do, as far as a plan with these needs is concerned; asked once in the run. Faults make the
/// product another one, but most of them only in what needs are about: without such needs, and where no other release is
/// played, what it does without faults is good enough, and not every cluster with a fault takes a scratch copy more.
///
/// # Errors
/// Those of [`capabilities`].
pub(super) async fn needed(site: &Site, golden: &Golden, needs: &[Need]) -> Result<Capabilities, ClusterError> {
    let can_do_without = needs.iter().all(|need| matches!(need, Need::Service(_) | Need::Older | Need::Host(_)));
    match &site.config.faults {
        Some(faults) if can_do_without && !faults.play_a_release() => {
            Ok(find_kept(site, golden).await?.unwrap_or_else(|| with_services(Capabilities::default(), golden)))
        }
        _ => {
            let once = format!("capabilities-{}", golden.hash.short());
            site.run.once(&once, async || capabilities(site, golden).await).await
        }
    }
}

/// What the product answered before, where that is kept.
async fn find_kept(site: &Site, golden: &Golden) -> Result<Option<Capabilities>, ClusterError> {
    let kept = site.client.get_instance(&golden.instance).await?.value.config.get(KEY).cloned();
    Ok(kept.and_then(|text| serde_json::from_str(&text).ok()).map(|able| with_services(able, golden)))
}

fn with_services(able: Capabilities, golden: &Golden) -> Capabilities {
    Capabilities { services: Some(golden.snap.services.clone()), ..able }
}

/// Asks the product, or reads what it answered before.
///
/// # Errors
/// When the scratch copy does not come up, or its daemon does not answer.
pub async fn capabilities(site: &Site, golden: &Golden) -> Result<Capabilities, ClusterError> {
    // Faults make the product another one.
    let lasting = site.config.faults.is_none();
    if lasting && let Some(known) = find_kept(site, golden).await? {
        return Ok(known);
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
    let found = with_services(asked?, golden);
    removed?;
    if lasting && found.dialog.is_some() && found.member_port.is_some() {
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
    let (server, core_api) = match call(&site.client, instance, "scratch", &ControlCall::server(), CALL).await {
        // The API of 22.03 is elsewhere, and has no extensions.
        Err(ClusterError::Control { source: ControlError::Refused { code: 404, .. }, .. }) => (Value::Null, false),
        answered => (answered?, true),
    };
    let extensions = server["extensions"].as_array().into_iter().flatten();
    let extensions = extensions.filter_map(|extension| extension.as_str().map(str::to_owned)).collect();
    let mut able = Capabilities { extensions, core_api, ..Capabilities::default() };
    match bootstrap(&site.client, instance).await {
        Ok(text) => able.dialog = Some(text),
        Err(reason) => {
            tracing::warn!(reason, "a default bootstrap fails, so what the product can do is not known");
            return Ok(able);
        }
    }
    match port(&site.client, instance).await {
        Ok(port) => able.member_port = Some(port),
        Err(reason) => tracing::warn!(reason, "the port that members listen on is not known"),
    }
    Ok(able)
}

/// The port of the one member that there is; why it is not known.
async fn port(client: &Client, instance: &str) -> Result<u16, String> {
    let exec = Exec::new(commands::members()).env("PATH", batch::PATH).timeout(CALL);
    let output = client.exec(instance, &exec).await.map_err(|error| crate::report::chain(&error))?;
    if !output.success() {
        return Err(format!("exit code {}: {}", output.exit_code, redact(output.stderr_text().trim())));
    }
    let members = parse_members(&output.stdout_text()).map_err(|error| error.to_string())?;
    members.first().map(|member| member.address.port()).ok_or_else(|| "no member is listed".to_owned())
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
            ..Capabilities::default()
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
    fn a_product_that_could_not_be_asked_lacks_no_question_and_no_api() {
        let needs = [prompt("Would you like tea?"), Need::CoreApi];
        assert_eq!(Capabilities::default().lacks(&needs), [] as [&Need; 0]);
    }

    #[test]
    fn a_service_that_the_snap_has_not_is_lacking() {
        let services = Some(["daemon".to_owned(), "bird".to_owned()].into());
        let able = Capabilities { services, ..Capabilities::default() };
        let needs = ["bird", "frr"].map(|name| Need::Service(name.to_owned()));
        assert_eq!(able.lacks(&needs), [&needs[1]]);
        assert_eq!(needs[1].to_string(), "a service \"frr\" in its snap");
        assert_eq!(Capabilities::default().lacks(&needs), [] as [&Need; 0], "it is not known");
    }

    #[test]
    fn an_api_that_is_elsewhere_is_lacking() {
        let older = Capabilities { core_api: false, ..Capabilities::default() };
        assert_eq!(older.lacks(&[Need::CoreApi]), [&Need::CoreApi]);
        assert_eq!(Need::CoreApi.to_string(), "an API below /core/, as POST /core/control is");
    }

    #[test]
    fn a_release_is_told_its_port_where_that_is_known() {
        let known = Capabilities { member_port: Some(6443), core_api: false, ..Capabilities::default() };
        let release = known.complete(Release::default());
        assert_eq!((release.member_port, release.core_api), (6443, false));
        assert_eq!(Capabilities::default().complete(Release::default()), Release::default());
    }

    #[test]
    fn what_was_kept_before_the_port_was_asked_for_is_asked_for_again() {
        let before = r#"{"extensions":[],"dialog":"Please choose"}"#;
        assert!(serde_json::from_str::<Capabilities>(before).is_err());
        let now = Capabilities { member_port: Some(6443), core_api: false, ..Capabilities::default() };
        let kept = serde_json::to_string(&now).expect("text");
        assert_eq!(serde_json::from_str::<Capabilities>(&kept).expect("what was kept"), now);
    }
}
