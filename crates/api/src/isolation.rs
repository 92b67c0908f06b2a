//! How a running container is kept apart: what the kernel says, read anew for every question.
//!
//! What could not be read is absent, never guessed.

use crate::Protocol;

wire! {
    /// The live facts of one running container.
    pub struct Isolation {
        /// When they were read.
        pub at_ms: u64,
        /// Namespaces of the host, then of this container, then of the others that run.
        pub views: Vec<NamespaceView>,
        /// All its processes, its main process first.
        pub processes: Vec<IsolatedProcess>,
        /// Capabilities of its main process.
        pub capabilities: Option<CapabilitySets>,
        /// What its main process can no longer do.
        pub confinement: Confinement,
        /// What it sees mounted, in the order of the mounts.
        pub mounts: Vec<MountFact>,
        /// Its cgroup.
        pub cgroup: CgroupFacts,
        /// Where programs in its network namespace wait for connections.
        pub sockets: Vec<ListeningSocket>,
        /// User ids of its user namespace.
        pub uid_map: Vec<IdMapping>,
        /// Group ids of its user namespace.
        pub gid_map: Vec<IdMapping>,
    }

    /// The namespaces of one column of the matrix.
    #[derive(Eq)]
    pub struct NamespaceView {
        /// The container; absent for the host.
        pub container: Option<String>,
        /// Its name, or the host's.
        pub name: String,
        /// The process whose namespaces they are.
        pub pid: u32,
        /// Its program.
        pub command: String,
        /// One row each, always in the same order.
        pub namespaces: Vec<NamespaceFact>,
    }

    /// One namespace of a process.
    #[derive(Eq)]
    pub struct NamespaceFact {
        /// Its kind.
        pub kind: NamespaceKind,
        /// Its inode: equal means the same. Absent where it must not be read.
        pub inode: Option<u64>,
    }

    /// The kinds of namespaces(7).
    #[derive(Copy, Eq, Hash)]
    pub enum NamespaceKind {
        /// File tree.
        Mnt,
        /// Process ids.
        Pid,
        /// Interfaces, addresses, ports.
        Net,
        /// System V and POSIX message queues, shared memory.
        Ipc,
        /// Host name.
        Uts,
        /// View of cgroups.
        Cgroup,
        /// User and group ids.
        User,
        /// Boot and monotonic clocks.
        Time,
    }

    /// One process of the container.
    #[derive(Eq)]
    pub struct IsolatedProcess {
        /// Process id on the host.
        pub pid: u32,
        /// Process id inside.
        pub inside_pid: u32,
        /// Host process id of its parent.
        pub parent_pid: u32,
        /// Its parent stands outside of the container.
        pub parent_outside: bool,
        /// Real user id on the host.
        pub uid: u32,
        /// That user as the container calls it; absent when it has no name for it.
        pub inside_uid: Option<u32>,
        /// The letter of `/proc/PID/stat`: R, S, D, T, Z …
        pub state: String,
        /// Threads.
        pub threads: u32,
        /// Program and arguments.
        pub command: String,
        /// What it does with signals.
        pub signals: SignalSets,
        /// Namespaces in which it differs from the main process.
        pub apart: Vec<NamespaceFact>,
    }

    /// Signal numbers of `/proc/PID/status`.
    #[derive(Default, Eq)]
    pub struct SignalSets {
        /// It has a function for them.
        pub caught: Vec<u8>,
        /// It drops them.
        pub ignored: Vec<u8>,
        /// They wait until it allows them.
        pub blocked: Vec<u8>,
        /// They wait now.
        pub pending: Vec<u8>,
    }

    /// The five sets of capabilities(7), by name without `CAP_`.
    #[derive(Eq)]
    pub struct CapabilitySets {
        /// What the kernel checks.
        pub effective: Vec<String>,
        /// What may become effective.
        pub permitted: Vec<String>,
        /// What an executed file may pick up.
        pub inheritable: Vec<String>,
        /// What no execve can go beyond.
        pub bounding: Vec<String>,
        /// What stays across execve without privileged files.
        pub ambient: Vec<String>,
        /// All that this kernel knows.
        pub known: Vec<String>,
    }

    /// What a process gave up for good.
    #[derive(Eq)]
    pub struct Confinement {
        /// execve never gives it more rights.
        pub no_new_privileges: Option<bool>,
        /// Its system call filter.
        pub seccomp: SeccompFacts,
        /// Paths of the spec that are hidden now, with the mount that hides them.
        pub masked_paths: Vec<String>,
        /// Paths of the spec that are read-only now.
        pub readonly_paths: Vec<String>,
        /// Paths of the spec for which no mount was found; most are not there at all.
        pub open_paths: Vec<String>,
    }

    /// A system call filter: whether there is one says the kernel, what it holds says the spec.
    #[derive(Eq)]
    pub struct SeccompFacts {
        /// `disabled`, `strict` or `filter`, as the kernel says.
        pub mode: Option<String>,
        /// Filters that are stacked.
        pub filters: Option<u32>,
        /// What a call meets that no rule names, e.g. `SCMP_ACT_ERRNO`.
        pub default_action: Option<String>,
        /// System calls that are always allowed.
        pub allowed: u32,
        /// System calls that depend on their arguments.
        pub conditional: Vec<String>,
        /// System calls of this machine that are refused, by name.
        pub refused: Vec<String>,
    }

    /// One line of `/proc/PID/mountinfo`.
    #[derive(Eq)]
    pub struct MountFact {
        /// Where, as the container sees it.
        pub target: String,
        /// What it is for.
        pub origin: MountOrigin,
        /// Type of the file system.
        pub filesystem: String,
        /// Device, or path within the file system that is shown here.
        pub source: String,
        /// Options of this mount.
        pub options: String,
        /// It cannot be written.
        pub read_only: bool,
        /// Folders of the layers, topmost first; of an overlay only.
        pub layers: Vec<String>,
        /// Folder that takes the writes; of an overlay only.
        pub writable_layer: Option<String>,
    }

    /// Where a mount comes from.
    #[derive(Copy, Eq)]
    pub enum MountOrigin {
        /// The image's layers and the writable one.
        Root,
        /// A volume of the engine.
        Volume,
        /// A path of the host that the user named.
        Bind,
        /// Memory that the user asked for.
        Memory,
        /// A file that the engine wrote: hosts, resolv.conf, hostname.
        Generated,
        /// A file system of the kernel.
        Kernel,
        /// Hides what is below.
        Mask,
        /// Shows the same once more, read-only.
        ReadOnly,
        /// A device of the host.
        Device,
        /// Something else.
        Other,
    }

    /// The cgroup of the main process.
    #[derive(Eq)]
    pub struct CgroupFacts {
        /// `v1` or `v2`; absent when it has none of its own.
        pub version: Option<String>,
        /// The files that are there, with their values.
        pub files: Vec<CgroupFile>,
        /// The limits that can be moved now.
        pub limits: Vec<LimitFact>,
        /// What the limits did since the start.
        pub events: LimitEvents,
    }

    /// A file of the kernel.
    #[derive(Eq)]
    pub struct CgroupFile {
        /// Its name; one of [`CGROUP_FILES`].
        pub name: String,
        /// Its path on the host.
        pub path: String,
        /// What it says, shortened when it is long.
        pub value: String,
    }

    /// A limit that can be changed while the container runs.
    #[derive(Copy, Eq, Hash)]
    pub enum LimitKind {
        /// Memory in bytes.
        Memory,
        /// CPU in billionths of a core; its use is CPU time in microseconds.
        Cpu,
        /// Processes and threads.
        Pids,
    }

    /// One limit: the number, and the file that holds it.
    #[derive(Eq)]
    pub struct LimitFact {
        /// Which one.
        pub kind: LimitKind,
        /// The kernel's file.
        pub file: String,
        /// What it says.
        pub raw: String,
        /// The limit; absent when there is none.
        pub limit: Option<u64>,
        /// The use now; for the CPU, the time used so far.
        pub used: Option<u64>,
        /// The most that this machine can give.
        pub machine: u64,
    }

    /// Counters of what limits did; absent where this kernel does not count.
    #[derive(Default, Eq)]
    pub struct LimitEvents {
        /// Periods in which the CPU limit stopped it.
        pub throttled_periods: Option<u64>,
        /// Time for which it was stopped.
        pub throttled_usec: Option<u64>,
        /// Times the memory limit was met.
        pub memory_limit_hits: Option<u64>,
        /// Processes killed for memory.
        pub oom_kills: Option<u64>,
        /// Times a new process was refused.
        pub refused_forks: Option<u64>,
    }

    /// A socket that waits.
    #[derive(Eq)]
    pub struct ListeningSocket {
        /// Its protocol.
        pub protocol: Protocol,
        /// Its address, as the container sees it.
        pub address: String,
        /// Its port.
        pub port: u16,
        /// Host process ids of the container's processes that hold it.
        pub pids: Vec<u32>,
    }

    /// A range of a user namespace's map.
    #[derive(Eq)]
    pub struct IdMapping {
        /// First id inside.
        pub inside: u32,
        /// First id on the host.
        pub outside: u32,
        /// How many.
        pub count: u32,
    }
}

/// The cgroup files that are shown, of both versions. The window has a sentence for each.
pub const CGROUP_FILES: &[&str] = &[
    // Version 2.
    "memory.current",
    "memory.max",
    "memory.peak",
    "memory.low",
    "memory.swap.current",
    "memory.swap.max",
    "memory.events",
    "memory.pressure",
    "cpu.max",
    "cpu.weight",
    "cpu.stat",
    "cpu.pressure",
    "cpuset.cpus.effective",
    "io.stat",
    "io.max",
    "io.pressure",
    "pids.current",
    "pids.max",
    "pids.events",
    "cgroup.events",
    "cgroup.freeze",
    // Version 1.
    "memory.usage_in_bytes",
    "memory.limit_in_bytes",
    "memory.max_usage_in_bytes",
    "memory.soft_limit_in_bytes",
    "memory.memsw.limit_in_bytes",
    "memory.failcnt",
    "memory.oom_control",
    "cpu.cfs_quota_us",
    "cpu.cfs_period_us",
    "cpu.shares",
    "cpuacct.usage",
    "cpuset.cpus",
    "blkio.throttle.io_service_bytes",
    "devices.list",
    "freezer.state",
];
