//! The golden image of a plan, on every host that its members are on.

use std::collections::BTreeMap;

use super::Place;
use crate::cluster::{ClusterError, Placed, Product, golden, maker, microcloud_golden, names, older_golden};
use crate::image::{self, Golden};
use crate::plan::{Member, Need, Plan};
use crate::report::{Doing, Owner, Work};

/// The golden image of a plan, on every host that its members are on.
pub(super) struct Images {
    /// On the host that the cell has its turn on.
    pub(super) first: Golden,
    /// On the others, by their names.
    others: BTreeMap<String, Golden>,
}

impl Images {
    /// The one that a member is copied from.
    pub(super) fn of(&self, placed: Option<&Placed>, member: &Member) -> &Golden {
        let seat = placed.and_then(|placed| placed.seats.get(&member.name));
        seat.and_then(|host| self.others.get(host)).unwrap_or(&self.first)
    }
}

/// The golden image for this plan, made or found once in the run; on the members of the LXD cluster that the plan is for.
pub(super) async fn find(
    &Place { site, placed, timeline, progress, .. }: &Place<'_>,
    plan: &Plan,
) -> Result<(Images, Product), ClusterError> {
    let mut told = |text: &str| progress.tell(Doing::Provisioning, text);
    let (config, client) = (&site.config, &site.client);
    let find = async {
        let (golden, product): (Golden, Product) = if plan.needs.contains(&Need::Older) {
            let find = async || older_golden(config, client, &mut told).await;
            let found = site.run.once("golden-older", find).await?;
            found.ok_or_else(|| ClusterError::lacking("the product", &[&Need::Older]))?
        } else if plan.formation.is_microcloud() {
            let find = async || microcloud_golden(config, client, &mut told).await;
            site.run.once("golden-microcloud", find).await?
        } else {
            site.run.once("golden", async || golden(config, client, &mut told).await).await?
        };
        let Some(placed) = placed else {
            return Ok::<_, ClusterError>((Images { first: golden, others: BTreeMap::new() }, product));
        };
        let mut images = BTreeMap::new();
        for host in placed.hosts() {
            if golden.member.as_deref() == Some(host) {
                images.insert(host.to_owned(), golden.clone());
                continue;
            }
            let once = format!("golden-{}-on-{}", golden.hash.short(), names::digest(host));
            let copy = async || {
                let maker = maker();
                Ok::<_, ClusterError>(image::ensure_golden_on(client, &golden, host, &maker, &mut told).await?)
            };
            images.insert(host.to_owned(), site.run.once(&once, copy).await?);
        }
        let first = images.remove(&placed.member).unwrap_or(golden);
        Ok((Images { first, others: images }, product))
    };
    // In a box, as it holds all of what makes an image, twice.
    let (images, product) = timeline.stage(Work::GoldenImage, Owner::Framework, Box::pin(find)).await?;
    if config.faults.is_some() && !product.stand_in {
        return Err(ClusterError::FaultsNeedStandIn(product.to_string()));
    }
    Ok((images, product))
}
