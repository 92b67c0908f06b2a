//! Images that were removed and can come back: their names, put aside in files.
//!
//! An entry is written before its names go, and goes after they are back: a crash in between leaves an
//! image that has its names and is in the trash too, which both ways out of it can deal with. What
//! an entry leads to is kept from the collector until the entry expires.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use terrarium_api::{Error, ErrorCode};
use terrarium_oci::Descriptor;

use crate::{
    Result,
    error::{Context as _, quoted},
    files::{random_hex, sync_folder, write_durably},
};

/// So long what was removed can come back.
pub(super) const KEPT_DAYS: u32 = 7;
const KEPT_MS: u64 = KEPT_DAYS as u64 * 24 * 3600 * 1000;
const ID_BYTES: usize = 8;

/// The entries under `trash/` of a data root, one file each.
#[derive(Debug, Clone)]
pub(super) struct Entries {
    folder: PathBuf,
}

/// Names that were taken from one image at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its file's name.
    #[serde(skip)]
    pub(super) id: String,
    pub(super) removed_at_ms: u64,
    /// Whether the image kept other names.
    pub(super) names_only: bool,
    /// References of the store and what they pointed to.
    pub(super) names: BTreeMap<String, Descriptor>,
}

impl Entry {
    pub(super) fn new(
        names: impl IntoIterator<Item = (String, Descriptor)>,
        names_only: bool,
        now_ms: u64,
    ) -> Self {
        Self {
            id: random_hex(ID_BYTES),
            removed_at_ms: now_ms,
            names_only,
            names: names.into_iter().collect(),
        }
    }

    pub(super) fn expires_at_ms(&self) -> u64 {
        self.removed_at_ms.saturating_add(KEPT_MS)
    }

    fn is_expired(&self, now_ms: u64) -> bool {
        // A clock that was set back must not keep an entry for ever.
        let from_the_future = self.removed_at_ms > now_ms.saturating_add(KEPT_MS);
        self.expires_at_ms() <= now_ms || from_the_future
    }
}

impl Entries {
    pub(super) fn below(data_root: &Path) -> Self {
        Self {
            folder: data_root.join("trash"),
        }
    }

    /// What has not expired, last removed first. One that cannot be read is left out, with a warning.
    pub(super) fn list(&self, now_ms: u64) -> Result<Vec<Entry>> {
        let mut entries = self.all()?;
        entries.retain(|entry| !entry.is_expired(now_ms));
        entries.sort_by(|a, b| (b.removed_at_ms, &b.id).cmp(&(a.removed_at_ms, &a.id)));
        Ok(entries)
    }

    pub(super) fn find(&self, id: &str, now_ms: u64) -> Result<Entry> {
        let mut entries = self.list(now_ms)?.into_iter();
        entries.find(|entry| entry.id == id).ok_or_else(|| {
            let text = format!("nothing in the trash has the id {}", quoted(id));
            Error::new(ErrorCode::NoSuchImage, text).hint("it may have been restored or expired")
        })
    }

    pub(super) fn put(&self, entry: &Entry) -> Result<()> {
        let (path, what) = (self.path(entry), || {
            "put the image into the trash".to_owned()
        });
        let bytes = serde_json::to_vec_pretty(entry).context(what)?;
        if !self.folder.exists() {
            fs::create_dir_all(&self.folder).context(what)?;
            let above = self.folder.parent().unwrap_or(&self.folder);
            sync_folder(above).context(what)?;
        }
        write_durably(&path, &bytes).context(what)
    }

    /// Forgets entries; what they led to stays until it is collected.
    pub(super) fn remove<'a>(&self, entries: impl IntoIterator<Item = &'a Entry>) -> Result<()> {
        let what = || "take the image out of the trash".to_owned();
        let mut changed = false;
        for entry in entries {
            match fs::remove_file(self.path(entry)) {
                Ok(()) => changed = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error).context(what),
            }
        }
        if changed {
            sync_folder(&self.folder).context(what)?;
        }
        Ok(())
    }

    /// Forgets what has expired; says whether there was anything.
    pub(super) fn expire(&self, now_ms: u64) -> Result<bool> {
        let mut expired = self.all()?;
        expired.retain(|entry| entry.is_expired(now_ms));
        self.remove(&expired)?;
        Ok(!expired.is_empty())
    }

    /// Removes what a crash left of entries that were being written.
    pub(super) fn drop_unfinished(&self) -> Result<()> {
        let what = || format!("list {}", self.folder.display());
        let files = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            files => files.context(what)?,
        };
        for file in files {
            let path = file.context(what)?.path();
            if path.extension().is_some_and(|end| end == "new") {
                fs::remove_file(&path).context(|| format!("remove {}", path.display()))?;
            }
        }
        Ok(())
    }

    fn all(&self) -> Result<Vec<Entry>> {
        let what = || format!("list {}", self.folder.display());
        let files = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            files => files.context(what)?,
        };
        let mut entries = Vec::new();
        for file in files {
            let path = file.context(what)?.path();
            match read(&path) {
                Some(Ok(entry)) => entries.push(entry),
                Some(Err(error)) => {
                    tracing::warn!(path = %path.display(), %error, "an entry of the trash cannot be read");
                }
                None => {}
            }
        }
        Ok(entries)
    }

    fn path(&self, entry: &Entry) -> PathBuf {
        self.folder.join(format!("{}.json", entry.id))
    }
}

/// Reads a file of the folder; none for one that is not an entry.
fn read(path: &Path) -> Option<io::Result<Entry>> {
    let id = path.file_name()?.to_str()?.strip_suffix(".json")?;
    let is_id = id.len() == 2 * ID_BYTES && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| {
        let entry: Entry = serde_json::from_slice(&fs::read(path)?)?;
        Ok(Entry {
            id: id.to_owned(),
            ..entry
        })
    })
}

/// What the trash keeps from the collector. Where it cannot be read, nothing may be collected.
pub(super) fn held(data_root: &Path, now_ms: u64) -> Result<Vec<Descriptor>> {
    held_without(data_root, now_ms, &[])
}

/// The same if the entries `gone` were not there.
pub(super) fn held_without(
    data_root: &Path,
    now_ms: u64,
    gone: &[String],
) -> Result<Vec<Descriptor>> {
    let mut entries = Entries::below(data_root).list(now_ms)?;
    entries.retain(|entry| !gone.contains(&entry.id));
    let targets = entries
        .into_iter()
        .flat_map(|entry| entry.names.into_values());
    Ok(targets.collect())
}

#[cfg(test)]
mod tests {
    use terrarium_oci::MediaType;

    use super::*;

    fn entry(at_ms: u64) -> Entry {
        let target = Descriptor::of(MediaType::OciManifest, b"{}");
        Entry::new([("localhost/a:1".to_owned(), target)], false, at_ms)
    }

    #[test]
    fn what_is_put_is_found_until_it_expires() {
        let root = tempfile::tempdir().unwrap();
        let trash = Entries::below(root.path());
        let (old, new) = (entry(1_000), entry(2_000));
        trash.put(&old).unwrap();
        trash.put(&new).unwrap();
        assert_eq!(trash.list(2_000).unwrap(), [new.clone(), old.clone()]);
        assert_eq!(
            trash.list(1_000 + KEPT_MS).unwrap(),
            std::slice::from_ref(&new)
        );
        assert!(trash.find(&old.id, 1_000 + KEPT_MS).is_err());
        assert!(trash.expire(1_000 + KEPT_MS).unwrap());
        assert!(!trash.expire(1_000 + KEPT_MS).unwrap());
        trash.remove([&new]).unwrap();
        assert_eq!(held(root.path(), 2_000).unwrap(), []);
    }

    #[test]
    fn what_a_crash_or_a_person_left_there_hides_nothing() {
        let root = tempfile::tempdir().unwrap();
        let trash = Entries::below(root.path());
        assert_eq!(trash.list(0).unwrap(), []);
        let good = entry(1);
        trash.put(&good).unwrap();
        let folder = root.path().join("trash");
        fs::write(folder.join("0123456789abcdef.json"), "{").unwrap();
        fs::write(folder.join("0123456789abcdef.json.new"), "").unwrap();
        fs::write(folder.join("..json"), "{}").unwrap();
        assert_eq!(trash.list(1).unwrap(), [good]);
        assert!(trash.find("../../etc/passwd", 1).is_err());
        trash.drop_unfinished().unwrap();
        assert!(!folder.join("0123456789abcdef.json.new").exists());
        assert_eq!(fs::read_dir(folder).unwrap().count(), 3);
    }
}
