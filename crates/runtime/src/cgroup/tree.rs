//! The directories of a container in the cgroup file systems: make, find, remove.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use oci_spec::runtime::LinuxResources;

use super::discover::Hierarchy;
use super::{CgroupPaths, Hierarchies, limits};
use crate::error::{Context, Error, Result};
use crate::systemd;
use crate::trace::Trace;

/// Makes the container's directory in every hierarchy. What may not be written is left out with a note.
pub(crate) fn create(
    hierarchies: &Hierarchies,
    relative: &Path,
    trace: &mut Trace,
) -> Result<CgroupPaths> {
    if relative
        .components()
        .any(|part| part == Component::ParentDir)
    {
        return Err(Error::InvalidSpec(format!(
            "cgroup path {relative:?} contains `..`"
        )));
    }
    let mut paths = CgroupPaths {
        controllers_on_v2: hierarchies.is_pure_v2(),
        relative: relative.to_owned(),
        ..CgroupPaths::default()
    };
    let mut refused = Vec::new();
    let all = hierarchies
        .v1
        .iter()
        .map(|(name, hierarchy)| (name.as_str(), hierarchy));
    for (name, hierarchy) in all.chain(hierarchies.unified.iter().map(|tree| ("", tree))) {
        let path = if relative.is_absolute() {
            relative.into()
        } else {
            hierarchy.own.join(relative)
        };
        let directory = hierarchy.directory(&path);
        match make(&hierarchy.mount, &directory, name) {
            Ok(()) if name.is_empty() => paths.unified = Some(directory),
            Ok(()) => drop(paths.v1.insert(name.to_owned(), directory)),
            Err(error) if is_refusal(&error) => {
                refused.push(if name.is_empty() { "unified" } else { name });
            }
            Err(error) => {
                let _ = destroy(&paths);
                return Err(Error::io(format!("make cgroup {directory:?}"), error));
            }
        }
    }
    if !refused.is_empty() {
        let text = format!(
            "{}: not delegated to this user, limits do not apply",
            refused.join(", ")
        );
        trace.note("cgroup", text);
    }
    Ok(paths)
}

/// The directories that exist at this path in the hierarchies, for one whose record was lost.
pub(crate) fn find(hierarchies: &Hierarchies, relative: &Path) -> CgroupPaths {
    let existing = |hierarchy: &Hierarchy| {
        let path = if relative.is_absolute() {
            relative.to_owned()
        } else {
            hierarchy.own.join(relative)
        };
        Some(hierarchy.directory(&path)).filter(|directory| directory.is_dir())
    };
    let v1 = hierarchies.v1.iter();
    CgroupPaths {
        v1: v1
            .filter_map(|(name, h)| Some((name.clone(), existing(h)?)))
            .collect(),
        unified: hierarchies.unified.as_ref().and_then(existing),
        controllers_on_v2: hierarchies.is_pure_v2(),
        relative: relative.to_owned(),
        scope: None,
    }
}

fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EACCES | libc::EPERM | libc::EROFS)
    )
}

fn make(mount: &Path, directory: &Path, controller: &str) -> io::Result<()> {
    // Usually the parent exists, and one mkdir is all.
    match fs::create_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let below = directory.strip_prefix(mount).unwrap_or(directory);
            let mut path = mount.to_owned();
            for part in below.components() {
                path.push(part);
                let made = match fs::create_dir(&path) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
                    other => other.map(|()| true)?,
                };
                if controller == "cpuset" {
                    inherit_cpuset(&path)?;
                }
                if controller == "cpuset" && made && path != directory {
                    // What is made in it later inherits without our reading and writing (cpuset(7)).
                    let _ = fs::write(path.join("cgroup.clone_children"), "1");
                }
            }
            return Ok(());
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => other?,
    }
    if controller == "cpuset" {
        inherit_cpuset(directory)
    } else {
        Ok(())
    }
}

/// A new v1 cpuset is empty, and no process may enter it before it has processors and memory nodes.
fn inherit_cpuset(directory: &Path) -> io::Result<()> {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let own = directory.join(file);
        if fs::read_to_string(&own)?.trim().is_empty()
            && let Some(parent) = directory.parent()
        {
            fs::write(&own, fs::read(parent.join(file))?)?;
        }
    }
    Ok(())
}

/// Applies the limits of the spec to fresh cgroups, device rules included.
pub(crate) fn apply(paths: &CgroupPaths, resources: &LinuxResources, trace: &mut Trace) {
    if let Some(directory) = paths.v2() {
        limits::enable_controllers(directory, resources, trace);
    }
    trace.notes.extend(limits::update(paths, resources));
    super::devices::apply(paths, resources, trace);
}

/// Applies the limits in a scope that systemd has delegated and set its own properties of: it handed the
/// controllers down, and what it has no property for is missing.
pub(crate) fn apply_in_scope(paths: &CgroupPaths, resources: &LinuxResources, trace: &mut Trace) {
    trace.notes.extend(limits::write_all(paths, resources));
    super::devices::apply(paths, resources, trace);
}

/// Removes the container's cgroups, subgroups first. Waits briefly for processes that are dying.
///
/// # Errors
/// EBUSY when processes remain.
pub fn destroy(paths: &CgroupPaths) -> Result<()> {
    if let Some(scope) = &paths.scope {
        // Without it systemd notices by itself that the scope is empty, only later.
        let _ = systemd::stop(scope);
    }
    let mut first = Ok(());
    for directory in paths.directories() {
        let removed = remove(directory).doing(|| format!("remove cgroup {directory:?}"));
        first = first.and(removed);
    }
    first
}

fn remove(directory: &Path) -> io::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(2);
    let mut pause = Duration::from_micros(200);
    loop {
        match fs::remove_dir(directory) {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                for child in subdirectories(directory) {
                    let _ = remove(&child);
                }
                if Instant::now() > deadline {
                    return Err(error);
                }
                thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(20));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => return other,
        }
    }
}

pub(super) fn subdirectories(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let directories = entries
        .flatten()
        .filter(|e| e.file_type().is_ok_and(|t| t.is_dir()));
    directories.map(|entry| entry.path()).collect()
}
