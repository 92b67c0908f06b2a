//! Joining and leaving namespaces: setns(2), unshare(2).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::check;
use crate::clone::{NAMESPACES, SingleThreaded};

/// Joins the namespace that `fd` is (a `/proc/PID/ns/*` file), or with a pidfd all that `flags` names.
///
/// # Errors
/// EINVAL when the type differs from `flags`, EPERM without CAP_SYS_ADMIN over it.
pub fn setns(_witness: SingleThreaded, fd: BorrowedFd<'_>, flags: u64) -> io::Result<()> {
    // SAFETY: takes a descriptor and an integer; with one thread no other thread sees half a change.
    let result = unsafe { libc::setns(fd.as_raw_fd(), flags as libc::c_int) };
    check(result.into()).map(drop)
}

/// Moves this process into new namespaces (`CLONE_NEW*` bits only).
///
/// # Errors
/// EPERM without the privilege, ENOSPC beyond a limit, EINVAL for other bits.
pub fn unshare(_witness: SingleThreaded, flags: u64) -> io::Result<()> {
    if flags & !NAMESPACES != 0 {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    // SAFETY: takes an integer; namespace bits do not touch memory or descriptors.
    check(unsafe { libc::unshare(flags as libc::c_int) }.into()).map(drop)
}
