//! Writes to `/proc` that no mount of a container can redirect (CVE-2025-52881).

use std::ffi::CString;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};
use terrarium_sys::openat2::{BENEATH, NO_MAGICLINKS, NO_XDEV, openat2};

use crate::error::{Context, Error, Result};

/// A `/proc` that was seen to be one.
#[derive(Debug)]
pub(crate) struct ProcFs(OwnedFd);

impl ProcFs {
    /// Opens the `/proc` of the current mount namespace.
    pub(crate) fn open() -> Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let fd = open("/proc", flags, Mode::empty()).doing(|| "open `/proc`")?;
        let kind = fstatfs(&fd)
            .doing(|| "stat the file system of `/proc`")?
            .filesystem_type();
        if kind != PROC_SUPER_MAGIC {
            return Err(Error::Unsupported(
                "`/proc` is not a proc file system".to_owned(),
            ));
        }
        Ok(Self(fd))
    }

    /// Writes to a file below; refuses to cross a mount point on the way.
    pub(crate) fn write(&self, path: &str, value: &[u8]) -> Result<()> {
        let op = || format!("write `/proc/{path}`");
        let name = CString::new(path).map_err(|_| Error::InvalidSpec(format!("path {path:?}")))?;
        let resolve = BENEATH | NO_MAGICLINKS | NO_XDEV;
        let fd = openat2(self.0.as_fd(), &name, libc::O_WRONLY, 0, resolve).doing(op)?;
        File::from(fd).write_all(value).doing(op)
    }
}
