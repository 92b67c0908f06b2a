//! The records of all snapshots and the steps that change them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use terrarium_sys::tree::Tree;

use super::Info;
use super::record::{self, Kind, Meta, Record, Size, Table};
use crate::claims::Claims;
use crate::config::Ids;
use crate::error::{Context, Error, Result};
use crate::files::{self, Durability};
use crate::gate::Gate;
use crate::name::Name;
use crate::worker::Worker;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) root: PathBuf,
    pub(super) boot: String,
    pub(super) worker: Worker,
    pub(super) claims: Claims,
    pub(super) gate: Gate,
    pub(super) table: Mutex<Table>,
}

impl Shared {
    /// A panic elsewhere cannot leave the table half changed: every change is one insertion or
    /// removal.
    pub(super) fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn folder(&self, number: u64) -> PathBuf {
        self.root.join(number.to_string())
    }

    pub(super) fn info(&self, record: &Record) -> Info {
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

    pub(super) fn expect(&self, name: &Name, kind: Kind) -> Result<()> {
        expect_kind(&self.lock(), name, kind)
    }

    /// Makes the folders and the record; returns the number.
    pub(super) fn create(&self, name: &Name, parent: Option<&Name>, kind: Kind) -> Result<u64> {
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
        let fs_path = self.folder(number).join("fs");
        let above = fs::symlink_metadata(parent_fs).context("read", parent_fs)?;
        if *self.worker.ids() == Ids::Host {
            chown(&fs_path, Some(above.uid()), Some(above.gid()))
                .context("change owner of", &fs_path)?;
        }
        let mode = fs::Permissions::from_mode(above.mode() & 0o7777);
        fs::set_permissions(&fs_path, mode).context("change mode of", &fs_path)
    }

    pub(super) fn commit(&self, key: &Name, name: &Name, size: Size) -> Result<()> {
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

    pub(super) fn sync(&self) -> Result<()> {
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
