//! The listener of a filter with `SCMP_ACT_NOTIFY`: from the process that made it to the agent that answers.
//!
//! The process hands it up its channel, the caller sends it to the agent's socket with the state of the
//! OCI specification ("Container Process State"), and only then does the process go on: from the load of
//! the filter on, its system calls may be waiting for that agent.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use terrarium_sys::fdpass;

use crate::channel::{CONTINUE, Channel, Report};
use crate::error::{Context, Error, Result};
use crate::hooks::HookState;

/// Where the agent listens, and what it is told besides the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listener {
    pub(crate) path: PathBuf,
    pub(crate) metadata: String,
}

impl Listener {
    /// The report that offers the listener, made before the filter is loaded: memory that it needs could
    /// cost a system call that the filter holds.
    pub(crate) fn offer(&self, state: &HookState<'_>, status: &str) -> Report {
        let container = state.state(status);
        Report::Listener {
            path: self.path.clone(),
            message: json!({
                "ociVersion": container["ociVersion"],
                "fds": ["seccompFd"],
                "metadata": self.metadata,
                "state": container,
            })
            .to_string(),
        }
    }
}

/// Sends the offer up the channel, and waits until the agent has the listener.
pub(crate) fn hand_over(channel: &Channel, offer: &Report, listener: &OwnedFd) -> Result<()> {
    channel.report(offer, Some(listener.as_fd()))?;
    channel.await_order(CONTINUE)
}

/// Sends the listener to the agent; `pid` is the process as the caller sees it.
pub(crate) fn deliver(
    channel: &Channel,
    path: &Path,
    message: &str,
    listener: Option<OwnedFd>,
    pid: i32,
) -> Result<()> {
    let op = || format!("send the seccomp listener to {path:?}");
    let mut message: Value = serde_json::from_str(message).map_err(|source| Error::Json {
        path: "report".into(),
        source,
    })?;
    message["pid"] = pid.into();
    // Of init, which did not know its own number out here.
    if message["state"]["pid"].is_null() {
        message["state"]["pid"] = pid.into();
    }
    let missing = || std::io::Error::from_raw_os_error(libc::EBADF);
    let listener = listener.ok_or_else(missing).doing(op)?;
    let agent = UnixStream::connect(path).doing(op)?;
    let bytes = message.to_string();
    fdpass::send(agent.as_fd(), bytes.as_bytes(), Some(listener.as_fd())).doing(op)?;
    channel.order(CONTINUE)
}
