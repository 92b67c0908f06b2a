//! Errors as Docker's clients expect them: a status, and `{"message": …}`.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;
use terrarium_api::{Error, ErrorCode};

/// What a handler gives when it cannot answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    pub(crate) fn not_built(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            format!("{what} is not supported by this version of Terrarium"),
        )
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if self.status == StatusCode::NOT_MODIFIED {
            return self.status.into_response();
        }
        let body = Json(json!({ "message": self.message }));
        (self.status, body).into_response()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if error.code == ErrorCode::Internal {
            tracing::error!(%error, "a request failed by a defect");
        }
        let mut message = wording(&error);
        if let Some(hint) = &error.hint {
            // On a line of its own, as the engine's own programs say it.
            message = format!("{message}\nhint: {hint}");
        }
        Self::new(status(error.code), message)
    }
}

/// The status that Docker gives in the same case.
pub(crate) fn status(code: ErrorCode) -> StatusCode {
    use ErrorCode as E;
    match code {
        E::InvalidArgument
        | E::InvalidReference
        | E::UnsupportedImage
        | E::CommandNotFound
        | E::CommandNotExecutable => StatusCode::BAD_REQUEST,
        // A refused pull is "not found" to Docker: a registry does not tell a private repository
        // from one that is not there.
        E::NoSuchContainer
        | E::NoSuchImage
        | E::NoSuchVolume
        | E::NoSuchExec
        | E::NoSuchNetwork
        | E::NoSuchFile
        | E::NoSuchActivity
        | E::NoSuchProject
        | E::NoSuchBuild
        | E::Unauthorized
        | E::ReferenceNotFound
        | E::NoMatchingPlatform => StatusCode::NOT_FOUND,
        E::NetworkInUse => StatusCode::FORBIDDEN,
        E::NameInUse | E::ImageInUse | E::VolumeInUse | E::WrongState | E::ChangedOutside => {
            StatusCode::CONFLICT
        }
        E::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        E::Unsupported => StatusCode::NOT_IMPLEMENTED,
        E::PortInUse
        | E::RegistryUnreachable
        | E::RegistryFailed
        | E::ContentMismatch
        | E::UnsafeLayer
        | E::DiskFull
        | E::RuntimeFailed
        | E::DatabaseDamaged
        | E::DataRootLocked
        | E::Canceled
        | E::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The error's text, with Docker's own phrases where clients look for them.
fn wording(error: &Error) -> String {
    let text = error.to_string();
    match error.code {
        // docker-py and the client's own "create, else pull" look for these beginnings.
        ErrorCode::NoSuchContainer => capital(&text, "no such container"),
        ErrorCode::NoSuchImage => capital(&text, "no such image"),
        ErrorCode::NoSuchExec => text.replacen("no such exec:", "No such exec instance:", 1),
        // `docker run` exits with 127 and 126 by these phrases.
        ErrorCode::CommandNotFound => with_phrase(text, "executable file not found in $PATH"),
        ErrorCode::CommandNotExecutable => with_phrase(text, "permission denied"),
        ErrorCode::PortInUse => with_phrase(text, "port is already allocated"),
        ErrorCode::ReferenceNotFound => with_phrase(text, "manifest unknown"),
        ErrorCode::NoSuchNetwork => with_phrase(text, "not found"),
        ErrorCode::NetworkInUse => with_phrase(text, "has active endpoints"),
        _ => text,
    }
}

fn capital(text: &str, beginning: &str) -> String {
    match text.strip_prefix(beginning) {
        Some(rest) => format!("N{}{rest}", &beginning[1..]),
        None => text.to_owned(),
    }
}

fn with_phrase(text: String, phrase: &str) -> String {
    if text.contains(phrase) {
        text
    } else {
        format!("{text}: {phrase}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: ErrorCode, text: &str, status: u16, message: &str) {
        let failure = Failure::from(Error::new(code, text));
        assert_eq!(failure.status.as_u16(), status);
        assert_eq!(failure.message, message);
    }

    #[test]
    fn clients_find_the_phrases_they_look_for() {
        use ErrorCode as E;
        check(
            E::NoSuchContainer,
            "no such container: x",
            404,
            "No such container: x",
        );
        check(E::NoSuchImage, "no such image: x", 404, "No such image: x");
        check(
            E::CommandNotFound,
            "exec: \"x\"",
            400,
            "exec: \"x\": executable file not found in $PATH",
        );
        check(
            E::NoSuchExec,
            "no such exec: x",
            404,
            "No such exec instance: x",
        );
        check(
            E::ReferenceNotFound,
            "a: manifest unknown",
            404,
            "a: manifest unknown",
        );
        check(
            E::WrongState,
            "container x is not running",
            409,
            "container x is not running",
        );
    }

    #[test]
    fn what_to_do_reaches_the_client_on_a_line_of_its_own() {
        let error =
            Error::new(ErrorCode::VolumeInUse, "volume x is in use").hint("remove web first");
        let message = Failure::from(error).message;
        assert_eq!(message, "volume x is in use\nhint: remove web first");
    }

    #[test]
    fn causes_reach_the_client() {
        let io = std::io::Error::other("the disk is on fire");
        let error = Error::new(ErrorCode::Internal, "write record").because(&io);
        assert_eq!(
            Failure::from(error).message,
            "write record: the disk is on fire"
        );
    }
}
