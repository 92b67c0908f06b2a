//! What is mounted into containers.

wire! {
    /// Something mounted into a container.
    #[derive(Eq)]
    pub struct Mount {
        /// What kind.
        pub kind: MountKind,
        /// Host path, or volume name; empty for a tmpfs and for an anonymous volume.
        pub source: String,
        /// Absolute path inside.
        pub target: String,
        /// Cannot be written through this mount.
        pub read_only: bool,
        /// `rprivate` (default), `rslave` or `rshared`.
        pub propagation: Option<String>,
        /// Size of a tmpfs.
        pub size_bytes: Option<u64>,
        /// Mode of a tmpfs.
        pub mode: Option<u32>,
        /// A new volume is not filled with what the image has at the target.
        #[serde(default)]
        pub no_copy: bool,
    }

    /// The kinds of [`Mount`].
    #[derive(Copy, Eq)]
    pub enum MountKind {
        /// A host path.
        Bind,
        /// A volume of the engine.
        Volume,
        /// Memory.
        Tmpfs,
    }
}

impl Mount {
    /// A mount that can be written, with everything else as it is by default.
    pub fn new(kind: MountKind, source: &str, target: &str) -> Self {
        Self {
            kind,
            source: source.to_owned(),
            target: target.to_owned(),
            read_only: false,
            propagation: None,
            size_bytes: None,
            mode: None,
            no_copy: false,
        }
    }
}
