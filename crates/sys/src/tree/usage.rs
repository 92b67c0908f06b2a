//! What a tree takes on disk.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;

use nix::sys::stat::FileStat;

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

/// So deep directories are kept open; deeper ones are opened anew by their path when they come up.
const MAX_OPEN: usize = 200;

impl Tree {
    /// Walks the tree without leaving it. Names that vanish meanwhile are skipped, since a
    /// container may be running in it.
    ///
    /// # Errors
    /// A directory that cannot be read, or that lies deeper than `PATH_MAX`.
    pub fn usage(&self) -> io::Result<Usage> {
        let mut usage = Usage::default();
        let mut seen = HashSet::new();
        self.add_usage(&mut usage, &mut seen, MAX_OPEN)?;
        Ok(usage)
    }

    fn add_usage(
        &self,
        usage: &mut Usage,
        seen: &mut HashSet<(u64, u64)>,
        levels: usize,
    ) -> io::Result<()> {
        let mut deep: Vec<PathBuf> = Vec::new();
        for entry in self.entries()? {
            let Some(stat) = self.stat(&entry.name)? else {
                continue;
            };
            usage.add(&stat, seen);
            if Kind::of_mode(stat.st_mode) != Kind::Directory {
                continue;
            }
            match self.child(&entry.name) {
                Ok(child) if levels > 0 => child.add_usage(usage, seen, levels - 1)?,
                Ok(_) => deep.push(entry.name.into()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        while let Some(path) = deep.pop() {
            let child = match self.open_plain(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                child => child?,
            };
            for entry in child.entries()? {
                let Some(stat) = child.stat(&entry.name)? else {
                    continue;
                };
                usage.add(&stat, seen);
                if Kind::of_mode(stat.st_mode) == Kind::Directory {
                    deep.push(path.join(entry.name));
                }
            }
        }
        Ok(())
    }
}

impl Usage {
    fn add(&mut self, stat: &FileStat, seen: &mut HashSet<(u64, u64)>) {
        let kind = Kind::of_mode(stat.st_mode);
        let linked = kind != Kind::Directory && stat.st_nlink > 1;
        if linked && !seen.insert((stat.st_dev, stat.st_ino)) {
            return;
        }
        self.inodes += 1;
        self.disk_bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
        if kind == Kind::File {
            self.size_bytes += u64::try_from(stat.st_size).unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::Tree;

    #[test]
    fn hard_links_count_once_and_depth_does_not_matter() {
        let path = std::env::temp_dir().join(format!("terrarium-usage-{}", std::process::id()));
        std::fs::create_dir(&path).expect("make folder");
        std::fs::write(path.join("file"), [7; 5000]).expect("write");
        std::fs::hard_link(path.join("file"), path.join("link")).expect("link");
        let root = Tree::open(&path).expect("open");
        let name = OsStr::new("d");
        let mut here = root.create_dir(name, 0o755).expect("make");
        for _ in 0..300 {
            here = here.create_dir(name, 0o755).expect("make");
        }
        let usage = root.usage().expect("measures");
        assert_eq!((usage.size_bytes, usage.inodes), (5000, 302));
        root.remove_tree(name).expect("removes");
        std::fs::remove_dir_all(&path).expect("clean up");
    }
}
