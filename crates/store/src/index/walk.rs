//! Listing the folder of a layer, in the sandbox of a worker.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;

use nix::sys::stat::FileStat;
use terrarium_sys::tree::{Kind, Tree};

use super::{Entry, EntryKind, MAX_DEPTH, MAX_ENTRIES, Writer};
use crate::layer::{Marks, is_whiteout};

/// Writes what is in a layer's folder, which has overlay's format. Names that vanish meanwhile are
/// left out: a container may be running in it.
///
/// # Errors
/// A folder that cannot be read, or more entries than a layer may have.
pub fn walk<W: Write>(root: &Tree, marks: Marks, writer: &mut Writer<W>) -> io::Result<()> {
    let mut walk = Walk {
        writer,
        marks,
        links: HashMap::new(),
    };
    walk.folder(root, 0)
}

struct Walk<'a, W> {
    writer: &'a mut Writer<W>,
    marks: Marks,
    links: HashMap<(u64, u64), u32>,
}

impl<W: Write> Walk<'_, W> {
    fn folder(&mut self, folder: &Tree, depth: u16) -> io::Result<()> {
        let mut names: Vec<_> = folder
            .entries()?
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        names.sort();
        for name in names {
            if self.writer.rows() >= MAX_ENTRIES {
                return Err(io::Error::other("more entries than a layer may have"));
            }
            let Some(stat) = folder.stat(&name)? else {
                continue;
            };
            self.entry(folder, &name, &stat, depth)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        folder: &Tree,
        name: &OsStr,
        stat: &FileStat,
        depth: u16,
    ) -> io::Result<()> {
        let bytes = name.as_bytes();
        match Kind::of_mode(stat.st_mode) {
            Kind::Directory => {
                let child = match folder.child(name) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                    child => child?,
                };
                let opaque = self.marks.is_opaque(&child)?;
                let kind = match opaque {
                    true => EntryKind::OpaqueDirectory,
                    false => EntryKind::Directory,
                };
                self.writer.row(depth, bytes, &entry(kind, stat, 0), b"")?;
                if depth + 1 < MAX_DEPTH {
                    self.folder(&child, depth + 1)?;
                }
                Ok(())
            }
            Kind::Symlink => {
                let target = match folder.read_link(name) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                    target => target?,
                };
                let entry = entry(EntryKind::Symlink, stat, 0);
                self.writer.row(depth, bytes, &entry, target.as_bytes())
            }
            kind => {
                let group = self.link_group(stat);
                let entry = entry(plain(kind, stat), stat, group);
                self.writer.row(depth, bytes, &entry, b"")
            }
        }
    }

    fn link_group(&mut self, stat: &FileStat) -> u32 {
        if stat.st_nlink < 2 {
            return 0;
        }
        let next = u32::try_from(self.links.len() + 1).unwrap_or(0);
        *self.links.entry((stat.st_dev, stat.st_ino)).or_insert(next)
    }
}

fn plain(kind: Kind, stat: &FileStat) -> EntryKind {
    match kind {
        Kind::CharDevice if is_whiteout(stat) => EntryKind::Whiteout,
        Kind::CharDevice => EntryKind::CharDevice,
        Kind::BlockDevice => EntryKind::BlockDevice,
        Kind::Fifo => EntryKind::Fifo,
        Kind::Socket => EntryKind::Socket,
        Kind::File | Kind::Directory | Kind::Symlink => EntryKind::File,
    }
}

fn entry(kind: EntryKind, stat: &FileStat, link_group: u32) -> Entry {
    Entry {
        kind,
        mode: (stat.st_mode & 0o7777) as u16,
        uid: stat.st_uid,
        gid: stat.st_gid,
        size_bytes: match kind {
            EntryKind::File => u64::try_from(stat.st_size).unwrap_or(0),
            _ => 0,
        },
        modified_sec: stat.st_mtime,
        link_group: if kind == EntryKind::File {
            link_group
        } else {
            0
        },
    }
}
