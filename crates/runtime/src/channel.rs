//! The socket between a caller and the process that it sets up: reports one way, single bytes the other.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use serde::{Deserialize, Serialize};
use terrarium_sys::fdpass;

use crate::error::{Context, Error, Failure, Result};
use crate::trace::{Note, Step};

/// What the new process says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// The first of two stages made the real one; pid as the caller's namespace sees it.
    Born { pid: i32 },
    /// Namespaces and mounts are there; hooks of the caller's side may run. Answer: [`CONTINUE`].
    HooksDue,
    /// The master of the terminal comes with this message.
    Console,
    /// Waits for [`START`].
    Ready { steps: Vec<Step>, notes: Vec<Note> },
    /// The next system call is execve. End of file afterwards means that it succeeded.
    Executing {
        steps: Vec<Step>,
        notes: Vec<Note>,
        at_usec: u64,
        command: String,
    },
    /// The listener of a filter comes with this message, for the agent at `path`. Answer: [`CONTINUE`].
    Listener { path: PathBuf, message: String },
    /// The end.
    Failed(Failure),
}

/// Caller to process: maps are written, or hooks are done.
pub(crate) const CONTINUE: u8 = b'c';
/// Caller to process: execute.
pub(crate) const START: u8 = b's';

/// One end.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

impl Channel {
    pub(crate) fn pair() -> Result<(Self, Self)> {
        let kind = SockType::SeqPacket;
        let pair = socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC);
        let (one, other) = pair.doing(|| "make a socket pair")?;
        Ok((Self(one), Self(other)))
    }

    pub(crate) fn from_fd(fd: OwnedFd) -> Self {
        Self(fd)
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    pub(crate) fn into_fd(self) -> OwnedFd {
        self.0
    }

    pub(crate) fn report(&self, report: &Report, fd: Option<BorrowedFd<'_>>) -> Result<()> {
        let bytes = serde_json::to_vec(report).expect("reports hold only strings and numbers");
        fdpass::send(self.0.as_fd(), &bytes, fd).doing(|| "report to the caller")
    }

    /// The next report; `None` when the process closed its end.
    pub(crate) fn receive(&self) -> Result<Option<(Report, Option<OwnedFd>)>> {
        // A buffer for the longest one would cost every start the zeroing of some hundred kilobytes.
        let received = fdpass::next_length(self.0.as_fd()).and_then(|length| {
            let mut buffer = vec![0; length];
            let (length, fd) = fdpass::receive(self.0.as_fd(), &mut buffer)?;
            Ok((buffer, length, fd))
        });
        let (buffer, length, fd) = match received {
            // The process died with a message of ours unread.
            Err(error) if error.raw_os_error() == Some(libc::ECONNRESET) => return Ok(None),
            other => other.doing(|| "receive from the container process")?,
        };
        if length == 0 {
            return Ok(None);
        }
        let report = serde_json::from_slice(&buffer[..length]);
        let report = report.map_err(|source| Error::Json {
            path: "report".into(),
            source,
        })?;
        Ok(Some((report, fd)))
    }

    /// Sends one of the byte orders.
    pub(crate) fn order(&self, order: u8) -> Result<()> {
        fdpass::send(self.0.as_fd(), &[order], None).doing(|| "send to the container process")
    }

    /// Waits for exactly this order. Anything else, or a caller that is gone, ends the process.
    pub(crate) fn await_order(&self, order: u8) -> Result<()> {
        let mut buffer = [0; 1];
        let received = fdpass::receive(self.0.as_fd(), &mut buffer);
        let (length, _) = received.doing(|| "wait for the caller")?;
        if length == 1 && buffer[0] == order {
            return Ok(());
        }
        let gone = std::io::Error::from(std::io::ErrorKind::ConnectionAborted);
        Err(Error::io("wait for the caller", gone))
    }
}
