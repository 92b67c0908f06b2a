//! A process that does a little work in this one's memory and ends: vfork(2), through clone3(2).
//!
//! It costs a fifth of a process with memory of its own, whose tables are copied, and whose and the
//! caller's first writes to each page are faults.

use std::arch::asm;
use std::ffi::c_void;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use crate::clone::{CLONE_INTO_CGROUP, RawArgs, SingleThreaded, exit_now};

/// For the work and for what a fork within it goes on to do; pages that are never touched cost nothing.
const STACK_BYTES: usize = 512 * 1024;
const GUARD_BYTES: usize = 4096;

/// Lets a child with descriptors, credentials and namespaces of its own do the work in this process'
/// memory, and stands still until it has ended. Gives its pid: it is still to be waited for.
///
/// What the work does to memory is seen here, and what it allocates or drops is allocated or dropped here;
/// what it opens, closes and enters is not. So it must not drop what owns a descriptor of the caller's. A
/// process that it forks has a copy of both, and must not return from the work.
///
/// # Errors
/// As [`clone3`](crate::clone::clone3); ENOMEM without memory for a stack.
pub fn work_beside(
    _witness: SingleThreaded,
    into_cgroup: Option<BorrowedFd<'_>>,
    work: &mut dyn FnMut(),
) -> io::Result<i32> {
    let stack = Stack::map()?;
    let mut args = RawArgs {
        flags: (libc::CLONE_VM | libc::CLONE_VFORK) as u64,
        exit_signal: libc::SIGCHLD as u64,
        stack: stack.base as u64,
        stack_size: (GUARD_BYTES + STACK_BYTES) as u64,
        ..RawArgs::default()
    };
    if let Some(cgroup) = into_cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = cgroup.as_raw_fd() as u64;
    }
    let mut work = work;
    let argument = (&raw mut work).cast::<c_void>();
    // SAFETY: `args` describes a mapping that is nobody else's stack. The caller, the only thread of this
    // process, stands still until the child has ended (CLONE_VFORK), so that nothing runs beside it in
    // this memory and all that `argument` leads to lives on. The child calls `begin` and never returns.
    let pid = unsafe { clone3_calling(&raw mut args, begin, argument) };
    if pid < 0 {
        return Err(io::Error::from_raw_os_error(-pid as i32));
    }
    Ok(pid as i32)
}

extern "C" fn begin(argument: *mut c_void) -> ! {
    // SAFETY: it is the address of a reference of this type in the frame of `work_beside`, which stands
    // still, and nobody else uses it.
    let work = unsafe { &mut *argument.cast::<&mut dyn FnMut()>() };
    work();
    exit_now(0)
}

/// Makes the system call; the child goes on in `entry` on its own stack.
///
/// # Safety
/// `args` must describe a stack that is free and aligned, and ask for CLONE_VM with CLONE_VFORK; what
/// `entry` does with `argument` must be sound in the child.
#[cfg(target_arch = "x86_64")]
unsafe fn clone3_calling(
    args: *mut RawArgs,
    entry: extern "C" fn(*mut c_void) -> !,
    argument: *mut c_void,
) -> isize {
    let mut result = libc::SYS_clone3 as isize;
    // SAFETY: the call changes rax, rcx and r11. The child has zero in rax and an empty, aligned stack,
    // and calls a function that does not return; the parent goes on behind it.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") result,
            in("rdi") args,
            in("rsi") size_of::<RawArgs>(),
            in("r12") argument,
            in("r13") entry,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    result
}

/// Makes the system call; the child goes on in `entry` on its own stack.
///
/// # Safety
/// `args` must describe a stack that is free and aligned, and ask for CLONE_VM with CLONE_VFORK; what
/// `entry` does with `argument` must be sound in the child.
#[cfg(target_arch = "aarch64")]
unsafe fn clone3_calling(
    args: *mut RawArgs,
    entry: extern "C" fn(*mut c_void) -> !,
    argument: *mut c_void,
) -> isize {
    let mut result = args as isize;
    // SAFETY: the call changes x0. The child has zero there and an empty, aligned stack, and calls a
    // function that does not return; the parent goes on behind it.
    unsafe {
        asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x9",
            "blr x10",
            "brk 1",
            "2:",
            inlateout("x0") result,
            in("x1") size_of::<RawArgs>(),
            in("x8") libc::SYS_clone3,
            in("x9") argument,
            in("x10") entry,
        );
    }
    result
}

/// A mapping whose lowest page cannot be touched.
struct Stack {
    base: *mut c_void,
}

impl Stack {
    fn map() -> io::Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let length = GUARD_BYTES + STACK_BYTES;
        // SAFETY: a new anonymous mapping, wherever there is room.
        let base = unsafe { libc::mmap(ptr::null_mut(), length, access, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let stack = Self { base };
        // SAFETY: the first page of the mapping above, which nothing uses yet.
        if unsafe { libc::mprotect(base, GUARD_BYTES, libc::PROT_NONE) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(stack)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, and the child that used it has ended.
        unsafe {
            libc::munmap(self.base, GUARD_BYTES + STACK_BYTES);
        }
    }
}
