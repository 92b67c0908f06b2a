//! Runs this program from a file that no container can write to (CVE-2019-5736).
//!
//! A container that makes the runtime execute `/proc/self/exe` holds a reference to the runtime's binary,
//! and root inside may be root outside. So whoever sends processes into containers first executes itself
//! again: through a detached read-only mount of the binary (a mount nobody can reach to change it), or
//! from a sealed copy in memory where mounting is not permitted.
//!
//! Closing the only descriptor of such a mount waits for a grace period of RCU: milliseconds while others
//! do the same. So it stays open until the container's init can detach it together with the old root,
//! which costs one grace period for both.

use std::convert::Infallible;
use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};

use nix::fcntl::{AT_FDCWD, AtFlags, FcntlArg, FdFlag, OFlag, SealFlag, fcntl, open};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::prctl;
use nix::sys::stat::{Mode, fstat};
use nix::sys::statvfs::{FsFlags, fstatvfs};
use nix::unistd::{AccessFlags, access, execveat, geteuid};
use terrarium_sys::executed;
use terrarium_sys::mount::{AttrChange, Depth, attr, clone_tree, set_attributes};

use crate::error::{Context, Result};

const SELF: &str = "/proc/self/exe";

/// The mount that this program runs from, until somebody takes it.
static MOUNT: Mutex<Option<OwnedFd>> = Mutex::new(None);

/// The detached mount that this program runs from, if it is still open: once.
pub(crate) fn take_mount() -> Option<OwnedFd> {
    MOUNT.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Returns at once when the program already runs from a sealed file; else executes it again from one.
///
/// # Errors
/// When neither a mount nor a copy can be made, or execve fails: then no container may be touched.
pub fn ensure() -> Result<()> {
    let given = executed::take_descriptor();
    if is_sealed()? {
        if let Some(mount) = given.filter(is_own_mount) {
            MOUNT
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .replace(mount);
        }
        // execveat names the process after a descriptor; people look for us by name.
        let _ = prctl::set_name(c"terrarium-runti");
        return Ok(());
    }
    let sealed = match read_only_mount() {
        Ok(mount) => mount,
        Err(_) => sealed_copy().doing(|| "copy the runtime's binary into sealed memory")?,
    };
    execute(&sealed).map(|never| match never {})
}

fn is_sealed() -> Result<bool> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    let exe = open(SELF, flags, Mode::empty()).doing(|| format!("open `{SELF}`"))?;
    let file_system = fstatvfs(&exe).doing(|| format!("stat the file system of `{SELF}`"))?;
    if file_system.flags().contains(FsFlags::ST_RDONLY) {
        return Ok(true);
    }
    let seals = fcntl(&exe, FcntlArg::F_GET_SEALS).unwrap_or(0);
    if SealFlag::from_bits_truncate(seals).contains(SealFlag::F_SEAL_WRITE) {
        return Ok(true);
    }
    // What this user cannot write, its containers cannot either: root inside is this user outside.
    let owner = fs::metadata(SELF).doing(|| format!("stat `{SELF}`"))?.uid();
    let is_ours = owner == geteuid().as_raw() || access(SELF, AccessFlags::W_OK).is_ok();
    Ok(!geteuid().is_root() && !is_ours)
}

/// Whether a descriptor refers to this program on a mount that cannot be written.
fn is_own_mount(given: &OwnedFd) -> bool {
    let is_read_only = fstatvfs(given).is_ok_and(|fs| fs.flags().contains(FsFlags::ST_RDONLY));
    let same = fstat(given).ok().zip(fs::metadata(SELF).ok());
    is_read_only && same.is_some_and(|(it, us)| (it.st_dev, it.st_ino) == (us.dev(), us.ino()))
}

fn read_only_mount() -> io::Result<OwnedFd> {
    let mount = clone_tree(AT_FDCWD, c"/proc/self/exe", Depth::One)?;
    let change = AttrChange {
        set: attr::RDONLY,
        ..AttrChange::default()
    };
    set_attributes(mount.as_fd(), Depth::One, change, None)?;
    // For the program that begins: see the top.
    fcntl(&mount, FcntlArg::F_SETFD(FdFlag::empty()))?;
    Ok(mount)
}

fn sealed_copy() -> io::Result<OwnedFd> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let copy = memfd_create(c"terrarium-runtime", flags)?;
    let mut target = File::from(copy.try_clone()?);
    io::copy(&mut File::open(SELF)?, &mut target)?;
    let seals = SealFlag::F_SEAL_WRITE
        | SealFlag::F_SEAL_GROW
        | SealFlag::F_SEAL_SHRINK
        | SealFlag::F_SEAL_SEAL;
    fcntl(&copy, FcntlArg::F_ADD_SEALS(seals))?;
    Ok(copy)
}

fn execute(sealed: &OwnedFd) -> Result<Infallible> {
    let text = |bytes: &[u8]| CString::new(bytes).expect("the kernel gave it as a C string");
    let args: Vec<_> = std::env::args_os()
        .map(|arg| text(arg.as_bytes()))
        .collect();
    let env: Vec<_> = std::env::vars_os()
        .map(|(name, value)| text(&[name.as_bytes(), b"=", value.as_bytes()].concat()))
        .collect();
    execveat(sealed, c"", &args, &env, AtFlags::AT_EMPTY_PATH)
        .doing(|| "execute the runtime from its sealed file")
}
