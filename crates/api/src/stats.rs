//! What containers use, from the cgroup's own files.

wire! {
    /// The use of one container at one time, as rates over the step before.
    #[derive(Copy)]
    pub struct Sample {
        /// When it was taken.
        pub at_ms: u64,
        /// Percent of one core; 200 is two cores.
        pub cpu_percent: f32,
        /// Percent of the enforcement periods in which the CPU limit stopped it.
        pub throttled_percent: f32,
        /// Memory that counts against the limit, without reclaimable page cache.
        pub memory_bytes: u64,
        /// Page cache within the cgroup.
        pub cache_bytes: u64,
        /// The memory limit; absent when there is none.
        pub memory_limit_bytes: Option<u64>,
        /// Read from block devices.
        pub block_read_bytes_per_s: f32,
        /// Written to block devices.
        pub block_write_bytes_per_s: f32,
        /// Received by the container's interfaces.
        pub net_in_bytes_per_s: f32,
        /// Sent by the container's interfaces.
        pub net_out_bytes_per_s: f32,
        /// Processes and threads.
        pub pids: u32,
        /// Their limit; absent when there is none.
        pub pids_limit: Option<u32>,
        /// Processes killed for memory since the start.
        pub oom_kills: u32,
    }

    /// Raw counters of one container, for faces that compute on their own.
    #[derive(Default)]
    pub struct Counters {
        /// When they were read, in nanoseconds since the Unix epoch.
        pub at_ns: u64,
        /// CPU time used.
        pub cpu_usec: u64,
        /// CPU time in user mode.
        pub cpu_user_usec: u64,
        /// CPU time in kernel mode.
        pub cpu_system_usec: u64,
        /// CPU time of the whole machine, busy and idle, since boot.
        pub host_cpu_usec: u64,
        /// Cores that can be used.
        pub online_cpus: u32,
        /// Enforcement periods that passed.
        pub periods: u64,
        /// Enforcement periods in which it was stopped.
        pub throttled_periods: u64,
        /// Time for which it was stopped.
        pub throttled_usec: u64,
        /// Memory in use, with page cache.
        pub memory_bytes: u64,
        /// Page cache.
        pub cache_bytes: u64,
        /// Page cache that is not in active use; `docker stats` subtracts it.
        pub inactive_file_bytes: u64,
        /// The limit, or the machine's memory.
        pub memory_limit_bytes: u64,
        /// Highest use so far.
        pub memory_peak_bytes: u64,
        /// Times the limit was hit.
        pub memory_failures: u64,
        /// Processes killed for memory.
        pub oom_kills: u64,
        /// Read from block devices.
        pub block_read_bytes: u64,
        /// Written to block devices.
        pub block_write_bytes: u64,
        /// Processes and threads.
        pub pids: u64,
        /// Their limit, or none.
        pub pids_limit: Option<u64>,
        /// Traffic by interface.
        pub interfaces: Vec<InterfaceCounters>,
    }

    /// Traffic of one interface, seen from inside.
    #[derive(Default)]
    pub struct InterfaceCounters {
        /// Its name inside, e.g. `eth0`.
        pub name: String,
        /// Bytes received.
        pub rx_bytes: u64,
        /// Packets received.
        pub rx_packets: u64,
        /// Bytes sent.
        pub tx_bytes: u64,
        /// Packets sent.
        pub tx_packets: u64,
    }

    /// Which part of a container's history.
    #[derive(Eq)]
    pub struct StatsQuery {
        /// Container id or name.
        pub container: String,
        /// How far back from now.
        pub range_s: u32,
        /// At most so many points; the engine thins them out.
        pub points: u32,
    }

    /// A container's history, oldest first.
    pub struct StatsHistory {
        /// The samples.
        pub samples: Vec<Sample>,
        /// What the figures were read from: file and last value.
        pub sources: Vec<StatsSource>,
        /// Throttling, memory kills and refused forks in this range.
        pub incidents: Vec<Incident>,
    }

    /// A file that a figure comes from.
    #[derive(Eq)]
    pub struct StatsSource {
        /// The kernel's file.
        pub file: String,
        /// The key within it, if it has several.
        pub key: Option<String>,
        /// The last value read.
        pub value: u64,
    }

    /// Something that a limit did.
    #[derive(Eq)]
    pub struct Incident {
        /// When it began.
        pub at_ms: u64,
        /// For how long.
        pub duration_ms: u64,
        /// Which limit.
        pub kind: IncidentKind,
    }

    /// The kinds of [`Incident`].
    #[derive(Copy, Eq)]
    pub enum IncidentKind {
        /// The CPU limit stopped it.
        Throttled,
        /// The kernel killed a process for memory.
        OomKill,
    }

    /// Asks for a tick a second about some containers.
    #[derive(Eq)]
    pub struct WatchStats {
        /// Container ids; empty means all that run.
        pub containers: Vec<String>,
    }

    /// One second of all watched containers.
    pub struct StatsTick {
        /// One row a container.
        pub rows: Vec<StatsRow>,
        /// The whole machine and the engine.
        pub host: HostSample,
    }

    /// One container's sample.
    pub struct StatsRow {
        /// Container id.
        pub container: String,
        /// Its sample.
        pub sample: Sample,
    }

    /// The machine's and the engine's use.
    #[derive(Copy)]
    pub struct HostSample {
        /// Percent of one core, all containers together.
        pub containers_cpu_percent: f32,
        /// Memory of all containers.
        pub containers_memory_bytes: u64,
        /// Percent of one core, the engine's own process.
        pub engine_cpu_percent: f32,
        /// Resident memory of the engine's own process.
        pub engine_memory_bytes: u64,
    }
}
