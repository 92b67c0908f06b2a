//! Loading a system call filter: seccomp(2).

use std::io;
use std::os::fd::OwnedFd;

use crate::{check, check_fd};

/// One instruction of classic BPF, as `struct sock_filter`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Operation (`BPF_LD | BPF_W | BPF_ABS`, …).
    pub code: u16,
    /// Instructions to skip when the comparison holds.
    pub jump_true: u8,
    /// Instructions to skip when it does not.
    pub jump_false: u8,
    /// Operand.
    pub operand: u32,
}

#[repr(C)]
struct Program {
    length: u16,
    instructions: *const Instruction,
}

/// Longest program that the kernel takes (`BPF_MAXINSNS`).
pub const MAX_INSTRUCTIONS: usize = 4096;
const SET_MODE_FILTER: libc::c_ulong = 1;

const NEW_LISTENER: u32 = 0x08;
const TSYNC: u32 = 0x01;
const TSYNC_ESRCH: u32 = 0x10;

/// Installs the filter for this thread and all that it will make; it cannot be removed.
///
/// # Errors
/// EACCES without `no_new_privs` or CAP_SYS_ADMIN, EINVAL for a malformed program or unknown flags.
pub fn load(instructions: &[Instruction], flags: u32) -> io::Result<()> {
    install(instructions, flags).map(drop)
}

/// As [`load`], for a filter that notifies: who holds the result answers for the calls that it holds.
///
/// # Errors
/// As [`load`], and EBUSY when a filter of this thread has a listener already.
pub fn load_listening(instructions: &[Instruction], flags: u32) -> io::Result<OwnedFd> {
    // Both give a number back, so that a failed synchronization must become an error (seccomp(2)).
    let esrch = if flags & TSYNC != 0 { TSYNC_ESRCH } else { 0 };
    check_fd(install(instructions, flags | NEW_LISTENER | esrch)?)
}

fn install(instructions: &[Instruction], flags: u32) -> io::Result<libc::c_long> {
    if instructions.is_empty() || instructions.len() > MAX_INSTRUCTIONS {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    let program = Program {
        length: instructions.len() as u16,
        instructions: instructions.as_ptr(),
    };
    // SAFETY: `program` describes exactly the slice, and the kernel copies both before it returns.
    check(unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            SET_MODE_FILTER,
            libc::c_ulong::from(flags),
            &raw const program,
        )
    })
}
