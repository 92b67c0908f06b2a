//! Extended attributes of open files (`xattr(7)`).

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr;

use nix::errno::Errno;

/// The largest value that Linux accepts (`XATTR_SIZE_MAX`).
pub const MAX_VALUE_BYTES: usize = 65536;

/// Sets the attribute `name` of an open file or directory.
///
/// # Errors
/// `EBADF` for a handle opened with `O_PATH`, `ENOTSUP` where the file system has none, `EPERM`.
pub fn set(file: impl AsFd, name: &CStr, value: &[u8]) -> io::Result<()> {
    let fd = file.as_fd().as_raw_fd();
    // SAFETY: `name` ends with NUL, `value` is readable for `value.len()` bytes, and `fd` stays
    // open since it is borrowed from `file`.
    let done = unsafe { libc::fsetxattr(fd, name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
    Errno::result(done).map(drop).map_err(io::Error::from)
}

/// The value of the attribute `name`, or `None` if the file has none of that name.
///
/// # Errors
/// As `fgetxattr(2)`, except `ENODATA`.
pub fn get(file: impl AsFd, name: &CStr) -> io::Result<Option<Vec<u8>>> {
    let fd = file.as_fd().as_raw_fd();
    let mut value = vec![0_u8; 256];
    loop {
        // SAFETY: `name` ends with NUL, `value` is writable for `value.len()` bytes, and `fd`
        // stays open since it is borrowed from `file`.
        let got =
            unsafe { libc::fgetxattr(fd, name.as_ptr(), value.as_mut_ptr().cast(), value.len()) };
        match Errno::result(got) {
            Ok(len) => {
                value.truncate(len.unsigned_abs());
                return Ok(Some(value));
            }
            Err(Errno::ENODATA | Errno::ENOTSUP) => return Ok(None),
            Err(Errno::ERANGE) if value.len() < MAX_VALUE_BYTES => {
                value.resize(MAX_VALUE_BYTES, 0);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// The names of all attributes that this process may see, each without its NUL.
///
/// # Errors
/// As `flistxattr(2)`; a file system without attributes has an empty list.
pub fn list(file: impl AsFd) -> io::Result<Vec<Vec<u8>>> {
    let fd = file.as_fd().as_raw_fd();
    // SAFETY: a size of 0 asks for the length only, so the null buffer is not written to.
    let need = unsafe { libc::flistxattr(fd, ptr::null_mut(), 0) };
    let need = match Errno::result(need) {
        Err(Errno::ENOTSUP) | Ok(0) => return Ok(Vec::new()),
        need => need?.unsigned_abs(),
    };
    // Room for names that appear between the two calls; ERANGE otherwise, which is an error.
    let mut names = vec![0_u8; need + 1024];
    // SAFETY: `names` is writable for `names.len()` bytes and `fd` stays open.
    let got = unsafe { libc::flistxattr(fd, names.as_mut_ptr().cast(), names.len()) };
    names.truncate(Errno::result(got)?.unsigned_abs());
    Ok(names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(<[u8]>::to_vec)
        .collect())
}
