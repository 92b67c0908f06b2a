//! What a path is.

use std::os::fd::AsRawFd as _;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use nix::fcntl::{OFlag, readlinkat};
use nix::sys::stat::{FileStat, Mode};
use serde::{Deserialize, Serialize};
use terrarium_sys::tree::{Kind, Tree};

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

/// Looks at `path` in `root`. A link at its end is not followed. `descriptors` is this process's
/// `/proc/self/fd`, opened where there is one: the kernel knows where a link leads.
///
/// # Errors
/// [`Error::Missing`], [`Error::Refused`], [`Error::System`].
pub fn look(root: &Tree, path: &[u8], descriptors: &OwnedFd) -> Result<PathStat> {
    match Place::find(root, path)? {
        Place::Folder(_, stat) => Ok(facts(&stat, None)),
        Place::Other(folder, name, stat) => {
            let target = match Kind::of_mode(stat.st_mode) {
                Kind::Symlink => Some(target(root, (&folder, &name), path, descriptors)?),
                _ => None,
            };
            Ok(facts(&stat, target))
        }
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

fn target(
    root: &Tree,
    (folder, name): (&Tree, &[u8]),
    path: &[u8],
    descriptors: &OwnedFd,
) -> Result<String> {
    let text = folder.read_link(std::ffi::OsStr::from_bytes(name));
    let text = text.map_err(|error| Error::system("read link", path, error))?;
    let (above, _) = split(path);
    let whole = match text.as_bytes().first() {
        Some(b'/') => text.as_bytes().to_vec(),
        _ => [b"/", above, b"/", text.as_bytes()].concat(),
    };
    let at = Path::new(std::ffi::OsStr::from_bytes(&whole));
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
