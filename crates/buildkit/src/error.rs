use crate::grpc::Status;

/// Why a client could not be asked, or said no.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each text says what the variant means")]
pub enum Error {
    #[error("no client of the session {0:?} is connected")]
    NoSession(String),
    #[error("the client answered {method}: {status}")]
    Refused { method: String, status: Status },
    #[error("the connection of the client broke off")]
    Broken(#[from] h2::Error),
    #[error("the client left in the middle of {0}")]
    Left(String),
    #[error("the client sent what is no message: {0}")]
    Malformed(#[from] prost::DecodeError),
    #[error("the client sent a message of {0} bytes, which is too much")]
    TooLarge(usize),
    #[error("the client compresses messages, which it was not asked for")]
    Compressed,
    #[error("{0:?} cannot be sent to the client")]
    Unsendable(String),
    /// What a client says of its files does not fit together.
    #[error("the client sent {what}: {path:?}")]
    Files { what: &'static str, path: String },
    #[error("the client reads its files: {0}")]
    Client(String),
    #[error("the client takes no result of a build")]
    NoOutput,
    #[error("the client writes what it gets: {0}")]
    Unwritten(String),
    #[error("the client has taken nothing for minutes")]
    Stalled,
    #[error("{what}")]
    Io {
        what: String,
        #[source]
        error: std::io::Error,
    },
}

impl Error {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io { what, error }
    }

    /// Whether the client does not have what it was asked for.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if status.code == Status::NOT_FOUND)
    }
}
