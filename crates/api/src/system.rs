//! The machine, the engine, and the user's settings.

use crate::Advice;

wire! {
    /// The machine and the engine.
    #[derive(Eq)]
    pub struct SystemInfo {
        /// Version of the engine.
        pub version: String,
        /// With which rights it runs.
        pub privilege: Privilege,
        /// Where images, containers and volumes lie.
        pub data_root: String,
        /// Where sockets and bundles of running containers lie.
        pub run_root: String,
        /// The Docker API socket.
        pub socket: String,
        /// The host's name.
        pub hostname: String,
        /// Kernel release.
        pub kernel: String,
        /// Name of the distribution.
        pub operating_system: String,
        /// CPU architecture in Go's words, e.g. `amd64`.
        pub architecture: String,
        /// Usable cores.
        pub cpus: u32,
        /// Memory of the machine.
        pub memory_bytes: u64,
        /// `v2`, `v1` or `hybrid`.
        pub cgroup: String,
        /// How long the engine took from its start until it was usable.
        pub ready_usec: u64,
        /// What the engine needs from the machine, each checked.
        pub checks: Vec<Check>,
        /// Mirrors of docker.io.
        pub registry_mirrors: Vec<String>,
        /// Registries that may be used without TLS.
        pub insecure_registries: Vec<String>,
        /// Things that the user should know, e.g. a rebuilt index.
        pub warnings: Vec<String>,
    }

    /// With which rights the engine runs.
    #[derive(Copy, Eq, Hash)]
    pub enum Privilege {
        /// As root.
        Rootful,
        /// As an ordinary user, in user namespaces.
        Rootless,
    }

    /// One thing that the engine needs from the machine.
    #[derive(Eq)]
    pub struct Check {
        /// A stable name: `overlayfs`, `userNamespaces`, `subordinateIds`, `cgroup`, `seccomp`, `network`.
        pub name: String,
        /// How it stands.
        pub state: CheckState,
        /// What was found, in English.
        pub detail: String,
        /// The same for every language; none for what has none, such as a path.
        pub finding: Option<Advice>,
        /// The command that mends it.
        pub fix: Option<String>,
    }

    /// How a [`Check`] stands.
    #[derive(Copy, Eq)]
    pub enum CheckState {
        /// All there.
        Ok,
        /// Works with less.
        Limited,
        /// Does not work.
        Missing,
    }

    /// Bytes on disk; computed on demand, never for a list.
    #[derive(Copy, Eq)]
    pub struct DiskUsage {
        /// Unpacked layers, each once.
        pub layers_bytes: u64,
        /// Blobs as transferred.
        pub blobs_bytes: u64,
        /// Writable layers of all containers.
        pub containers_bytes: u64,
        /// All volumes.
        pub volumes_bytes: u64,
        /// Bytes that would be needed more if nothing were shared.
        pub shared_bytes: u64,
        /// Room left on the file system.
        pub free_bytes: u64,
    }

    /// What the user chose.
    #[derive(Default, Eq)]
    #[serde(default)]
    pub struct Settings {
        /// `ko`, `en`, or the system's when absent.
        pub language: Option<String>,
        /// Light, dark, or the system's.
        pub theme: Theme,
        /// Motion, or the system's wish.
        pub motion: Motion,
    }

    /// Color themes.
    #[derive(Copy, Default, Eq)]
    pub enum Theme {
        /// As the system.
        #[default]
        System,
        /// Light.
        Light,
        /// Dark.
        Dark,
    }

    /// Whether things move.
    #[derive(Copy, Default, Eq)]
    pub enum Motion {
        /// As the system wishes.
        #[default]
        System,
        /// They move.
        Full,
        /// They do not.
        Reduced,
    }
}
