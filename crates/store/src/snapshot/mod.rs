//! Snapshots: layers as folders, stacked by overlay. They yield mounts and never mount.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::claims::Claims;
use crate::config::Config;
use crate::error::{Context, Error, Result};
use crate::files;
use crate::gate::Gate;
use crate::lease::Lease;
use crate::name::Name;
use crate::worker::Worker;

mod changes;
mod layer;
mod look;
mod overlay;
mod record;
mod shared;

pub use changes::Changes;
pub use layer::{LayerWork, WantedLayer};
pub use overlay::{Overlay, Upper};
use record::{GONE, Record};
pub use record::{Kind, Size};
use shared::Shared;

/// The snapshots under `snapshots/`, each a folder `N/{fs,work}` with a record.
///
/// A committed layer is named by its chain ID, the writable layer of a container as its engine
/// likes.
#[derive(Debug, Clone)]
pub struct Snapshots {
    shared: Arc<Shared>,
}

/// What is known of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Its name.
    pub name: Name,
    /// What it is.
    pub kind: Kind,
    /// What it lies on.
    pub parent: Option<Name>,
    /// What it takes; known once it is committed.
    pub size: Option<Size>,
    /// Its folder of files, in overlay's format: the "upper directory" while it is active.
    pub fs: PathBuf,
}

impl Snapshots {
    pub(crate) fn open(config: &Config, boot: String, claims: Claims, gate: Gate) -> Result<Self> {
        let root = config.data_root.join("snapshots");
        // `empty` is the lower layer of a container that has none: overlay needs one.
        files::make_folder(&root.join("empty"))?;
        fs::set_permissions(&root, fs::Permissions::from_mode(0o711))
            .context("change mode of", &root)?;
        let loaded = record::load(&root, &boot)?;
        let worker = Worker::new(config);
        for folder in &loaded.debris {
            worker.remove_tree(&root.join(folder))?;
        }
        let table = Mutex::new(loaded.table);
        Ok(Self {
            shared: Arc::new(Shared {
                root,
                boot,
                worker,
                claims,
                gate,
                table,
            }),
        })
    }

    /// Makes a writable snapshot on a committed one (or on nothing), held by `lease`.
    ///
    /// # Errors
    /// [`Error::SnapshotExists`]; [`Error::SnapshotMissing`] or [`Error::SnapshotKind`] for the
    /// parent.
    pub fn prepare(&self, key: &Name, parent: Option<&Name>, lease: &Lease) -> Result<()> {
        lease.hold_snapshot(key)?;
        self.shared.create(key, parent, Kind::Active).map(drop)
    }

    /// Makes a read-only look at a committed snapshot, held by `lease`.
    ///
    /// # Errors
    /// As [`Snapshots::prepare`].
    pub fn view(&self, key: &Name, parent: &Name, lease: &Lease) -> Result<()> {
        lease.hold_snapshot(key)?;
        self.shared.create(key, Some(parent), Kind::View).map(drop)
    }

    /// Turns the active snapshot `key` into the committed snapshot `name`, held by `lease`. If
    /// that exists already, `key` is removed: the same name is the same content.
    ///
    /// Its files reach the disk with [`Snapshots::sync`]; until then a power cut undoes the commit.
    ///
    /// # Errors
    /// [`Error::SnapshotMissing`], [`Error::SnapshotKind`].
    pub fn commit(&self, key: &Name, name: &Name, lease: &Lease) -> Result<()> {
        lease.hold_snapshot(name)?;
        self.shared.expect(key, Kind::Active)?;
        let size = self.usage(key)?;
        self.shared.commit(key, name, size)
    }

    /// Puts all files of snapshots on disk, once for everything committed so far. To be called
    /// after a pull or a build, not within one: it waits for the disk.
    ///
    /// # Errors
    /// When the disk fails; then what is not synced stays marked so.
    pub fn sync(&self) -> Result<()> {
        self.shared.sync()
    }

    /// How to mount a snapshot.
    ///
    /// # Errors
    /// [`Error::SnapshotMissing`], also for a layer below that is not there (any more).
    pub fn mounts(&self, name: &Name) -> Result<Overlay> {
        let table = self.shared.lock();
        overlay::of(&table, &self.shared.root, self.shared.worker.ids(), name)
    }

    /// What is known of a snapshot.
    pub fn info(&self, name: &Name) -> Option<Info> {
        self.shared
            .lock()
            .records
            .get(name)
            .map(|record| self.shared.info(record))
    }

    /// All snapshots, sorted by name.
    pub fn list(&self) -> Vec<Info> {
        self.shared
            .lock()
            .records
            .values()
            .map(|record| self.shared.info(record))
            .collect()
    }

    /// What a snapshot takes, without what lies below: counted once for a committed one, and now
    /// for a writable one.
    ///
    /// # Errors
    /// [`Error::SnapshotMissing`], or when the tree cannot be read.
    pub fn usage(&self, name: &Name) -> Result<Size> {
        let info = self
            .info(name)
            .ok_or_else(|| Error::SnapshotMissing(name.clone()))?;
        match info.size {
            Some(size) => Ok(size),
            None => self.shared.worker.usage(&info.fs),
        }
    }

    pub(crate) fn worker(&self) -> &Worker {
        &self.shared.worker
    }

    pub(crate) fn remove_tree(&self, path: &Path) -> Result<()> {
        self.shared.worker.remove_tree(path)
    }

    pub(crate) fn measure_tree(&self, path: &Path) -> Result<Size> {
        self.shared.worker.usage(path)
    }

    /// Removes a snapshot. It is gone for good on return, even if the deletion of its files is
    /// interrupted: the next start goes on with it.
    ///
    /// # Errors
    /// [`Error::SnapshotInUse`] if others lie on it, [`Error::SnapshotMissing`].
    pub fn remove(&self, name: &Name) -> Result<()> {
        let gone = self.detach(name)?;
        self.delete(&gone)
    }

    /// The quick half of [`Snapshots::remove`]: renames the folder away and returns it.
    pub(crate) fn detach(&self, name: &Name) -> Result<PathBuf> {
        let shared = &self.shared;
        let mut table = shared.lock();
        let record = table
            .records
            .get(name)
            .ok_or_else(|| Error::SnapshotMissing(name.clone()))?;
        let on_it = |other: &&Record| other.meta.parent.as_ref() == Some(name);
        if let Some(child) = table.records.values().find(on_it) {
            return Err(Error::SnapshotInUse {
                name: name.clone(),
                child: child.meta.name.clone(),
            });
        }
        let number = record.number;
        let (from, to) = (
            shared.folder(number),
            shared.root.join(format!("{GONE}{number}")),
        );
        fs::rename(&from, &to).context("rename", &from)?;
        table.records.remove(name);
        Ok(to)
    }

    /// The slow half of [`Snapshots::remove`].
    pub(crate) fn delete(&self, gone: &Path) -> Result<()> {
        self.shared.worker.remove_tree(gone)
    }
}
