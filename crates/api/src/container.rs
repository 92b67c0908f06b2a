//! Containers: how they are asked for, listed and shown.

use std::collections::BTreeMap;

use crate::{Attachment, Endpoint, Health, HealthCheck, HealthStatus, Mount, Note, Step};

wire! {
    /// Names a container by id, unique id prefix, or name.
    #[derive(Eq)]
    pub struct ContainerName {
        /// Id, prefix or name.
        pub container: String,
    }

    /// The state of a container's main process.
    #[derive(Copy, Eq, Hash)]
    pub enum ContainerStatus {
        /// Its record is being written.
        Creating,
        /// It never ran, or its init waits.
        Created,
        /// It runs.
        Running,
        /// It is frozen.
        Paused,
        /// It ended, and its policy will start it again after a pause.
        Restarting,
        /// It ended.
        Stopped,
    }

    /// One row of the list of containers.
    pub struct ContainerSummary {
        /// 64 hexadecimal digits.
        pub id: String,
        /// Unique name.
        pub name: String,
        /// The image as the user wrote it.
        pub image: String,
        /// The image's id.
        pub image_id: String,
        /// Program and arguments.
        pub command: Vec<String>,
        /// How it stands.
        pub status: ContainerStatus,
        /// When it was created.
        pub created_at_ms: u64,
        /// When it last started.
        pub started_at_ms: Option<u64>,
        /// How and when it last ended.
        pub exit: Option<Exit>,
        /// What its health checks say while it runs; absent without one.
        pub health: Option<HealthStatus>,
        /// Host process id of its main process.
        pub pid: Option<u32>,
        /// Published ports, as bound.
        pub ports: Vec<PortBinding>,
        /// Its network mode.
        pub network: NetworkMode,
        /// Its address on its first network.
        pub address: Option<String>,
        /// Its places on networks; without addresses while it does not run.
        pub networks: Vec<Attachment>,
        /// What it may use.
        pub limits: Limits,
        /// User's labels.
        pub labels: BTreeMap<String, String>,
        /// It is on a terminal.
        pub terminal: bool,
        /// It is removed when it ends.
        pub auto_remove: bool,
        /// Where its mounts come from, for lists and filters.
        pub mounts: Vec<Mount>,
    }

    /// How a main process ended.
    #[derive(Eq)]
    pub struct Exit {
        /// Exit code; 128 + n after signal n.
        pub code: i32,
        /// The kernel killed it for memory.
        pub oom_killed: bool,
        /// When.
        pub at_ms: u64,
        /// Why it could not start, if so.
        pub error: Option<String>,
    }

    /// Everything about one container.
    pub struct ContainerDetail {
        /// Its row in the list.
        pub summary: ContainerSummary,
        /// What was asked for.
        pub request: CreateContainer,
        /// The environment its process got.
        pub env: Vec<String>,
        /// The program.
        pub path: String,
        /// Its arguments.
        pub args: Vec<String>,
        /// Where it starts.
        pub working_dir: String,
        /// As whom, `user[:group]`.
        pub user: String,
        /// Its host name.
        pub hostname: String,
        /// How often it was restarted by policy.
        pub restart_count: u32,
        /// Its health check, the image's settings filled in.
        pub health_check: Option<HealthCheck>,
        /// The health of its last run; absent without a check.
        pub health: Option<Health>,
        /// The last start, step by step.
        pub timeline: Vec<Step>,
        /// What was weakened for it and why.
        pub notes: Vec<Note>,
        /// The OCI `config.json` of its last start.
        pub spec: Option<String>,
        /// Chain ID of the image's top layer.
        pub chain_id: String,
        /// Folder of its writable layer.
        pub upper_dir: String,
        /// Its log file.
        pub log_path: String,
        /// Its cgroup, relative to the hierarchy's root.
        pub cgroup: Option<String>,
        /// Digest of the image's manifest.
        pub manifest_digest: Option<String>,
    }

    /// Bytes of one container; walked on demand.
    #[derive(Copy, Eq)]
    pub struct ContainerSize {
        /// Of its writable layer.
        pub writable_bytes: u64,
        /// Of the image below, shared with other containers.
        pub image_bytes: u64,
    }

    /// A new container.
    #[derive(Default, Eq)]
    #[serde(default)]
    pub struct CreateContainer {
        /// A name; chosen by the engine when absent.
        pub name: Option<String>,
        /// Image reference, id or unique id prefix.
        pub image: String,
        /// Replaces the image's command.
        pub command: Option<Vec<String>>,
        /// Replaces the image's entrypoint; an empty list clears it.
        pub entrypoint: Option<Vec<String>>,
        /// `NAME=value`, over the image's.
        pub env: Vec<String>,
        /// Replaces the image's working directory.
        pub working_dir: Option<String>,
        /// Replaces the image's user: `user[:group]`.
        pub user: Option<String>,
        /// Additional groups, by name or number.
        pub groups: Vec<String>,
        /// Its host name; the short id when absent.
        pub hostname: Option<String>,
        /// Its domain name.
        pub domainname: Option<String>,
        /// Runs on a terminal.
        pub terminal: bool,
        /// Keeps standard input open.
        pub open_stdin: bool,
        /// Closes standard input when the first client leaves.
        pub stdin_once: bool,
        /// Its mounts.
        pub mounts: Vec<Mount>,
        /// Containers whose mounts it takes over: `name[:ro|rw]`.
        pub volumes_from: Vec<String>,
        /// Ports to publish.
        pub ports: Vec<PortRequest>,
        /// Ports it is said to listen on, `80/tcp`.
        pub exposed_ports: Vec<String>,
        /// Its network.
        pub network: NetworkMode,
        /// More about its place there, and more networks.
        pub endpoints: Vec<Endpoint>,
        /// DNS servers in place of the host's.
        pub dns: Vec<String>,
        /// DNS search domains.
        pub dns_search: Vec<String>,
        /// DNS resolver options.
        pub dns_options: Vec<String>,
        /// `name:address` lines for `/etc/hosts`.
        pub extra_hosts: Vec<String>,
        /// What it may use.
        pub limits: Limits,
        /// When it is started again.
        pub restart: RestartPolicy,
        /// Removed when it ends.
        pub auto_remove: bool,
        /// User's labels.
        pub labels: BTreeMap<String, String>,
        /// Root file system is read-only.
        pub read_only: bool,
        /// A reaping PID 1 stands before the command.
        pub init: bool,
        /// All capabilities and devices that the host has.
        pub privileged: bool,
        /// Capabilities to add.
        pub cap_add: Vec<String>,
        /// Capabilities to drop.
        pub cap_drop: Vec<String>,
        /// `seccomp=unconfined`, `seccomp={json}`, `no-new-privileges`.
        pub security_options: Vec<String>,
        /// Host devices, `/dev/x[:/dev/y[:rwm]]`.
        pub devices: Vec<String>,
        /// More that the device controller allows, `c 7:* rwm`.
        pub device_rules: Vec<String>,
        /// Kernel parameters of its namespaces.
        pub sysctls: BTreeMap<String, String>,
        /// Resource limits of its processes.
        pub ulimits: Vec<Ulimit>,
        /// `host` or `container:ID` in place of an own pid namespace.
        pub pid_mode: Option<String>,
        /// `host`, `shareable` or `container:ID` in place of an own ipc namespace.
        pub ipc_mode: Option<String>,
        /// `host` in place of an own uts namespace.
        pub uts_mode: Option<String>,
        /// Size of `/dev/shm`.
        pub shm_bytes: Option<u64>,
        /// Adjusts the kernel's choice in low memory.
        pub oom_score_adj: Option<i32>,
        /// Signal that asks it to stop, e.g. `SIGTERM`.
        pub stop_signal: Option<String>,
        /// Grace before it is killed.
        pub stop_timeout_s: Option<u32>,
        /// How it is found out whether it is well; the image's check when absent.
        pub health_check: Option<HealthCheck>,
        /// Log rotation.
        pub log: LogOptions,
        /// Platform of the image, e.g. `linux/arm64`.
        pub platform: Option<String>,
        /// Size of the terminal at first: rows and columns.
        pub console_size: Option<(u16, u16)>,
    }

    /// Log rotation.
    #[derive(Default, Eq)]
    #[serde(default)]
    pub struct LogOptions {
        /// Nothing is kept.
        pub off: bool,
        /// A file is rotated at this size.
        pub max_bytes: Option<u64>,
        /// So many files are kept.
        pub max_files: Option<u32>,
        /// Rotated files are compressed.
        pub compress: bool,
    }

    /// One resource limit of `setrlimit(2)`.
    #[derive(Eq)]
    pub struct Ulimit {
        /// Its name in lower case, e.g. `nofile`.
        pub name: String,
        /// Soft limit; -1 is unlimited.
        pub soft: i64,
        /// Hard limit; -1 is unlimited.
        pub hard: i64,
    }

    /// A port to publish.
    #[derive(Eq)]
    pub struct PortRequest {
        /// Port inside.
        pub container_port: u16,
        /// Port on the host; chosen by the kernel when 0.
        pub host_port: u16,
        /// Address on the host; all when absent.
        pub host_address: Option<String>,
        /// Its protocol.
        pub protocol: Protocol,
    }

    /// A port as it is really bound.
    #[derive(Eq)]
    pub struct PortBinding {
        /// Port inside.
        pub container_port: u16,
        /// Port on the host.
        pub host_port: u16,
        /// Address on the host.
        pub host_address: String,
        /// Its protocol.
        pub protocol: Protocol,
    }

    /// Transport protocols.
    #[derive(Copy, Eq, Hash, PartialOrd, Ord)]
    pub enum Protocol {
        /// Transmission Control Protocol.
        Tcp,
        /// User Datagram Protocol.
        Udp,
    }

    /// A container's network.
    #[derive(Default, Eq)]
    #[serde(tag = "type", rename_all_fields = "camelCase")]
    pub enum NetworkMode {
        /// The default bridge, or what stands in for it when rootless.
        #[default]
        Bridge,
        /// The host's own.
        Host,
        /// Only a loopback.
        None,
        /// Another container's.
        Container {
            /// Its id.
            id: String,
        },
        /// A network that a user made.
        Named {
            /// Its name.
            name: String,
        },
    }

    /// What a container may use; absent is unlimited.
    #[derive(Default, Eq)]
    #[serde(default)]
    pub struct Limits {
        /// Memory.
        pub memory_bytes: Option<u64>,
        /// Memory and swap together; -1 is unlimited swap.
        pub memory_swap_bytes: Option<i64>,
        /// Soft limit under memory pressure.
        pub memory_reservation_bytes: Option<u64>,
        /// CPU in billionths of a core, as `--cpus`.
        pub nano_cpus: Option<u64>,
        /// Relative weight, 1024 by default.
        pub cpu_shares: Option<u64>,
        /// CPU time per period.
        pub cpu_quota_usec: Option<i64>,
        /// The period.
        pub cpu_period_usec: Option<u64>,
        /// Cores it may run on, e.g. `0-1,3`.
        pub cpuset_cpus: Option<String>,
        /// Memory nodes it may use.
        pub cpuset_mems: Option<String>,
        /// Processes and threads.
        pub pids: Option<u64>,
        /// Relative block I/O weight, 10 to 1000.
        pub blkio_weight: Option<u16>,
    }

    /// When a container is started again.
    #[derive(Copy, Default, Eq)]
    #[serde(tag = "type", rename_all_fields = "camelCase")]
    pub enum RestartPolicy {
        /// Never.
        #[default]
        No,
        /// Whenever it ends, and when the host starts.
        Always,
        /// Like always, unless the user stopped it.
        UnlessStopped,
        /// When it ends with another code than 0.
        OnFailure {
            /// At most so often; 0 is without end.
            max_retries: u32,
        },
    }
}
