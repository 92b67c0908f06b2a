//! What happened inside a request: its steps, what was weakened, why it failed.

use serde::{Deserialize, Serialize};

/// One act of the runtime, timed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What was done (`clone3`, `mount overlay`, …).
    pub name: String,
    /// Since the request began.
    pub start_usec: u64,
    /// Since the request began.
    pub end_usec: u64,
    /// With what (flags, paths).
    pub detail: String,
}

/// Something that was asked for and could not be had in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What (`memory limit`, `CAP_SYS_RESOURCE`, …).
    pub subject: String,
    /// Why.
    pub reason: String,
}

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
