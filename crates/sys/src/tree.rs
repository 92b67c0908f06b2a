//! Directory trees that an image or a container controls, reached by descriptor only.
//!
//! A [`Tree`] is an open directory. Every operation takes *one name* inside it, never a path, and
//! never follows a symbolic link in that name; so no content of the tree can lead outside it. The
//! two exceptions, [`Tree::open_in_root`] and [`Tree::open_beneath`], take a path and let
//! `openat2(2)` confine it.

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, open, openat, openat2, readlinkat};
use nix::sys::stat::{
    FileStat, Mode, SFlag, UtimensatFlags, fstat, fstatat, mkdirat, mknodat, utimensat,
};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, LinkatFlags, Uid, UnlinkatFlags, fchownat, linkat, symlinkat, unlinkat};

mod kind;
mod mode;
mod remove;
mod usage;

pub use kind::{Entry, Kind};
pub use usage::Usage;

/// An open directory whose content is not trusted.
#[derive(Debug)]
pub struct Tree {
    fd: OwnedFd,
}

impl Tree {
    /// Opens a directory that the host itself named.
    ///
    /// # Errors
    /// `ENOTDIR` if the last component is a symbolic link or no directory.
    pub fn open(path: &Path) -> io::Result<Self> {
        let fd = open(path, DIRECTORY, Mode::empty())?;
        Ok(Self { fd })
    }

    /// Takes a descriptor of a directory.
    ///
    /// # Errors
    /// `ENOTDIR` if it is of something else.
    pub fn from_fd(fd: OwnedFd) -> io::Result<Self> {
        match Kind::of_mode(fstat(&fd)?.st_mode) {
            Kind::Directory => Ok(Self { fd }),
            _ => Err(Errno::ENOTDIR.into()),
        }
    }

    /// A second handle on the same directory.
    ///
    /// # Errors
    /// When the process has no descriptor left.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            fd: self.fd.try_clone()?,
        })
    }

    /// Opens `path` as if this directory were `/`: absolute paths, `..` and symbolic links stay
    /// inside, magic links are refused (`openat2(2)`, `RESOLVE_IN_ROOT`).
    ///
    /// # Errors
    /// As `openat2(2)`; `ELOOP` for a magic link. A race with a rename answers `EAGAIN`, which is
    /// retried here.
    pub fn open_in_root(&self, path: &Path, flags: OFlag, mode: Mode) -> io::Result<OwnedFd> {
        self.open_resolved(path, flags, mode, ResolveFlag::RESOLVE_IN_ROOT)
    }

    /// Opens `path` below this directory; any way out (absolute, `..`, such a link) is `EXDEV`.
    ///
    /// # Errors
    /// As `openat2(2)`.
    pub fn open_beneath(&self, path: &Path, flags: OFlag, mode: Mode) -> io::Result<OwnedFd> {
        self.open_resolved(path, flags, mode, ResolveFlag::RESOLVE_BENEATH)
    }

    /// Opens the directory `path` below this one, with no symbolic link on the way.
    ///
    /// # Errors
    /// `ELOOP` for a symbolic link, else as `openat2(2)`.
    pub fn open_plain(&self, path: &Path) -> io::Result<Self> {
        let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS;
        let fd = self.open_resolved(path, DIRECTORY, Mode::empty(), resolve)?;
        Ok(Self { fd })
    }

    fn open_resolved(
        &self,
        path: &Path,
        flags: OFlag,
        mode: Mode,
        resolve: ResolveFlag,
    ) -> io::Result<OwnedFd> {
        let how = OpenHow::new()
            .flags(flags | OFlag::O_CLOEXEC)
            .mode(mode)
            .resolve(resolve | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        loop {
            match openat2(&self.fd, path, how) {
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                done => return Ok(done?),
            }
        }
    }

    /// Opens the directory `name`.
    ///
    /// # Errors
    /// `ENOENT`; `ENOTDIR` for anything else, a symbolic link included.
    pub fn child(&self, name: &OsStr) -> io::Result<Self> {
        check_name(name)?;
        let fd = openat(&self.fd, name, DIRECTORY, Mode::empty())?;
        Ok(Self { fd })
    }

    /// What `name` is, or `None` if there is nothing of that name.
    ///
    /// # Errors
    /// As `fstatat(2)`, except `ENOENT`.
    pub fn stat(&self, name: &OsStr) -> io::Result<Option<FileStat>> {
        check_name(name)?;
        match fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::ENOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The attributes of this directory itself.
    ///
    /// # Errors
    /// As `fstat(2)`.
    pub fn stat_self(&self) -> io::Result<FileStat> {
        Ok(fstat(&self.fd)?)
    }

    /// Opens the regular file `name` for reading. Opening a fifo would wait and opening a device
    /// would act on it, so the kind is checked on a handle that does neither.
    ///
    /// # Errors
    /// `ELOOP` for a symbolic link, `EINVAL` for any other kind.
    pub fn open_file(&self, name: &OsStr) -> io::Result<File> {
        check_name(name)?;
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let Some(stat) = self.stat(name)? else {
            return Err(Errno::ENOENT.into());
        };
        match Kind::of_mode(stat.st_mode) {
            Kind::File => {}
            Kind::Symlink => return Err(Errno::ELOOP.into()),
            _ => return Err(Errno::EINVAL.into()),
        }
        let fd = openat(&self.fd, name, flags, Mode::empty())?;
        match Kind::of_mode(fstat(&fd)?.st_mode) {
            Kind::File => Ok(fd.into()),
            _ => Err(Errno::EINVAL.into()),
        }
    }

    /// Makes the regular file `name`, which must not exist; `mode` is subject to the umask.
    ///
    /// # Errors
    /// `EEXIST` if there is anything of that name.
    pub fn create_file(&self, name: &OsStr, mode: u32) -> io::Result<File> {
        check_name(name)?;
        let flags =
            OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(openat(&self.fd, name, flags, Mode::from_bits_truncate(mode))?.into())
    }

    /// Makes the directory `name` and opens it; `mode` is subject to the umask.
    ///
    /// # Errors
    /// `EEXIST` if there is anything of that name.
    pub fn create_dir(&self, name: &OsStr, mode: u32) -> io::Result<Self> {
        check_name(name)?;
        mkdirat(&self.fd, name, Mode::from_bits_truncate(mode))?;
        self.child(name)
    }

    /// Makes the symbolic link `name` with any text as its target.
    ///
    /// # Errors
    /// `EEXIST` if there is anything of that name.
    pub fn create_symlink(&self, name: &OsStr, target: &OsStr) -> io::Result<()> {
        check_name(name)?;
        Ok(symlinkat(target, &self.fd, name)?)
    }

    /// Makes a device, fifo or socket `name`. An overlay whiteout is `CharDevice` with device 0.
    ///
    /// # Errors
    /// `EPERM` without `CAP_MKNOD` for a device other than the whiteout.
    pub fn create_node(&self, name: &OsStr, kind: Kind, mode: u32, device: u64) -> io::Result<()> {
        check_name(name)?;
        let kind = match kind {
            Kind::CharDevice => SFlag::S_IFCHR,
            Kind::BlockDevice => SFlag::S_IFBLK,
            Kind::Fifo => SFlag::S_IFIFO,
            Kind::Socket => SFlag::S_IFSOCK,
            Kind::File | Kind::Directory | Kind::Symlink => return Err(Errno::EINVAL.into()),
        };
        Ok(mknodat(
            &self.fd,
            name,
            kind,
            Mode::from_bits_truncate(mode),
            device,
        )?)
    }

    /// Makes `name` another name of `source/source_name` (itself, if that is a symbolic link).
    ///
    /// # Errors
    /// `EEXIST`, `EXDEV`, `EPERM` for a directory.
    pub fn create_link(&self, name: &OsStr, source: &Tree, source_name: &OsStr) -> io::Result<()> {
        check_name(name)?;
        check_name(source_name)?;
        Ok(linkat(
            &source.fd,
            source_name,
            &self.fd,
            name,
            LinkatFlags::empty(),
        )?)
    }

    /// The target of the symbolic link `name`.
    ///
    /// # Errors
    /// `EINVAL` if it is no symbolic link.
    pub fn read_link(&self, name: &OsStr) -> io::Result<OsString> {
        check_name(name)?;
        Ok(readlinkat(&self.fd, name)?)
    }

    /// Sets the owner of `name`. Clears set-user-ID bits and file capabilities.
    ///
    /// # Errors
    /// `EINVAL` when the id has no mapping in this user namespace.
    pub fn set_owner(&self, name: &OsStr, uid: u32, gid: u32) -> io::Result<()> {
        check_name(name)?;
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        Ok(fchownat(
            &self.fd,
            name,
            Some(uid),
            Some(gid),
            AtFlags::AT_SYMLINK_NOFOLLOW,
        )?)
    }

    /// Sets the mode of `name`, which is not a symbolic link.
    ///
    /// # Errors
    /// `ENOTSUP` for a symbolic link.
    pub fn set_mode(&self, name: &OsStr, mode: u32) -> io::Result<()> {
        check_name(name)?;
        mode::set(&self.fd, name, Mode::from_bits_truncate(mode))
    }

    /// Sets both the access and the modification time of `name`.
    ///
    /// # Errors
    /// As `utimensat(2)`.
    pub fn set_times(&self, name: &OsStr, time: TimeSpec) -> io::Result<()> {
        check_name(name)?;
        Ok(utimensat(
            &self.fd,
            name,
            &time,
            &time,
            UtimensatFlags::NoFollowSymlink,
        )?)
    }

    /// Removes the file, link or node `name`.
    ///
    /// # Errors
    /// `EISDIR` for a directory.
    pub fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        check_name(name)?;
        Ok(unlinkat(&self.fd, name, UnlinkatFlags::NoRemoveDir)?)
    }

    /// The names in this directory, without `.` and `..`, in no order.
    ///
    /// # Errors
    /// As `readdir(3)`.
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        // A fresh open file description: a duplicate would share the reading position.
        let mut dir = Dir::openat(&self.fd, ".", DIRECTORY, Mode::empty())?;
        let mut entries = Vec::new();
        for entry in dir.iter() {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                Some(kind) => kind.into(),
                // Some file systems do not say; a name that vanished meanwhile is skipped.
                None => match self.stat(name)? {
                    Some(stat) => Kind::of_mode(stat.st_mode),
                    None => continue,
                },
            };
            entries.push(Entry {
                name: name.to_owned(),
                kind,
            });
        }
        Ok(entries)
    }
}

impl AsFd for Tree {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

const DIRECTORY: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_CLOEXEC);

/// Refuses what is not exactly one component. Without this a name with a slash would be a path
/// that the kernel walks, links included.
fn check_name(name: &OsStr) -> io::Result<()> {
    let bytes = name.as_bytes();
    let one = !bytes.is_empty() && bytes != b"." && bytes != b".." && !bytes.contains(&b'/');
    if one && CString::new(bytes).is_ok() {
        Ok(())
    } else {
        Err(Errno::EINVAL.into())
    }
}
