//! Masked and read-only paths: mounts on top of what a container must not see or change.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::fcntl::OFlag;
use nix::sys::stat::SFlag;
use terrarium_sys::mount::{AttrChange, Depth, attach, attr, clone_tree, set_attributes};

use super::devices::open_host_device;
use super::mounts::new_file_system;
use super::root::Root;
use super::rootfs::is_directory;
use crate::error::{Context, Result};
use crate::plan::Plan;
use crate::trace::Trace;

const READ_ONLY: AttrChange = AttrChange {
    set: attr::RDONLY,
    clear: 0,
    propagation: 0,
};

/// Applies both lists. A path that is not there needs no mask.
pub(super) fn apply(root: &Root, plan: &Plan, trace: &mut Trace) -> Result<()> {
    let start = trace.now();
    for path in &plan.readonly_paths {
        make_read_only(root, path)?;
    }
    if !plan.masked_paths.is_empty() {
        mask_all(root, plan)?;
    }
    let (masked, readonly) = (plan.masked_paths.len(), plan.readonly_paths.len());
    trace.end(
        "masks",
        start,
        format!("{masked} masked, {readonly} read-only"),
    );
    Ok(())
}

fn open_existing(root: &Root, path: &Path) -> Result<Option<OwnedFd>> {
    match root.open(path, OFlag::O_PATH) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR)) => {
            Ok(None)
        }
        other => other
            .doing(|| format!("open {path:?} in the container"))
            .map(Some),
    }
}

fn make_read_only(root: &Root, path: &Path) -> Result<()> {
    let op = || format!("make {path:?} read-only");
    let Some(target) = open_existing(root, path)? else {
        return Ok(());
    };
    let tree = clone_tree(target.as_fd(), c"", Depth::Recursive).doing(op)?;
    set_attributes(tree.as_fd(), Depth::Recursive, READ_ONLY, None).doing(op)?;
    attach(tree.as_fd(), target.as_fd()).doing(op)
}

fn mask_all(root: &Root, plan: &Plan) -> Result<()> {
    // The host's own node, checked: the container's /dev/null could be a link (CVE-2025-31133).
    let null = open_host_device(Path::new("/dev/null"), SFlag::S_IFCHR, 1, 3)?;
    let mut empty: Option<OwnedFd> = None;
    for path in &plan.masked_paths {
        let op = || format!("mask {path:?}");
        let Some(target) = open_existing(root, path)? else {
            continue;
        };
        let cover = if is_directory(&target)? {
            // One empty read-only tmpfs serves all directories.
            match &empty {
                Some(first) => clone_tree(first.as_fd(), c"", Depth::One).doing(op)?,
                None => new_file_system("tmpfs", None, &["mode=755".to_owned()], attr::RDONLY)?,
            }
        } else {
            clone_tree(null.as_fd(), c"", Depth::One).doing(op)?
        };
        attach(cover.as_fd(), target.as_fd()).doing(op)?;
        if empty.is_none() && is_directory(&target)? {
            empty = Some(cover);
        }
    }
    Ok(())
}
