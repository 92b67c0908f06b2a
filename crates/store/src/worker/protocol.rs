//! What a worker and its host say to each other: lines of JSON on a socket that is the worker's
//! standard output. The layer itself comes on its standard input.

use serde::{Deserialize, Serialize};
use terrarium_oci::Digest;

use crate::layer::live::PathStat;
use crate::snapshot::Size;

/// From the worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// It goes on.
    Progress(Progress),
    /// An entry refers to a layer below; the answer is [`Parents`].
    NeedParents,
    /// The layer is unpacked.
    Done(Report),
    /// The tree was removed or measured.
    Measured(Size),
    /// The changes of a snapshot are written.
    Written(Written),
    /// The files are listed.
    Listed {
        /// Rows of the list.
        rows: u64,
    },
    /// A file is read, as far as was asked.
    Read {
        /// The size of the whole file.
        size_bytes: u64,
    },
    /// What a path is.
    Looked(PathStat),
    /// What is packed from here on; more comes.
    Found(PathStat),
    /// A tree was packed, or a tar was put into one.
    Copied {
        /// Entries of the tar.
        entries: u64,
    },
    /// It failed, and nothing more comes.
    Failed(Failure),
}

/// From the host, as the answer to [`Event::NeedParents`]: the folders of the layers below, by
/// their name under the folder of all snapshots, topmost first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parents {
    /// Folder names (`3`, not a path).
    pub folders: Vec<String>,
}

/// How far a layer is unpacked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Bytes of the tar that are done.
    pub tar_bytes: u64,
    /// Entries that are done.
    pub entries: u64,
}

/// What an unpacked layer turned out to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The digest of the uncompressed tar.
    pub diff_id: Digest,
    /// The size of the uncompressed tar.
    pub tar_bytes: u64,
    /// Entries of the tar.
    pub entries: u64,
    /// Names of lower layers that the layer removes.
    pub whiteouts: u64,
    /// What the layer takes on disk.
    pub size: Size,
    /// What was left out, and why; the first few.
    pub notes: Vec<String>,
}

/// How much a layer holds that was written from a snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Entries, removals included.
    pub entries: u64,
    /// Removals.
    pub whiteouts: u64,
}

/// Why a worker failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// The reason, with the entry (quoted and bounded) if it is about one.
    pub message: String,
}

/// The kinds of failure that ask for different reactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The layer is malformed or hostile. Another try gives the same.
    Invalid,
    /// The layer exceeds a limit (entries, bytes, ratio).
    Limit,
    /// The stream ended early or could not be read; another try may do.
    Stream,
    /// The disk is full.
    Full,
    /// An owner in the layer has no id in the user namespace.
    Unmapped,
    /// Nothing is at the path that was asked for.
    Missing,
    /// What is at the path cannot serve, or the container is not there any more.
    Refused,
    /// What is written to can only be read.
    ReadOnly,
    /// The kernel refused something.
    System,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}
