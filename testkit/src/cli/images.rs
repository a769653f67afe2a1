//! What is kept for the next run: images in LXD, artifacts in the cache.

use std::process::ExitCode;
use std::time::Duration;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Serialize;

use super::Failure;
use super::output::{self, Format, complain, say};
use crate::cluster::GivenSnaps;
use crate::config::Config;
use crate::image::{self, Cache};
use crate::{cluster, host};

/// For the removal of one.
const DEADLINE: Duration = Duration::from_secs(120);

/// An image of the framework in LXD.
#[derive(Debug, Serialize)]
struct Shown {
    /// `golden` or `node`.
    kind: &'static str,
    name: String,
    about: String,
    created: String,
}

/// Builds what clusters are cloned from, of every product where there are several and none is chosen.
pub(super) async fn build(config: &Config) -> Result<ExitCode, Failure> {
    let each = match config.require_decided() {
        Ok(()) => vec![config.clone()],
        Err(_) => {
            let each = config.products.iter().map(|product| config.clone().with_product(&product.name));
            each.collect::<Result<_, _>>().map_err(Failure::usage)?
        }
    };
    let given = each.iter().map(|config| GivenSnaps::inspect(config, false)).collect::<Result<Vec<_>, _>>();
    for (config, given) in each.iter().zip(given.map_err(Failure::cluster)?) {
        given.require_suitable(config, &mut super::host::lines()).await.map_err(Failure::cluster)?;
    }
    let client = host::connect(config).await.map_err(Failure::usage)?;
    let interrupted = image::end_programs_on_signals().map_err(Failure::usage)?;
    for config in &each {
        let built = cluster::golden(config, &client, &mut super::host::lines()).await;
        if interrupted.is_set() {
            return Err(Failure::Provisioning("interrupted; what was half made in the cache is removed".to_owned()));
        }
        let (golden, product) = built.map_err(Failure::cluster)?;
        let told = cluster::golden_everywhere(&client, &golden, |text| complain!("{text}")).await;
        let members = told.map_err(Failure::cluster)?;
        let on = if client.is_clustered() { format!(", on {members} LXD members") } else { String::new() };
        say!("golden image {}{on}: {product}", golden.instance);
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows the golden images and the node image that LXD has.
pub(super) async fn list(config: &Config, format: Format) -> Result<ExitCode, Failure> {
    let client = host::connect(config).await.map_err(Failure::usage)?;
    let mut shown = Vec::new();
    for instance in client.list_instances(None).await.map_err(Failure::usage)? {
        if image::is_golden(&instance.config) {
            let ready = instance.config.get(image::READY_KEY).is_some_and(|ready| ready == "true");
            let about = if ready { "ready" } else { "half made" }.to_owned();
            shown.push(Shown { kind: "golden", name: instance.name, about, created: instance.created_at });
        }
    }
    for image in client.list_images().await.map_err(Failure::usage)? {
        if image::is_ours(&image) {
            let about = format!("{}, {} MiB", image.fingerprint.get(..12).unwrap_or_default(), image.size >> 20);
            let name = image.aliases.first().map(|alias| alias.name.clone()).unwrap_or_default();
            shown.push(Shown { kind: "node", name, about, created: image.uploaded_at });
        }
    }
    match format {
        Format::Json => output::show(&serde_json::to_string_pretty(&shown).map_err(Failure::usage)?),
        Format::Table if shown.is_empty() => output::show("no images"),
        Format::Table => {
            let mut table = Table::new();
            table.load_style(NOTHING).set_header(["kind", "name", "about", "created"]);
            table.add_rows(
                shown.into_iter().map(|image| [image.kind.to_owned(), image.name, image.about, image.created]),
            );
            output::show(&table.to_string())
        }
    }
}

/// Removes the framework's images from LXD. The next run builds what it needs from the cache.
pub(super) async fn remove(config: &Config) -> Result<ExitCode, Failure> {
    let client = host::connect(config).await.map_err(Failure::usage)?;
    for instance in client.list_instances(None).await.map_err(Failure::usage)? {
        if image::is_golden(&instance.config) {
            client.delete_instance_forced(&instance.name, DEADLINE).await.map_err(Failure::provisioning)?;
            say!("removed {}", instance.name);
        }
    }
    let images = client.list_images().await.map_err(Failure::usage)?;
    let late = image::Late::among(&images, &config.cache_dir).map_err(Failure::usage)?;
    for image in images.iter().filter(|image| image::is_ours(image) || late.has(&image.fingerprint)) {
        client.delete_image(&image.fingerprint, DEADLINE).await.map_err(Failure::provisioning)?;
        late.removed(&image.fingerprint).map_err(Failure::usage)?;
        say!("removed {}", image.fingerprint);
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes all but the newest artifact of each name from the cache.
pub(super) fn collect_garbage(config: &Config) -> Result<ExitCode, Failure> {
    let cache = Cache::open(&config.cache_dir).map_err(Failure::usage)?;
    let freed = cache.keep_newest().map_err(Failure::usage)?;
    output::show(&format!("freed {} MiB in {}", freed >> 20, config.cache_dir.display()))
}
