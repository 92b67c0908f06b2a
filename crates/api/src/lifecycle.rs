//! What is done to containers that are there.

use crate::{LimitKind, Limits, RestartPolicy};

wire! {
    /// Stops a container.
    #[derive(Eq)]
    pub struct StopContainer {
        /// Id, prefix or name.
        pub container: String,
        /// Grace before it is killed; the container's own when absent, -1 waits without end.
        pub timeout_s: Option<i32>,
        /// Signal in place of the container's own.
        pub signal: Option<String>,
    }

    /// Sends a signal.
    #[derive(Eq)]
    pub struct KillContainer {
        /// Id, prefix or name.
        pub container: String,
        /// Name or number; `SIGKILL` when absent.
        pub signal: Option<String>,
    }

    /// Removes a container.
    #[derive(Eq)]
    pub struct RemoveContainer {
        /// Id, prefix or name.
        pub container: String,
        /// Kills it first if it runs.
        pub force: bool,
        /// Its anonymous volumes go with it.
        pub volumes: bool,
    }

    /// Renames a container.
    #[derive(Eq)]
    pub struct RenameContainer {
        /// Id, prefix or name.
        pub container: String,
        /// The new name.
        pub name: String,
    }

    /// Changes limits of a container, running or not.
    #[derive(Eq)]
    pub struct UpdateContainer {
        /// Id, prefix or name.
        pub container: String,
        /// Absent fields stay as they are.
        pub limits: Limits,
        /// Limits that are taken away.
        #[serde(default)]
        pub lift: Vec<LimitKind>,
        /// A new restart policy.
        pub restart: Option<RestartPolicy>,
    }

    /// Waits for a container.
    #[derive(Eq)]
    pub struct WaitContainer {
        /// Id, prefix or name.
        pub container: String,
        /// For what.
        pub condition: WaitCondition,
    }

    /// What a wait waits for.
    #[derive(Copy, Default, Eq)]
    pub enum WaitCondition {
        /// That it does not run, now or later.
        #[default]
        NotRunning,
        /// The next end.
        NextExit,
        /// Its removal.
        Removed,
    }

    /// The processes of a container.
    #[derive(Eq)]
    pub struct ProcessList {
        /// Its processes, in the order of their ids.
        pub processes: Vec<Process>,
    }

    /// One process.
    #[derive(Eq)]
    pub struct Process {
        /// Process id on the host.
        pub pid: u32,
        /// Process id inside.
        pub inside_pid: u32,
        /// Host process id of its parent.
        pub parent_pid: u32,
        /// User id on the host.
        pub uid: u32,
        /// Resident memory.
        pub resident_bytes: u64,
        /// CPU time so far.
        pub cpu_usec: u64,
        /// When it started.
        pub started_at_ms: u64,
        /// Its controlling terminal, or `?`.
        pub tty: String,
        /// Program and arguments.
        pub command: String,
    }
}
