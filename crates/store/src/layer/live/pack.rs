//! A path and all below it, as a tar.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;

use nix::sys::stat::FileStat;
use terrarium_sys::tree::{Kind, Tree};

use super::look::Found;
use super::place::{Place, is_made_by_kernel, refuse_kernel};
use crate::layer::emit::{self, Entry, Links};
use crate::layer::error::{Error, Result};

/// Deeper folders are not made by accident; each takes a descriptor.
const MAX_DEPTH: usize = 2_000;

/// What is done where another file system is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Crossing {
    /// Its files belong to the tree, unless the kernel makes them up.
    Enter,
    /// The folder is there, and empty.
    Stay,
}

impl Found<'_> {
    /// Writes it into `out`, under the name `base` in place of its own; of a folder without a name only
    /// what is in it. Returns the number of entries.
    ///
    /// # Errors
    /// [`Error::Refused`] for what is made by the kernel, [`Error::System`] when a file cannot be
    /// read, [`Error::Stream`] when `out` cannot be written.
    pub fn pack(self, base: &[u8], crossing: Crossing, out: impl Write) -> Result<u64> {
        let mut walk = Walk {
            builder: tar::Builder::new(out),
            crossing,
            links: Links::default(),
            entries: 0,
        };
        walk.found(&self, base)?;
        walk.builder
            .into_inner()
            .and_then(|mut out| out.flush())
            .map_err(Error::Stream)?;
        Ok(walk.entries)
    }
}

struct Walk<W: Write> {
    builder: tar::Builder<W>,
    crossing: Crossing,
    /// The first name of files with several.
    links: Links,
    entries: u64,
}

impl<W: Write> Walk<W> {
    fn found(&mut self, found: &Found<'_>, base: &[u8]) -> Result<()> {
        match &found.place {
            Place::Folder(tree, stat) => {
                refuse_kernel(tree, found.path)?;
                self.folder(tree, stat, base.to_vec(), 0)
            }
            Place::File(held, stat) => {
                let file = found.open(held)?;
                let mut entry = Entry::new(base, stat);
                entry.xattrs = emit::xattrs_of(&file, base)?;
                self.append(&entry, file)
            }
            Place::Link(text, stat) => {
                let mut entry = Entry::new(base, stat);
                entry.link = Some(text.as_bytes());
                self.append(&entry, io::empty())
            }
            Place::Special(stat) if Kind::of_mode(stat.st_mode) == Kind::Socket => Ok(()),
            Place::Special(stat) => self.append(&Entry::new(base, stat), io::empty()),
        }
    }

    fn folder(&mut self, dir: &Tree, stat: &FileStat, path: Vec<u8>, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Error::refused(&path, "its folders are nested too deeply"));
        }
        let system = |error| Error::system("read", &path, error);
        if !path.is_empty() {
            let mut entry = Entry::new(&path, stat);
            entry.xattrs = emit::xattrs_of(dir, &path)?;
            self.append(&entry, io::empty())?;
        }
        let mut names: Vec<Vec<u8>> = dir
            .entries()
            .map_err(system)?
            .into_iter()
            .map(|entry| entry.name.into_encoded_bytes())
            .collect();
        names.sort_unstable();
        for name in names {
            let os_name = OsStr::from_bytes(&name);
            // What vanished meanwhile is not in the tree any more.
            let Some(found) = dir.stat(os_name).map_err(system)? else {
                continue;
            };
            let below = joined(&path, &name);
            if Kind::of_mode(found.st_mode) != Kind::Directory {
                self.other(dir, &name, &found, &below)?;
                continue;
            }
            let child = match dir.child(os_name) {
                Err(error) if is_gone(&error) => continue,
                child => child.map_err(system)?,
            };
            let crossed = found.st_dev != stat.st_dev;
            if crossed && self.stays_out(&child).map_err(system)? {
                self.append(&Entry::new(&below, &found), io::empty())?;
            } else {
                self.folder(&child, &found, below, depth + 1)?;
            }
        }
        Ok(())
    }

    fn stays_out(&self, mounted: &Tree) -> io::Result<bool> {
        Ok(self.crossing == Crossing::Stay || is_made_by_kernel(mounted)?)
    }

    fn other(&mut self, dir: &Tree, name: &[u8], stat: &FileStat, path: &[u8]) -> Result<()> {
        let name = OsStr::from_bytes(name);
        let system = |error| Error::system("read", path, error);
        let mut entry = Entry::new(path, stat);
        match Kind::of_mode(stat.st_mode) {
            // A socket means nothing without the process that listens.
            Kind::Socket => Ok(()),
            Kind::File => {
                if let Some(first) = self.links.first_name(stat, path) {
                    entry.link = Some(&first);
                    return self.append(&entry, io::empty());
                }
                let file = match dir.open_file(name) {
                    Err(error) if is_gone(&error) => return Ok(()),
                    file => file.map_err(system)?,
                };
                entry.xattrs = emit::xattrs_of(&file, path)?;
                self.append(&entry, file)
            }
            Kind::Symlink => {
                let target = dir.read_link(name).map_err(system)?;
                entry.link = Some(target.as_bytes());
                self.append(&entry, io::empty())
            }
            _ => self.append(&entry, io::empty()),
        }
    }

    fn append(&mut self, entry: &Entry<'_>, data: impl Read) -> Result<()> {
        self.entries += 1;
        emit::append(&mut self.builder, entry, data).map_err(Error::Stream)
    }
}

/// The root is called `/`, so that what is below it begins with a slash, as Docker's clients expect.
fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    match folder.last() {
        None => name.to_vec(),
        Some(b'/') => [folder, name].concat(),
        _ => [folder, b"/", name].concat(),
    }
}

/// It went, or something else took its name: a container may be running.
fn is_gone(error: &io::Error) -> bool {
    use nix::errno::Errno;
    let code = error.raw_os_error().map(Errno::from_raw);
    matches!(
        code,
        Some(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::EINVAL)
    )
}
