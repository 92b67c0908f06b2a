//! Files that are either old or new, never half: written aside, synced, renamed.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Context, Error, Result};

/// The ending of files that were being written; a start removes them.
pub(crate) const ASIDE: &str = ".aside";

/// How long a written file has to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Until the machine stops: enough for what a restart of the machine makes void.
    Process,
    /// Also through a power cut.
    Disk,
}

/// Replaces `path` with `record` as JSON.
pub(crate) fn write_record<T: Serialize>(
    path: &Path,
    record: &T,
    durability: Durability,
) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(record).map_err(|source| Error::Record {
        path: path.to_owned(),
        source,
    })?;
    bytes.push(b'\n');
    let aside = aside_of(path);
    let written = write_and_rename(&aside, path, &bytes, durability);
    if written.is_err() {
        // The first error is the one that counts; a start sweeps what this cannot remove.
        let _ = fs::remove_file(&aside);
    }
    written
}

/// Replaces `path` with `bytes` that can be made anew: they need not survive a power cut.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let aside = aside_of(path);
    let written = write_and_rename(&aside, path, bytes, Durability::Process);
    if written.is_err() {
        let _ = fs::remove_file(&aside);
    }
    written
}

fn write_and_rename(aside: &Path, path: &Path, bytes: &[u8], durability: Durability) -> Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(aside)
        .context("create", aside)?;
    file.write_all(bytes).context("write", aside)?;
    if durability == Durability::Disk {
        file.sync_all().context("sync", aside)?;
    }
    fs::rename(aside, path).context("replace", path)?;
    if durability == Durability::Disk {
        sync_parent(path)?;
    }
    Ok(())
}

fn aside_of(path: &Path) -> PathBuf {
    // Two threads may write the same record at once; the last rename wins, neither is torn.
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(
        ".{}{ASIDE}",
        SERIAL.fetch_add(1, Ordering::Relaxed)
    ));
    path.with_file_name(name)
}

/// Reads a JSON record, or `None` if there is no such file.
pub(crate) fn read_record<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", path, error)),
    };
    match serde_json::from_slice(&bytes) {
        Ok(record) => Ok(Some(record)),
        Err(source) => Err(Error::Record {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Makes the names in a folder survive a power cut.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .context("sync", path)
}

fn sync_parent(path: &Path) -> Result<()> {
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes a folder and those above it; one that exists is fine.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).context("create folder", path)
}

/// Removes a file; none of that name is fine.
pub(crate) fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}

/// The names in a folder, as text; others than UTF-8 are not ours and are left alone.
pub(crate) fn names_in(path: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path).context("list", path)? {
        if let Ok(name) = entry.context("list", path)?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Removes what a killed process left half written in a folder of records.
pub(crate) fn sweep_aside(path: &Path) -> Result<()> {
    for name in names_in(path)?.iter().filter(|name| name.ends_with(ASIDE)) {
        remove_file(&path.join(name))?;
    }
    Ok(())
}
