//! The image store: blobs, ingests, leases, references and snapshots.
//!
//! Owns: everything under `content`, `snapshots`, `leases` and `refs` of a data root; how layers
//! become folders and back, and how files come out of a tree in use and into it. Never knows:
//! registries, containers, mounts (it says what to mount),
//! databases, async. Start at [`Store::open`].
//!
//! Implements: image-spec 1.1 (layout, layer, config), the format of overlayfs.
//!
//! # Crash safety
//! A file is either old or new: written aside, synced, renamed, its folder synced. A snapshot
//! begins to exist, and becomes committed, by the rename of its record. Everything in flight is
//! held by a [`Lease`] before its first byte. What a killed process leaves is debris that the next
//! [`Store::open`] removes, or a partial download that the next pull resumes.
#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

mod claims;
mod config;
mod content;
mod error;
mod files;
mod follow;
mod gate;
mod gc;
pub mod index;
mod ingest;
pub mod layer;
mod lease;
mod made;
mod name;
mod refs;
mod snapshot;
mod take_in;
mod verify;
mod view;
pub mod worker;

pub use config::{Config, IdMaps, IdRange, Ids};
pub use content::{Blob, Content, Wanted};
pub use error::{Error, Result};
pub use follow::Follow;
pub use gc::{Collected, Collection, Roots};
pub use ingest::{BlobWriter, Ingest};
pub use lease::{Lease, Leases};
pub use name::Name;
pub use refs::References;
pub use snapshot::{Changes, Info, Kind, LayerWork, Overlay, Size, Snapshots, Upper, WantedLayer};
pub use take_in::Archived;
pub use verify::Damage;
pub use view::{Act, At, Bind, Sight, View, Viewed};

use claims::Claims;
use error::Context;
use gate::Gate;

/// An open store. Cheap to clone; all clones are the same store. Every call blocks.
#[derive(Debug, Clone)]
pub struct Store {
    content: Content,
    leases: Leases,
    references: References,
    snapshots: Snapshots,
    gate: Gate,
    /// Keeps other processes out for as long as any clone lives.
    _lock: Arc<nix::fcntl::Flock<File>>,
}

impl Store {
    /// Opens the store under a data root, making it if there is none, and removes what a killed
    /// process left.
    ///
    /// # Errors
    /// [`Error::Busy`] if another process has it open; [`Error::Record`] if one of its own records
    /// is damaged.
    pub fn open(config: &Config, now: SystemTime) -> Result<Self> {
        let root = &config.data_root;
        let content_root = root.join("content");
        files::make_folder(&content_root)?;
        let lock = lock(&content_root, root)?;
        let (claims, gate) = (Claims::default(), Gate::default());
        let content = Content::open(content_root, claims.clone(), gate.clone())?;
        let leases = Leases::open(root.join("leases"), gate.clone(), now)?;
        let index = content.root.join("index.json");
        let references = References::open(root.join("refs"), index, gate.clone())?;
        let snapshots = Snapshots::open(config, boot_id()?, claims, gate.clone())?;
        let held = leases.held();
        content.sweep_ingests(|digest| held.blobs.contains(digest))?;
        Ok(Self {
            content,
            leases,
            references,
            snapshots,
            gate,
            _lock: Arc::new(lock),
        })
    }

    /// The blobs.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// The leases.
    pub fn leases(&self) -> &Leases {
        &self.leases
    }

    /// The references.
    pub fn references(&self) -> &References {
        &self.references
    }

    /// The snapshots.
    pub fn snapshots(&self) -> &Snapshots {
        &self.snapshots
    }

    /// Removes a folder and all below it, also where files belong to subordinate ids: for the
    /// other folders of a data root that containers write to.
    ///
    /// # Errors
    /// What could not be removed.
    pub fn remove_tree(&self, path: &Path) -> Result<()> {
        self.snapshots.remove_tree(path)
    }

    /// Measures a folder and all below it, hard links once.
    ///
    /// # Errors
    /// What could not be read.
    pub fn measure_tree(&self, path: &Path) -> Result<Size> {
        self.snapshots.measure_tree(path)
    }

    /// Lists a folder and all below it, as if it were one layer.
    ///
    /// # Errors
    /// [`Error::Layer`] if it cannot be read.
    pub fn index_tree(&self, folder: &Path) -> Result<index::LayerIndex> {
        self.snapshots.index_tree(folder)
    }

    /// Writes the content of a regular file below `folder`, up to `limit` bytes, into `sink`, and
    /// returns how large the file is. No link in `path` is followed.
    ///
    /// # Errors
    /// [`Error::Layer`] if there is no such file.
    pub fn read_in_tree(
        &self,
        folder: &Path,
        path: &Path,
        limit: u64,
        sink: impl std::io::Write + Send,
    ) -> Result<u64> {
        self.snapshots.read_in_tree(folder, path, limit, sink)
    }
}

/// Locks the folder of the content itself, so that no file has to be kept for it.
fn lock(folder: &Path, root: &Path) -> Result<nix::fcntl::Flock<File>> {
    use nix::fcntl::{Flock, FlockArg};
    let file = File::open(folder).context("open", folder)?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, error)| match error {
        nix::errno::Errno::EWOULDBLOCK => Error::Busy(root.to_owned()),
        error => Error::io("lock", folder, error.into()),
    })
}

/// Which run of the machine this is: files that were not synced before another one are suspect.
fn boot_id() -> Result<String> {
    let path = PathBuf::from("/proc/sys/kernel/random/boot_id");
    let id = fs::read_to_string(&path).context("read", &path)?;
    Ok(id.trim().to_owned())
}
