//! Path resolution that cannot leave a tree: openat2(2).

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use crate::check_fd;

/// Refuses `/proc/PID/fd/N` and the like on the way.
pub const NO_MAGICLINKS: u64 = 0x02;
/// Refuses every symbolic link on the way.
pub const NO_SYMLINKS: u64 = 0x04;
/// Refuses to leave the tree below the descriptor.
pub const BENEATH: u64 = 0x08;
/// Takes the descriptor for `/`: absolute links and `..` stay inside.
pub const IN_ROOT: u64 = 0x10;
/// Refuses to cross a mount point.
pub const NO_XDEV: u64 = 0x01;

#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

/// Opens `path` from `dir` under the rules of `resolve`. `O_CLOEXEC` is always added.
///
/// # Errors
/// As openat2(2); ELOOP for a refused link, EXDEV for an escape. EAGAIN (a rename raced) is retried.
pub fn openat2(
    dir: BorrowedFd<'_>,
    path: &CStr,
    flags: i32,
    mode: u32,
    resolve: u64,
) -> io::Result<OwnedFd> {
    let how = OpenHow {
        flags: (flags | libc::O_CLOEXEC) as u64,
        mode: u64::from(mode),
        resolve,
    };
    for _ in 0..32 {
        // SAFETY: `path` is NUL-terminated and `how` is of the size given; both live through the call.
        let result = unsafe {
            libc::syscall(
                libc::SYS_openat2,
                dir.as_raw_fd(),
                path.as_ptr(),
                &raw const how,
                size_of::<OpenHow>(),
            )
        };
        match check_fd(result) {
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => {}
            other => return other,
        }
    }
    Err(io::Error::from_raw_os_error(libc::EAGAIN))
}
