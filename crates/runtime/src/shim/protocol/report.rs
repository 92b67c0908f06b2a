//! Why a request failed.

use std::error::Error as _;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// For programs.
    pub code: FailureCode,
    /// For people: what failed on which object.
    pub message: String,
    /// Why, outermost first.
    #[serde(default)]
    pub causes: Vec<String>,
}

/// The kinds of failure that a host tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The program is not in the container (exit code 127).
    CommandNotFound,
    /// It cannot be executed (exit code 126).
    CommandNotExecutable,
    /// The working directory cannot be entered.
    BadWorkingDirectory,
    /// The request cannot be understood, or does not fit the spec.
    InvalidRequest,
    /// The container's status forbids it.
    WrongStatus,
    /// There is no such exec process.
    NoSuchTarget,
    /// There is already one.
    ExecExists,
    /// The process has exited.
    Exited,
    /// This host cannot do it (no control group to freeze, say).
    Unsupported,
    /// Anything else: the causes say what the kernel said.
    Failed,
    /// A code that a newer shim knows.
    #[serde(other)]
    Unknown,
}

impl Failure {
    /// A failure that is its own cause.
    pub(crate) fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            causes: Vec::new(),
        }
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let code = match error {
            Error::CommandNotFound { .. } => FailureCode::CommandNotFound,
            Error::NotExecutable { .. } => FailureCode::CommandNotExecutable,
            Error::BadCwd { .. } => FailureCode::BadWorkingDirectory,
            Error::InvalidSpec(_) | Error::Json { .. } => FailureCode::InvalidRequest,
            Error::WrongStatus { .. } => FailureCode::WrongStatus,
            Error::Unsupported(_) => FailureCode::Unsupported,
            _ => FailureCode::Failed,
        };
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        Self {
            code,
            message: error.to_string(),
            causes,
        }
    }
}
