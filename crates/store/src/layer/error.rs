//! Why a layer cannot be unpacked.

use std::io;

use nix::errno::Errno;

use crate::error::is_full;
use crate::worker::{Failure, FailureKind};

/// A layer that was refused, or that the system could not take.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The stream is no layer, or no honest one.
    #[error("entry {entry} is refused: {reason}")]
    Entry {
        /// Its name, quoted and bounded.
        entry: String,
        /// Why.
        reason: &'static str,
    },
    /// The stream breaks the tar format.
    #[error("malformed tar at byte {position}: {reason}")]
    Malformed {
        /// Where in the uncompressed stream.
        position: u64,
        /// Why.
        reason: &'static str,
    },
    /// The layer is larger than anything that is unpacked here.
    #[error("layer exceeds the limit of {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is accepted.
        limit: u64,
    },
    /// The compression is not one that layers have.
    #[error("layer is compressed with {0}, not with gzip or zstd")]
    Compression(&'static str),
    /// The compressed stream ended early or does not decompress.
    #[error("read layer: {0}")]
    Stream(#[source] io::Error),
    /// The kernel refused something while an entry was written.
    #[error("{operation} {entry}: {source}")]
    System {
        /// What was tried, as a verb.
        operation: &'static str,
        /// The entry, quoted and bounded.
        entry: String,
        /// The answer of the kernel.
        source: io::Error,
    },
    /// The owner of an entry has no id in the user namespace.
    #[error("entry {entry} belongs to {uid}:{gid}, which the subordinate ids do not cover")]
    Unmapped {
        /// The entry, quoted and bounded.
        entry: String,
        /// Its user.
        uid: u64,
        /// Its group.
        gid: u64,
    },
    /// Nothing is at a path that was asked for.
    #[error("{path}: no such file or folder")]
    Missing {
        /// The path, quoted and bounded.
        path: String,
    },
    /// A path that was asked for cannot serve.
    #[error("{path}: {reason}")]
    Refused {
        /// The path, quoted and bounded.
        path: String,
        /// Why.
        reason: &'static str,
    },
    /// The layers below did not come.
    #[error("open the layers below: {0}")]
    Parents(#[source] io::Error),
}

/// The result of unpacking.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(super) fn entry(name: &[u8], reason: &'static str) -> Self {
        Self::Entry {
            entry: quote(name),
            reason,
        }
    }

    pub(super) fn missing(path: &[u8]) -> Self {
        Self::Missing { path: quote(path) }
    }

    pub(super) fn refused(path: &[u8], reason: &'static str) -> Self {
        Self::Refused {
            path: quote(path),
            reason,
        }
    }

    pub(super) fn system(operation: &'static str, name: &[u8], source: io::Error) -> Self {
        match source.raw_os_error().map(Errno::from_raw) {
            // What only the name in the archive can cause is the archive's fault.
            Some(Errno::ENAMETOOLONG) => Self::entry(name, "its name is too long"),
            Some(Errno::ELOOP) => Self::entry(name, "too many symbolic links"),
            _ => Self::System {
                operation,
                entry: quote(name),
                source,
            },
        }
    }

    /// The form in which it crosses from the worker to its host.
    pub fn failure(&self) -> Failure {
        let kind = match self {
            Self::Entry { .. } | Self::Malformed { .. } | Self::Compression(_) => {
                FailureKind::Invalid
            }
            Self::Limit { .. } => FailureKind::Limit,
            Self::Stream(_) => FailureKind::Stream,
            Self::Unmapped { .. } => FailureKind::Unmapped,
            Self::Missing { .. } => FailureKind::Missing,
            Self::Refused { .. } => FailureKind::Refused,
            Self::System { source, .. } if is_read_only(source) => FailureKind::ReadOnly,
            Self::System { source, .. } | Self::Parents(source) if is_full(source) => {
                FailureKind::Full
            }
            Self::System { .. } | Self::Parents(_) => FailureKind::System,
        };
        Failure {
            kind,
            message: self.to_string(),
        }
    }
}

fn is_read_only(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EROFS as i32)
}

/// Untrusted text for a message: escaped, at most 120 characters.
pub(super) fn quote(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let mut quoted = String::from("`");
    quoted.extend(text.chars().take(120).flat_map(char::escape_debug));
    if text.chars().nth(120).is_some() {
        quoted.push('…');
    }
    quoted.push('`');
    quoted
}
