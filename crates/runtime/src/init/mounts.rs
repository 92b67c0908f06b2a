//! Carries out the mounts of the plan, each onto a descriptor inside the root.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::fcntl::AT_FDCWD;
use nix::sys::stat::fstat;
use terrarium_sys::mount::{
    AttrChange, Depth, FsContext, attach, attr, clone_tree, set_attributes,
};

use super::root::{Root, Target};
use super::rootfs::{is_directory, path_cstring};
use super::{Init, cgroup_view, copy_up};
use crate::error::{Context, Error, Result};
use crate::plan::{MountKind, MountPlan};
use crate::trace::Trace;

pub(super) fn mount_all(init: &mut Init<'_>, root: &Root) -> Result<()> {
    let label = init.plan.mount_label.as_deref();
    for (index, mount) in init.plan.mounts.iter().enumerate() {
        let start = init.trace.now();
        match &mount.kind {
            MountKind::Cgroup => {
                let cgroups = (&*init.cgroup, init.hierarchies);
                cgroup_view::mount(root, mount, cgroups, &mut init.trace)?;
            }
            MountKind::Bind { source, depth, .. } => {
                let tree = match init.shifted.take(index) {
                    Some(tree) => tree,
                    None => clone_source(source, *depth)?,
                };
                bind(root, mount, &tree, &mut init.trace)?;
            }
            MountKind::FileSystem { .. } => file_system(root, mount, label, &mut init.trace)?,
        }
        init.trace.end("mount", start, describe(mount));
    }
    Ok(())
}

fn describe(mount: &MountPlan) -> String {
    let destination = mount.destination.display();
    match &mount.kind {
        MountKind::Bind { source, .. } => format!("bind {} on {destination}", source.display()),
        MountKind::FileSystem { fstype, .. } => format!("{fstype} on {destination}"),
        MountKind::Cgroup => format!("cgroup on {destination}"),
    }
}

fn clone_source(source: &Path, depth: Depth) -> Result<OwnedFd> {
    clone_tree(AT_FDCWD, &path_cstring(source)?, depth)
        .doing(|| format!("bind {source:?}: clone the mount"))
}

fn bind(root: &Root, mount: &MountPlan, tree: &OwnedFd, trace: &mut Trace) -> Result<()> {
    let kind = if is_directory(tree)? {
        Target::Directory
    } else {
        Target::File
    };
    if matches!(mount.kind, MountKind::Bind { copy_up: true, .. }) && kind == Target::Directory {
        // Before the attributes: the mount may become read-only.
        copy_up::fill(root, &mount.destination, tree)?;
    }
    set_up_and_attach(root, mount, tree, kind, trace)
}

fn file_system(
    root: &Root,
    mount: &MountPlan,
    label: Option<&str>,
    trace: &mut Trace,
) -> Result<()> {
    let MountKind::FileSystem {
        fstype,
        source,
        options,
        copy_up,
    } = &mount.kind
    else {
        return Ok(());
    };
    let target = target(root, mount, Target::Directory)?;
    let mut options = options.clone();
    if fstype == "tmpfs" && !options.iter().any(|option| option.starts_with("mode=")) {
        // A tmpfs is born 1777; the image meant what it has there.
        let mode = fstat(&target)
            .doing(|| format!("stat {:?}", mount.destination))?
            .st_mode;
        options.push(format!("mode={:o}", mode & 0o7777));
    }
    // Those of the kernel label their files themselves.
    let label = label.filter(|_| !["proc", "sysfs", "mqueue"].contains(&fstype.as_str()));
    options.extend(label.map(|label| format!("context={label}")));
    let made = new_file_system(fstype, source.as_deref(), &options, mount.change.set);
    let tree = match made {
        Err(Error::Io { source, .. })
            if is_refused(&source) && ["sysfs", "proc"].contains(&fstype.as_str()) =>
        {
            return bind_host_instead(root, mount, fstype, trace);
        }
        other => other?,
    };
    if *copy_up {
        copy_up::copy(root, &mount.destination, &tree)?;
    }
    attach_tree(&tree, &target, mount)
}

fn is_refused(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EPERM)
}

/// A user namespace may mount these only for a network or pid namespace of its own; the host's view of
/// them shows the same as the shared namespace would.
fn bind_host_instead(
    root: &Root,
    mount: &MountPlan,
    fstype: &str,
    trace: &mut Trace,
) -> Result<()> {
    let source = if fstype == "proc" { "/proc" } else { "/sys" };
    let text = format!("the host's `{source}` is bound: its namespace is shared");
    trace.note(format!("mount {fstype}"), text);
    let tree = clone_source(Path::new(source), Depth::Recursive)?;
    bind(root, mount, &tree, trace)
}

/// Makes a detached mount of a new file system.
pub(super) fn new_file_system(
    fstype: &str,
    source: Option<&str>,
    options: &[String],
    attributes: u64,
) -> Result<OwnedFd> {
    let text = |value: &str| {
        CString::new(value).map_err(|_| Error::InvalidSpec(format!("{value:?} contains NUL")))
    };
    let op = |what: &str| format!("mount {fstype}: {what}");
    let context = FsContext::open(&text(fstype)?).doing(|| op("open the file system"))?;
    let source = text(source.unwrap_or(fstype))?;
    context
        .set_string(c"source", &source)
        .doing(|| op("set the source"))?;
    for option in options {
        let set = match option.split_once('=') {
            Some((key, value)) => context.set_string(&text(key)?, &text(value)?),
            None => context.set_flag(&text(option)?),
        };
        set.doing(|| op(&format!("set option `{option}`")))?;
    }
    context.mount(attributes).map_err(|error| {
        let log = context.log().filter(|log| !log.is_empty());
        Error::io(op(&log.unwrap_or_else(|| "create it".to_owned())), error)
    })
}

fn target(root: &Root, mount: &MountPlan, kind: Target) -> Result<OwnedFd> {
    let target = root.target(&mount.destination, kind);
    target.doing(|| format!("find mount target {:?} in the container", mount.destination))
}

fn set_up_and_attach(
    root: &Root,
    mount: &MountPlan,
    tree: &OwnedFd,
    kind: Target,
    trace: &mut Trace,
) -> Result<()> {
    change_attributes(mount, tree, Depth::One, mount.change, trace)?;
    attach_tree(tree, &target(root, mount, kind)?, mount)
}

fn change_attributes(
    mount: &MountPlan,
    tree: &OwnedFd,
    depth: Depth,
    change: AttrChange,
    trace: &mut Trace,
) -> Result<()> {
    if change == AttrChange::default() {
        return Ok(());
    }
    let op = || format!("set attributes of the mount on {:?}", mount.destination);
    match set_attributes(tree.as_fd(), depth, change, None) {
        // In a user namespace what the host has set is locked; keeping it is the safe side.
        Err(error) if is_refused(&error) && change.clear & !attr::ATIME_FIELD != 0 => {
            let text = "the host's stricter mount flags are locked and stay";
            trace.note(format!("mount {}", mount.destination.display()), text);
            let set = change.set & !attr::ATIME_FIELD;
            let change = AttrChange {
                set,
                ..AttrChange::default()
            };
            set_attributes(tree.as_fd(), depth, change, None).doing(op)
        }
        other => other.doing(op),
    }
}

/// Attaches, then sets what may only be set on an attached mount or on the whole tree.
fn attach_tree(tree: &OwnedFd, target: &OwnedFd, mount: &MountPlan) -> Result<()> {
    let op = || format!("attach the mount to {:?}", mount.destination);
    if mount.recursive != AttrChange::default() {
        set_attributes(tree.as_fd(), Depth::Recursive, mount.recursive, None).doing(|| {
            format!(
                "set recursive attributes of the mount on {:?}",
                mount.destination
            )
        })?;
    }
    attach(tree.as_fd(), target.as_fd()).doing(op)?;
    for (propagation, depth) in &mount.propagation {
        let change = AttrChange {
            propagation: *propagation,
            ..AttrChange::default()
        };
        set_attributes(tree.as_fd(), *depth, change, None)
            .doing(|| format!("set propagation of the mount on {:?}", mount.destination))?;
    }
    Ok(())
}
