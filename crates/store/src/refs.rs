//! References: the names by which users know images, each pointing to a descriptor.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use terrarium_oci::{Descriptor, Digest};

use crate::error::{Error, Result};
use crate::files::{self, Durability};
use crate::gate::Gate;

/// The references, one file each under `refs/`. They are the truth from which any index of images
/// can be rebuilt, and the roots of the garbage collector.
#[derive(Debug, Clone)]
pub struct References {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    /// `content/index.json`, which lists the references for other tools (image-spec, layout).
    index: PathBuf,
    gate: Gate,
    records: Mutex<BTreeMap<String, Descriptor>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    name: String,
    target: Descriptor,
}

impl References {
    pub(crate) fn open(folder: PathBuf, index: PathBuf, gate: Gate) -> Result<Self> {
        files::make_folder(&folder)?;
        files::sweep_aside(&folder)?;
        let mut records = BTreeMap::new();
        for file in files::names_in(&folder)? {
            if let Some(record) = files::read_record::<Record>(&folder.join(file))? {
                records.insert(record.name, record.target);
            }
        }
        let shared = Shared {
            folder,
            index,
            gate,
            records: Mutex::new(records),
        };
        shared.write_index(&shared.lock())?;
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// What `name` points to.
    pub fn get(&self, name: &str) -> Option<Descriptor> {
        self.shared.lock().get(name).cloned()
    }

    /// All references and what they point to, sorted by name.
    pub fn list(&self) -> Vec<(String, Descriptor)> {
        let records = self.shared.lock();
        records
            .iter()
            .map(|(name, target)| (name.clone(), target.clone()))
            .collect()
    }

    /// Points `name` (any text) to `target`, durably; returns what it pointed to before.
    ///
    /// # Errors
    /// When the file cannot be written; then the reference is what it was.
    pub fn put(&self, name: &str, target: &Descriptor) -> Result<Option<Descriptor>> {
        let _running = self.shared.gate.enter();
        let mut records = self.shared.lock();
        let record = Record {
            name: name.to_owned(),
            target: target.clone(),
        };
        files::write_record(&self.shared.path(name), &record, Durability::Disk)?;
        let before = records.insert(record.name, record.target);
        self.shared.write_index(&records)?;
        Ok(before)
    }

    /// Forgets `name`; the content stays until it is collected.
    ///
    /// # Errors
    /// [`Error::ReferenceMissing`].
    pub fn remove(&self, name: &str) -> Result<Descriptor> {
        // Whoever keeps its content elsewhere from now on has said so before.
        let _running = self.shared.gate.enter();
        let mut records = self.shared.lock();
        if !records.contains_key(name) {
            return Err(Error::ReferenceMissing(name.to_owned()));
        }
        files::remove_file(&self.shared.path(name))?;
        files::sync_folder(&self.shared.folder)?;
        let target = records.remove(name);
        self.shared.write_index(&records)?;
        target.ok_or_else(|| Error::ReferenceMissing(name.to_owned()))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Descriptor>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A hash, since a reference is longer than a file name may be; the record has the name.
    fn path(&self, name: &str) -> PathBuf {
        let digest = Digest::sha256_of(name.as_bytes());
        self.folder.join(format!("{}.json", digest.hex()))
    }

    /// Not synced: it is derived, and written anew at every start.
    fn write_index(&self, records: &BTreeMap<String, Descriptor>) -> Result<()> {
        let manifests = records.iter().map(|(name, target)| {
            let mut target = target.clone();
            target
                .annotations
                .insert("org.opencontainers.image.ref.name".into(), name.clone());
            target
        });
        let index = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": manifests.collect::<Vec<_>>(),
        });
        // Nothing is written that is there: a store is opened also where no room is left.
        if files::read_record::<serde_json::Value>(&self.index)
            .is_ok_and(|old| old.as_ref() == Some(&index))
        {
            return Ok(());
        }
        files::write_record(&self.index, &index, Durability::Process)
    }
}
