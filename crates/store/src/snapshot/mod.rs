//! Snapshots: layers as folders, stacked by overlay. They yield mounts and never mount.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use terrarium_sys::tree::Tree;

use crate::claims::Claims;
use crate::config::{Config, Ids};
use crate::error::{Context, Error, Result};
use crate::files::{self, Durability};
use crate::gate::Gate;
use crate::lease::Lease;
use crate::name::Name;
use crate::worker::Worker;

mod changes;
mod layer;
mod overlay;
mod record;

pub use changes::Changes;
pub use layer::{LayerWork, WantedLayer};
pub use overlay::{Overlay, Upper};
use record::{GONE, Meta, Record, Table};
pub use record::{Kind, Size};

/// The snapshots under `snapshots/`, each a folder `N/{fs,work}` with a record.
///
/// A committed layer is named by its chain ID, the writable layer of a container as its engine
/// likes.
#[derive(Debug, Clone)]
pub struct Snapshots {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    boot: String,
    worker: Worker,
    claims: Claims,
    gate: Gate,
    table: Mutex<Table>,
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

impl Shared {
    /// A panic elsewhere cannot leave the table half changed: every change is one insertion or
    /// removal.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn folder(&self, number: u64) -> PathBuf {
        self.root.join(number.to_string())
    }

    fn info(&self, record: &Record) -> Info {
        let Meta {
            name,
            kind,
            parent,
            size,
            ..
        } = record.meta.clone();
        Info {
            name,
            kind,
            parent,
            size,
            fs: self.folder(record.number).join("fs"),
        }
    }

    fn expect(&self, name: &Name, kind: Kind) -> Result<()> {
        expect_kind(&self.lock(), name, kind)
    }

    /// Makes the folders and the record; returns the number.
    fn create(&self, name: &Name, parent: Option<&Name>, kind: Kind) -> Result<u64> {
        let _running = self.gate.enter();
        let mut table = self.lock();
        if table.records.contains_key(name) {
            return Err(Error::SnapshotExists(name.clone()));
        }
        // A layer that is being unpacked may wait for the one below, which is checked at commit.
        if let Some(parent) = parent.filter(|_| kind != Kind::Unpacking) {
            expect_kind(&table, parent, Kind::Committed)?;
        }
        let parent_fs = parent
            .and_then(|parent| table.records.get(parent))
            .map(|record| self.folder(record.number).join("fs"));
        let (name, parent) = (name.clone(), parent.cloned());
        let meta = Meta {
            name,
            kind,
            parent,
            size: None,
            unsynced_since_boot: None,
        };
        let record = Record {
            number: table.next,
            meta,
        };
        table.next += 1;
        let made = record::create(&self.root, &record, 0o755)
            .and_then(|()| self.inherit_root(parent_fs.as_deref(), record.number));
        if let Err(error) = made {
            // The first error counts; a start sweeps what this cannot remove.
            let _ = self.worker.remove_tree(&self.folder(record.number));
            return Err(error);
        }
        let number = record.number;
        table.records.insert(record.meta.name.clone(), record);
        Ok(number)
    }

    /// The root of the merged tree shows the attributes of the topmost layer, so a new layer takes
    /// those of its parent. Owners other than the user cannot be set without a user namespace;
    /// there the root stays the user's, which is root inside.
    fn inherit_root(&self, parent_fs: Option<&Path>, number: u64) -> Result<()> {
        let Some(parent_fs) = parent_fs else {
            return Ok(());
        };
        use std::os::unix::fs::{MetadataExt, chown};
        let fs_path = self.folder(number).join("fs");
        let above = fs::symlink_metadata(parent_fs).context("read", parent_fs)?;
        if *self.worker.ids() == Ids::Host {
            chown(&fs_path, Some(above.uid()), Some(above.gid()))
                .context("change owner of", &fs_path)?;
        }
        let mode = fs::Permissions::from_mode(above.mode() & 0o7777);
        fs::set_permissions(&fs_path, mode).context("change mode of", &fs_path)
    }

    fn commit(&self, key: &Name, name: &Name, size: Size) -> Result<()> {
        let _running = self.gate.enter();
        let mut table = self.lock();
        let mut record = table
            .records
            .get(key)
            .cloned()
            .ok_or_else(|| Error::SnapshotMissing(key.clone()))?;
        if let Some(parent) = &record.meta.parent {
            expect_kind(&table, parent, Kind::Committed)?;
        }
        if table
            .records
            .get(name)
            .is_some_and(|there| there.meta.kind == Kind::Committed)
        {
            table.records.remove(key);
            drop(table);
            return self.worker.remove_tree(&self.folder(record.number));
        }
        record.meta.name = name.clone();
        record.meta.kind = Kind::Committed;
        record.meta.size = Some(size);
        record.meta.unsynced_since_boot = Some(self.boot.clone());
        let path = record::meta_path(&self.root, record.number);
        files::write_record(&path, &record.meta, Durability::Process)?;
        table.records.remove(key);
        table.records.insert(name.clone(), record);
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        let unsynced = |record: &&Record| record.meta.unsynced_since_boot.is_some();
        let names: Vec<Name> = self
            .lock()
            .records
            .values()
            .filter(unsynced)
            .map(|r| r.meta.name.clone())
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        let tree = Tree::open(&self.root).context("open", &self.root)?;
        nix::unistd::syncfs(&tree).context("sync", &self.root)?;
        let mut table = self.lock();
        for name in names {
            if let Some(record) = table.records.get_mut(&name) {
                record.meta.unsynced_since_boot = None;
                let path = record::meta_path(&self.root, record.number);
                files::write_record(&path, &record.meta, Durability::Disk)?;
            }
        }
        Ok(())
    }
}

fn expect_kind(table: &Table, name: &Name, kind: Kind) -> Result<()> {
    match table.records.get(name) {
        None => Err(Error::SnapshotMissing(name.clone())),
        Some(record) if record.meta.kind == kind => Ok(()),
        Some(record) => Err(Error::SnapshotKind {
            name: name.clone(),
            kind: record.meta.kind.as_str(),
        }),
    }
}
