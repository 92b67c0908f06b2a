//! Children of any kind, and signals: waitpid(2), sigwait(3).

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// Reaps one child that has ended, whichever; None when there is none at the moment.
///
/// Not nix's `waitpid`: that takes the status of a child killed by a real-time signal from the kernel
/// and then fails, because its signals end at 31; the status would be lost.
///
/// # Errors
/// Never but EINTR, in practice; to have no children is no error.
pub fn reap_any() -> io::Result<Option<(i32, ExitStatus)>> {
    let mut status = 0;
    // SAFETY: writes one int, which lives through the call.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG | libc::__WALL) };
    match pid {
        0 => Ok(None),
        1.. => Ok(Some((pid, ExitStatus::from_raw(status)))),
        _ => match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::ECHILD) => Ok(None),
            error => Err(error),
        },
    }
}

/// Takes the next signal, which must be blocked; sleeps until there is one.
///
/// Not nix's `wait`: that panics at a real-time signal, because its signals end at 31.
///
/// # Errors
/// Never, in practice.
pub fn next_signal() -> io::Result<i32> {
    let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    let mut signal = 0;
    // SAFETY: fills the set, which lives through both calls.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: the set is filled, and one int is written, which lives through the call.
    match unsafe { libc::sigwait(all.as_ptr(), &raw mut signal) } {
        0 => Ok(signal),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}
