//! A tar whose files come in any order: each has its place from the start.

use std::{fs::File, io, os::unix::fs::FileExt as _};

use tar::{Builder, EntryType, Header};

use super::Stat;
use crate::{Error, Result};

const BLOCK: u64 = 512;
/// More than anybody sends; what is announced is only counted, and takes no room until it comes.
const MOST: u64 = 1 << 40;

#[derive(Debug)]
pub(super) struct Archive {
    file: File,
    end: u64,
}

impl Archive {
    pub(super) fn new() -> Result<Self> {
        let file = tempfile::tempfile().map_err(Error::io("keep the files of a client"))?;
        Ok(Self { file, end: 0 })
    }

    /// Puts the head of a file; where its bytes go.
    pub(super) fn put(&mut self, stat: &Stat) -> Result<u64> {
        let size = if stat.has_bytes() { size(stat)? } else { 0 };
        let head = head(stat, size).map_err(Error::io(format!("keep the name {:?}", stat.path)))?;
        self.write(&head, self.end)?;
        let start = self.end + head.len() as u64;
        self.end = start + size.next_multiple_of(BLOCK);
        if self.end > MOST {
            return Err(wrong("more than there is room for", stat));
        }
        Ok(start)
    }

    pub(super) fn write(&self, bytes: &[u8], at: u64) -> Result<()> {
        let written = self.file.write_all_at(bytes, at);
        written.map_err(Error::io("keep the files of a client"))
    }

    /// The tar, with its end.
    pub(super) fn finish(self) -> Result<File> {
        self.write(&[0; 2 * BLOCK as usize], self.end)?;
        Ok(self.file)
    }
}

pub(super) fn size(stat: &Stat) -> Result<u64> {
    let size = u64::try_from(stat.size).ok().filter(|size| *size <= MOST);
    size.ok_or_else(|| wrong("a file of impossible size", stat))
}

fn wrong(what: &'static str, stat: &Stat) -> Error {
    let path = stat.path.clone();
    Error::Files { what, path }
}

/// The head of a file, with those before it that long names need.
fn head(stat: &Stat, size: u64) -> io::Result<Vec<u8>> {
    let mut header = Header::new_gnu();
    header.set_mode(stat.permissions());
    header.set_uid(stat.uid.into());
    header.set_gid(stat.gid.into());
    header.set_mtime(u64::try_from(stat.modified_ns / 1_000_000_000).unwrap_or(0));
    header.set_size(size);
    let kind = kind(stat);
    header.set_entry_type(kind);
    let mut builder = Builder::new(Vec::new());
    if matches!(kind, EntryType::Symlink | EntryType::Link) {
        builder.append_link(&mut header, &stat.path, &stat.link)?;
    } else {
        // Without its bytes, which have their place behind it.
        builder.append_data(&mut header, &stat.path, io::empty())?;
    }
    let mut bytes = builder.into_inner()?;
    // The builder ends an archive; this one goes on.
    bytes.truncate(bytes.len() - 2 * BLOCK as usize);
    Ok(bytes)
}

fn kind(stat: &Stat) -> EntryType {
    let kinds = [
        (Stat::FOLDER, EntryType::Directory),
        (Stat::LINK, EntryType::Symlink),
        (Stat::CHARACTERS, EntryType::Char),
        (Stat::DEVICE, EntryType::Block),
        (Stat::KINDS, EntryType::Fifo),
    ];
    match kinds.into_iter().find(|(bit, _)| stat.is(*bit)) {
        Some((_, kind)) => kind,
        None if stat.link.is_empty() => EntryType::Regular,
        None => EntryType::Link,
    }
}
