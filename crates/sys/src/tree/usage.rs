//! What a tree takes on disk.

use std::collections::HashSet;
use std::io;

use super::{Kind, Tree};

/// The size of a tree, every hard link counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of the blocks that are allocated.
    pub disk_bytes: u64,
    /// Bytes of the content of regular files.
    pub size_bytes: u64,
    /// Files, directories, links and nodes, the root not counted.
    pub inodes: u64,
}

impl Tree {
    /// Walks the tree without leaving it. Names that vanish meanwhile are skipped, since a
    /// container may be running in it.
    ///
    /// # Errors
    /// A directory that cannot be read.
    pub fn usage(&self) -> io::Result<Usage> {
        let mut usage = Usage::default();
        let mut seen = HashSet::new();
        self.add_usage(&mut usage, &mut seen)?;
        Ok(usage)
    }

    fn add_usage(&self, usage: &mut Usage, seen: &mut HashSet<(u64, u64)>) -> io::Result<()> {
        for entry in self.entries()? {
            let Some(stat) = self.stat(&entry.name)? else {
                continue;
            };
            let kind = Kind::of_mode(stat.st_mode);
            let first = kind == Kind::Directory
                || stat.st_nlink < 2
                || seen.insert((stat.st_dev, stat.st_ino));
            if first {
                usage.inodes += 1;
                usage.disk_bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
                if kind == Kind::File {
                    usage.size_bytes += u64::try_from(stat.st_size).unwrap_or(0);
                }
            }
            if kind == Kind::Directory {
                match self.child(&entry.name) {
                    Ok(child) => child.add_usage(usage, seen)?,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}
