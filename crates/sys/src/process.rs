//! Attributes of the calling process that `nix` does not wrap.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::check;

/// Makes the terminal `fd` the controlling one of this session leader.
///
/// # Errors
/// EPERM when the caller leads no session or another session owns the terminal.
pub fn set_controlling_terminal(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: TIOCSCTTY takes an integer.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TIOCSCTTY, 0) }.into()).map(drop)
}

/// Sets a resource limit by its `RLIMIT_*` number.
///
/// # Errors
/// EPERM when the hard limit grows without CAP_SYS_RESOURCE, EINVAL when soft exceeds hard.
pub fn set_rlimit(resource: u32, soft: u64, hard: u64) -> io::Result<()> {
    let limit = libc::rlimit {
        rlim_cur: soft,
        rlim_max: hard,
    };
    // SAFETY: the pointer lives through the call.
    check(unsafe { libc::setrlimit(resource, &raw const limit) }.into()).map(drop)
}

/// Soft and hard resource limit by `RLIMIT_*` number.
///
/// # Errors
/// EINVAL for an unknown number.
pub fn get_rlimit(resource: u32) -> io::Result<(u64, u64)> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the pointer lives through the call and has the type that the kernel writes.
    check(unsafe { libc::getrlimit(resource, &raw mut limit) }.into())?;
    Ok((limit.rlim_cur, limit.rlim_max))
}

/// Sets the execution domain (personality(2)).
///
/// # Errors
/// EINVAL for an unknown domain.
pub fn set_personality(persona: u64) -> io::Result<()> {
    // SAFETY: takes an integer.
    check(unsafe { libc::personality(persona as libc::c_ulong) }.into()).map(drop)
}

/// Sets class and level of I/O scheduling of this process (ioprio_set(2)).
///
/// # Errors
/// EPERM for the real-time class without privilege, EINVAL for a bad level.
pub fn set_io_priority(class: u8, level: u16) -> io::Result<()> {
    const IOPRIO_WHO_PROCESS: libc::c_int = 1;
    let value = libc::c_int::from(class) << 13 | libc::c_int::from(level);
    // SAFETY: takes integers; who 0 is the caller.
    check(unsafe { libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, value) }).map(drop)
}

/// Resets every signal to its default action and unblocks all, as a new program expects.
///
/// # Errors
/// Never for valid numbers; SIGKILL and SIGSTOP are left out.
pub fn reset_signals() -> io::Result<()> {
    for signal in (1..=libc::SIGRTMAX()).filter(|s| ![libc::SIGKILL, libc::SIGSTOP].contains(s)) {
        // SAFETY: SIG_DFL installs no function; glibc refuses its two private signals with EINVAL.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    let empty = nix::sys::signal::SigSet::empty();
    Ok(nix::sys::signal::sigprocmask(
        nix::sys::signal::SigmaskHow::SIG_SETMASK,
        Some(&empty),
        None,
    )?)
}

/// Puts `fd` at number `target` (0, 1, 2 or a preserved number), without close-on-exec.
///
/// # Errors
/// As dup2(2).
pub fn place_fd(fd: BorrowedFd<'_>, target: i32) -> io::Result<()> {
    if fd.as_raw_fd() == target {
        let keep = nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty());
        return Ok(nix::fcntl::fcntl(fd, keep).map(drop)?);
    }
    // SAFETY: closes what `target` was; callers only name the standard streams, which nothing owns.
    check(unsafe { libc::dup2(fd.as_raw_fd(), target) }.into()).map(drop)
}

/// Sets the NIS domain name of the current uts namespace.
///
/// # Errors
/// EPERM without CAP_SYS_ADMIN over it, EINVAL beyond 64 bytes.
pub fn set_domain_name(name: &str) -> io::Result<()> {
    // SAFETY: pointer and length describe the bytes of `name`, which live through the call.
    check(unsafe { libc::setdomainname(name.as_ptr().cast(), name.len()) }.into()).map(drop)
}
