//! Which processes are in a container.

use std::fs;

use crate::cgroup::{self, CgroupPaths};
use crate::error::Result;

/// Processes of the container, as the caller's pid namespace numbers them, init among them.
///
/// Its cgroup tells; a rootless container without one is known by its pid namespace. Then processes that
/// made a pid namespace of their own below it are missing.
///
/// # Errors
/// When the cgroup's list cannot be read.
pub fn processes(cgroup: &CgroupPaths, init_pid: i32) -> Result<Vec<i32>> {
    if !cgroup.directories().is_empty() {
        return cgroup::pids(cgroup);
    }
    let namespace = |pid: i32| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let Some(container) = namespace(init_pid) else {
        return Ok(Vec::new());
    };
    if namespace(i32::try_from(std::process::id()).unwrap_or(0)).as_ref() == Some(&container) {
        // It shares ours, so that all of the host would look like its own.
        return Ok(vec![init_pid]);
    }
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    Ok(numbers
        .filter(|pid| namespace(*pid).as_ref() == Some(&container))
        .collect())
}
