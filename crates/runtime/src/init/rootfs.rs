//! The root mount: attach it, and make it `/` at the end.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, OFlag, open, openat};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::Mode;
use nix::unistd::{chdir, fchdir, pivot_root};
use terrarium_sys::mount::{
    AttrChange, Depth, FsContext, attach, attr, clone_tree, set_attributes,
};

use super::root::{Root, Target};
use crate::error::{Context, Error, Result};
use crate::plan::{Plan, RootSource};
use crate::trace::Trace;

/// Mounts the root file system in this mount namespace and returns it.
pub(super) fn prepare(plan: &Plan, trace: &mut Trace) -> Result<Root> {
    let start = trace.now();
    // Before the first mount of ours: the copy of the host's tree must not pass it back.
    let none: Option<&str> = None;
    mount(none, "/", none, plan.root_propagation, none)
        .doing(|| "stop mounts from reaching the host")?;
    match &plan.root {
        RootSource::Directory(path) => {
            let source = path_cstring(path)?;
            let tree = clone_tree(AT_FDCWD, &source, Depth::Recursive);
            let tree = tree.doing(|| format!("clone the mounts below {path:?}"))?;
            // pivot_root(2) wants a mount point: the directory is mounted on itself.
            attach_at(&tree, path)?;
            trace.end("mount rootfs", start, format!("bind {}", path.display()));
            Ok(Root::new(tree))
        }
        RootSource::Overlay {
            lowerdirs,
            upperdir,
            workdir,
            userxattr,
        } => {
            let label = plan.mount_label.as_deref();
            let upper = Some((upperdir.as_path(), workdir.as_path()));
            let tree = overlay(lowerdirs, upper, *userxattr, label)?;
            // Any directory will do; this one nobody in the container's view has to reach.
            attach_at(&tree, upperdir)?;
            trace.end(
                "mount overlay",
                start,
                format!("{} layers", lowerdirs.len()),
            );
            Ok(Root::new(tree))
        }
    }
}

/// Makes a detached mount of layers, topmost first; without an upper and a work directory one that
/// can only be read.
pub(crate) fn overlay(
    lowerdirs: &[PathBuf],
    upper: Option<(&Path, &Path)>,
    userxattr: bool,
    label: Option<&str>,
) -> Result<OwnedFd> {
    let context = configure_overlay(upper, userxattr, label)?;
    mount_overlay(&context, lowerdirs)
}

/// Attaches a mount at a directory of the host, which nobody has to reach through it.
pub(crate) fn attach_at(tree: &OwnedFd, path: &Path) -> Result<()> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let target = open(path, flags, Mode::empty()).doing(|| format!("open {path:?}"))?;
    attach(tree.as_fd(), target.as_fd()).doing(|| format!("mount the root file system on {path:?}"))
}

/// All but the layers.
fn configure_overlay(
    upper: Option<(&Path, &Path)>,
    userxattr: bool,
    label: Option<&str>,
) -> Result<FsContext> {
    let context = FsContext::open(c"overlay").doing(|| "open an overlay file system")?;
    set(&context, c"source", c"overlay")?;
    // What image tools can read back, and no stale handles when a lower layer is used twice.
    // Not `redirect_dir=off`: where the kernel was built so that means `follow`, which an image could
    // abuse and `userxattr` refuses.
    for (key, value) in [
        (c"index", c"off"),
        (c"redirect_dir", c"nofollow"),
        (c"metacopy", c"off"),
    ] {
        set(&context, key, value)?;
    }
    if userxattr {
        context
            .set_flag(c"userxattr")
            .doing(|| "set overlay option `userxattr`")?;
    }
    if let Some(label) = label {
        set(&context, c"context", &path_cstring(Path::new(label))?)?;
    }
    if let Some((upperdir, workdir)) = upper {
        set(&context, c"upperdir", &path_cstring(upperdir)?)?;
        set(&context, c"workdir", &path_cstring(workdir)?)?;
    }
    Ok(context)
}

fn set(context: &FsContext, key: &CStr, value: &CStr) -> Result<()> {
    let set = context.set_string(key, value);
    set.doing(|| format!("set overlay option {key:?} to {value:?}"))
}

fn mount_overlay(context: &FsContext, lowerdirs: &[PathBuf]) -> Result<OwnedFd> {
    for (index, lowerdir) in lowerdirs.iter().enumerate() {
        let lower = path_cstring(lowerdir)?;
        match context.set_string(c"lowerdir+", &lower) {
            // Before Linux 6.8 there is only the whole list in one string.
            Err(error) if index == 0 && error.raw_os_error() == Some(libc::EINVAL) => {
                set(context, c"lowerdir", &joined(lowerdirs)?)?;
                break;
            }
            other => other.doing(|| format!("set overlay layer {lowerdir:?}"))?,
        }
    }
    context.mount(0).map_err(|error| {
        let log = context
            .log()
            .map_or(String::new(), |log| format!(" (kernel: {log})"));
        Error::io(
            format!("mount overlay of {} layers{log}", lowerdirs.len()),
            error,
        )
    })
}

fn joined(lowerdirs: &[PathBuf]) -> Result<CString> {
    let mut bytes = Vec::new();
    for lowerdir in lowerdirs {
        if !bytes.is_empty() {
            bytes.push(b':');
        }
        for &byte in lowerdir.as_os_str().as_bytes() {
            if matches!(byte, b':' | b'\\') {
                bytes.push(b'\\');
            }
            bytes.push(byte);
        }
    }
    CString::new(bytes).map_err(|_| Error::InvalidSpec("a layer path contains NUL".to_owned()))
}

/// Makes the working directory if the image lacks it, as every runtime does.
pub(super) fn make_cwd(root: &Root, cwd: &Path) -> Result<()> {
    match root.open(cwd, OFlag::O_PATH) {
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {
            // A read-only image cannot be helped; chdir will say so with the right error.
            let _ = root.target(cwd, Target::Directory);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Makes the container's root `/` and lets go of the host's tree.
pub(super) fn pivot(
    root: &Root,
    plan: &Plan,
    seal: Option<OwnedFd>,
    trace: &mut Trace,
) -> Result<()> {
    let start = trace.now();
    if plan.root_readonly {
        // The mount, not the file system: other mounts of the same one stay writable.
        let change = AttrChange {
            set: attr::RDONLY,
            ..AttrChange::default()
        };
        set_attributes(root.fd(), Depth::One, change, None)
            .doing(|| "make the root file system read-only")?;
    }
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let old = open("/", flags, Mode::empty()).doing(|| "open the old root")?;
    fchdir(root.fd()).doing(|| "enter the new root")?;
    // With the same directory twice the old root lands on top of the new one (pivot_root(2), NOTES).
    pivot_root(".", ".").doing(|| "pivot_root")?;
    fchdir(&old).doing(|| "enter the old root")?;
    let none: Option<&str> = None;
    // Detaching must not travel to the host if the caller asked for something else than slave.
    mount(none, ".", none, MsFlags::MS_SLAVE | MsFlags::MS_REC, none)
        .doing(|| "make the old root a slave")?;
    if let Some(seal) = seal {
        // It goes with the old root then; where it cannot, closing it waits (see `seal`).
        let _ = lay_on_null(&seal, &old);
    }
    umount2(".", MntFlags::MNT_DETACH).doing(|| "detach the old root")?;
    chdir("/").doing(|| "enter the new root")?;
    if !plan.final_propagation.is_empty() {
        // Only now: sharing earlier would have passed the pivot and the detaching on.
        mount(none, "/", none, plan.final_propagation, none)
            .doing(|| "set the propagation of the root file system")?;
    }
    trace.end(
        "pivot_root",
        start,
        if plan.root_readonly { "read-only" } else { "" },
    );
    Ok(())
}

/// Attaches a mount of a file to one that every host has.
fn lay_on_null(file: &OwnedFd, host: &OwnedFd) -> io::Result<()> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let null = openat(host, "dev/null", flags, Mode::empty())?;
    attach(file.as_fd(), null.as_fd())
}

/// A path for a system call.
pub(crate) fn path_cstring(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| Error::InvalidSpec(format!("path {path:?} contains NUL")))
}

/// Tells whether a mount source is a directory.
pub(super) fn is_directory(fd: &OwnedFd) -> Result<bool> {
    let kind = nix::sys::stat::fstat(fd)
        .doing(|| "stat a mount source")?
        .st_mode
        & libc::S_IFMT;
    Ok(kind == libc::S_IFDIR)
}
