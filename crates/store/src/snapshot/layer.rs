//! A layer on its way from a tar stream to a committed snapshot.

use std::io::Read;
use std::ops::ControlFlow;

use terrarium_oci::{ChainId, DiffId};

use super::overlay;
use super::{Kind, Snapshots};
use crate::claims::Claim;
use crate::error::{Error, Result};
use crate::lease::Lease;
use crate::name::Name;
use crate::worker::{Progress, Report};

/// Where a layer stands that somebody wants.
#[derive(Debug)]
pub enum WantedLayer {
    /// It is there already.
    Present,
    /// The caller is the one to unpack it.
    Missing(LayerWork),
}

/// A layer that the caller unpacks. Dropping it without [`LayerWork::commit`] removes what was
/// unpacked.
#[derive(Debug)]
pub struct LayerWork {
    snapshots: Snapshots,
    chain: ChainId,
    parent: Option<ChainId>,
    key: Name,
    number: u64,
    committed: bool,
    _claim: Claim,
}

impl Snapshots {
    /// Holds the layer `chain` by `lease` and says whether it is to be unpacked. Waits while
    /// another thread of this process unpacks the same layer.
    ///
    /// To be called bottom layer first, and before [`crate::Content::want`] for the layer's blob:
    /// in that order two pulls cannot wait for each other. The layers of an image can then be
    /// unpacked in parallel, since the worker needs the layers below only for odd entries.
    ///
    /// # Errors
    /// When the snapshot cannot be made.
    pub fn want_layer(
        &self,
        chain: &ChainId,
        parent: Option<&ChainId>,
        lease: &Lease,
    ) -> Result<WantedLayer> {
        let name = Name::from(chain);
        lease.hold_snapshot(&name)?;
        let present = || {
            self.info(&name)
                .is_some_and(|info| info.kind == Kind::Committed)
        };
        if present() {
            return Ok(WantedLayer::Present);
        }
        let claim = self.shared.claims.take(&claim_key(&name));
        if present() {
            return Ok(WantedLayer::Present);
        }
        let key = Name::new(format!("unpack-{name}"))?;
        lease.hold_snapshot(&key)?;
        let number = self
            .shared
            .create(&key, parent.map(Name::from).as_ref(), Kind::Unpacking)?;
        Ok(WantedLayer::Missing(LayerWork {
            snapshots: self.clone(),
            chain: chain.clone(),
            parent: parent.cloned(),
            key,
            number,
            committed: false,
            _claim: claim,
        }))
    }
}

impl LayerWork {
    /// The layer.
    pub fn chain(&self) -> &ChainId {
        &self.chain
    }

    /// The name of the snapshot until it is committed.
    pub fn key(&self) -> &Name {
        &self.key
    }

    /// Unpacks `source`, the blob of the layer as it is stored (gzip, zstd or plain tar), in a
    /// worker process. Blocks; reports about ten times a second, and stops when told to.
    ///
    /// # Errors
    /// [`Error::Layer`] with the reason and the entry if the layer is refused,
    /// [`Error::LayerAbandoned`] if a layer below was given up while this one needed it.
    pub fn unpack(
        &self,
        source: impl Read + Send,
        progress: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Report> {
        let shared = &self.snapshots.shared;
        let folder = shared.folder(self.number);
        shared
            .worker
            .apply(&folder, source, &mut { progress }, &mut || {
                self.lower_folders()
            })
    }

    /// Makes the layer visible under its chain ID.
    ///
    /// # Errors
    /// [`Error::ChainMismatch`] if what was unpacked is another layer.
    pub fn commit(mut self, report: &Report) -> Result<()> {
        let diff_id = DiffId(report.diff_id.clone());
        let actual = ChainId::on(self.parent.as_ref(), &diff_id);
        if actual != self.chain {
            return Err(Error::ChainMismatch {
                expected: self.chain.clone(),
                actual,
            });
        }
        self.wait_for_parent()?;
        let name = Name::from(&self.chain);
        self.snapshots
            .shared
            .commit(&self.key, &name, report.size)?;
        self.committed = true;
        Ok(())
    }

    /// The folders of the layers below, topmost first, once they are committed.
    fn lower_folders(&self) -> Result<Vec<String>> {
        self.wait_for_parent()?;
        let table = self.snapshots.shared.lock();
        let parent = self.parent.as_ref().map(Name::from);
        let numbers = overlay::chain(&table, parent.as_ref())?;
        Ok(numbers.iter().map(u64::to_string).collect())
    }

    fn wait_for_parent(&self) -> Result<()> {
        let Some(parent) = &self.parent else {
            return Ok(());
        };
        let name = Name::from(parent);
        let shared = &self.snapshots.shared;
        loop {
            let there = self.snapshots.info(&name).map(|info| info.kind);
            if there == Some(Kind::Committed) {
                return Ok(());
            }
            if !shared.claims.is_held(&claim_key(&name)) {
                // The claim is given back after the commit, so look once more.
                let there = self.snapshots.info(&name).map(|info| info.kind);
                return match there {
                    Some(Kind::Committed) => Ok(()),
                    _ => Err(Error::LayerAbandoned(parent.clone())),
                };
            }
            shared.claims.wait(&claim_key(&name));
        }
    }
}

/// The chain ID of a bottom layer may equal the digest of its blob, if that is a plain tar; the two
/// are claimed by the same thread.
fn claim_key(layer: &Name) -> String {
    format!("layer {layer}")
}

impl Drop for LayerWork {
    fn drop(&mut self) {
        if !self.committed {
            // Whatever stays behind is debris, which a start removes.
            let _ = self.snapshots.remove(&self.key);
        }
    }
}
