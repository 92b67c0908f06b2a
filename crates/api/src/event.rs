//! One overview, then revisioned changes: a face that misses one asks for a new overview.

use std::collections::BTreeMap;

use crate::{Activity, ContainerSummary, ImageSummary, SystemInfo, TrashSummary, Volume};

wire! {
    /// Everything that lists show, at one revision.
    pub struct Overview {
        /// The revision that this overview holds.
        pub revision: u64,
        /// All containers, newest first.
        pub containers: Vec<ContainerSummary>,
        /// All images, newest first.
        pub images: Vec<ImageSummary>,
        /// All named and anonymous volumes.
        pub volumes: Vec<Volume>,
        /// Running work, and what finished lately.
        pub activities: Vec<Activity>,
        /// What can be taken back.
        pub trash: TrashSummary,
        /// The machine and the engine.
        pub system: SystemInfo,
    }

    /// One change. Revisions have no gaps; a gap means that the receiver lagged.
    pub struct Change {
        /// The revision after this change.
        pub revision: u64,
        /// What changed.
        pub change: ChangeKind,
    }

    /// What a [`Change`] does to the receiver's copy.
    #[serde(tag = "type", rename_all_fields = "camelCase")]
    pub enum ChangeKind {
        /// Insert or replace, by id.
        Container {
            /// The new state.
            value: Box<ContainerSummary>,
        },
        /// Insert or replace, by id.
        Image {
            /// The new state.
            value: Box<ImageSummary>,
        },
        /// Insert or replace, by name.
        Volume {
            /// The new state.
            value: Box<Volume>,
        },
        /// Insert or replace, by id.
        Activity {
            /// The new state.
            value: Box<Activity>,
        },
        /// Replace: something went into the trash, or out of it.
        Trash {
            /// The new state.
            value: TrashSummary,
        },
        /// Remove, by kind and id (a volume's id is its name).
        Removed {
            /// Which list.
            kind: ResourceKind,
            /// Which row.
            id: String,
        },
        /// The receiver lagged: ask for a new overview.
        Lagged,
    }

    /// The lists of an [`Overview`].
    #[derive(Copy, Eq, PartialOrd, Ord)]
    pub enum ResourceKind {
        /// Containers.
        Container,
        /// Images.
        Image,
        /// Volumes.
        Volume,
        /// Activities.
        Activity,
    }

    /// Something that happened, for histories and for `docker events`.
    #[derive(Eq)]
    pub struct LifecycleEvent {
        /// When, in nanoseconds since the Unix epoch.
        pub at_ns: u64,
        /// `container`, `image`, `volume` or `network`, in Docker's words.
        pub kind: String,
        /// `create`, `start`, `die`, `pull` …, in Docker's words.
        pub action: String,
        /// The object's id.
        pub id: String,
        /// Name, image, exit code and so on, in Docker's keys.
        pub attributes: BTreeMap<String, String>,
    }
}
