//! Long work: it survives navigation, reports honestly, and can be canceled.

use crate::{Error, PullProgress};

wire! {
    /// One piece of running or finished work.
    pub struct Activity {
        /// Unique within the data root.
        pub id: String,
        /// What kind of work.
        pub kind: ActivityKind,
        /// The object it works on, as the user wrote it.
        pub subject: String,
        /// How it stands.
        pub state: ActivityState,
        /// Known amounts, if any are known.
        pub progress: Option<Progress>,
        /// When it began.
        pub started_at_ms: u64,
        /// When it ended.
        pub finished_at_ms: Option<u64>,
        /// Why it failed.
        pub error: Option<Error>,
        /// The per-blob view of a pull.
        pub pull: Option<PullProgress>,
    }

    /// The kinds of work that show up under Activity.
    #[derive(Copy, Eq)]
    pub enum ActivityKind {
        /// Image from a registry.
        Pull,
        /// Image to a registry.
        Push,
        /// The starter image, made locally.
        MakeStarterImage,
        /// Images into a file.
        SaveImages,
        /// Images out of a file.
        LoadImages,
        /// An image from a file system.
        ImportImage,
        /// An image from a Dockerfile.
        BuildImage,
        /// A container from an image.
        CreateContainer,
        /// `start`.
        StartContainer,
        /// `stop`.
        StopContainer,
        /// `restart`.
        RestartContainer,
        /// Removal of a container.
        RemoveContainer,
        /// Removal of an image.
        RemoveImage,
    }

    /// How an [`Activity`] stands.
    #[derive(Copy, Eq)]
    pub enum ActivityState {
        /// Under way.
        Running,
        /// Ended well.
        Succeeded,
        /// Ended with [`Activity::error`].
        Failed,
        /// Stopped by the user.
        Canceled,
    }

    /// An amount of known total.
    #[derive(Copy, Eq)]
    pub struct Progress {
        /// Done so far, in bytes.
        pub done_bytes: u64,
        /// All there is to do, in bytes.
        pub total_bytes: u64,
    }

    /// Names an activity.
    pub struct ActivityId {
        /// Its id.
        pub id: String,
    }
}
