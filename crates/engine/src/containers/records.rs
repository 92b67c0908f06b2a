//! The folder of a container under the data root, and how a record gets there.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use super::{id::ContainerId, record::Record};
use crate::{
    Result,
    error::Context as _,
    files::{sync_folder, write_durably},
};

const RECORD: &str = "record.json";
const LOG: &str = "container.log";
const SPEC: &str = "config.json";

/// `DATA_ROOT/containers` and `DATA_ROOT/trash`.
#[derive(Debug, Clone)]
pub(crate) struct Records {
    containers: PathBuf,
    trash: PathBuf,
}

impl Records {
    /// Makes both folders.
    pub(crate) fn open(data_root: &Path) -> Result<Self> {
        let records = Self {
            containers: data_root.join("containers"),
            trash: data_root.join("trash").join("containers"),
        };
        for folder in [&records.containers, &records.trash] {
            make_folder(folder)?;
        }
        Ok(records)
    }

    /// The folder of a container.
    pub(crate) fn folder(&self, id: &ContainerId) -> PathBuf {
        self.containers.join(id.as_str())
    }

    /// The log of a container.
    pub(crate) fn log(&self, id: &ContainerId) -> PathBuf {
        self.folder(id).join(LOG)
    }

    /// The OCI spec of a container's last run, once that has ended.
    pub(crate) fn spec(&self, id: &ContainerId) -> PathBuf {
        self.folder(id).join(SPEC)
    }

    /// Writes a record. After the return it survives a power cut; before, its old text does.
    pub(crate) fn save(&self, record: &Record) -> Result<()> {
        let what = || format!("write the record of container {}", record.id.short());
        let folder = self.folder(&record.id);
        let text = serde_json::to_vec(record).context(what)?;
        let is_new = !folder.exists();
        if is_new {
            make_folder(&folder)?;
        }
        let saved = write_durably(&folder.join(RECORD), &text);
        if saved.is_err() && is_new {
            // A folder without a record is a container that never was.
            let _ = fs::remove_dir_all(&folder);
        }
        saved.context(what)?;
        if is_new {
            sync_folder(&self.containers).context(what)?;
        }
        Ok(())
    }

    /// Reads all records. One that cannot be read is left alone and reported in the log: its data may
    /// still be wanted.
    pub(crate) fn load_all(&self) -> Result<Vec<Record>> {
        let what = || format!("read {}", self.containers.display());
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.containers).context(what)? {
            let folder = entry.context(what)?.path();
            match load(&folder) {
                Ok(record) => records.push(record),
                // The creation was cut off before its commit point, the rename of the record.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let _ = fs::remove_dir_all(&folder);
                }
                Err(error) => {
                    tracing::error!(folder = %folder.display(), %error, "a container's record cannot be read");
                }
            }
        }
        Ok(records)
    }

    /// Makes a container cease to exist, in one step. What is left goes with [`Records::sweep`].
    pub(crate) fn discard(&self, id: &ContainerId) -> Result<()> {
        let what = || format!("remove the record of container {}", id.short());
        let from = self.folder(id);
        match fs::rename(&from, self.trash.join(id.as_str())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).context(what),
            _ => sync_folder(&self.containers).context(what),
        }
    }

    /// Deletes what was discarded of one container.
    pub(crate) fn delete_discarded(&self, id: &ContainerId) -> Result<()> {
        let path = self.trash.join(id.as_str());
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).context(|| format!("remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Deletes all that was discarded.
    pub(crate) fn sweep(&self) -> Result<()> {
        let what = || format!("empty {}", self.trash.display());
        for entry in fs::read_dir(&self.trash).context(what)? {
            fs::remove_dir_all(entry.context(what)?.path()).context(what)?;
        }
        Ok(())
    }
}

fn load(folder: &Path) -> io::Result<Record> {
    let text = fs::read(folder.join(RECORD))?;
    let record: Record = serde_json::from_slice(&text)?;
    if folder.file_name() != Some(record.id.as_str().as_ref()) {
        return Err(io::Error::other("it names another container"));
    }
    Ok(record)
}

fn make_folder(path: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .context(|| format!("create {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::record::tests::record;

    #[test]
    fn a_record_is_read_back_and_a_half_made_one_never_was() {
        let root = tempfile::tempdir().unwrap();
        let records = Records::open(root.path()).unwrap();
        let record = record();
        records.save(&record).unwrap();
        let half = records.containers.join("half");
        fs::create_dir(&half).unwrap();
        fs::write(half.join("record.new"), "{").unwrap();
        assert_eq!(records.load_all().unwrap(), [record]);
        assert!(!half.exists());
    }

    #[test]
    fn a_damaged_record_is_kept_and_hides_no_other() {
        let root = tempfile::tempdir().unwrap();
        let records = Records::open(root.path()).unwrap();
        records.save(&record()).unwrap();
        let damaged = records.containers.join("cd".repeat(32));
        fs::create_dir(&damaged).unwrap();
        fs::write(damaged.join(RECORD), "{").unwrap();
        assert_eq!(records.load_all().unwrap().len(), 1);
        assert!(damaged.join(RECORD).exists());
    }

    #[test]
    fn a_discarded_container_is_gone_at_once_and_its_files_later() {
        let root = tempfile::tempdir().unwrap();
        let records = Records::open(root.path()).unwrap();
        let record = record();
        records.save(&record).unwrap();
        records.discard(&record.id).unwrap();
        assert_eq!(records.load_all().unwrap(), []);
        records.sweep().unwrap();
        assert_eq!(fs::read_dir(&records.trash).unwrap().count(), 0);
        records.discard(&record.id).unwrap();
    }
}
