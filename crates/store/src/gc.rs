//! Garbage collection: what no reference, lease or container needs is removed.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::RwLockWriteGuard;
use std::time::SystemTime;

use terrarium_oci::{ChainId, Descriptor, Digest, Document, ImageConfig, MAX_DOCUMENT_BYTES};

use crate::Store;
use crate::error::{Error, Result};
use crate::name::Name;
use crate::snapshot::Kind;

/// What is needed beyond references and leases.
#[derive(Debug, Clone, Default)]
pub struct Roots {
    /// The snapshots of containers, of cached build steps and of whatever else the caller keeps.
    pub snapshots: Vec<Name>,
    /// Manifests, or other blobs, that the caller keeps: those of containers whose image lost its
    /// name.
    pub blobs: Vec<Descriptor>,
}

/// What was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blobs.
    pub blobs: Vec<Digest>,
    /// Snapshots.
    pub snapshots: Vec<Name>,
    /// Bytes that this freed: of blobs and partial downloads, and of committed layers.
    pub freed_bytes: u64,
}

/// A collection that has begun: until it ends or is dropped, nothing is leased, put or forgotten.
#[derive(Debug)]
pub struct Collection<'a> {
    store: &'a Store,
    alone: RwLockWriteGuard<'a, ()>,
}

impl Collection<'_> {
    /// As [`Store::collect`].
    ///
    /// # Errors
    /// As [`Store::collect`].
    pub fn collect(self, roots: &Roots, now: SystemTime) -> Result<Collected> {
        let Self { store, alone } = self;
        let mut collected = Collected::default();
        store.leases.expire(now)?;
        let live = store.mark(roots, &BTreeSet::new())?;
        store.sweep_blobs(&live, &mut collected)?;
        let gone = store.detach_snapshots(&live, &mut collected)?;
        // Trees take their time, and nobody knows them any more.
        drop(alone);
        for folder in gone {
            store.snapshots.delete(&folder)?;
        }
        Ok(collected)
    }
}

/// What must stay.
#[derive(Default)]
struct Live {
    blobs: BTreeSet<Digest>,
    snapshots: BTreeSet<Name>,
}

impl Store {
    /// Removes what nothing needs. Safe beside running pulls, builds and containers: what is in
    /// flight is held by a lease, and nobody else passes the gate while it is decided what goes.
    ///
    /// # Errors
    /// When a record or the disk cannot be read or changed; what was removed before stays removed.
    pub fn collect(&self, roots: &Roots, now: SystemTime) -> Result<Collected> {
        self.begin_collection().collect(roots, now)
    }

    /// Closes the gate, so that what is needed can be found out: what is put anywhere else before a
    /// reference to it is removed is then seen in one place or the other.
    pub fn begin_collection(&self) -> Collection<'_> {
        Collection {
            store: self,
            alone: self.gate.close(),
        }
    }

    /// What [`Store::collect`] would remove if the references `forgotten` were gone, without
    /// removing anything. Only blobs and committed layers: neither partial downloads nor writable
    /// layers.
    ///
    /// # Errors
    /// When a record or the disk cannot be read.
    pub fn preview(&self, roots: &Roots, forgotten: &BTreeSet<String>) -> Result<Collected> {
        let mut collected = Collected::default();
        let live = self.mark(roots, forgotten)?;
        for digest in self.content.digests()? {
            if !live.blobs.contains(&digest) {
                let size_bytes = self.content.blob(&digest).map_or(0, |blob| blob.size_bytes);
                collected.freed_bytes += size_bytes;
                collected.blobs.push(digest);
            }
        }
        for info in self.snapshots.list() {
            if info.kind == Kind::Committed && !live.snapshots.contains(&info.name) {
                collected.freed_bytes += info.size.map_or(0, |size| size.disk_bytes);
                collected.snapshots.push(info.name);
            }
        }
        Ok(collected)
    }

    fn mark(&self, roots: &Roots, forgotten: &BTreeSet<String>) -> Result<Live> {
        let mut live = Live::default();
        let held = self.leases.held();
        for (name, target) in self.references.list() {
            if !forgotten.contains(&name) {
                self.mark_blob(&target, &mut live)?;
            }
        }
        for target in &roots.blobs {
            self.mark_blob(target, &mut live)?;
        }
        for digest in &held.blobs {
            // A lease holds each blob by itself, so what it is need not be known.
            live.blobs.insert(digest.clone());
        }
        for name in held.snapshots.iter().chain(&roots.snapshots) {
            live.snapshots.insert(name.clone());
        }
        for name in live.snapshots.clone() {
            self.mark_parents(&name, &mut live);
        }
        Ok(live)
    }

    /// Marks a blob and what it refers to. A blob that is missing or malformed refers to nothing:
    /// the collector must not fail over it, and removing less is the safe side for its children
    /// only if they are named elsewhere.
    fn mark_blob(&self, descriptor: &Descriptor, live: &mut Live) -> Result<()> {
        if !live.blobs.insert(descriptor.digest.clone()) {
            return Ok(());
        }
        let kind = &descriptor.media_type;
        if !kind.is_index() && !kind.is_manifest() {
            return Ok(());
        }
        let Some(bytes) = self.document(&descriptor.digest)? else {
            return Ok(());
        };
        match Document::parse(Some(kind), &bytes) {
            Ok(Document::Index(index)) => index
                .manifests
                .iter()
                .try_for_each(|child| self.mark_blob(child, live)),
            Ok(Document::Manifest(manifest)) => {
                live.blobs
                    .extend(manifest.layers.iter().map(|layer| layer.digest.clone()));
                live.blobs.insert(manifest.config.digest.clone());
                self.mark_layers(&manifest.config.digest, live)
            }
            Err(_) => Ok(()),
        }
    }

    fn mark_layers(&self, config: &Digest, live: &mut Live) -> Result<()> {
        let Some(bytes) = self.document(config)? else {
            return Ok(());
        };
        if let Ok(config) = ImageConfig::parse(&bytes) {
            let chains = ChainId::all(&config.rootfs.diff_ids);
            live.snapshots.extend(chains.iter().map(Name::from));
        }
        Ok(())
    }

    fn mark_parents(&self, name: &Name, live: &mut Live) {
        let mut next = self.snapshots.info(name).and_then(|info| info.parent);
        while let Some(parent) = next {
            if !live.snapshots.insert(parent.clone()) {
                return;
            }
            next = self.snapshots.info(&parent).and_then(|info| info.parent);
        }
    }

    /// The bytes of a small blob; none if it is missing or damaged.
    fn document(&self, digest: &Digest) -> Result<Option<Vec<u8>>> {
        match self.content.read(digest, MAX_DOCUMENT_BYTES as u64) {
            Ok(bytes) => Ok(Some(bytes)),
            // An unreadable disk is not a reason to delete what the blob refers to.
            Err(error @ (Error::Io { .. } | Error::Full { .. })) => Err(error),
            Err(_) => Ok(None),
        }
    }

    fn sweep_blobs(&self, live: &Live, collected: &mut Collected) -> Result<()> {
        for digest in self.content.digests()? {
            if live.blobs.contains(&digest) {
                continue;
            }
            let size_bytes = self.content.blob(&digest).map_or(0, |blob| blob.size_bytes);
            self.content.remove(&digest)?;
            collected.freed_bytes += size_bytes;
            collected.blobs.push(digest);
        }
        collected.freed_bytes += self
            .content
            .sweep_ingests(|digest| live.blobs.contains(digest))?;
        Ok(())
    }

    /// Renames dead snapshots away, children first; their trees are deleted outside the gate.
    fn detach_snapshots(&self, live: &Live, collected: &mut Collected) -> Result<Vec<PathBuf>> {
        let mut gone = Vec::new();
        loop {
            let before = gone.len();
            for info in self.snapshots.list() {
                if live.snapshots.contains(&info.name) {
                    continue;
                }
                match self.snapshots.detach(&info.name) {
                    Ok(folder) => {
                        collected.freed_bytes += info.size.map_or(0, |size| size.disk_bytes);
                        collected.snapshots.push(info.name);
                        gone.push(folder);
                    }
                    Err(Error::SnapshotInUse { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            if gone.len() == before {
                return Ok(gone);
            }
        }
    }
}
