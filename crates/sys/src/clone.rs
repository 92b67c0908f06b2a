//! Processes with new namespaces: clone3(2), with a pidfd and placement into a cgroup.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;

use crate::check;

/// Witness that the process has one thread, so that a child may allocate and take locks after the clone.
#[derive(Clone, Copy, Debug)]
pub struct SingleThreaded(());

impl SingleThreaded {
    /// Counts the threads of this process.
    ///
    /// # Errors
    /// Fails when there are more than one, or when `/proc` is not mounted.
    pub fn verify() -> io::Result<Self> {
        // The link count of a task directory is 2 + the number of threads (proc_task_getattr).
        match fs::metadata("/proc/self/task")?.nlink() {
            3 => Ok(Self(())),
            links => Err(io::Error::other(format!(
                "{} threads, need one",
                links.saturating_sub(2)
            ))),
        }
    }
}

/// What the new process shares and where it is born.
#[derive(Clone, Copy, Debug, Default)]
pub struct CloneArgs<'a> {
    /// `CLONE_NEW*` bits, and `CLONE_PARENT`; other flags are refused.
    pub flags: u64,
    /// Cgroup v2 directory in which the process starts (`CLONE_INTO_CGROUP`, Linux 5.7).
    pub into_cgroup: Option<BorrowedFd<'a>>,
}

/// Which side of the clone the caller is on.
#[derive(Debug)]
pub enum Forked {
    /// In the new process.
    Child,
    /// In the caller: the pid as seen from here, and its descriptor.
    Parent {
        /// Process id in the caller's pid namespace.
        pid: i32,
        /// Refers to exactly that process, close-on-exec.
        pidfd: OwnedFd,
    },
}

/// Makes the child a sibling: its parent is the caller's parent.
pub const CLONE_PARENT: u64 = libc::CLONE_PARENT as u64;
pub(crate) const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
/// New mount, cgroup, uts, ipc, user, pid, net and time namespaces: all bits that make one.
pub const NAMESPACES: u64 = 0x7e02_0080;

#[repr(C, align(8))]
#[derive(Default)]
pub(crate) struct RawArgs {
    pub(crate) flags: u64,
    pub(crate) pidfd: u64,
    pub(crate) child_tid: u64,
    pub(crate) parent_tid: u64,
    pub(crate) exit_signal: u64,
    pub(crate) stack: u64,
    pub(crate) stack_size: u64,
    pub(crate) tls: u64,
    pub(crate) set_tid: u64,
    pub(crate) set_tid_size: u64,
    pub(crate) cgroup: u64,
}

/// Makes a process that continues here with a copy of the memory, like fork(2).
///
/// # Errors
/// EPERM without the privilege for the namespaces, ENOSPC beyond a namespace limit, EOPNOTSUPP or EBUSY
/// for a cgroup that takes no processes.
pub fn clone3(_witness: SingleThreaded, args: &CloneArgs<'_>) -> io::Result<Forked> {
    let allowed = NAMESPACES | CLONE_PARENT;
    if args.flags & !allowed != 0 {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    let mut pidfd: RawFd = -1;
    let mut raw = RawArgs {
        flags: args.flags | libc::CLONE_PIDFD as u64,
        pidfd: &raw mut pidfd as u64,
        // With CLONE_PARENT the kernel takes the caller's own exit signal and wants zero here.
        exit_signal: if args.flags & CLONE_PARENT == 0 {
            libc::SIGCHLD as u64
        } else {
            0
        },
        ..RawArgs::default()
    };
    if let Some(cgroup) = args.into_cgroup {
        raw.flags |= CLONE_INTO_CGROUP;
        raw.cgroup = cgroup.as_raw_fd() as u64;
    }
    // SAFETY: without CLONE_VM the child has its own copy of memory and stack; the witness says that no
    // other thread could hold a lock in that copy; `raw` and `pidfd` live through the call.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw mut raw, size_of::<RawArgs>()) };
    match check(pid)? {
        0 => Ok(Forked::Child),
        pid => {
            // SAFETY: on success the kernel stored a new descriptor there that nothing else owns.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Forked::Parent {
                pid: pid as i32,
                pidfd,
            })
        }
    }
}

/// Makes a plain child, through clone(2): filters that cannot look into the arguments of clone3(2), as
/// Docker's, say that there is no such call.
///
/// # Errors
/// EAGAIN beyond a limit of processes, EPERM or another by a filter.
pub fn clone_plain(_witness: SingleThreaded) -> io::Result<Forked> {
    let mut pidfd: RawFd = -1;
    let flags = libc::CLONE_PIDFD | libc::SIGCHLD;
    let no_stack = 0_usize;
    // SAFETY: as in `clone3`: the child has its own copy of everything, no lock can be held, and the
    // kernel stores a descriptor in `pidfd`, which lives through the call. The fourth and fifth argument
    // (whose order differs among architectures) are unused without flags for them.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, no_stack, &raw mut pidfd, 0, 0) };
    match check(pid)? {
        0 => Ok(Forked::Child),
        pid => {
            // SAFETY: on success the kernel stored a new descriptor there that nothing else owns.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Forked::Parent {
                pid: pid as i32,
                pidfd,
            })
        }
    }
}

/// Ends the process at once: no destructors, no flushing of buffers that the parent shares.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit takes an integer and does not return.
    unsafe { libc::_exit(code) }
}
