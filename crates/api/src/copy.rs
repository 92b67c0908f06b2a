//! Files of containers, and images made of them.

use crate::FileChange;

wire! {
    /// What a container has changed in its file system.
    #[derive(Eq)]
    pub struct ContainerChanges {
        /// By path; the first few thousand.
        pub changes: Vec<ChangedPath>,
        /// How many there are.
        pub total: u32,
    }

    /// A path that a container has changed.
    #[derive(Eq)]
    pub struct ChangedPath {
        /// From the root; bytes that are no text are written `\xNN`.
        pub path: String,
        /// What became of it.
        pub change: FileChange,
    }

    /// Copies a file or folder out of a container.
    #[derive(Eq)]
    pub struct CopyOut {
        /// Id, unique id prefix, or name.
        pub container: String,
        /// A path in the container.
        pub path: String,
        /// A folder of this machine, in which nothing of that name may be.
        pub folder: String,
    }

    /// Copies a file or folder of this machine into a container.
    #[derive(Eq)]
    pub struct CopyIn {
        /// Id, unique id prefix, or name.
        pub container: String,
        /// A path of this machine.
        pub source: String,
        /// A folder in the container; what is there of that name is replaced.
        pub folder: String,
    }

    /// What was copied.
    #[derive(Eq)]
    pub struct Copied {
        /// Where it is now.
        pub path: String,
        /// Files and folders.
        pub entries: u64,
    }

    /// Makes an image of what a container is now.
    #[derive(Default, Eq)]
    pub struct CommitContainer {
        /// Id, unique id prefix, or name.
        pub container: String,
        /// A name for the image.
        pub reference: Option<String>,
        /// Who made it.
        pub author: Option<String>,
        /// A remark for its history.
        pub comment: Option<String>,
        /// Instructions of a Dockerfile that change its settings: `CMD`, `ENV`, `LABEL` and so on.
        pub changes: Vec<String>,
        /// Whether a running container goes on meanwhile: files may then not fit each other.
        pub keep_running: bool,
    }

    /// Writes the file system of a container into a tar on disk.
    #[derive(Eq)]
    pub struct ExportContainer {
        /// Id, unique id prefix, or name.
        pub container: String,
        /// The file; it must not be there yet.
        pub path: String,
    }

    /// Makes an image of a file system: a tar, or a folder.
    #[derive(Default, Eq)]
    pub struct ImportImage {
        /// The tar, plain or compressed with gzip or zstd, or the folder.
        pub path: String,
        /// A name for the image.
        pub reference: Option<String>,
        /// A remark for its history.
        pub comment: Option<String>,
        /// Instructions of a Dockerfile that change its settings: `CMD`, `ENV`, `LABEL` and so on.
        pub changes: Vec<String>,
        /// `os/architecture[/variant]`; this machine's when absent.
        pub platform: Option<String>,
    }
}
