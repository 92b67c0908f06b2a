//! The three voices of an action: the click, the command, the kernel.

wire! {
    /// What an action was, in the words of each layer. The teaching views show only this.
    pub struct ActionTrace {
        /// The action's name in the registry of actions, e.g. `container.start`.
        pub action: String,
        /// The object it acted on, as a person names it.
        pub subject: String,
        /// The equivalent `docker` line.
        pub command: String,
        /// What the kernel was asked to do, in order, as measured.
        pub kernel: Vec<Step>,
        /// From the request to the reply.
        pub total_usec: u64,
        /// When the request came.
        pub at_ms: u64,
    }

    /// One timed step that really happened.
    #[derive(Eq)]
    pub struct Step {
        /// A stable name, e.g. `pivot_root`.
        pub name: String,
        /// Start, in microseconds since the request.
        pub start_usec: u64,
        /// End, in microseconds since the request.
        pub end_usec: u64,
        /// Arguments as the kernel got them, e.g. `memory.max = 268435456`.
        pub detail: String,
    }

    /// Something that was weakened or ignored, and why.
    #[derive(Eq)]
    pub struct Note {
        /// A stable name, e.g. `capability`.
        pub name: String,
        /// What and why, one sentence.
        pub text: String,
    }

    /// A value together with the trace of the action that made it.
    pub struct Traced<T> {
        /// The reply.
        pub value: T,
        /// What was done for it.
        pub trace: ActionTrace,
    }
}

/// The names that a [`Step`] can have. The window has a text for each.
pub const STEPS: &[&str] = &[
    // The engine's own.
    "prepare snapshot",
    "write record",
    "write bundle",
    "write cgroup",
    "network",
    "volume",
    "pidfd_send_signal",
    "kill",
    "wait",
    "freezer",
    "rename record",
    "copy",
    "move reference",
    "read tar",
    "remove bridge",
    "remove entries",
    "reserve addresses",
    "write image",
    "write layer",
    "write tar",
    "remove snapshot",
    "write layers",
    "unpack",
    "write reference",
    "remove reference",
    "unlink",
    "resolve",
    "fetch and unpack",
    "syncfs",
    "push blobs",
    "push manifest",
    "read archive",
    "read manifests",
    "write archive",
    "mkdir",
    "rename",
    "remove",
    // The runtime's.
    "plan",
    "cgroup",
    "clone3",
    "id maps",
    "setns",
    "join cgroups",
    "network devices",
    "sysctl",
    "mount overlay",
    "mount rootfs",
    "mount",
    "devices",
    "console",
    "masks",
    "pivot_root",
    "credentials",
    "seccomp",
    "init",
    "execve",
];
