//! Failures of a build in the words of the contract.

use terrarium_api::{Error, ErrorCode};
use terrarium_builder::{BoxError, Failure, Fault};

/// A failure for a client: at which line, what, and what to do.
pub(super) fn told(failure: Failure) -> Error {
    let place = failure.to_string();
    let hint = failure.fault.hint();
    let error = match failure.fault {
        Fault::Executor(cause) => executor(place, cause),
        Fault::Unsupported { .. } => {
            Error::new(ErrorCode::Unsupported, place).because(&failure.fault)
        }
        fault => Error::new(ErrorCode::InvalidArgument, place).because(&fault),
    };
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn executor(place: String, cause: BoxError) -> Error {
    match cause.downcast::<Error>() {
        Ok(cause) => {
            let mut error = Error::new(cause.code, place);
            error.causes.push(cause.message);
            error.causes.extend(cause.causes);
            error.hint = cause.hint;
            error
        }
        Err(cause) => Error::new(ErrorCode::Internal, place).because(&*cause),
    }
}
