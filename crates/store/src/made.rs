//! Layers that are made here: the changes of a snapshot as a blob.

use terrarium_oci::{Compression, Descriptor, MediaType};

use crate::Store;
use crate::error::{Context, Result};
use crate::layer::ParallelGzip;
use crate::lease::Lease;
use crate::name::Name;
use crate::snapshot::Changes;

/// A layer that was made of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeLayer {
    /// Its blob, compressed with gzip.
    pub blob: Descriptor,
    /// What is in it, and its diff ID.
    pub changes: Changes,
}

impl Store {
    /// Writes what a snapshot changes over its parent as a layer, held by `lease`. The same files
    /// give the same blob on every machine.
    ///
    /// # Errors
    /// As [`crate::Snapshots::diff`]; or when the blob cannot be written.
    pub fn make_layer(&self, snapshot: &Name, lease: &Lease) -> Result<MadeLayer> {
        let mut gzip = ParallelGzip::new(self.content.writer()?);
        let changes = self.snapshots.diff(snapshot, &mut gzip)?;
        let writer = gzip
            .finish()
            .context("write layer into", &self.content.root)?;
        let (digest, size_bytes) = writer.commit(lease)?;
        let media_type = MediaType::OciLayer(Compression::Gzip);
        Ok(MadeLayer {
            blob: Descriptor::new(media_type, digest, size_bytes),
            changes,
        })
    }
}
