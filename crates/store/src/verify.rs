//! Looking for damage: what a disk, a person or another program did behind the store's back.

use std::io;
use std::ops::ControlFlow;

use terrarium_oci::{Descriptor, Digest, Document, MAX_DOCUMENT_BYTES};

use crate::Store;
use crate::error::{Context, Error, Result};
use crate::name::Name;

/// Something that is not as it should be, and what a repair would do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// The bytes of a blob are not those of its digest. Repair: remove it and fetch it again.
    Blob(Digest),
    /// A reference, or a manifest that it leads to, needs a blob that is not there. Repair: pull
    /// the reference again.
    Missing {
        /// The reference.
        reference: String,
        /// The blob.
        blob: Digest,
    },
    /// A blob that should be a manifest or an index is none. Repair: pull the reference again.
    Document {
        /// The reference.
        reference: String,
        /// The blob.
        blob: Digest,
    },
    /// A snapshot lies on one that is not there, which a power cut can take away. Repair: unpack
    /// the parent (its name is a chain ID) from its blob.
    Parent {
        /// The snapshot.
        snapshot: Name,
        /// What it lies on.
        parent: Name,
    },
}

impl Store {
    /// Hashes every blob and follows every reference. Changes nothing. `progress` is told the bytes
    /// that were hashed so far, and stops the scan by breaking.
    ///
    /// # Errors
    /// When a folder or a blob cannot be read at all.
    pub fn verify(&self, mut progress: impl FnMut(u64) -> ControlFlow<()>) -> Result<Vec<Damage>> {
        let mut damage = Vec::new();
        let mut hashed = 0;
        for digest in self.content.digests()? {
            let mut blob = match self.content.blob(&digest) {
                // Collected meanwhile.
                Err(Error::BlobMissing(_)) => continue,
                blob => blob?,
            };
            let mut hasher = digest.hasher();
            let path = self.content.blob_path(&digest)?;
            hashed += io::copy(&mut blob.file, &mut hasher).context("read", &path)?;
            if hasher.finish() != digest {
                damage.push(Damage::Blob(digest));
            }
            if progress(hashed).is_break() {
                return Ok(damage);
            }
        }
        for (reference, target) in self.references.list() {
            self.verify_target(&reference, &target, &mut damage);
        }
        self.verify_parents(&mut damage);
        Ok(damage)
    }

    /// Removes blobs that [`Store::verify`] found damaged, so that the next pull fetches them.
    /// Returns what is left for the caller to repair.
    ///
    /// # Errors
    /// When a blob cannot be removed.
    pub fn repair(&self, damage: Vec<Damage>) -> Result<Vec<Damage>> {
        let mut left = Vec::new();
        for damage in damage {
            match damage {
                Damage::Blob(digest) => self.content.remove(&digest)?,
                other => left.push(other),
            }
        }
        for (reference, target) in self.references.list() {
            self.verify_target(&reference, &target, &mut left);
        }
        left.dedup();
        Ok(left)
    }

    fn verify_target(&self, reference: &str, target: &Descriptor, damage: &mut Vec<Damage>) {
        let missing = |blob: &Digest| Damage::Missing {
            reference: reference.to_owned(),
            blob: blob.clone(),
        };
        let bytes = match self.content.read(&target.digest, MAX_DOCUMENT_BYTES as u64) {
            Ok(bytes) => bytes,
            Err(Error::DigestMismatch { .. }) => return,
            Err(_) => return damage.push(missing(&target.digest)),
        };
        match Document::parse(Some(&target.media_type), &bytes) {
            Ok(Document::Manifest(manifest)) => {
                for part in manifest.layers.iter().chain([&manifest.config]) {
                    if !self.content.has(&part.digest) {
                        damage.push(missing(&part.digest));
                    }
                }
            }
            // An index lists other platforms, whose manifests are not expected to be here.
            Ok(Document::Index(index)) => {
                for child in index
                    .manifests
                    .iter()
                    .filter(|child| self.content.has(&child.digest))
                {
                    self.verify_target(reference, child, damage);
                }
            }
            Err(_) => damage.push(Damage::Document {
                reference: reference.to_owned(),
                blob: target.digest.clone(),
            }),
        }
    }

    fn verify_parents(&self, damage: &mut Vec<Damage>) {
        for info in self.snapshots.list() {
            if let Some(parent) = info
                .parent
                .filter(|parent| self.snapshots.info(parent).is_none())
            {
                damage.push(Damage::Parent {
                    snapshot: info.name,
                    parent,
                });
            }
        }
    }
}
