//! Mounts as descriptors: fsopen(2), fsconfig(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2).

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;

use crate::{check, check_fd};

/// Bits of `MOUNT_ATTR_*` (mount_setattr(2)).
pub mod attr {
    /// Read only.
    pub const RDONLY: u64 = 0x01;
    /// Ignore set-user-ID bits and file capabilities.
    pub const NOSUID: u64 = 0x02;
    /// No access to device files.
    pub const NODEV: u64 = 0x04;
    /// No execution.
    pub const NOEXEC: u64 = 0x08;
    /// Field of the access time rules; clear it before setting one.
    pub const ATIME_FIELD: u64 = 0x70;
    /// Update access times relative to modification (the value zero of the field).
    pub const RELATIME: u64 = 0x00;
    /// Never update access times.
    pub const NOATIME: u64 = 0x10;
    /// Always update access times.
    pub const STRICTATIME: u64 = 0x20;
    /// Do not update access times of directories.
    pub const NODIRATIME: u64 = 0x80;
    /// Shift owners by the mapping of a user namespace.
    pub const IDMAP: u64 = 0x10_0000;
    /// Do not follow symbolic links.
    pub const NOSYMFOLLOW: u64 = 0x20_0000;
}

const OPEN_TREE_CLONE: libc::c_uint = 1;
const OPEN_TREE_CLOEXEC: libc::c_uint = libc::O_CLOEXEC as libc::c_uint;
const AT_RECURSIVE: libc::c_uint = 0x8000;
const AT_EMPTY_PATH: libc::c_uint = libc::AT_EMPTY_PATH as libc::c_uint;
const FSOPEN_CLOEXEC: libc::c_uint = 1;
const FSMOUNT_CLOEXEC: libc::c_uint = 1;
const FSCONFIG_SET_FLAG: libc::c_uint = 0;
const FSCONFIG_SET_STRING: libc::c_uint = 1;
const FSCONFIG_CMD_CREATE: libc::c_uint = 6;
const MOVE_MOUNT_F_EMPTY_PATH: libc::c_uint = 0x04;
const MOVE_MOUNT_T_EMPTY_PATH: libc::c_uint = 0x40;

/// Whether a call concerns one mount or all below it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The mount alone.
    One,
    /// The mount and everything mounted below (`AT_RECURSIVE`).
    Recursive,
}

impl Depth {
    fn flag(self) -> libc::c_uint {
        if self == Self::Recursive {
            AT_RECURSIVE
        } else {
            0
        }
    }
}

/// A file system that is being configured (fsopen(2)).
#[derive(Debug)]
pub struct FsContext(OwnedFd);

impl FsContext {
    /// Starts a new file system of type `name`.
    ///
    /// # Errors
    /// ENODEV for an unknown type, EPERM when it may not be mounted in this user namespace.
    pub fn open(name: &CStr) -> io::Result<Self> {
        // SAFETY: `name` is NUL-terminated and lives through the call.
        let fd = unsafe { libc::syscall(libc::SYS_fsopen, name.as_ptr(), FSOPEN_CLOEXEC) };
        check_fd(fd).map(Self)
    }

    /// Sets `key=value`.
    ///
    /// # Errors
    /// EINVAL for what the file system does not know; `log` says why.
    pub fn set_string(&self, key: &CStr, value: &CStr) -> io::Result<()> {
        self.config(FSCONFIG_SET_STRING, key.as_ptr(), value.as_ptr())
    }

    /// Sets the flag `key`.
    ///
    /// # Errors
    /// As [`FsContext::set_string`].
    pub fn set_flag(&self, key: &CStr) -> io::Result<()> {
        self.config(FSCONFIG_SET_FLAG, key.as_ptr(), ptr::null())
    }

    /// Creates the file system and a detached mount of it with `attributes` (`attr::*`).
    ///
    /// # Errors
    /// What mount(2) would say for this type.
    pub fn mount(&self, attributes: u64) -> io::Result<OwnedFd> {
        self.config(FSCONFIG_CMD_CREATE, ptr::null(), ptr::null())?;
        // SAFETY: takes a descriptor and integers, returns a new descriptor.
        let fd = unsafe {
            libc::syscall(
                libc::SYS_fsmount,
                self.0.as_raw_fd(),
                FSMOUNT_CLOEXEC,
                attributes,
            )
        };
        check_fd(fd)
    }

    /// The kernel's own words about what went wrong, if it left any.
    #[must_use]
    pub fn log(&self) -> Option<String> {
        let mut buffer = [0_u8; 512];
        let length = nix::unistd::read(self.0.as_fd(), &mut buffer).ok()?;
        Some(String::from_utf8_lossy(&buffer[..length]).trim().to_owned())
    }

    fn config(
        &self,
        command: libc::c_uint,
        key: *const libc::c_char,
        value: *const libc::c_char,
    ) -> io::Result<()> {
        // SAFETY: `key` and `value` are null or NUL-terminated strings that the callers above keep alive,
        // as each command wants them.
        let result = unsafe {
            libc::syscall(
                libc::SYS_fsconfig,
                self.0.as_raw_fd(),
                command,
                key,
                value,
                0,
            )
        };
        check(result).map(drop)
    }
}

/// Copies the mount at `path` into a detached tree, a bind mount that is not attached yet.
///
/// With an empty path it copies what `dir` itself refers to; a single file works too.
///
/// # Errors
/// ENOENT, or EINVAL when a locked mount would be uncovered.
pub fn clone_tree(dir: BorrowedFd<'_>, path: &CStr, depth: Depth) -> io::Result<OwnedFd> {
    let flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | depth.flag();
    // SAFETY: `path` is NUL-terminated and lives through the call.
    let fd = unsafe { libc::syscall(libc::SYS_open_tree, dir.as_raw_fd(), path.as_ptr(), flags) };
    check_fd(fd)
}

/// Attaches the detached mount on top of exactly the file that `target` refers to.
///
/// # Errors
/// ENOTDIR when one is a directory and the other is not, EINVAL when `target` is in another namespace.
pub fn attach(mount: BorrowedFd<'_>, target: BorrowedFd<'_>) -> io::Result<()> {
    let empty = c"".as_ptr();
    // SAFETY: both paths are the empty NUL-terminated string.
    let result = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            mount.as_raw_fd(),
            empty,
            target.as_raw_fd(),
            empty,
            MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH,
        )
    };
    check(result).map(drop)
}

/// Change of attributes of a mount (`struct mount_attr`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttrChange {
    /// `attr::*` bits to set.
    pub set: u64,
    /// `attr::*` bits to clear first.
    pub clear: u64,
    /// One of `MS_SHARED`, `MS_SLAVE`, `MS_PRIVATE`, `MS_UNBINDABLE`, or 0 to leave it.
    pub propagation: u64,
}

#[repr(C)]
struct RawAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns_fd: u64,
}

/// Changes attributes of the mount that `mount` is in; `userns` is needed for `attr::IDMAP` only.
///
/// # Errors
/// EPERM for a locked attribute, EINVAL for a bad combination or when not a mount of this namespace.
pub fn set_attributes(
    mount: BorrowedFd<'_>,
    depth: Depth,
    change: AttrChange,
    userns: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let raw = RawAttr {
        set: change.set,
        clear: change.clear,
        propagation: change.propagation,
        userns_fd: userns.map_or(0, |fd| fd.as_raw_fd() as u64),
    };
    // SAFETY: the path is the empty string and `raw` is of the size given; both live through the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            AT_EMPTY_PATH | depth.flag(),
            &raw const raw,
            size_of::<RawAttr>(),
        )
    };
    check(result).map(drop)
}
