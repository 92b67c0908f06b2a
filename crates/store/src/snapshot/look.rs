//! Looking at the files of one snapshot: their list, and the content of one.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::{Kind, Snapshots};
use crate::error::{Context, Error, Result};
use crate::files;
use crate::index::{self, LayerIndex};
use crate::name::Name;

impl Snapshots {
    /// What is in a snapshot itself, without what it lies on. The list of a committed one is kept
    /// beside it: made by whoever unpacked it, or at the first look. That of a writable one is made anew.
    ///
    /// # Errors
    /// [`Error::SnapshotMissing`]; [`Error::Layer`] if its folder cannot be read.
    pub fn index(&self, name: &Name) -> Result<LayerIndex> {
        let info = self
            .info(name)
            .ok_or_else(|| Error::SnapshotMissing(name.clone()))?;
        if info.kind != Kind::Committed {
            return parse(&self.shared.worker.index(&info.fs)?, &info.fs);
        }
        let path = info.fs.with_file_name(index::KEPT);
        // A damaged one, or one in an older form, is made anew.
        if let Some(index) = read_kept(&path)? {
            return Ok(index);
        }
        let bytes = self.shared.worker.index(&info.fs)?;
        let index = parse(&bytes, &info.fs)?;
        if let Err(error) = files::replace(&path, &bytes) {
            // Without it the next look takes longer, and that is all.
            let full = matches!(error, Error::Full { .. });
            let gone =
                matches!(&error, Error::Io { source, .. } if source.kind() == ErrorKind::NotFound);
            if !full && !gone {
                return Err(error);
            }
        }
        Ok(index)
    }

    /// Writes the content of a regular file of this snapshot, up to `limit` bytes, into `sink`, and
    /// returns how large the file is. `path` is within the snapshot; no link in it is followed.
    ///
    /// # Errors
    /// [`Error::SnapshotMissing`]; [`Error::Layer`] if there is no such file.
    pub fn read_file(
        &self,
        name: &Name,
        path: &Path,
        limit: u64,
        sink: impl Write + Send,
    ) -> Result<u64> {
        let info = self
            .info(name)
            .ok_or_else(|| Error::SnapshotMissing(name.clone()))?;
        self.shared.worker.read_file(&info.fs, path, limit, sink)
    }
}

/// The same for another folder of the data root that containers write to, such as a volume's.
impl Snapshots {
    pub(crate) fn index_tree(&self, folder: &Path) -> Result<LayerIndex> {
        parse(&self.shared.worker.index(folder)?, folder)
    }

    pub(crate) fn read_in_tree(
        &self,
        folder: &Path,
        path: &Path,
        limit: u64,
        sink: impl Write + Send,
    ) -> Result<u64> {
        self.shared.worker.read_file(folder, path, limit, sink)
    }
}

fn read_kept(path: &PathBuf) -> Result<Option<LayerIndex>> {
    match fs::read(path) {
        Ok(bytes) => Ok(LayerIndex::parse(&bytes).ok()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context("read", path),
    }
}

fn parse(bytes: &[u8], folder: &Path) -> Result<LayerIndex> {
    LayerIndex::parse(bytes).map_err(|_| {
        let malformed = std::io::Error::from(ErrorKind::InvalidData);
        Error::io("list files of", folder, malformed)
    })
}
