//! Idmapped mounts: copies of host mounts whose owners are shown through other ids (mount_setattr(2)).
//!
//! Prepared by the caller, before init is born: only who has privileges over the file system may do so,
//! and a container in a user namespace has none.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::fcntl::AT_FDCWD;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use terrarium_sys::clone::{CloneArgs, Forked, SingleThreaded, clone3, exit_now};
use terrarium_sys::mount::{AttrChange, Depth, attr, clone_tree, set_attributes};
use terrarium_sys::pidfd;

use crate::channel::{CONTINUE, Channel};
use crate::error::{Context, Result};
use crate::idmap;
use crate::init::path_cstring;
use crate::plan::{IdShift, MountKind, MountPlan, NEW_USER};

/// Detached mounts by the index of their mount in the plan.
#[derive(Debug, Default)]
pub(crate) struct Shifted(BTreeMap<usize, OwnedFd>);

impl Shifted {
    /// Makes those that the plan asks for.
    pub(crate) fn open(mounts: &[MountPlan], single: SingleThreaded) -> Result<Self> {
        let mut made = BTreeMap::new();
        for (index, mount) in mounts.iter().enumerate() {
            if let (Some(shift), MountKind::Bind { source, depth, .. }) =
                (&mount.shift, &mount.kind)
            {
                made.insert(index, shifted(source, *depth, shift, single)?);
            }
        }
        Ok(Self(made))
    }

    /// The descriptors, to keep them open.
    pub(crate) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.0.values().map(AsFd::as_fd)
    }

    /// The mount of this index, once.
    pub(crate) fn take(&mut self, index: usize) -> Option<OwnedFd> {
        self.0.remove(&index)
    }
}

fn shifted(
    source: &Path,
    depth: Depth,
    shift: &IdShift,
    single: SingleThreaded,
) -> Result<OwnedFd> {
    let tree = clone_tree(AT_FDCWD, &path_cstring(source)?, depth);
    let tree = tree.doing(|| format!("bind {source:?}: clone the mount"))?;
    let namespace = user_namespace(shift, single)?;
    let change = AttrChange {
        set: attr::IDMAP,
        ..AttrChange::default()
    };
    set_attributes(tree.as_fd(), shift.depth, change, Some(namespace.as_fd())).doing(|| {
        format!(
            "idmap the mount of {source:?} (its file system must know it, and the caller be root)"
        )
    })?;
    Ok(tree)
}

/// A user namespace that holds nothing but maps. A process makes it and ends; the descriptor keeps it.
fn user_namespace(shift: &IdShift, single: SingleThreaded) -> Result<File> {
    let (ours, theirs) = Channel::pair()?;
    let args = CloneArgs {
        flags: NEW_USER,
        into_cgroup: None,
    };
    let made = clone3(single, &args).doing(|| "make a user namespace for an idmapped mount")?;
    let Forked::Parent { pid, pidfd } = made else {
        drop(ours);
        let _ = theirs.await_order(CONTINUE);
        exit_now(0)
    };
    let mapped = idmap::write_directly(pid, &shift.uids, &shift.gids);
    let opened = mapped.and_then(|()| {
        let path = format!("/proc/{pid}/ns/user");
        File::open(&path).doing(|| format!("open `{path}`"))
    });
    let _ = pidfd::send_signal(pidfd.as_fd(), libc::SIGKILL);
    let _ = waitpid(Pid::from_raw(pid), None);
    opened
}
