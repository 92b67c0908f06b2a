//! What a path is.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode};
use serde::{Deserialize, Serialize};
use terrarium_sys::tree::Tree;

use super::place::{Place, split};
use crate::layer::error::{Error, Result};
use crate::layer::path::CleanPath;

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathStat {
    /// `st_mode`: kind and permissions.
    pub mode: u32,
    /// Bytes of a file.
    pub size_bytes: u64,
    /// Seconds since 1970, and nanoseconds.
    pub modified: (i64, u32),
    /// Where a symbolic link leads in the end, from the root.
    pub link_target: Option<String>,
}

/// What was found at a path, held open: what is told of it and what is read of it are of one thing,
/// whatever takes its name meanwhile.
#[derive(Debug)]
pub struct Found<'a> {
    pub(super) path: &'a [u8],
    pub(super) place: Place,
    descriptors: &'a OwnedFd,
    stat: PathStat,
}

impl<'a> Found<'a> {
    /// Finds `path` in `root`. A link at its end is not followed. `descriptors` is this process's
    /// `/proc/self/fd`, opened where there is one: the kernel knows where a link leads.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Refused`], [`Error::System`].
    pub fn at(root: &Tree, path: &'a [u8], descriptors: &'a OwnedFd) -> Result<Self> {
        let place = Place::find(root, path)?;
        let stat = match &place {
            Place::Folder(_, stat) | Place::File(_, stat) | Place::Special(stat) => {
                facts(stat, None)
            }
            Place::Link(text, stat) => facts(stat, Some(target(root, text, path, descriptors)?)),
        };
        Ok(Self {
            path,
            place,
            descriptors,
            stat,
        })
    }

    /// What it is.
    pub fn stat(&self) -> &PathStat {
        &self.stat
    }

    /// Opens a held file to read it: by its descriptor, since its name may be another's by now.
    pub(super) fn open(&self, held: &OwnedFd) -> Result<File> {
        let number = held.as_raw_fd().to_string();
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let opened = openat(self.descriptors, number.as_str(), flags, Mode::empty());
        let failed = |error: Errno| Error::system("open", self.path, error.into());
        opened.map(File::from).map_err(failed)
    }
}

fn facts(stat: &FileStat, link_target: Option<String>) -> PathStat {
    PathStat {
        mode: stat.st_mode,
        size_bytes: stat.st_size.unsigned_abs(),
        modified: (
            stat.st_mtime,
            u32::try_from(stat.st_mtime_nsec).unwrap_or_default(),
        ),
        link_target,
    }
}

fn target(root: &Tree, text: &OsStr, path: &[u8], descriptors: &OwnedFd) -> Result<String> {
    let (above, _) = split(path);
    let text = text.as_bytes();
    let whole = match text.first() {
        Some(b'/') => text.to_vec(),
        _ => [b"/", above, b"/", text].concat(),
    };
    let at = Path::new(OsStr::from_bytes(&whole));
    let resolved = root
        .open_in_root(at, OFlag::O_PATH, Mode::empty())
        .ok()
        .and_then(|end| {
            let number = end.as_raw_fd().to_string();
            readlinkat(descriptors.as_fd(), number.as_str()).ok()
        });
    // Where nothing is, what is written has to do.
    let shown = match resolved {
        Some(resolved) => resolved.into_vec(),
        None => [b"/", CleanPath::parse(&whole)?.joined().as_slice()].concat(),
    };
    Ok(String::from_utf8_lossy(&shown).into_owned())
}
