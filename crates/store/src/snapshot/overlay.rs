//! What to mount to see a snapshot.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::record::{Kind, Table};
use crate::config::Ids;
use crate::error::{Error, Result};
use crate::name::Name;

/// An overlay mount (kernel documentation, `filesystems/overlayfs`), to be made with
/// `index=off,redirect_dir=off,metacopy=off` inside the mount namespace that needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlay {
    /// The layers below, topmost first; never empty.
    pub lowerdirs: Vec<PathBuf>,
    /// The writable layer; none for a read-only view.
    pub upper: Option<Upper>,
    /// Whether the marks in the layers are `user.overlay.*`, which the mount has to be told.
    pub userxattr: bool,
}

/// The writable layer of an overlay mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upper {
    /// Where changes go.
    pub upperdir: PathBuf,
    /// Where the kernel prepares them; on the same file system, and of one mount at a time.
    pub workdir: PathBuf,
}

pub(super) fn of(table: &Table, root: &Path, ids: &Ids, name: &Name) -> Result<Overlay> {
    let record = table
        .records
        .get(name)
        .ok_or_else(|| Error::SnapshotMissing(name.clone()))?;
    let folder = root.join(record.number.to_string());
    let mut lowerdirs: Vec<PathBuf> = chain(table, record.meta.parent.as_ref())?
        .into_iter()
        .map(|number| root.join(number.to_string()).join("fs"))
        .collect();
    let mut upper = None;
    match record.meta.kind {
        Kind::View => {}
        Kind::Committed => lowerdirs.insert(0, folder.join("fs")),
        Kind::Active => {
            upper = Some(Upper {
                upperdir: folder.join("fs"),
                workdir: folder.join("work"),
            });
        }
        Kind::Unpacking => {
            let kind = Kind::Unpacking.as_str();
            return Err(Error::SnapshotKind {
                name: name.clone(),
                kind,
            });
        }
    }
    // Overlay wants a lower directory beside an upper one, and two without.
    let least = if upper.is_some() { 1 } else { 2 };
    if lowerdirs.len() < least {
        lowerdirs.push(root.join("empty"));
    }
    Ok(Overlay {
        lowerdirs,
        upper,
        userxattr: ids.userxattr(),
    })
}

/// The numbers of `name` and of all that it lies on, topmost first.
pub(super) fn chain(table: &Table, name: Option<&Name>) -> Result<Vec<u64>> {
    let mut numbers = Vec::new();
    let mut next = name;
    while let Some(name) = next {
        let record = table
            .records
            .get(name)
            .ok_or_else(|| Error::SnapshotMissing(name.clone()))?;
        // Parents are committed before their children, so a cycle would be a forged record.
        if record.meta.kind != Kind::Committed || numbers.contains(&record.number) {
            return Err(Error::SnapshotKind {
                name: name.clone(),
                kind: record.meta.kind.as_str(),
            });
        }
        numbers.push(record.number);
        next = record.meta.parent.as_ref();
    }
    Ok(numbers)
}
