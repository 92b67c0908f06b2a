//! The layers below, read only where an entry refers to them.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use nix::errno::Errno;
use nix::sys::stat::FileStat;
use terrarium_sys::tree::{Kind, Tree};

use super::marks::Marks;

/// The committed layers below the one that is unpacked, topmost first.
#[derive(Debug)]
pub struct Lowers {
    trees: Vec<Rc<Tree>>,
    marks: Marks,
}

/// A name that was found below.
#[derive(Debug)]
pub(super) struct Found {
    /// The folder in its layer.
    pub(super) dir: Rc<Tree>,
    pub(super) stat: FileStat,
}

impl Found {
    pub(super) fn kind(&self) -> Kind {
        Kind::of_mode(self.stat.st_mode)
    }
}

impl Lowers {
    /// Takes the folders of the layers, topmost first.
    pub fn new(trees: Vec<Tree>, marks: Marks) -> Self {
        Self {
            trees: trees.into_iter().map(Rc::new).collect(),
            marks,
        }
    }

    /// Finds `name` in the folder `parent` (canonical: folders all the way) of the merged view.
    pub(super) fn find(&self, parent: &[Vec<u8>], name: &[u8]) -> io::Result<Option<Found>> {
        let name = OsStr::from_bytes(name);
        for dir in self.merged(parent)? {
            let Some(stat) = dir.stat(name)? else {
                continue;
            };
            if is_whiteout(&stat) {
                return Ok(None);
            }
            return Ok(Some(Found { dir, stat }));
        }
        Ok(None)
    }

    /// The names in a folder of the merged view, sorted, removed ones included.
    pub(super) fn names(&self, path: &[Vec<u8>]) -> io::Result<Vec<Vec<u8>>> {
        let mut names = Vec::new();
        for tree in self.merged(path)? {
            names.extend(
                tree.entries()?
                    .into_iter()
                    .map(|entry| entry.name.as_bytes().to_vec()),
            );
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// The folders that make up `path` in the merged view, topmost first.
    fn merged(&self, path: &[Vec<u8>]) -> io::Result<Vec<Rc<Tree>>> {
        let mut dirs = self.trees.clone();
        for name in path {
            let name = OsStr::from_bytes(name);
            let mut next = Vec::new();
            for dir in dirs {
                match dir.child(name) {
                    Ok(child) => {
                        let ends = self.marks.is_opaque(&child)?;
                        next.push(Rc::new(child));
                        if ends {
                            break;
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    // A whiteout, or a file that hides a folder further down.
                    Err(error) if hides(&error) => break,
                    Err(error) => return Err(error),
                }
            }
            dirs = next;
        }
        Ok(dirs)
    }
}

/// Whether overlay takes the entry for a removal.
pub(crate) fn is_whiteout(stat: &FileStat) -> bool {
    Kind::of_mode(stat.st_mode) == Kind::CharDevice && stat.st_rdev == 0
}

fn hides(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw);
    matches!(code, Some(Errno::ENOTDIR | Errno::ELOOP))
}
