//! Many descriptors at once: close_range(2).

use std::fs;
use std::io;
use std::os::fd::RawFd;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::check;

const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;

/// Marks every descriptor from `first` on close-on-exec. They stay usable until then.
///
/// # Errors
/// ENOSYS before Linux 5.9, EINVAL before 5.11.
pub fn cloexec_from(first: u32) -> io::Result<()> {
    // SAFETY: only flags of descriptors change; no owner of ours loses its descriptor.
    let result =
        unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, CLOSE_RANGE_CLOEXEC) };
    check(result).map(drop)
}

/// Closes what an exec has left open from `first` on: every descriptor without close-on-exec.
///
/// That spares what this process has opened itself, as `std` and this crate open nothing without it.
///
/// # Errors
/// Without `/proc`.
pub fn close_inherited(first: RawFd) -> io::Result<()> {
    let mut inherited = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.parse().ok());
        inherited.extend(number.filter(|&fd: &RawFd| fd >= first && survives_exec(fd)));
    }
    for fd in inherited {
        // SAFETY: no owner in this process: owners set close-on-exec, and this one has survived one.
        unsafe { libc::close(fd) };
    }
    Ok(())
}

fn survives_exec(fd: RawFd) -> bool {
    // SAFETY: asks for flags; a number that is not open is an error.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
    flags >= 0 && flags & libc::FD_CLOEXEC == 0
}

/// Closes every descriptor from `first` on but those of `keep`.
///
/// For a process that was just cloned: the copies of descriptors that its code still seems to own are
/// gone afterwards, so that code must go on to execve or exit without using or dropping them.
///
/// # Errors
/// ENOSYS before Linux 5.9.
pub fn close_except(first: u32, keep: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut kept: Vec<u32> = keep.iter().map(|fd| fd.as_raw_fd() as u32).collect();
    kept.retain(|fd| *fd >= first);
    kept.sort_unstable();
    let mut from = first;
    for fd in kept {
        if fd > from {
            close(from, fd - 1)?;
        }
        from = fd + 1;
    }
    close(from, u32::MAX)
}

fn close(from: u32, to: u32) -> io::Result<()> {
    // SAFETY: no memory is touched; that owners in a cloned process lose their descriptors is the
    // documented contract of the only caller above.
    check(unsafe { libc::syscall(libc::SYS_close_range, from, to, 0) }).map(drop)
}
