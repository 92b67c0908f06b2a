//! What steps gave, one file a step: `builds/cache/KEY.json`.
//!
//! A record is a hint. What it names is looked for when it is used, so that a lost, old or half-written one only costs
//! the time of the step.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use serde::{Deserialize, Serialize};
use terrarium_builder::{Key, Layer};
use terrarium_oci::{ChainId, Descriptor, DiffId};
use terrarium_store::Name;
use tokio::sync::OwnedMutexGuard;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) diff_id: DiffId,
    pub(super) blob: Descriptor,
    /// The layer and what it lay on.
    chain: ChainId,
    /// When it was made.
    pub(super) created: String,
}

impl Record {
    pub(super) fn of(layer: &Layer) -> Self {
        Self {
            diff_id: layer.diff_id.clone(),
            blob: layer.blob.clone(),
            chain: layer.chain.clone(),
            created: layer.created.clone(),
        }
    }
}

fn folder(data_root: &Path) -> PathBuf {
    data_root.join("builds").join("cache")
}

fn path(data_root: &Path, key: &Key) -> PathBuf {
    folder(data_root).join(format!("{}.json", key.as_str()))
}

pub(super) fn read(data_root: &Path, key: &Key) -> Option<Record> {
    serde_json::from_slice(&fs::read(path(data_root, key)).ok()?).ok()
}

pub(super) fn write(data_root: &Path, key: &Key, record: &Record) -> std::io::Result<()> {
    fs::create_dir_all(folder(data_root))?;
    let path = path(data_root, key);
    let aside = path.with_extension("new");
    fs::write(&aside, serde_json::to_vec(record)?)?;
    fs::rename(aside, path)
}

/// The layers that the cache keeps, for the garbage collector.
pub(crate) fn held(data_root: &Path) -> (Vec<Name>, Vec<Descriptor>) {
    let records = records(data_root)
        .into_iter()
        .filter_map(|path| serde_json::from_slice::<Record>(&fs::read(path).ok()?).ok());
    records
        .map(|record| (Name::from(&record.chain), record.blob))
        .unzip()
}

/// Forgets all steps; says how many there were.
pub(super) fn clear(data_root: &Path) -> usize {
    let records = records(data_root);
    records
        .iter()
        .filter(|path| fs::remove_file(path).is_ok())
        .count()
}

fn records(data_root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(data_root))
        .into_iter()
        .flatten()
        .flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Lets one at a time do what has the same name, across all builds of this host.
#[derive(Debug, Default)]
pub(crate) struct Locks(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Locks {
    pub(super) async fn enter(&self, name: &str) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            locks.retain(|_, lock| lock.strong_count() > 0);
            let known = locks.get(name).and_then(Weak::upgrade);
            let lock = known.unwrap_or_default();
            locks.insert(name.to_owned(), Arc::downgrade(&lock));
            lock
        };
        lock.lock_owned().await
    }
}
