//! Every unsafe call and every kernel interface, behind safe types.
//!
//! Owns the system calls that neither `std` nor `nix` wraps (clone3, the mount API on file descriptors,
//! capabilities, seccomp, pidfd, pty peers). It must never know a bundle, an image or a policy: callers
//! decide, this crate only makes the call that they asked for impossible to misuse in memory terms.
//! One file per kernel interface; errors are `std::io::Error` with the kernel's errno, because only the
//! caller knows what it was doing and on which object.

#![expect(unsafe_code, reason = "this crate is where the unsafe calls live")]

pub mod arguments;
pub mod bpf;
pub mod caps;
pub mod clone;
pub mod close_range;
pub mod executed;
pub mod fdpass;
pub mod keyring;
pub mod loopback;
pub mod memory;
pub mod mount;
pub mod namespace;
pub mod openat2;
pub mod pidfd;
pub mod process;
pub mod pty;
pub mod scheduling;
pub mod seccomp;
pub mod tree;
pub mod unread;
pub mod vfork;
pub mod wait;
pub mod xattr;

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// Turns a raw system call result into a value or the errno.
pub(crate) fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Turns the result of a call that makes a descriptor into its only owner.
pub(crate) fn check_fd(result: libc::c_long) -> io::Result<OwnedFd> {
    let fd = check(result)? as libc::c_int;
    // SAFETY: the kernel just made this descriptor for us and nothing else has seen its number.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
