//! What a test has before it has a cluster: its settings, its run, and the way to LXD.

use std::path::PathBuf;

use testkit::cluster::{self, Coverage, Manifest, Members, Planned, Site};
use testkit::config::{Config, Keep};
use testkit::known::{KnownFault, Releases};
use testkit::record;
use testkit::session::{Run, reaper};

use crate::failure::Failure;

/// What a check begins with. Most end with no more: to judge what is observed takes no LXD.
pub(crate) struct Ground {
    pub(crate) config: Config,
    pub(crate) run: Run,
    pub(crate) exe: PathBuf,
}

impl Ground {
    /// Connects to LXD, for who acts on a cluster.
    pub(crate) async fn site(&self) -> Result<Site, Failure> {
        let site = Site::open(self.config.clone(), self.run.clone(), &self.exe).await.map_err(Failure::of)?;
        record::leave_host(site.run.dir(), &site.client).map_err(Failure::of)?;
        Ok(site)
    }

    /// The faults that are known to show in this cell or journey with the product that is tested; `by_microcloud` where MicroCloud forms
    /// its cluster.
    pub(crate) fn known(&self, place: &str, by_microcloud: bool) -> Result<Vec<KnownFault>, Failure> {
        let mut all = crate::KNOWN.read().map_err(Failure::of)?;
        let product = cluster::product_of(self.run.common(), by_microcloud).map_err(Failure::of)?;
        all.retain(|fault| {
            product.as_ref().is_some_and(|product| {
                let microcloud = product.microcloud.as_deref();
                fault.is_in(place, &Releases { microovn: &product.version, microcloud })
            })
        });
        Ok(all)
    }

    /// Gives back a cluster that nobody needs any more.
    pub(crate) async fn give_back(&self, suite: &str, manifest: &Manifest) -> Result<Option<String>, Failure> {
        let taken = self.take_coverage(suite, &manifest.instances).await;
        reaper::release(&self.run, &self.exe, suite).map_err(Failure::of)?;
        taken
    }

    /// Takes what MicroOVN counted of its own code on these members, where that is asked for, before they go.
    async fn take_coverage(&self, suite: &str, instances: &Members) -> Result<Option<String>, Failure> {
        if !self.config.coverage {
            return Ok(None);
        }
        let to = match &self.config.coverage_dir {
            // Of several products, each has a folder there.
            Some(dir) => self.config.product.as_ref().map_or_else(|| dir.clone(), |product| dir.join(product)),
            None => self.run.folder().coverage(),
        };
        let to = to.join(suite);
        let Coverage { files, missing } = cluster::collect_coverage(&self.site().await?.client, instances, &to).await;
        match (files, missing.is_empty()) {
            (_, false) => Err(Failure::new(missing.join("\n"))),
            (0, true) => Err(Failure::new(
                "MicroOVN counted nothing; a snap that counts is built with MICROOVN_COVERAGE=\"yes\" in its snapcraft.yaml"
                    .to_owned(),
            )),
            (files, true) => Ok(Some(format!("coverage: {files} files in {}", to.display()))),
        }
    }

    /// The same of a cluster that could not be formed, as far as it came.
    async fn take_planned(&self, cell: &str) -> Result<Option<String>, Failure> {
        let dir = self.run.cell_dir(cell).map_err(Failure::of)?;
        match Planned::find(&dir).map_err(Failure::of)? {
            Some(planned) => self.take_coverage(cell, &planned.instances).await,
            None => Ok(None),
        }
    }

    /// What becomes of a cluster that could not be formed, which no check will use: it goes at once, or is kept as asked.
    pub(crate) async fn leave_unformed(&self, cell: &str, problem: &str) -> Result<Option<String>, Failure> {
        if self.config.keep == Keep::Never {
            let taken = self.take_planned(cell).await;
            reaper::release(&self.run, &self.exe, cell).map_err(Failure::of)?;
            return taken;
        }
        let dir = self.run.cell_dir(cell).map_err(Failure::of)?;
        cluster::keep_unformed(&self.site().await?, &dir, problem).await.map_err(Failure::of)
    }
}
