//! What steps gave, one file a step: `builds/cache/KEY.json`.
//!
//! A record is a hint. What it names is looked for when it is used, so that a lost, old or half-written one only costs
//! the time of the step.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, SystemTime},
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
    /// Of a layer that has not been put on anything yet.
    pub(super) fn new(diff_id: &DiffId, blob: &Descriptor, created: &str) -> Self {
        Self {
            diff_id: diff_id.clone(),
            blob: blob.clone(),
            chain: ChainId::on(None, diff_id),
            created: created.to_owned(),
        }
    }

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
    let path = path(data_root, key);
    let record = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
    // When it was used last decides what goes first.
    let _ = fs::File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
    Some(record)
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

/// What builds may keep.
#[derive(Debug, Clone, Copy, Default)]
pub struct PruneBuilds {
    /// So many bytes of layers are kept, of what was used last.
    pub keep_bytes: u64,
    /// What was used within this time is kept.
    pub keep_used_within: Option<Duration>,
}

/// Forgets the steps that are not to be kept, unused ones first; says how many.
pub(super) fn trim(data_root: &Path, wish: PruneBuilds, now: SystemTime) -> usize {
    let mut known: Vec<(SystemTime, PathBuf, Option<Record>)> = records(data_root)
        .into_iter()
        .filter_map(|path| {
            let used = fs::metadata(&path).and_then(|file| file.modified()).ok()?;
            let record = fs::read(&path)
                .ok()
                .and_then(|bytes| serde_json::from_slice(&bytes).ok());
            Some((used, path, record))
        })
        .collect();
    known.sort_by_key(|(used, ..)| std::cmp::Reverse(*used));
    let (mut seen, mut bytes, mut forgotten) = (HashSet::new(), 0, 0);
    for (used, path, record) in known {
        let size = match &record {
            // Several steps may have given the same layer.
            Some(record) if seen.insert(record.blob.digest.clone()) => record.blob.size_bytes,
            _ => 0,
        };
        let recent = wish
            .keep_used_within
            .is_some_and(|time| now.duration_since(used).unwrap_or_default() < time);
        let fits = bytes + size <= wish.keep_bytes && wish.keep_bytes > 0;
        if record.is_some() && (recent || fits) {
            bytes += size;
        } else if fs::remove_file(path).is_ok() {
            forgotten += 1;
        }
    }
    forgotten
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
        self.lock(name).lock_owned().await
    }

    /// Nothing while somebody else is in.
    pub(super) fn try_enter(&self, name: &str) -> Option<OwnedMutexGuard<()>> {
        self.lock(name).try_lock_owned().ok()
    }

    fn lock(&self, name: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|_, lock| lock.strong_count() > 0);
        let known = locks.get(name).and_then(Weak::upgrade);
        let lock = known.unwrap_or_default();
        locks.insert(name.to_owned(), Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(layer: &str, size_bytes: u64) -> Record {
        let digest = terrarium_oci::Digest::sha256_of(layer.as_bytes());
        let kind = terrarium_oci::MediaType::OciLayer(terrarium_oci::Compression::Gzip);
        Record {
            diff_id: DiffId(digest.clone()),
            chain: ChainId::on(None, &DiffId(digest.clone())),
            blob: Descriptor::new(kind, digest, size_bytes),
            created: String::new(),
        }
    }

    #[test]
    fn what_was_used_last_is_kept_and_what_is_broken_is_not() {
        let root = tempfile::tempdir().expect("a folder");
        let now = SystemTime::now();
        fs::create_dir_all(folder(root.path())).expect("a folder");
        let put = |name: &str, bytes: &[u8], age: u64| {
            let path = folder(root.path()).join(name);
            fs::write(&path, bytes).expect("a file");
            let file = fs::File::open(path).expect("it is there");
            file.set_modified(now - Duration::from_secs(age))
                .expect("its time is set");
        };
        for (name, layer, age) in [
            ("a", "one", 10),
            ("b", "two", 20),
            ("c", "one", 30),
            ("d", "three", 40),
        ] {
            let bytes = serde_json::to_vec(&record(layer, 100)).expect("it is written");
            put(name, &bytes, age);
        }
        put("e", b"{", 1);
        let left = |wish: PruneBuilds| {
            let forgotten = trim(root.path(), wish, now);
            let mut names: Vec<_> = records(root.path())
                .into_iter()
                .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
                .collect();
            names.sort();
            (forgotten, names.concat())
        };
        let keep = |keep_bytes, seconds: Option<u64>| PruneBuilds {
            keep_bytes,
            keep_used_within: seconds.map(Duration::from_secs),
        };
        assert_eq!(
            left(keep(250, None)),
            (2, "abc".to_owned()),
            "a layer counts once"
        );
        assert_eq!(left(keep(0, Some(25))), (1, "ab".to_owned()));
        assert_eq!(left(keep(0, None)), (2, String::new()));
    }
}
