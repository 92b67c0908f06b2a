//! Where a path leads within a root.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, readlinkat};
use nix::sys::stat::{FileStat, Mode, fstat};
use nix::sys::statfs::{FsType, fstatfs};
use terrarium_sys::tree::{Kind, Tree};

use crate::layer::error::{Error, Result};

/// File systems whose files are made while they are read (`linux/magic.h`): to walk through them
/// would act on the kernel, and nothing in them is worth keeping.
const MADE_BY_THE_KERNEL: &[i64] = &[
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup2
    0x1cd1,      // devpts
    0x1980_0202, // mqueue
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0xcafe_4a11, // bpf
];

/// What a path leads to, held so that it stays the same thing whatever takes its name.
#[derive(Debug)]
pub(super) enum Place {
    /// A folder.
    Folder(Tree, FileStat),
    /// A regular file, by a handle that does not read.
    File(OwnedFd, FileStat),
    /// A symbolic link, and what is written in it.
    Link(OsString, FileStat),
    /// Anything else.
    Special(FileStat),
}

impl Place {
    /// Finds `path` in `root`. A link at its end is followed only where the path ends in a slash or
    /// a dot, as `lstat(2)` has it.
    pub(super) fn find(root: &Tree, path: &[u8]) -> Result<Self> {
        let (folder, name) = split(path);
        let failed = |error| not_there(path, error);
        if name.is_empty() {
            let tree = open_folder(root, path).map_err(failed)?;
            let stat = tree.stat_self().map_err(failed)?;
            return Ok(Self::Folder(tree, stat));
        }
        let parent = open_folder(root, folder).map_err(failed)?;
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW;
        let handle = parent.open_beneath(Path::new(OsStr::from_bytes(name)), flags, Mode::empty());
        let place = Self::held(handle.map_err(failed)?).map_err(failed)?;
        if !matches!(place, Self::Folder(..)) {
            refuse_kernel(&parent, path)?;
        }
        Ok(place)
    }

    fn held(handle: OwnedFd) -> io::Result<Self> {
        let stat = fstat(&handle)?;
        Ok(match Kind::of_mode(stat.st_mode) {
            Kind::Directory => {
                let handle = Tree::from_fd(handle)?;
                // The same folder again, by a descriptor that lists.
                Self::Folder(handle.open_plain(Path::new("."))?, stat)
            }
            Kind::File => Self::File(handle, stat),
            Kind::Symlink => Self::Link(readlinkat(&handle, "")?, stat),
            _ => Self::Special(stat),
        })
    }
}

/// Opens the folder that `path` leads to, links followed within the root.
pub(super) fn open_folder(root: &Tree, path: &[u8]) -> io::Result<Tree> {
    let path = if path.is_empty() { b"/" } else { path };
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
    let path = Path::new(OsStr::from_bytes(path));
    Tree::from_fd(root.open_in_root(path, flags, Mode::empty())?)
}

/// The folder and the last name of a path; no name where the path can only be of a folder.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let at = path.iter().rposition(|byte| *byte == b'/');
    let (folder, name) = match at {
        Some(at) => (&path[..=at], &path[at + 1..]),
        None => (&b"/"[..], path),
    };
    match name {
        b"" | b"." | b".." => (path, b""),
        name => (folder, name),
    }
}

/// Whether the files of a folder are made by the kernel while they are read.
pub(super) fn is_made_by_kernel(folder: &Tree) -> io::Result<bool> {
    let FsType(magic) = fstatfs(folder)?.filesystem_type();
    Ok(MADE_BY_THE_KERNEL.contains(&magic))
}

pub(super) fn refuse_kernel(folder: &Tree, path: &[u8]) -> Result<()> {
    let made = is_made_by_kernel(folder).map_err(|error| not_there(path, error))?;
    match made {
        true => Err(Error::refused(
            path,
            "the kernel makes what is there: it is not kept anywhere",
        )),
        false => Ok(()),
    }
}

pub(super) fn not_there(path: &[u8], error: io::Error) -> Error {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOENT) => Error::missing(path),
        Some(Errno::ENOTDIR) => Error::refused(path, "it is not a folder"),
        Some(Errno::ELOOP) => Error::refused(path, "its links lead in a circle"),
        _ => Error::system("open", path, error),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_path_has_a_last_name_unless_it_asserts_a_folder() {
        let check = |path: &str, folder: &str, name: &str| {
            let (f, n) = split(path.as_bytes());
            assert_eq!((f, n), (folder.as_bytes(), name.as_bytes()), "{path}");
        };
        check("/etc/passwd", "/etc/", "passwd");
        check("/etc", "/", "etc");
        check("etc", "/", "etc");
        check("/etc/", "/etc/", "");
        check("/etc/.", "/etc/.", "");
        check("/etc/..", "/etc/..", "");
        check("/", "/", "");
    }
}
