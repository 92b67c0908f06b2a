//! What can go wrong in the store.

use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use terrarium_oci::{ChainId, Digest};

use crate::name::Name;
use crate::worker::Failure;

/// An operation of the store that failed, and on what.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused a file operation.
    #[error("{operation} `{}`", path.display())]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// The answer of the kernel.
        source: io::Error,
    },
    /// The disk or the quota is full. What was half written is gone or can be resumed.
    #[error("no space left to {operation} `{}`", path.display())]
    Full {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// The answer of the kernel.
        source: io::Error,
    },
    /// Another process has this data root open.
    #[error("data root `{}` is in use by another process", .0.display())]
    Busy(PathBuf),
    /// A file of the store itself does not parse.
    #[error("read record `{}`", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Why it does not parse.
        source: serde_json::Error,
    },
    /// The bytes are not those that the digest names.
    #[error("blob {expected} has the content of {actual}")]
    DigestMismatch {
        /// What was asked for.
        expected: Digest,
        /// What the bytes hash to.
        actual: Digest,
    },
    /// The number of bytes is not what the descriptor says.
    #[error("blob {digest} has {actual_bytes} bytes instead of {expected_bytes}")]
    SizeMismatch {
        /// The blob.
        digest: Digest,
        /// The size in its descriptor.
        expected_bytes: u64,
        /// What arrived, or what arrived so far when that was already too much.
        actual_bytes: u64,
    },
    /// The digest algorithm has no place in the layout.
    #[error("digest {0} is not sha256")]
    UnsupportedDigest(Digest),
    /// There is no such blob.
    #[error("find blob {0}")]
    BlobMissing(Digest),
    /// A blob that must be small (a manifest, a config) is not.
    #[error("read blob {digest} of {size_bytes} bytes, more than {limit_bytes}")]
    BlobTooLarge {
        /// The blob.
        digest: Digest,
        /// Its size.
        size_bytes: u64,
        /// The limit of the caller.
        limit_bytes: u64,
    },
    /// A name of a snapshot, lease or reference breaks the rules of [`Name`].
    #[error("parse name {0:?}")]
    InvalidName(String),
    /// There is no such snapshot.
    #[error("find snapshot `{0}`")]
    SnapshotMissing(Name),
    /// There is such a snapshot already.
    #[error("make snapshot `{0}`, which exists")]
    SnapshotExists(Name),
    /// The operation needs a snapshot of another kind (active, view, committed).
    #[error("use snapshot `{name}`, which is {kind}")]
    SnapshotKind {
        /// The snapshot.
        name: Name,
        /// What it is.
        kind: &'static str,
    },
    /// Other snapshots lie on this one.
    #[error("remove snapshot `{name}`, on which `{child}` lies")]
    SnapshotInUse {
        /// The snapshot.
        name: Name,
        /// One of those that lie on it.
        child: Name,
    },
    /// The operation that unpacked a lower layer gave up.
    #[error("wait for layer {0}, which was given up")]
    LayerAbandoned(ChainId),
    /// The unpacked layer is not the one that the image config names.
    #[error("layer {expected} unpacks to {actual}")]
    ChainMismatch {
        /// The chain ID that the config leads to.
        expected: ChainId,
        /// The one that the content leads to.
        actual: ChainId,
    },
    /// The layer was refused, or the worker could not unpack it.
    #[error("unpack layer: {0}")]
    Layer(Failure),
    /// Files of a tree in use could not be read or written.
    #[error("{0}")]
    Files(Failure),
    /// The stream is no archive of images, or a malformed one.
    #[error("read the archive: {0}")]
    Archive(#[source] crate::layer::Error),
    /// The worker ended without an answer.
    #[error("worker {action}: {status}")]
    WorkerDied {
        /// What it was to do.
        action: &'static str,
        /// How it ended, with what it wrote to its standard error.
        status: String,
    },
    /// A lease was dropped or has expired.
    #[error("find lease `{0}`")]
    LeaseMissing(Name),
    /// There is no such reference.
    #[error("find reference `{0}`")]
    ReferenceMissing(String),
    /// A blob that should be a manifest, an index or a config is none.
    #[error("parse blob {digest}")]
    InvalidBlob {
        /// The blob.
        digest: Digest,
        /// Why it does not parse.
        source: serde_json::Error,
    },
}

/// The result of an operation of the store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        if is_full(&source) {
            Self::Full {
                operation,
                path,
                source,
            }
        } else {
            Self::Io {
                operation,
                path,
                source,
            }
        }
    }

    /// Whether freeing space would let the operation succeed.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Full { .. } => true,
            Self::Layer(failure) | Self::Files(failure) => {
                failure.kind == crate::worker::FailureKind::Full
            }
            _ => false,
        }
    }
}

/// Whether an I/O error says that the disk or the quota is exhausted.
pub(crate) fn is_full(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    code == Some(Errno::ENOSPC as i32) || code == Some(Errno::EDQUOT as i32)
}

/// Adds the operation and the path to an error of the kernel.
pub(crate) trait Context<T> {
    fn context(self, operation: &'static str, path: &Path) -> Result<T>;
}

impl<T, E: Into<io::Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, operation: &'static str, path: &Path) -> Result<T> {
        self.map_err(|error| Error::io(operation, path, error.into()))
    }
}
