//! Make, enter, freeze, kill and remove the cgroups of a container.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use oci_spec::runtime::LinuxResources;

use super::discover::Hierarchy;
use super::{CgroupPaths, Hierarchies, limits};
use crate::error::{Context, Error, Result};
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
                match fs::create_dir(&path) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    other => other?,
                }
                if controller == "cpuset" {
                    inherit_cpuset(&path)?;
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

/// Open files through which a process enters the container's cgroups by itself.
///
/// Writing `0` to a v1 `tasks` file moves just the writing thread, and since Linux 5.18 that takes no
/// global lock: a write of a pid to `cgroup.procs` waits for an RCU grace period, 5 to 20 ms under load.
#[derive(Debug, Default)]
pub(crate) struct JoinFds {
    /// v1 `tasks` files, one for each hierarchy.
    pub(crate) tasks: Vec<(PathBuf, File)>,
    /// The v2 directory, for `CLONE_INTO_CGROUP`.
    pub(crate) unified: Option<OwnedFd>,
}

impl JoinFds {
    /// Opens them with the caller's rights, which count when the child writes.
    pub(crate) fn open(paths: &CgroupPaths) -> Result<Self> {
        let mut directories: Vec<_> = paths.v1.values().collect();
        directories.sort();
        directories.dedup();
        let mut tasks = Vec::with_capacity(directories.len());
        for directory in directories {
            let path = directory.join("tasks");
            let file = OpenOptions::new().write(true).open(&path);
            tasks.push((path.clone(), file.doing(|| format!("open {path:?}"))?));
        }
        let unified = match &paths.unified {
            Some(path) => Some(File::open(path).doing(|| format!("open {path:?}"))?.into()),
            None => None,
        };
        Ok(Self { tasks, unified })
    }

    /// The descriptors, to keep them open.
    pub(crate) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let tasks = self.tasks.iter().map(|(_, file)| file.as_fd());
        tasks.chain(self.unified.iter().map(AsFd::as_fd))
    }

    /// Moves the calling, single-threaded process into the v1 cgroups.
    pub(crate) fn enter_v1(&self) -> Result<()> {
        for (path, file) in &self.tasks {
            let mut file = file;
            file.write_all(b"0")
                .doing(|| format!("enter cgroup through {path:?}"))?;
        }
        Ok(())
    }
}

/// Stops every process of the container where it is.
///
/// # Errors
/// [`Error::Unsupported`] when the caller has neither a freezer nor a unified cgroup.
pub fn freeze(paths: &CgroupPaths) -> Result<()> {
    set_frozen(paths, true)
}

/// Lets the processes run on.
///
/// # Errors
/// As [`freeze`].
pub fn thaw(paths: &CgroupPaths) -> Result<()> {
    set_frozen(paths, false)
}

fn set_frozen(paths: &CgroupPaths, frozen: bool) -> Result<()> {
    let (file, value) = if let Some(directory) = paths.controller("freezer") {
        (
            directory.join("freezer.state"),
            if frozen { "FROZEN" } else { "THAWED" },
        )
    } else if let Some(directory) = &paths.unified {
        (
            directory.join("cgroup.freeze"),
            if frozen { "1" } else { "0" },
        )
    } else {
        return Err(Error::Unsupported(
            "pause without a cgroup of its own".to_owned(),
        ));
    };
    let deadline = Instant::now() + Duration::from_secs(2);
    loop {
        fs::write(&file, value).doing(|| format!("write `{value}` to {file:?}"))?;
        if is_frozen(paths)? == frozen {
            return Ok(());
        }
        if Instant::now() > deadline {
            // Half frozen is worse than running: processes would hang without a visible reason.
            let _ = fs::write(
                &file,
                if paths.v1.contains_key("freezer") {
                    "THAWED"
                } else {
                    "0"
                },
            );
            return Err(Error::io(
                format!("freeze through {file:?}"),
                io::ErrorKind::TimedOut,
            ));
        }
        // A v1 freezer wants the write repeated while tasks come and go.
        thread::sleep(Duration::from_micros(500));
    }
}

/// Tells whether all processes are frozen. Without a cgroup the answer is no.
///
/// # Errors
/// When the state cannot be read.
pub fn is_frozen(paths: &CgroupPaths) -> Result<bool> {
    let read = |path: PathBuf| match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        other => other.doing(|| format!("read {path:?}")),
    };
    if let Some(directory) = paths.controller("freezer") {
        return Ok(read(directory.join("freezer.state"))?.trim() == "FROZEN");
    }
    let Some(directory) = &paths.unified else {
        return Ok(false);
    };
    Ok(read(directory.join("cgroup.events"))?
        .lines()
        .any(|line| line == "frozen 1"))
}

/// Processes in the container's cgroups, as the caller's pid namespace numbers them.
///
/// # Errors
/// When the list cannot be read.
pub fn pids(paths: &CgroupPaths) -> Result<Vec<i32>> {
    let preferred = ["pids", "freezer", "memory"]
        .iter()
        .find_map(|name| paths.v1.get(*name));
    let Some(directory) = paths.v2().or(preferred).or(paths.v1.values().next()) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    collect_pids(directory, &mut found)?;
    Ok(found)
}

fn collect_pids(directory: &Path, found: &mut Vec<i32>) -> Result<()> {
    let path = directory.join("cgroup.procs");
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.doing(|| format!("read {path:?}"))?,
    };
    found.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()));
    for child in subdirectories(directory) {
        collect_pids(&child, found)?;
    }
    Ok(())
}

fn subdirectories(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let directories = entries
        .flatten()
        .filter(|e| e.file_type().is_ok_and(|t| t.is_dir()));
    directories.map(|entry| entry.path()).collect()
}

/// Kills every process of the container, also those that fork meanwhile.
///
/// # Errors
/// When neither `cgroup.kill` nor a list of processes can be had.
pub fn kill_all(paths: &CgroupPaths) -> Result<()> {
    if let Some(directory) = &paths.unified
        && fs::write(directory.join("cgroup.kill"), "1").is_ok()
        && paths.controllers_on_v2
    {
        return Ok(());
    }
    // On v1 a frozen group cannot fork while it is shot at; thaw it whatever happens.
    let frozen = paths.v1.contains_key("freezer") && freeze(paths).is_ok();
    let result = pids(paths).map(|found| {
        for pid in found.into_iter().filter(|pid| *pid > 0) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    });
    if frozen {
        thaw(paths).and(result)
    } else {
        result
    }
}

/// Removes the container's cgroups, subgroups first. Waits briefly for processes that are dying.
///
/// # Errors
/// EBUSY when processes remain.
pub fn destroy(paths: &CgroupPaths) -> Result<()> {
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
