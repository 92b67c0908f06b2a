//! The processes of a container: freeze, list, kill.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::CgroupPaths;
use super::tree::subdirectories;
use crate::error::{Context, Error, Result};

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
