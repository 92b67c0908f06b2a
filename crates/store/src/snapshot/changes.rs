//! The changes of a snapshot as a layer.

use std::io::{self, Write};

use terrarium_oci::{Algorithm, DiffId, Hasher};

use super::{Snapshots, overlay};
use crate::error::{Error, Result};
use crate::name::Name;

/// A layer that was written from a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The digest of the tar.
    pub diff_id: DiffId,
    /// The size of the tar.
    pub tar_bytes: u64,
    /// Entries, removals included.
    pub entries: u64,
    /// Removals.
    pub whiteouts: u64,
}

impl Snapshots {
    /// Writes what a snapshot changes over its parent into `sink`, as an uncompressed tar. The same
    /// files always give the same bytes. Of a running container it is what the files are at the
    /// moment each is read; pause it before.
    ///
    /// # Errors
    /// [`Error::SnapshotMissing`]; [`Error::Layer`] if a file cannot be read or shrinks meanwhile.
    pub fn diff(&self, name: &Name, sink: impl Write + Send) -> Result<Changes> {
        let (number, parents) = {
            let table = self.shared.lock();
            let record = table
                .records
                .get(name)
                .ok_or_else(|| Error::SnapshotMissing(name.clone()))?;
            (
                record.number,
                overlay::chain(&table, record.meta.parent.as_ref())?,
            )
        };
        let folders: Vec<String> = parents.iter().map(u64::to_string).collect();
        let mut hashed = Hashed {
            sink,
            hasher: Hasher::new(Algorithm::Sha256),
            len: 0,
        };
        let folder = self.shared.folder(number);
        let mut lowers = || Ok(folders.clone());
        let written = self.shared.worker.diff(&folder, &mut lowers, &mut hashed)?;
        Ok(Changes {
            diff_id: DiffId(hashed.hasher.finish()),
            tar_bytes: hashed.len,
            entries: written.entries,
            whiteouts: written.whiteouts,
        })
    }
}

struct Hashed<W> {
    sink: W,
    hasher: Hasher,
    len: u64,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.sink.write(bytes)?;
        self.hasher.update(&bytes[..len]);
        self.len += len as u64;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}
