//! Processes by descriptor: pidfd_open(2), pidfd_send_signal(2).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;

use crate::{check, check_fd};

/// Opens a descriptor of process `pid`. Check its start time afterwards: the pid may have been reused.
///
/// # Errors
/// ESRCH when there is no such process.
pub fn open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: takes integers and returns a new descriptor (close-on-exec by definition).
    check_fd(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })
}

/// Sends `signal` to the process; 0 only asks whether it exists.
///
/// # Errors
/// ESRCH after it was reaped, EPERM without permission, EINVAL for a bad number.
pub fn send_signal(pidfd: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    let no_info = ptr::null_mut::<libc::siginfo_t>();
    // SAFETY: a null siginfo is allowed and means "as kill(2) would".
    let result = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal,
            no_info,
            0,
        )
    };
    check(result).map(drop)
}
