//! What can go wrong between a bundle and a running process.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Failure of a runtime request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The spec says something that cannot be carried out.
    #[error("invalid spec: {0}")]
    InvalidSpec(String),
    /// The spec or the command asks for what this runtime or this host does not have.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// A file of the bundle or of the state is not the JSON that it must be.
    #[error("parse {}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        #[source]
        source: serde_json::Error,
    },
    /// A system call failed; `op` says which on what object.
    #[error("{op}")]
    Io {
        /// Operation and object, e.g. ``mount `proc` on `/proc` ``.
        op: String,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
    /// The command was not found in the container (Docker's exit code 127).
    #[error("exec {command:?}: {reason}")]
    CommandNotFound {
        /// First argument, as given.
        command: String,
        /// Where it was looked for.
        reason: String,
    },
    /// The command exists but cannot be executed (Docker's exit code 126).
    #[error("exec {command:?}: {reason}")]
    NotExecutable {
        /// First argument, as given.
        command: String,
        /// Why the kernel refuses.
        reason: String,
    },
    /// The working directory does not exist, is no directory or lies outside of the container.
    #[error("working directory {cwd:?}: {reason}")]
    BadCwd {
        /// As given in the spec.
        cwd: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A hook failed or ran out of time.
    #[error("{point} hook {path:?}: {reason}")]
    Hook {
        /// `createRuntime`, `poststart`, …
        point: String,
        /// The program.
        path: String,
        /// Exit status or time-out.
        reason: String,
    },
    /// The process died before it could say why; the kernel log may know (out of memory, seccomp).
    #[error("container process ended during set-up (after `{after}`)")]
    Died {
        /// Last step that it reported.
        after: String,
    },
    /// systemd, which has the cgroups, did not do what it was asked.
    #[error("ask systemd for `{call}`: {name}: {text}")]
    Systemd {
        /// The method that was called.
        call: String,
        /// Name of its error, or the result of its job.
        name: String,
        /// What it says.
        text: String,
    },
    /// There is no container of that name under the state directory.
    #[error("container {0:?} does not exist")]
    NoSuchContainer(String),
    /// The name is taken.
    #[error("container {0:?} already exists")]
    ContainerExists(String),
    /// The operation does not fit the status of the container.
    #[error("cannot {verb} container {id:?}: it is {status}")]
    WrongStatus {
        /// What was asked.
        verb: &'static str,
        /// Container ID.
        id: String,
        /// Its status.
        status: String,
    },
}

/// Result with this crate's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Makes an I/O error with its operation and object.
    pub fn io(op: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::Io {
            op: op.into(),
            source: source.into(),
        }
    }

    /// Exit code that Docker gives a container whose start failed so: 127, 126, or 128.
    #[must_use]
    pub fn docker_exit_code(&self) -> i32 {
        match self {
            Self::CommandNotFound { .. } | Self::BadCwd { .. } => 127,
            Self::NotExecutable { .. } => 126,
            _ => 128,
        }
    }
}

/// Adds operation and object to the result of a system call.
pub(crate) trait Context<T> {
    /// Names what was attempted; evaluated on failure only.
    fn doing<S: Into<String>>(self, op: impl FnOnce() -> S) -> Result<T>;
}

impl<T, E: Into<io::Error>> Context<T> for std::result::Result<T, E> {
    fn doing<S: Into<String>>(self, op: impl FnOnce() -> S) -> Result<T> {
        self.map_err(|source| Error::io(op(), source))
    }
}

/// An error on its way through the channel from the container's process.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Failure {
    InvalidSpec(String),
    Unsupported(String),
    Io {
        op: String,
        errno: Option<i32>,
        text: String,
    },
    CommandNotFound {
        command: String,
        reason: String,
    },
    NotExecutable {
        command: String,
        reason: String,
    },
    BadCwd {
        cwd: String,
        reason: String,
    },
    Hook {
        point: String,
        path: String,
        reason: String,
    },
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        match error {
            Error::InvalidSpec(what) => Self::InvalidSpec(what.clone()),
            Error::Unsupported(what) => Self::Unsupported(what.clone()),
            Error::Io { op, source } => Self::Io {
                op: op.clone(),
                errno: source.raw_os_error(),
                text: source.to_string(),
            },
            Error::CommandNotFound { command, reason } => Self::CommandNotFound {
                command: command.clone(),
                reason: reason.clone(),
            },
            Error::NotExecutable { command, reason } => Self::NotExecutable {
                command: command.clone(),
                reason: reason.clone(),
            },
            Error::BadCwd { cwd, reason } => Self::BadCwd {
                cwd: cwd.clone(),
                reason: reason.clone(),
            },
            Error::Hook {
                point,
                path,
                reason,
            } => Self::Hook {
                point: point.clone(),
                path: path.clone(),
                reason: reason.clone(),
            },
            other => Self::Io {
                op: "set up the container".to_owned(),
                errno: None,
                text: other.to_string(),
            },
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::InvalidSpec(what) => Self::InvalidSpec(what),
            Failure::Unsupported(what) => Self::Unsupported(what),
            Failure::Io {
                op,
                errno: Some(errno),
                ..
            } => Self::Io {
                op,
                source: io::Error::from_raw_os_error(errno),
            },
            Failure::Io { op, text, .. } => Self::Io {
                op,
                source: io::Error::other(text),
            },
            Failure::CommandNotFound { command, reason } => {
                Self::CommandNotFound { command, reason }
            }
            Failure::NotExecutable { command, reason } => Self::NotExecutable { command, reason },
            Failure::BadCwd { cwd, reason } => Self::BadCwd { cwd, reason },
            Failure::Hook {
                point,
                path,
                reason,
            } => Self::Hook {
                point,
                path,
                reason,
            },
        }
    }
}
