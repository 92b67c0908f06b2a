//! The root file system of the container as a tree that resolution cannot leave.

use std::collections::VecDeque;
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstat, mkdirat};
use terrarium_sys::openat2::{IN_ROOT, NO_MAGICLINKS, NO_SYMLINKS, openat2};

use crate::error::{Context, Result};

/// What a missing mount target becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Directory,
    File,
}

/// Longest chain of symbolic links, as in the kernel.
const MAX_LINKS: u32 = 40;

/// The container's root directory, by descriptor.
#[derive(Debug)]
pub(crate) struct Root(OwnedFd);

impl Root {
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// The root of the current process, as an exec process sees it.
    pub(crate) fn open_current() -> Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        open("/", flags, Mode::empty())
            .doing(|| "open the container's root")
            .map(Self)
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Opens what `path` is in the container: links and `..` stay inside, magic links are refused.
    pub(crate) fn open(&self, path: &Path, flags: OFlag) -> io::Result<OwnedFd> {
        openat2(
            self.fd(),
            &relative(path)?,
            flags.bits(),
            0,
            IN_ROOT | NO_MAGICLINKS,
        )
    }

    /// As [`Root::open`], but no component may be a symbolic link.
    pub(crate) fn open_without_links(&self, path: &Path, flags: OFlag) -> io::Result<OwnedFd> {
        openat2(
            self.fd(),
            &relative(path)?,
            flags.bits(),
            0,
            IN_ROOT | NO_SYMLINKS,
        )
    }

    /// Opens `path` as a mount target (`O_PATH`), making what is missing on the way.
    ///
    /// `/dev`, `/proc` and `/sys` may not be symbolic links (CVE-2026-41579): an image could
    /// otherwise choose what they cover.
    pub(crate) fn target(&self, path: &Path, kind: Target) -> io::Result<OwnedFd> {
        let special = ["/dev", "/proc", "/sys"]
            .iter()
            .any(|name| path == Path::new(name));
        let found = if special {
            self.open_without_links(path, OFlag::O_PATH)
        } else {
            self.open(path, OFlag::O_PATH)
        };
        match found {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => self.make(path, kind),
            other => other,
        }
    }

    /// Walks component by component. Each step opens one name without following it, and `..` goes
    /// back to a descriptor that is already held, so a rename meanwhile cannot lead out.
    fn make(&self, path: &Path, kind: Target) -> io::Result<OwnedFd> {
        let mut held: Vec<OwnedFd> = Vec::new();
        let mut todo: VecDeque<OsString> = names(path).collect();
        let mut links = 0;
        while let Some(name) = todo.pop_front() {
            if name == ".." {
                held.pop();
                continue;
            }
            let directory = held.last().map_or(self.0.as_fd(), AsFd::as_fd);
            let entry = match open_entry(directory, &name) {
                Err(Errno::ENOENT) => {
                    create(directory, &name, kind, todo.is_empty())?;
                    open_entry(directory, &name)?
                }
                other => other?,
            };
            if !is_link(&entry)? {
                held.push(entry);
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(Errno::ELOOP.into());
            }
            let link = readlinkat(directory, name.as_os_str())?;
            let link = Path::new(&link);
            if link.is_absolute() {
                held.clear();
            }
            for part in names(link).collect::<Vec<_>>().into_iter().rev() {
                todo.push_front(part);
            }
        }
        held.pop().map_or_else(|| self.0.try_clone(), Ok)
    }
}

fn open_entry(directory: BorrowedFd<'_>, name: &OsStr) -> nix::Result<OwnedFd> {
    openat(
        directory,
        name,
        OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC,
        Mode::empty(),
    )
}

fn create(directory: BorrowedFd<'_>, name: &OsStr, kind: Target, last: bool) -> io::Result<()> {
    let made = if last && kind == Target::File {
        let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        openat(directory, name, flags, Mode::from_bits_truncate(0o644)).map(drop)
    } else {
        mkdirat(directory, name, Mode::from_bits_truncate(0o755))
    };
    match made {
        Err(Errno::EEXIST) => Ok(()),
        other => Ok(other?),
    }
}

fn is_link(entry: &OwnedFd) -> io::Result<bool> {
    let kind = SFlag::from_bits_truncate(fstat(entry)?.st_mode) & SFlag::S_IFMT;
    Ok(kind == SFlag::S_IFLNK)
}

/// Names of a path in the container; `..` is kept, `/` and `.` are not.
fn names(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    })
}

fn relative(path: &Path) -> io::Result<CString> {
    let below = path
        .strip_prefix("/")
        .unwrap_or(path)
        .as_os_str()
        .as_bytes();
    Ok(CString::new(if below.is_empty() { b"." } else { below })?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    fn check(prepare: impl FnOnce(&Path), target: &str, kind: Target, made: &str) {
        let outside = tempfile::tempdir().unwrap();
        let tree = outside.path().join("root");
        fs::create_dir(&tree).unwrap();
        prepare(&tree);
        let root = Root::new(fs::File::open(&tree).unwrap().into());
        let fd = root.target(Path::new(target), kind).unwrap();
        let expected = fs::symlink_metadata(tree.join(made)).unwrap();
        assert_eq!(fstat(&fd).unwrap().st_ino, expected.ino(), "{target}");
        assert_eq!(expected.is_dir(), kind == Target::Directory);
        assert_eq!(
            fs::read_dir(outside.path()).unwrap().count(),
            1,
            "nothing is made outside"
        );
    }

    #[test]
    fn missing_targets_are_made_inside_the_root() {
        check(|_| {}, "/a/b/c", Target::Directory, "a/b/c");
        check(|_| {}, "/etc/hosts", Target::File, "etc/hosts");
        check(|_| {}, "/../../x", Target::Directory, "x");
        check(|_| {}, "/", Target::Directory, "");
    }

    #[test]
    fn links_lead_no_further_than_the_root() {
        let link = |to: &'static str| move |tree: &Path| symlink(to, tree.join("l")).unwrap();
        check(link("/run/x"), "/l/y", Target::Directory, "run/x/y");
        check(link("../../../out"), "/l", Target::Directory, "out");
        check(link("/etc/passwd"), "/l", Target::File, "etc/passwd");
    }

    #[test]
    fn a_loop_of_links_is_an_error() {
        let tree = tempfile::tempdir().unwrap();
        symlink("b", tree.path().join("a")).unwrap();
        symlink("a", tree.path().join("b")).unwrap();
        let root = Root::new(fs::File::open(tree.path()).unwrap().into());
        let error = root
            .target(Path::new("/a/x"), Target::Directory)
            .unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ELOOP));
    }

    #[test]
    fn proc_may_not_be_a_link() {
        let tree = tempfile::tempdir().unwrap();
        symlink("etc", tree.path().join("proc")).unwrap();
        fs::create_dir(tree.path().join("etc")).unwrap();
        let root = Root::new(fs::File::open(tree.path()).unwrap().into());
        let error = root
            .target(Path::new("/proc"), Target::Directory)
            .unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ELOOP));
    }
}
