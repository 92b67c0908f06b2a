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
pub(crate) fn registry_failed(what: impl Into<String>, error: &registry::Error) -> Error {
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

#[cfg(test)]
mod tests {
    use terrarium_api::cause_of;
    use terrarium_oci::{Digest, Platform};
    use terrarium_registry::Error as Cause;

    fn host() -> String {
        "r.example:5000".to_owned()
    }

    /// Refusals, one of each.
    fn refusals() -> Vec<Cause> {
        let (host, message) = (host(), "no".to_owned());
        vec![
            Cause::Unauthorized {
                host: host.clone(),
                message: message.clone(),
            },
            Cause::Denied {
                host: host.clone(),
                what: "blob x".to_owned(),
                message: message.clone(),
            },
            Cause::NotFound {
                host: host.clone(),
                what: "blob x".to_owned(),
            },
            Cause::RateLimited {
                host: host.clone(),
                retry_after: None,
                limit: None,
            },
            Cause::Status {
                host: host.clone(),
                status: 500,
                message: message.clone(),
                retry_after: None,
            },
            Cause::Protocol { host, message },
        ]
    }

    /// Contents that are not what they must be, one of each.
    fn wrong_contents() -> Vec<Cause> {
        let (host, digest) = (host(), Digest::sha256_of(b"x"));
        vec![
            Cause::BadDigest {
                host: host.clone(),
                expected: digest.clone(),
                found: digest.clone(),
            },
            Cause::Truncated {
                host: host.clone(),
                digest,
                expected_bytes: 2,
                found_bytes: 1,
            },
            Cause::TooLarge {
                host: host.clone(),
                what: "blob x".to_owned(),
                limit_bytes: 1,
            },
            Cause::UnsupportedMediaType {
                host: host.clone(),
                media_type: "text/html".to_owned(),
            },
            Cause::NoPlatform {
                what: host,
                wanted: Box::new(Platform::host()),
                available: Vec::new(),
            },
        ]
    }

    /// A window shows what it does not recognize as it is, in English.
    #[test]
    fn every_window_can_say_in_its_language_why_a_registry_failed() {
        let mut causes = refusals();
        causes.extend(wrong_contents());
        causes.push(Cause::BadAddress { address: host() });
        causes.push(Cause::CredentialHelper {
            helper: "pass".to_owned(),
            why: "no".to_owned(),
        });
        let code = |cause: &Cause| cause_of(&cause.to_string());
        let mut codes: Vec<_> = causes
            .iter()
            .map(|cause| code(cause).unwrap_or_else(|| panic!("{cause}")))
            .collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), causes.len(), "each has words of its own");
    }
}
