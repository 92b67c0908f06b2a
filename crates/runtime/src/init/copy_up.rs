//! `tmpcopyup` and `copyup`: fills a tmpfs or a new volume with what it is going to cover.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::dir::Dir;
use nix::fcntl::{AtFlags, OFlag, openat, readlinkat};
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat, fstat, fstatat, mkdirat};
use nix::unistd::{Gid, Uid, fchownat, symlinkat};

use super::root::Root;
use crate::error::{Context, Result};

/// Deeper trees than this are no configuration directory but an attack on the stack.
const MAX_DEPTH: u32 = 64;

pub(super) fn copy(root: &Root, path: &Path, tmpfs: &OwnedFd) -> Result<()> {
    let from = root.open(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY);
    let from = from.doing(|| format!("open {path:?} to copy it up"))?;
    // The mount descriptor is O_PATH; making entries needs nothing more.
    directory(from, tmpfs.as_fd(), 0).doing(|| format!("copy {path:?} into the tmpfs"))
}

/// Fills an empty directory, and gives it the owner and mode of what it covers. One that has content
/// already, or that covers nothing, stays as it is.
pub(super) fn fill(root: &Root, path: &Path, volume: &OwnedFd) -> Result<()> {
    let op = || format!("fill the new volume on {path:?}");
    let readable = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let listed = openat(volume, c".", readable, Mode::empty()).doing(op)?;
    let is_empty = is_empty(listed).doing(op)?;
    let from = match root.open(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY) {
        Ok(from) if is_empty => from,
        // Nothing of that name, or no directory: attaching says what is wrong, if anything is.
        Ok(_) | Err(_) => return Ok(()),
    };
    let stat = fstat(&from).doing(op)?;
    directory(from, volume.as_fd(), 0).doing(op)?;
    let (uid, gid) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
    fchownat(volume, c".", Some(uid), Some(gid), AtFlags::empty()).doing(op)?;
    let mode = Mode::from_bits_truncate(stat.st_mode & 0o7777);
    fchmodat(volume, c".", mode, FchmodatFlags::FollowSymlink).doing(op)
}

fn is_empty(folder: OwnedFd) -> io::Result<bool> {
    let mut listing = Dir::from_fd(folder)?;
    for entry in listing.iter() {
        let entry = entry?;
        if entry.file_name() != c"." && entry.file_name() != c".." {
            return Ok(false);
        }
    }
    Ok(true)
}

fn directory(from: OwnedFd, to: BorrowedFd<'_>, depth: u32) -> io::Result<()> {
    if depth > MAX_DEPTH {
        return Err(io::Error::from_raw_os_error(libc::ELOOP));
    }
    let mut listing = Dir::from_fd(from.try_clone()?)?;
    for entry in listing.iter() {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            copy_entry(from.as_fd(), to, name, depth)?;
        }
    }
    Ok(())
}

fn copy_entry(from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &CStr, depth: u32) -> io::Result<()> {
    let stat = fstatat(from, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    let mode = Mode::from_bits_truncate(stat.st_mode & 0o7777);
    let source = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    match stat.st_mode & libc::S_IFMT {
        libc::S_IFDIR => {
            mkdirat(to, name, Mode::S_IRWXU)?;
            let below = openat(from, name, source | OFlag::O_DIRECTORY, Mode::empty())?;
            let made = openat(
                to,
                name,
                OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC,
                Mode::empty(),
            )?;
            directory(below, made.as_fd(), depth + 1)?;
        }
        libc::S_IFLNK => symlinkat(readlinkat(from, name)?.as_os_str(), to, name)?,
        libc::S_IFREG => {
            let mut reader = File::from(openat(from, name, source, Mode::empty())?);
            let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
            let mut writer = File::from(openat(to, name, flags, Mode::S_IRUSR | Mode::S_IWUSR)?);
            io::copy(&mut reader, &mut writer)?;
        }
        // Nodes and sockets below a tmpfs mount are nobody's configuration.
        _ => return Ok(()),
    }
    let owner = (
        Some(Uid::from_raw(stat.st_uid)),
        Some(Gid::from_raw(stat.st_gid)),
    );
    fchownat(to, name, owner.0, owner.1, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    if stat.st_mode & libc::S_IFMT != libc::S_IFLNK {
        // After chown, which clears set-user-ID bits.
        fchmodat(to, name, mode, FchmodatFlags::FollowSymlink)?;
    }
    Ok(())
}
