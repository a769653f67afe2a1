//! Memory and processors of the host that LXD runs on.

use std::time::Duration;

use procfs::{Current, LoadAverage, Meminfo};
use serde::{Deserialize, Serialize};

use crate::config::LxdTarget;
use crate::lxd::{Client, Error, Resources};

/// How old an answer of LXD may be, which walks through hundreds of files for each.
const ANSWER: Duration = Duration::from_secs(2);

/// What a host has to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// Bytes of memory that can be had without swapping.
    pub memory: u64,
    /// How many threads run at once.
    pub processors: u64,
}

impl Capacity {
    /// What the host of the LXD at `target` has to give now.
    ///
    /// The kernel is asked where LXD is on this host, and not LXD: for every network card, LXD closes two descriptors a
    /// second time when it answers (`ethtoolAddCardInfo` and `ethtoolAddPortInfo` of its `resources` package, from 5.0.2
    /// on at least). What has got such a number meanwhile is closed under it: a connection that was just accepted, after
    /// which LXD takes no other for ever, or one of the files that it reads for the answer.
    ///
    /// # Errors
    /// When an LXD elsewhere does not answer.
    pub async fn of(target: &LxdTarget, client: &Client) -> Result<Self, Error> {
        match here(target) {
            Some(capacity) => Ok(capacity),
            None => Ok(Self::told(&client.get_resources().await?)),
        }
    }

    /// What the host of a member of an LXD cluster has to give now, and how many processes want a processor there, as far as
    /// that is told. Only the member that answers at a socket of this host is on this host.
    ///
    /// # Errors
    /// When the member does not answer.
    pub(super) async fn of_member(
        target: &LxdTarget,
        client: &Client,
        member: &str,
    ) -> Result<(Self, Option<f64>), Error> {
        if client.server().environment.server_name == member
            && let Some(capacity) = here(target)
        {
            return Ok((capacity, LoadAverage::current().ok().map(|load| load.one.into())));
        }
        let capacity = Self::told(&client.get_resources_on(member).await?);
        Ok((capacity, client.find_cluster_member_load(member).await?))
    }

    fn told(resources: &Resources) -> Self {
        let memory = resources.memory.total.saturating_sub(resources.memory.used);
        Self { memory, processors: resources.cpu.total }
    }

    /// How long what was said of the host of the LXD at `target` may be taken for what is.
    pub fn lasts(target: &LxdTarget) -> Duration {
        match target {
            LxdTarget::Local { .. } => Duration::ZERO,
            LxdTarget::Remote { .. } => ANSWER,
        }
    }
}

/// What this host has to give to an LXD on it; `None` where LXD is on another, or the kernel does not say.
fn here(target: &LxdTarget) -> Option<Capacity> {
    let LxdTarget::Local { .. } = target else { return None };
    let memory = Meminfo::current().ok()?.mem_available?;
    Some(Capacity { memory, processors: std::thread::available_parallelism().ok()?.get() as u64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_lxd_that_is_here_has_what_is_here() {
        let local = LxdTarget::Local { socket: None, dir: None, daemon: None };
        assert!(here(&local).is_some_and(|capacity| capacity.memory > 1 << 20 && capacity.processors > 0));
        let (client_cert, client_key, server_cert) = Default::default();
        let remote = LxdTarget::Remote { url: String::new(), client_cert, client_key, server_cert };
        assert_eq!(here(&remote), None);
    }
}
