//! Leases: what an operation in flight needs is kept from the garbage collector.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use terrarium_oci::Digest;

use crate::error::{Error, Result};
use crate::files::{self, Durability};
use crate::gate::Gate;
use crate::name::Name;

/// How long what a killed process had downloaded waits for another try.
const LEFT_BEHIND: Duration = Duration::from_secs(3600);

/// Gives out leases. A lease is a file in `leases/`, so that what a killed process had downloaded
/// can be resumed until the lease expires.
#[derive(Debug, Clone)]
pub struct Leases {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    gate: Gate,
    records: Mutex<BTreeMap<Name, Record>>,
}

/// What a lease file says.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    /// Seconds since 1970.
    expires: u64,
    #[serde(default)]
    blobs: BTreeSet<Digest>,
    /// Held by this process alone, like the snapshots: they were being worked on by a process that is gone when the
    /// file is read again.
    #[serde(skip)]
    here: BTreeSet<Digest>,
    #[serde(skip)]
    snapshots: BTreeSet<Name>,
}

/// Keeps blobs and snapshots from the garbage collector until it is dropped.
///
/// Hold what an operation needs *before* looking whether it is there: what is there and held cannot
/// vanish any more.
#[derive(Debug)]
pub struct Lease {
    shared: Arc<Shared>,
    id: Name,
}

/// Everything that some lease holds.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) blobs: BTreeSet<Digest>,
    pub(crate) snapshots: BTreeSet<Name>,
}

impl Leases {
    /// Reads the leases that an earlier process left. They keep what was downloaded, for another
    /// try.
    pub(crate) fn open(folder: PathBuf, gate: Gate, now: SystemTime) -> Result<Self> {
        files::make_folder(&folder)?;
        files::sweep_aside(&folder)?;
        let mut records = BTreeMap::new();
        for file in files::names_in(&folder)? {
            let path = folder.join(&file);
            let id = file.strip_suffix(".json").and_then(|id| Name::new(id).ok());
            // A lease is not synced, so a power cut can leave it empty. Then nothing of it counts.
            let record = files::read_record::<Record>(&path).ok().flatten();
            match (id, record) {
                (Some(id), Some(mut record)) if record.expires > unix_seconds(now) => {
                    record.expires = record.expires.min(unix_seconds(now + LEFT_BEHIND));
                    // Otherwise a host that starts often would give it an hour each time.
                    files::write_record(&path, &record, Durability::Process)?;
                    records.insert(id, record);
                }
                _ => files::remove_file(&path)?,
            }
        }
        let records = Mutex::new(records);
        Ok(Self {
            shared: Arc::new(Shared {
                folder,
                gate,
                records,
            }),
        })
    }

    /// Makes a lease, or takes over the one of that id that a killed process left.
    ///
    /// # Errors
    /// When its file cannot be written.
    pub fn create(&self, id: Name, now: SystemTime, lifetime: Duration) -> Result<Lease> {
        let _running = self.shared.gate.enter();
        let mut records = self.shared.lock();
        let fresh = Record {
            expires: 0,
            blobs: BTreeSet::new(),
            here: BTreeSet::new(),
            snapshots: BTreeSet::new(),
        };
        let record = records.entry(id.clone()).or_insert(fresh);
        record.expires = unix_seconds(now + lifetime);
        let written = self.shared.write(&id, record);
        if written.is_err() {
            records.remove(&id);
        }
        written?;
        drop(records);
        Ok(Lease {
            shared: Arc::clone(&self.shared),
            id,
        })
    }

    /// Forgets the leases that killed processes left and that have expired since.
    pub(crate) fn expire(&self, now: SystemTime) -> Result<()> {
        let mut records = self.shared.lock();
        let expired = |record: &Record| record.expires <= unix_seconds(now);
        for (id, _) in records.iter().filter(|(_, record)| expired(record)) {
            files::remove_file(&self.shared.path(id))?;
        }
        records.retain(|_, record| !expired(record));
        Ok(())
    }

    pub(crate) fn held(&self) -> Held {
        let mut held = Held::default();
        for record in self.shared.lock().values() {
            held.blobs.extend(record.blobs.union(&record.here).cloned());
            held.snapshots.extend(record.snapshots.iter().cloned());
        }
        held
    }
}

impl Lease {
    /// The id it was made with.
    pub fn id(&self) -> &Name {
        &self.id
    }

    /// Keeps a blob, whether it is there yet or not.
    ///
    /// # Errors
    /// When the lease has expired or its file cannot be written.
    pub fn hold_blob(&self, digest: &Digest) -> Result<()> {
        self.change(|shared, id, record| {
            if record.blobs.insert(digest.clone()) {
                shared.write(id, record)
            } else {
                Ok(())
            }
        })
    }

    /// Keeps blobs until the lease is dropped or this process ends: for what is here already, or made anew when it
    /// is lost. Costs no file.
    ///
    /// # Errors
    /// When the lease has expired.
    pub fn hold_blobs_here<'a>(&self, digests: impl IntoIterator<Item = &'a Digest>) -> Result<()> {
        self.change(|_, _, record| {
            record.here.extend(digests.into_iter().cloned());
            Ok(())
        })
    }

    /// Keeps a snapshot and all that it lies on, whether it is there yet or not.
    ///
    /// # Errors
    /// When the lease has expired.
    pub fn hold_snapshot(&self, name: &Name) -> Result<()> {
        self.change(|_, _, record| {
            record.snapshots.insert(name.clone());
            Ok(())
        })
    }

    fn change(&self, change: impl FnOnce(&Shared, &Name, &mut Record) -> Result<()>) -> Result<()> {
        let _running = self.shared.gate.enter();
        let mut records = self.shared.lock();
        let record = records
            .get_mut(&self.id)
            .ok_or_else(|| Error::LeaseMissing(self.id.clone()))?;
        change(&self.shared, &self.id, record)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Not behind the gate: giving up a hold during a collection only lets it free less.
        self.shared.lock().remove(&self.id);
        // A file that stays expires.
        let _ = files::remove_file(&self.shared.path(&self.id));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Name, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, id: &Name) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    /// Not synced: what a lease protects against a restart of the *host* is only a partial
    /// download, and a hold is taken for every blob of every pull.
    fn write(&self, id: &Name, record: &Record) -> Result<()> {
        files::write_record(&self.path(id), record, Durability::Process)
    }
}

fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
