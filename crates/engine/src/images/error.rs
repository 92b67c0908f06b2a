//! How errors of the registry and the store become those of the contract.

use terrarium_api::{Error, ErrorCode};
use terrarium_registry as registry;
use terrarium_store as store;

/// `what` says the operation and its object.
pub(crate) fn store_failed(what: impl Into<String>, error: &store::Error) -> Error {
    let failed = Error::new(store_code(error), what).because(error);
    match (failed.code, error) {
        (ErrorCode::DiskFull, _) => {
            failed.hint("free some room, for instance by removing images that nothing uses")
        }
        (_, store::Error::Layer(failure))
            if failure.kind == store::worker::FailureKind::Unmapped =>
        {
            failed.hint("give this user a range of subordinate ids in /etc/subuid and /etc/subgid")
        }
        (ErrorCode::UnsafeLayer, _) => failed.hint("do not use this image; tell who made it"),
        (ErrorCode::ContentMismatch, _) => failed.hint(
            "pull again; if it happens again, the registry or a proxy on the way sends wrong bytes",
        ),
        _ => failed,
    }
}

fn store_code(error: &store::Error) -> ErrorCode {
    use store::worker::FailureKind;
    if error.is_full() {
        return ErrorCode::DiskFull;
    }
    match error {
        store::Error::Layer(failure) | store::Error::Files(failure) => match failure.kind {
            FailureKind::Invalid | FailureKind::Limit => ErrorCode::UnsafeLayer,
            FailureKind::Stream => ErrorCode::ContentMismatch,
            FailureKind::Full => ErrorCode::DiskFull,
            FailureKind::Unmapped => ErrorCode::Unsupported,
            FailureKind::Missing => ErrorCode::NoSuchFile,
            FailureKind::Refused => ErrorCode::InvalidArgument,
            FailureKind::ReadOnly => ErrorCode::WrongState,
            FailureKind::System => ErrorCode::Internal,
        },
        store::Error::DigestMismatch { .. }
        | store::Error::SizeMismatch { .. }
        | store::Error::ChainMismatch { .. } => ErrorCode::ContentMismatch,
        store::Error::Archive(_) => ErrorCode::UnsupportedImage,
        store::Error::UnsupportedDigest(_) => ErrorCode::UnsupportedImage,
        store::Error::Busy(_) => ErrorCode::DataRootLocked,
        _ => ErrorCode::Internal,
    }
}

/// `what` says the operation and its object.
pub(super) fn registry_failed(what: impl Into<String>, error: &registry::Error) -> Error {
    let failed = Error::new(registry_code(error), what).because(error);
    match error.hint() {
        Some(hint) => failed.hint(hint),
        None => failed,
    }
}

fn registry_code(error: &registry::Error) -> ErrorCode {
    use registry::Error as Cause;
    match error {
        Cause::BadAddress { .. } => ErrorCode::InvalidArgument,
        Cause::Configuration { .. } => ErrorCode::Internal,
        Cause::Unreachable { .. } | Cause::Tls { .. } => ErrorCode::RegistryUnreachable,
        Cause::Unauthorized { .. } | Cause::Denied { .. } | Cause::CredentialHelper { .. } => {
            ErrorCode::Unauthorized
        }
        Cause::NotFound { .. } => ErrorCode::ReferenceNotFound,
        Cause::RateLimited { .. } => ErrorCode::RateLimited,
        Cause::Status { .. } | Cause::Protocol { .. } | Cause::Truncated { .. } => {
            ErrorCode::RegistryFailed
        }
        Cause::BadDigest { .. } | Cause::TooLarge { .. } => ErrorCode::ContentMismatch,
        Cause::UnsupportedMediaType { .. } | Cause::Document { .. } => ErrorCode::UnsupportedImage,
        Cause::NoPlatform { .. } => ErrorCode::NoMatchingPlatform,
    }
}

/// The error of a text that is no reference.
pub(super) fn invalid_reference(error: &terrarium_oci::Error) -> Error {
    let failed = Error::new(ErrorCode::InvalidReference, error.to_string());
    let failed = match std::error::Error::source(error) {
        Some(why) => failed.because(why),
        None => failed,
    };
    match error.hint() {
        Some(hint) => failed.hint(hint),
        None => failed,
    }
}
