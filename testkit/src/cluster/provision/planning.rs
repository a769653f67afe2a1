//! The plan of a cell whose turn it is: in addresses that are free here, for what its product can do.

use ipnet::IpNet;

use super::{Order, Place};
use crate::cluster::authority::Authority;
use crate::cluster::capabilities::needed;
use crate::cluster::{Capabilities, ClusterError, Product, Site, release, subnets};
use crate::image::Golden;
use crate::plan::Plan;

/// The plan for the product that is on the golden image, with the certificate authority that it asks for.
pub(super) async fn plan(
    &Place { site, joint, .. }: &Place<'_>,
    order: Order<'_>,
    golden: &Golden,
    product: &Product,
) -> Result<(Plan, Option<Authority>), ClusterError> {
    let mut plan = draw(site, order).await?;
    if let Some(joint) = joint {
        joint.fit(&mut plan);
    }
    let able = needed(site, golden, &plan.needs).await?;
    plan.state.release = able.complete(release::of(golden));
    plan.state.newer = release::newer(golden, &plan.state.release);
    plan.state.datapath = product.datapath;
    require(&plan, &able, product)?;
    let authority = make_authority(&mut plan).await?;
    Ok((plan, authority))
}

/// The address ranges that are in use when the run begins. What it makes itself has none.
async fn taken(site: &Site) -> Result<Vec<IpNet>, ClusterError> {
    let mut taken = crate::host::routes();
    for network in site.client.list_networks().await? {
        taken.extend(network.ranges());
    }
    Ok(taken)
}

/// The plan of a cell, in address ranges that overlap no network of LXD and no route of this host.
async fn draw(site: &Site, Order { cell, options, variant }: Order<'_>) -> Result<Plan, ClusterError> {
    let taken: Vec<IpNet> = site.run.once("taken", async || taken(site).await).await?;
    let name = variant.name.as_ref().unwrap_or_else(|| cell.id());
    let seed = format!("{}/{name}", site.run.id());
    let segments = subnets::pick(&seed, &taken).ok_or(ClusterError::NoSubnet)?;
    Ok(Plan::draw_variant(cell, options, segments, variant))
}

/// Fails if the product lacks what the plan needs.
fn require(plan: &Plan, able: &Capabilities, product: &Product) -> Result<(), ClusterError> {
    let lacking = able.lacks(&plan.needs);
    if lacking.is_empty() { Ok(()) } else { Err(ClusterError::lacking(product, &lacking)) }
}

/// Makes the certificate authority that the plan asks for, and puts its certificate into the plan.
async fn make_authority(plan: &mut Plan) -> Result<Option<Authority>, ClusterError> {
    let Some(user_ca) = &mut plan.state.user_ca else { return Ok(None) };
    let authority = Authority::make_aside(user_ca.clone()).await?;
    user_ca.certificate = authority.certificate.clone();
    Ok(Some(authority))
}
