//! Many descriptors at once: close_range(2).

use std::io;

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
