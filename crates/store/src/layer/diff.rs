//! From the writable folder of a snapshot back to a layer.
//!
//! Only the upper folder is walked, since overlay put every change there; the layers below are
//! looked at to tell removals from leftovers, and to name what an opaque folder hides. The same
//! folder always gives the same bytes: names are sorted, owners numeric, no access times.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;

use nix::sys::stat::FileStat;
use terrarium_sys::tree::{Kind, Tree};

use super::emit::{self, Entry, Links};
use super::error::{Error, Result};
use super::lowers::{Lowers, is_whiteout};
use super::marks::Marks;
use crate::worker::Written;

/// What the layers below show in the folder that is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Below {
    /// What they have.
    Shown,
    /// Nothing: an opaque folder is above.
    Hidden,
}

/// Writes the changes in `upper` over `lowers` as an uncompressed tar (image-spec, layer,
/// "Representing Changes"). Removals are written name by name, which every reader understands, and
/// before what else is in their folder.
///
/// # Errors
/// [`Error::System`] when a file cannot be read, [`Error::Stream`] when `out` cannot be written,
/// [`Error::Entry`] for a folder that overlay was told to find elsewhere (`redirect_dir`).
pub fn diff(upper: &Tree, lowers: &Lowers, marks: Marks, out: impl Write) -> Result<Written> {
    let builder = tar::Builder::new(out);
    let mut walk = Walk {
        builder,
        lowers,
        marks,
        links: Links::default(),
        done: Written::default(),
    };
    walk.folder(upper, &mut Vec::new(), Below::Shown)?;
    walk.builder
        .into_inner()
        .and_then(|mut out| out.flush())
        .map_err(Error::Stream)?;
    Ok(walk.done)
}

struct Walk<'a, W: Write> {
    builder: tar::Builder<W>,
    lowers: &'a Lowers,
    marks: Marks,
    /// The first name of files with several.
    links: Links,
    done: Written,
}

impl<W: Write> Walk<'_, W> {
    fn folder(&mut self, dir: &Tree, path: &mut Vec<Vec<u8>>, below: Below) -> Result<()> {
        let system = |path: &[Vec<u8>], error| Error::system("read", &path.join(&b'/'), error);
        let mut names: Vec<Vec<u8>> = dir
            .entries()
            .map_err(|error| system(path, error))?
            .into_iter()
            .map(|entry| entry.name.as_bytes().to_vec())
            .collect();
        names.sort();
        let mut plain = Vec::new();
        for name in names {
            // No layer can hold such a name; written, it would remove another one.
            if name.starts_with(b".wh.") {
                continue;
            }
            let stat = dir
                .stat(OsStr::from_bytes(&name))
                .map_err(|error| system(path, error))?;
            match stat {
                // It vanished meanwhile: a container may be running.
                None => {}
                Some(stat) if !is_whiteout(&stat) => plain.push((name, stat)),
                Some(_) if below == Below::Shown && self.is_below(path, &name)? => {
                    self.whiteout(path, &name)?;
                }
                // Of something that was never below, or that is hidden as a whole.
                Some(_) => {}
            }
        }
        if below == Below::Hidden {
            self.whiteout_all_below(path, &plain)?;
        }
        for (name, stat) in plain {
            path.push(name);
            if Kind::of_mode(stat.st_mode) == Kind::Directory {
                self.descend(dir, &stat, path, below)?;
            } else {
                self.entry(dir, &stat, path)?;
            }
            path.pop();
        }
        Ok(())
    }

    fn descend(
        &mut self,
        dir: &Tree,
        stat: &FileStat,
        path: &mut Vec<Vec<u8>>,
        below: Below,
    ) -> Result<()> {
        let joined = path.join(&b'/');
        let system = |error| Error::system("read", &joined, error);
        let child = dir.child(last(path)).map_err(system)?;
        let opaque = self.marks.is_opaque(&child).map_err(system)?;
        let mut entry = Entry::new(&joined, stat);
        entry.xattrs = emit::xattrs_of(&child, &joined)?;
        self.append(&entry, io::empty())?;
        self.folder(&child, path, if opaque { Below::Hidden } else { below })
    }

    fn entry(&mut self, dir: &Tree, stat: &FileStat, path: &[Vec<u8>]) -> Result<()> {
        let (joined, name) = (path.join(&b'/'), last(path));
        let system = |error| Error::system("read", &joined, error);
        let mut entry = Entry::new(&joined, stat);
        match Kind::of_mode(stat.st_mode) {
            // A socket means nothing without the process that listens.
            Kind::Socket => Ok(()),
            Kind::File => {
                if let Some(first) = self.links.first_name(stat, &joined) {
                    entry.link = Some(&first);
                    return self.append(&entry, io::empty());
                }
                let file = dir.open_file(name).map_err(system)?;
                entry.xattrs = emit::xattrs_of(&file, &joined)?;
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

    fn is_below(&self, path: &[Vec<u8>], name: &[u8]) -> Result<bool> {
        let found = self.lowers.find(path, name);
        let found = found.map_err(|error| Error::system("look below for", name, error))?;
        Ok(found.is_some())
    }

    fn whiteout_all_below(&mut self, path: &[Vec<u8>], kept: &[(Vec<u8>, FileStat)]) -> Result<()> {
        let names = self.lowers.names(path);
        let names = names.map_err(|error| Error::system("list", &path.join(&b'/'), error))?;
        for name in names {
            let is_kept = kept.binary_search_by(|(kept, _)| kept.cmp(&name)).is_ok();
            if !is_kept && self.is_below(path, &name)? {
                self.whiteout(path, &name)?;
            }
        }
        Ok(())
    }

    fn whiteout(&mut self, path: &[Vec<u8>], name: &[u8]) -> Result<()> {
        let mut full = path.to_vec();
        full.push([b".wh.", name].concat());
        self.done.entries += 1;
        self.done.whiteouts += 1;
        emit::append_whiteout(&mut self.builder, &full.join(&b'/')).map_err(Error::Stream)
    }

    fn append(&mut self, entry: &Entry<'_>, data: impl Read) -> Result<()> {
        self.done.entries += 1;
        emit::append(&mut self.builder, entry, data).map_err(Error::Stream)
    }
}

fn last(path: &[Vec<u8>]) -> &OsStr {
    OsStr::from_bytes(path.last().map_or(&[][..], Vec::as_slice))
}
