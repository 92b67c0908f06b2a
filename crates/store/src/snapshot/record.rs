//! What is known of each snapshot, and how it is found again after a crash.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use terrarium_sys::tree::Usage;

use crate::error::{Context, Result};
use crate::files::{self, Durability};
use crate::name::Name;

/// What a snapshot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A layer that a worker is filling; it does not survive a restart.
    Unpacking,
    /// The writable layer of a container or a build step.
    Active,
    /// A read-only look at what lies below.
    View,
    /// Complete, and never changed again.
    Committed,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unpacking => "being unpacked",
            Self::Active => "active",
            Self::View => "a view",
            Self::Committed => "committed",
        }
    }
}

/// `snapshots/N/meta.json`. Its rename is the moment at which the snapshot begins to exist, or
/// becomes committed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Meta {
    pub(crate) name: Name,
    pub(crate) kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<Size>,
    /// The boot in which the files were written, until they are known to be on disk. A kill loses
    /// nothing, but after a power cut they may be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unsynced_since_boot: Option<String>,
}

/// What a committed snapshot takes, without what lies below.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Bytes on disk, hard links once.
    pub disk_bytes: u64,
    /// Bytes of the content of files.
    pub size_bytes: u64,
    /// Files, directories, links and nodes.
    pub inodes: u64,
}

impl From<Usage> for Size {
    fn from(usage: Usage) -> Self {
        let Usage {
            disk_bytes,
            size_bytes,
            inodes,
        } = usage;
        Self {
            disk_bytes,
            size_bytes,
            inodes,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) number: u64,
    pub(crate) meta: Meta,
}

/// All snapshots, by name.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) records: BTreeMap<Name, Record>,
    pub(crate) next: u64,
}

/// What [`load`] found: the snapshots, and folders that are none (any more).
pub(crate) struct Loaded {
    pub(crate) table: Table,
    pub(crate) debris: Vec<String>,
}

/// The prefix of a folder whose snapshot was removed; its tree is being deleted.
pub(crate) const GONE: &str = "gone-";

pub(crate) fn meta_path(root: &Path, number: u64) -> PathBuf {
    root.join(number.to_string()).join("meta.json")
}

/// Reads all snapshots. Debris is what a killed process left: folders without a record, layers
/// that were being unpacked, and layers that a power cut may have emptied.
pub(crate) fn load(root: &Path, boot: &str) -> Result<Loaded> {
    let mut loaded = Loaded {
        table: Table::default(),
        debris: Vec::new(),
    };
    for folder in files::names_in(root)? {
        let Ok(number) = folder.parse::<u64>() else {
            if folder.starts_with(GONE) {
                loaded.debris.push(folder);
            }
            continue;
        };
        loaded.table.next = loaded.table.next.max(number + 1);
        files::sweep_aside(&root.join(&folder))?;
        match files::read_record::<Meta>(&meta_path(root, number))? {
            Some(meta) if survives(&meta, boot) => {
                loaded
                    .table
                    .records
                    .insert(meta.name.clone(), Record { number, meta });
            }
            _ => loaded.debris.push(folder),
        }
    }
    Ok(loaded)
}

fn survives(meta: &Meta, boot: &str) -> bool {
    let synced = meta
        .unsynced_since_boot
        .as_deref()
        .is_none_or(|since| since == boot);
    meta.kind != Kind::Unpacking && synced
}

/// Makes `N/` with its folders and its record. Without the record it is debris.
pub(crate) fn create(root: &Path, record: &Record, mode: u32) -> Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    let folder = root.join(record.number.to_string());
    let durability = match record.meta.kind {
        Kind::Unpacking | Kind::View => Durability::Process,
        Kind::Active | Kind::Committed => Durability::Disk,
    };
    // Inside user namespaces other ids than ours have to reach `fs`, but only through us.
    fs::DirBuilder::new()
        .mode(0o711)
        .create(&folder)
        .context("create folder", &folder)?;
    for part in ["fs", "work"] {
        let path = folder.join(part);
        fs::create_dir(&path).context("create folder", &path)?;
    }
    let fs_path = folder.join("fs");
    fs::set_permissions(&fs_path, fs::Permissions::from_mode(mode))
        .context("change mode of", &fs_path)?;
    files::write_record(&meta_path(root, record.number), &record.meta, durability)?;
    if durability == Durability::Disk {
        files::sync_folder(root)
    } else {
        Ok(())
    }
}
