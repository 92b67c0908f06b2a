//! The files that a bundle holds for, and by, a shim.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CgroupPaths, Failure};

/// Names of the files in a bundle.
pub mod file {
    /// [`ShimConfig`](super::ShimConfig).
    pub const CONFIG: &str = "shim.json";
    /// Locked (`flock`, exclusive) while the shim lives: who gets the lock knows that it is dead.
    pub const LOCK: &str = "shim.lock";
    /// Where the shim listens.
    pub const SOCKET: &str = "shim.sock";
    /// [`ShimState`](super::ShimState).
    pub const STATE: &str = "state.json";
    /// [`ExitStatus`](super::ExitStatus) of init.
    pub const EXIT: &str = "exit.json";
}

/// `shim.json`: what a shim must know beyond the OCI spec.
///
/// Terminal and its first size are the spec's (`process.terminal`, `process.consoleSize`), and so
/// is the control group (`linux.cgroupsPath`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShimConfig {
    /// The id of the container.
    pub id: String,
    /// The root file system; without it the spec's `root.path`.
    #[serde(default)]
    pub rootfs: Option<RootfsConfig>,
    /// Whether an init of the runtime's stands before the program: it forwards signals, reaps orphans.
    #[serde(default)]
    pub init: bool,
    /// Standard input of init.
    #[serde(default)]
    pub stdin: StdinMode,
    /// Where output is kept; without it, only attached clients see it.
    #[serde(default)]
    pub log: Option<LogConfig>,
}

/// A root file system that init mounts in its own mount namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RootfsConfig {
    /// An overlay of layers.
    Overlay {
        /// Top layer first.
        lowerdirs: Vec<PathBuf>,
        /// Takes the changes.
        upperdir: PathBuf,
        /// On the file system of `upperdir`, empty, the kernel's.
        workdir: PathBuf,
        /// Whether overlay's attributes live in `user.*`, as a user namespace needs.
        #[serde(default)]
        userxattr: bool,
    },
}

/// What a process reads as its standard input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StdinMode {
    /// Nothing: `/dev/null` (Docker's `OpenStdin: false`). A terminal still takes input.
    #[default]
    Null,
    /// A pipe that stays open until [`Call::CloseStdin`] (`OpenStdin`).
    Open,
    /// A pipe that closes with the input of the first client that attached to it (`StdinOnce`).
    Once,
}

/// The log: Docker's json-file format, one object a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogConfig {
    /// The current file, absolute; older ones are `path.1` (the newest), `path.2`, …
    pub path: PathBuf,
    /// The current file is rotated when it would grow beyond this.
    #[serde(default)]
    pub max_size_bytes: Option<u64>,
    /// How many files there may be, the current one included; 0 is taken as 1.
    #[serde(default)]
    pub max_files: u32,
    /// Whether rotated files are gzipped (`path.1.gz`).
    #[serde(default)]
    pub compress: bool,
    /// What each line repeats under `attrs` (labels, environment, tag).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attrs: BTreeMap<String, String>,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitStatus {
    /// The exit code; 128 + signal for a killed process; 127, 126 or 128 for one whose program could
    /// not be executed.
    pub code: i32,
    /// The signal that ended it.
    #[serde(default)]
    pub signal: Option<i32>,
    /// Whether the kernel killed a process of the container for want of memory.
    #[serde(default)]
    pub oom_killed: bool,
    /// None if its program never ran.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When it was reaped.
    pub exited_at: Timestamp,
    /// Lines of output that could not be logged.
    #[serde(default)]
    pub lost_log_lines: u64,
    /// Why the program could not be started.
    #[serde(default)]
    pub error: Option<Failure>,
}

/// `state.json`: enough to tell, without the shim, what became of the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShimState {
    /// [`PROTOCOL_VERSION`] of the shim.
    pub protocol: u32,
    /// Of the container.
    pub id: String,
    /// At the time of writing.
    pub status: Status,
    /// The shim itself.
    pub shim: ProcessId,
    /// The first process; stays when it has exited.
    pub init: Option<ProcessId>,
    /// Where the container's resources are accounted; empty if nowhere.
    #[serde(default)]
    pub cgroup: CgroupPaths,
    /// When init was set up.
    pub created_at: Option<Timestamp>,
    /// When its program began to run.
    pub started_at: Option<Timestamp>,
    /// Set once init has exited.
    pub exit: Option<ExitStatus>,
}

/// Where in its life a container is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Init is being set up.
    Creating,
    /// Init waits for the start.
    Created,
    /// Its program runs.
    Running,
    /// It is frozen.
    Paused,
    /// Init has exited.
    Stopped,
}

/// A process, named so that a later process with the same number is not taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// In the shim's pid namespace.
    pub pid: i32,
    /// Field 22 of `/proc/PID/stat`: clock ticks from boot to the start of the process.
    pub start_ticks: u64,
}

impl ProcessId {
    /// Names a process that has not been reaped.
    pub(crate) fn of(pid: i32) -> Self {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        Self {
            pid,
            start_ticks: start_ticks(&stat).unwrap_or(0),
        }
    }
}

fn start_ticks(stat: &str) -> Option<u64> {
    // The second field is the program's name, which may contain anything, `)` and blanks too.
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_time_is_found_behind_any_name() {
        let rest = "S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3";
        for name in ["sh", "a b", ") S 1", "((("] {
            assert_eq!(
                start_ticks(&format!("7 ({name}) {rest}")),
                Some(987_654),
                "of {name:?}"
            );
        }
        assert_eq!(start_ticks(""), None);
    }
}
