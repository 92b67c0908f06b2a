//! The `cgroup` mount of the spec: the container's own cgroups, laid out as the host lays out all.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::symlinkat;
use terrarium_sys::mount::{AttrChange, Depth, attach, attr, clone_tree, set_attributes};

use super::mounts::new_file_system;
use super::root::{Root, Target};
use super::rootfs::path_cstring;
use crate::cgroup::{CgroupPaths, Hierarchies};
use crate::error::{Context, Result};
use crate::plan::MountPlan;
use crate::trace::Trace;

const ROOT: &str = "/sys/fs/cgroup";

pub(super) fn mount(
    root: &Root,
    mount: &MountPlan,
    (cgroup, hierarchies): (&CgroupPaths, &Hierarchies),
    trace: &mut Trace,
) -> Result<()> {
    let op = || format!("mount cgroups on {:?}", mount.destination);
    let target = root
        .target(&mount.destination, Target::Directory)
        .doing(op)?;
    if let Some(directory) = cgroup.v2() {
        let tree = clone(directory, mount.change.set, Depth::One)?;
        return attach(tree.as_fd(), target.as_fd()).doing(op);
    }
    if cgroup.v1.is_empty() {
        trace.note(
            "mount cgroup",
            "the host's cgroups are shown read-only: none is delegated",
        );
        let tree = clone(
            Path::new(ROOT),
            mount.change.set | attr::RDONLY,
            Depth::Recursive,
        )?;
        return attach(tree.as_fd(), target.as_fd()).doing(op);
    }
    v1(&layout(cgroup, hierarchies), mount, &target)
}

/// A tmpfs with one bind mount for each hierarchy, and links for controllers that are mounted together.
fn v1(layout: &BTreeMap<OsString, PathBuf>, mount: &MountPlan, target: &OwnedFd) -> Result<()> {
    let op = || format!("mount cgroups on {:?}", mount.destination);
    let writable = mount.change.set & !attr::RDONLY;
    let tmpfs = new_file_system("tmpfs", Some("cgroup"), &["mode=755".to_owned()], writable)?;
    attach(tmpfs.as_fd(), target.as_fd()).doing(op)?;
    for (name, directory) in layout {
        mkdirat(&tmpfs, name.as_os_str(), Mode::from_bits_truncate(0o755)).doing(op)?;
        let flags = nix::fcntl::OFlag::O_PATH | nix::fcntl::OFlag::O_CLOEXEC;
        let place = nix::fcntl::openat(&tmpfs, name.as_os_str(), flags, Mode::empty()).doing(op)?;
        let tree = clone(directory, mount.change.set, Depth::One)?;
        attach(tree.as_fd(), place.as_fd()).doing(op)?;
        let parts = name.to_string_lossy().into_owned();
        for part in parts.split(',').filter(|part| *part != parts) {
            symlinkat(name.as_os_str(), &tmpfs, part).doing(op)?;
        }
    }
    let change = AttrChange {
        set: mount.change.set,
        ..AttrChange::default()
    };
    set_attributes(tmpfs.as_fd(), Depth::One, change, None).doing(op)
}

/// Name below `/sys/fs/cgroup` (that of the host's mount point) to the container's directory.
fn layout(cgroup: &CgroupPaths, hierarchies: &Hierarchies) -> BTreeMap<OsString, PathBuf> {
    let mut layout = BTreeMap::new();
    for (controller, directory) in &cgroup.v1 {
        let mount = hierarchies
            .v1
            .get(controller)
            .and_then(|h| h.mount.file_name());
        layout.insert(
            mount.unwrap_or(controller.as_ref()).to_owned(),
            directory.clone(),
        );
    }
    if let Some(directory) = &cgroup.unified {
        layout.insert("unified".into(), directory.clone());
    }
    layout
}

fn clone(directory: &Path, attributes: u64, depth: Depth) -> Result<OwnedFd> {
    let tree = clone_tree(AT_FDCWD, &path_cstring(directory)?, depth);
    let tree = tree.doing(|| format!("clone the mount of cgroup {directory:?}"))?;
    let change = AttrChange {
        set: attributes,
        ..AttrChange::default()
    };
    set_attributes(tree.as_fd(), depth, change, None)
        .doing(|| format!("set attributes of cgroup mount {directory:?}"))?;
    Ok(tree)
}
