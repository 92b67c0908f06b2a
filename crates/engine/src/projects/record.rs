//! What is kept of a project: `projects/ID.json`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use terrarium_api::{BuildSettings, Error, ErrorCode};

use crate::{
    Result,
    error::{Context as _, quoted},
    files::{sync_folder, write_secret},
};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) folder: String,
    pub(crate) dockerfile: String,
    pub(crate) settings: BuildSettings,
    pub(crate) created_at_ms: u64,
}

fn folder(root: &Path) -> PathBuf {
    root.join("projects")
}

fn path(root: &Path, id: &str) -> Option<PathBuf> {
    // An id is a part of a path, so only one of ours is looked at.
    let ours = !id.is_empty() && id.chars().all(|c| c.is_ascii_hexdigit());
    ours.then(|| folder(root).join(format!("{id}.json")))
}

fn unknown(id: &str) -> Error {
    let message = format!("no such project: {}", quoted(id));
    Error::new(ErrorCode::NoSuchProject, message)
}

pub(super) fn read(root: &Path, id: &str) -> Result<Record> {
    let bytes = path(root, id).and_then(|path| fs::read(path).ok());
    let bytes = bytes.ok_or_else(|| unknown(id))?;
    serde_json::from_slice(&bytes).context(|| format!("read the project {}", quoted(id)))
}

/// By name. One that cannot be read is left out: the others are still of use.
pub(super) fn all(root: &Path) -> Result<Vec<(String, Record)>> {
    let entries = match fs::read_dir(folder(root)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).context(|| "read the projects".to_owned()),
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(id) = name.strip_suffix(".json") else {
            continue;
        };
        match read(root, id) {
            Ok(record) => found.push((id.to_owned(), record)),
            Err(error) => tracing::warn!(%error, "a project is left out"),
        }
    }
    found.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
    Ok(found)
}

/// Arguments may be secrets, so only this user may read them.
pub(super) fn write(root: &Path, id: &str, record: &Record) -> Result<()> {
    let what = || format!("keep the project {}", quoted(&record.name));
    fs::create_dir_all(folder(root)).context(what)?;
    let path = path(root, id).ok_or_else(|| unknown(id))?;
    let bytes = serde_json::to_vec_pretty(record).context(what)?;
    write_secret(&path, &bytes).context(what)
}

pub(super) fn remove(root: &Path, id: &str) -> Result<()> {
    let path = path(root, id).ok_or_else(|| unknown(id))?;
    let what = || format!("forget the project {}", quoted(id));
    fs::remove_file(path).context(what)?;
    sync_folder(&folder(root)).context(what)
}
