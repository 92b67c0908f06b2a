//! `DATA_ROOT/networks/NAME.json`: what a reboot must not take.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use terrarium_api::{CreateNetwork, Network};

use super::{builtin, network_id};
use crate::{Result, error::Context as _, files};

/// A network that a user made, with the subnet that it got.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(super) created_at_ms: u64,
    pub(super) request: CreateNetwork,
}

impl Record {
    /// Its row in lists, without what only its bridge knows.
    pub(super) fn network(self) -> Network {
        let request = self.request;
        Network {
            id: network_id(&request.name),
            builtin: false,
            internal: request.internal,
            subnet: request.subnet,
            gateway: request.gateway,
            range: request.range,
            ipv6: request.ipv6,
            labels: request.labels,
            options: request.options,
            created_at_ms: self.created_at_ms,
            ..builtin(&request.name, "bridge")
        }
    }
}

/// The folder of records.
#[derive(Debug, Clone)]
pub(crate) struct Records(PathBuf);

impl Records {
    pub(crate) fn open(data_root: &Path) -> Result<Self> {
        let folder = data_root.join("networks");
        fs::create_dir_all(&folder).context(|| format!("create {}", folder.display()))?;
        Ok(Self(folder))
    }

    /// The names of all.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let what = || format!("list {}", self.0.display());
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0).context(what)? {
            let name = entry.context(what)?.file_name();
            names.extend(
                name.to_str()
                    .and_then(|name| name.strip_suffix(".json"))
                    .map(str::to_owned),
            );
        }
        names.sort();
        Ok(names)
    }

    pub(super) fn all(&self) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        for name in self.names()? {
            // One that was removed meanwhile is none.
            records.extend(self.get(&name)?);
        }
        Ok(records)
    }

    pub(super) fn get(&self, name: &str) -> Result<Option<Record>> {
        if name.contains('/') || name.contains('\0') {
            return Ok(None);
        }
        let path = self.path(name);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .context(|| format!("parse {}", path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context(|| format!("read {}", path.display())),
        }
    }

    /// Its name was checked by the network crate, which allows no separators.
    pub(super) fn put(&self, record: &Record) -> Result<()> {
        let path = self.path(&record.request.name);
        let what = || format!("write {}", path.display());
        let bytes = serde_json::to_vec_pretty(record).context(what)?;
        files::write_durably(&path, &bytes).context(what)
    }

    pub(super) fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => files::sync_folder(&self.0),
        }
        .context(|| format!("remove {}", path.display()))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.json"))
    }
}
