//! What a host and a shim say to each other: files in the bundle, and lines of JSON on `shim.sock`.
//!
//! # Files in the bundle
//! | file | written by | when |
//! |---|---|---|
//! | `config.json` | host | before the spawn: the OCI spec |
//! | `shim.json` | host | before the spawn: [`ShimConfig`] |
//! | `shim.lock` | shim | held (`flock`) as long as the shim lives |
//! | `shim.sock` | shim | listening (mode 0600) before the first reply |
//! | `state.json` | shim | [`ShimState`], at every change of the status, before the reply to its cause |
//! | `exit.json` | shim | [`ExitStatus`] of init, durable before anybody is told of the exit |
//!
//! # Connections
//! A host spawns `terrarium-runtime shim --bundle DIR`. If descriptor 0 is then a stream socket, it
//! is the first connection, and the outcome of creating the container arrives there unasked as the
//! answer to [`CREATE_ID`]; without such a socket a host connects and asks [`Call::State`], and a
//! failed creation is a line on descriptor 2 and the exit status 1. Any number of further
//! connections may be made to `shim.sock`. (Its path may be longer than a socket address can hold:
//! connect to `/proc/self/fd/N/shim.sock`, with N open on the bundle.)
//!
//! Each line from a host is a [`Request`], each line from the shim a [`Message`]. Answers come in
//! any order (a [`Call::Wait`] waits, others pass it) and repeat the id of their request.
//!
//! # Attaching
//! A connection whose first line is a [`Call::Attach`] is, once [`Reply::Attached`] has come, no
//! longer one of lines. From the shim come frames: one byte with the [stream](Stream), three zero
//! bytes, the length of the payload as a big-endian `u32`, the payload (all output of a terminal is
//! [`Stream::Stdout`]). To the shim go the bytes of standard input, unframed; `shutdown(SHUT_WR)`
//! ends them. The shim closes the connection when the target's output has ended and every byte of
//! it has been handed over. Nothing the target writes before its first attached client is lost if
//! that client attached before [`Call::Start`], or, for an exec, with [`ExecOutput::Attach`].
//!
//! A client with its backlog full is treated as its [`Lag`] says; the log never waits for clients.

mod bundle;
mod report;

use jiff::Timestamp;
use oci_spec::runtime::{LinuxResources, Process};
use serde::{Deserialize, Serialize};

pub use bundle::{
    ExitStatus, LogConfig, ProcessId, RootfsConfig, ShimConfig, ShimState, Status, StdinMode, file,
};
pub use report::{Failure, FailureCode};

pub use crate::cgroup::CgroupPaths;
pub use crate::trace::{Note, Step};

/// Counts up when a shim of an older version could misread a host, or the other way round.
pub const PROTOCOL_VERSION: u32 = 1;
/// The id that the unasked answer about the creation carries; requests count from 1.
pub const CREATE_ID: u64 = 0;
/// A request that is longer than this ends its connection.
pub const MAX_REQUEST_BYTES: usize = 1 << 20;
/// The size of the head of a frame on an attached connection.
pub const FRAME_HEAD_BYTES: usize = 8;

/// A process of the container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The container's first process.
    Init,
    /// The exec process with this id.
    Exec(String),
}

/// One line from a host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the host, repeated in the answer.
    pub id: u64,
    /// What to do.
    pub call: Call,
}

/// What a host may ask.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Lets init run the container's program. → [`Reply::Started`]
    Start,
    /// → [`Reply::State`]
    State,
    /// Sends a signal. → [`Reply::Done`]
    Kill {
        /// To this process.
        target: Target,
        /// The signal's number.
        signal: i32,
        /// To every process of the container instead; only with the target init.
        #[serde(default)]
        all: bool,
    },
    /// Freezes all processes. → [`Reply::Done`]
    Pause,
    /// Thaws them. → [`Reply::Done`]
    Resume,
    /// Changes limits. → [`Reply::Updated`]
    Update {
        /// Only what is set is changed.
        resources: Box<LinuxResources>,
    },
    /// Starts one more process in the container. → [`Reply::ExecStarted`]
    Exec {
        /// New among the container's exec processes.
        exec_id: String,
        /// What to run; `terminal` and `consoleSize` are taken from here.
        process: Box<Process>,
        /// Its standard input; [`StdinMode::Once`] is what an interactive client wants.
        #[serde(default)]
        stdin: StdinMode,
        /// Who reads what it writes.
        output: ExecOutput,
    },
    /// Sets the size of a terminal; before the start too. → [`Reply::Done`]
    Resize {
        /// Whose terminal.
        target: Target,
        /// Lines.
        rows: u16,
        /// Characters in a line.
        cols: u16,
    },
    /// Ends standard input once what has arrived is written. → [`Reply::Done`]
    CloseStdin {
        /// Whose input.
        target: Target,
    },
    /// Answers when the target has exited, which may be now. → [`Reply::Exited`]
    Wait {
        /// For whom.
        target: Target,
    },
    /// From now on this connection receives [`Message::Event`]. → [`Reply::State`]: no exit falls
    /// between that state and the first event.
    Subscribe,
    /// Forgets an exec process that has exited. → [`Reply::Done`]
    Forget {
        /// Its id.
        exec_id: String,
    },
    /// Removes the control group of a container whose init has exited; the shim ends after the
    /// answer. Files in the bundle stay. → [`Reply::Done`]
    Delete,
    /// Kills all processes, waits for init's exit, then as [`Call::Delete`]. → [`Reply::Done`]
    Shutdown,
    /// Turns the connection into a stream; only as its first request. → [`Reply::Attached`]
    Attach(Attach),
}

/// What an attaching client wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attach {
    /// To whom.
    pub target: Target,
    /// Whether the client sends input.
    #[serde(default)]
    pub stdin: bool,
    /// Whether it receives standard output (or the terminal's).
    #[serde(default)]
    pub stdout: bool,
    /// Whether it receives standard error.
    #[serde(default)]
    pub stderr: bool,
    /// What happens when it does not keep up.
    #[serde(default)]
    pub lag: Lag,
}

/// What happens to a client whose backlog (1 MiB) is full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lag {
    /// The target is slowed to the pace of the client, as by a pipe: `docker run … | tar x` loses
    /// nothing. A client that takes no byte for 30 seconds is cut off, so it cannot hold the
    /// container.
    #[default]
    Pace,
    /// The target is never slowed: the oldest output is skipped, and a frame of
    /// [`Stream::Notice`] says how many bytes. For viewers.
    Skip,
}

/// The first byte of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Stream {
    /// Standard output, or a terminal's output.
    Stdout = 1,
    /// Standard error.
    Stderr = 2,
    /// A word of the shim: the payload is the number of skipped bytes, in decimal.
    Notice = 3,
}

/// Who reads the output of an exec process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecOutput {
    /// Nobody.
    Discard,
    /// A client that will attach: until it does, or until the connection of the exec request ends,
    /// output waits in the pipe.
    Attach,
}

/// One line from the shim.
#[expect(
    clippy::large_enum_variant,
    reason = "a message lives no longer than its line"
)]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// A request was done.
    Done {
        /// Of the request.
        id: u64,
        /// What it yielded.
        reply: Reply,
    },
    /// A request failed; unless the error says otherwise, nothing has changed.
    Failed {
        /// Of the request.
        id: u64,
        /// Why.
        error: Failure,
    },
    /// Something happened; only to those who [subscribed](Call::Subscribe).
    Event(Event),
}

/// What a request yields.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Nothing to say.
    Done,
    /// The container is set up, its init waits.
    Created(Created),
    /// The program runs: `execve` has succeeded.
    Started(Started),
    /// The exec process runs: `execve` has succeeded.
    ExecStarted(ExecStarted),
    /// The state now.
    State(ShimState),
    /// Limits that could not be applied, and why.
    Updated {
        /// One for each.
        notes: Vec<Note>,
    },
    /// The process has exited.
    Exited(ExitStatus),
    /// Frames follow.
    Attached,
}

/// How the creation went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Created {
    /// As `state.json` has it.
    pub state: ShimState,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// What was weakened, and why.
    pub notes: Vec<Note>,
}

/// How the start went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// When `execve` had succeeded.
    pub started_at: Timestamp,
    /// What was done, in order.
    pub steps: Vec<Step>,
}

/// How an exec went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecStarted {
    /// In the shim's pid namespace.
    pub pid: i32,
    /// When `execve` had succeeded.
    pub started_at: Timestamp,
    /// What was done, in order.
    pub steps: Vec<Step>,
}

/// Something that happened in the container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A process has exited; its output is in the log and queued for its clients.
    Exited {
        /// Which.
        target: Target,
        /// How.
        status: ExitStatus,
    },
    /// The kernel killed a process of the container because its memory limit was reached.
    Oom,
    /// Output cannot be logged (a full disk, say), or can be again; the container runs on.
    LogLost {
        /// Since the shim started.
        lines: u64,
        /// What the first of the failed writes said; None when the log works again.
        cause: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: &str) {
        let request: Request = serde_json::from_str(line).unwrap();
        assert_eq!(format!("{:?}", request.call), expect, "of {line}");
        let again = serde_json::to_string(&request).unwrap();
        let again: Request = serde_json::from_str(&again).unwrap();
        assert_eq!(format!("{:?}", again.call), expect, "of {again:?}");
    }

    #[test]
    fn a_request_is_one_object_with_the_call_as_its_only_tag() {
        check(r#"{"id":1,"call":"start"}"#, "Start");
        check(
            r#"{"id":2,"call":{"kill":{"target":{"exec":"e1"},"signal":9}}}"#,
            r#"Kill { target: Exec("e1"), signal: 9, all: false }"#,
        );
        check(
            r#"{"id":3,"call":{"attach":{"target":"init","stdout":true,"lag":"skip"}}}"#,
            "Attach(Attach { target: Init, stdin: false, stdout: true, stderr: false, lag: Skip })",
        );
    }

    #[test]
    fn a_failure_code_from_the_future_is_unknown_and_not_an_error() {
        let code: FailureCode = serde_json::from_str("\"quantum_decoherence\"").unwrap();
        assert_eq!(code, FailureCode::Unknown);
    }
}
