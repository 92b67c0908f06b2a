//! Modes by name. `fchmodat` of the C libraries goes through `/proc/self/fd` to not follow a link,
//! so it fails in a root without `/proc`; a file system of layers is one.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat};

use crate::check;

/// Sets the mode of `name` in `dir`, and never that of what it points to.
///
/// # Errors
/// `ENOTSUP` for a symbolic link; before Linux 6.6 also without `/proc`.
pub(super) fn set(dir: impl AsFd, name: &OsStr, mode: Mode) -> io::Result<()> {
    match by_kernel(&dir, name, mode) {
        Err(error) if error.raw_os_error() == Some(Errno::ENOSYS as i32) => {
            Ok(fchmodat(dir, name, mode, FchmodatFlags::NoFollowSymlink)?)
        }
        set => set,
    }
}

/// fchmodat2(2), for which the C libraries have no function.
fn by_kernel(dir: &impl AsFd, name: &OsStr, mode: Mode) -> io::Result<()> {
    let name = CString::new(name.as_bytes())?;
    // SAFETY: the descriptor is open and `name` ends with zero; both live until the call returns.
    let result = unsafe {
        libc::syscall(
            libc::SYS_fchmodat2,
            dir.as_fd().as_raw_fd(),
            name.as_ptr(),
            mode.bits(),
            libc::AT_SYMLINK_NOFOLLOW,
        )
    };
    check(result).map(drop)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_link_is_refused_and_what_it_points_to_keeps_its_mode() {
        let folder = std::env::temp_dir().join(format!("terrarium-mode-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let file = folder.join("file");
        fs::write(&file, "").unwrap();
        symlink("file", folder.join("link")).unwrap();
        let dir = fs::File::open(&folder).unwrap();
        let mode = |name: &str, mode| by_kernel(&dir, name.as_ref(), Mode::from_bits_retain(mode));
        let refused = mode("link", 0o777).unwrap_err();
        let changed = mode("file", 0o6751);
        let found = fs::metadata(&file).unwrap().permissions().mode();
        fs::remove_dir_all(&folder).unwrap();
        if refused.raw_os_error() == Some(Errno::ENOSYS as i32) {
            return eprintln!("SKIPPED: needs Linux 6.6");
        }
        assert_eq!(refused.raw_os_error(), Some(Errno::EOPNOTSUPP as i32));
        changed.unwrap();
        assert_eq!(found & 0o7777, 0o6751);
    }
}
