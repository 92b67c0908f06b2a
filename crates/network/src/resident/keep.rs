//! A user's namespace and what belongs to it, in the process that keeps both.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use terrarium_sys::{fdpass, pidfd};

use super::{Realm, Reply};
use crate::error::{Error, Result};
use crate::network::{Mode, Network};
use crate::realm;

/// The namespace lasts as long as this value, and so does the way out of it.
pub(super) struct Keep {
    pub(super) network: Arc<Network>,
    netns: Arc<OwnedFd>,
    uplink: Option<OwnedFd>,
}

impl Keep {
    pub(super) fn new(folder: &Path) -> Result<Self> {
        let netns = realm::make()?;
        let copied = netns
            .try_clone()
            .map_err(|source| Error::Realm { source })?;
        let run_root = folder.parent().unwrap_or(folder);
        Ok(Self {
            network: Arc::new(Network::with_mode(run_root, Mode::Realm(copied))?),
            netns: Arc::new(netns),
            uplink: None,
        })
    }

    pub(super) fn netns(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.netns)
    }

    pub(super) fn realm(&self) -> Realm {
        Realm {
            pid: std::process::id(),
            netns: self.netns.as_raw_fd(),
            has_uplink: self.uplink.as_ref().is_some_and(is_alive),
        }
    }

    pub(super) fn take_uplink(&mut self, pid: i32) {
        // One that has ended already is started anew by the next container.
        self.uplink = pidfd::open(pid).ok();
    }
}

impl Drop for Keep {
    fn drop(&mut self) {
        if let Some(uplink) = &self.uplink {
            // Gone already is fine.
            let _ = pidfd::send_signal(uplink.as_fd(), Signal::SIGTERM as i32);
        }
    }
}

fn is_alive(process: &OwnedFd) -> bool {
    let mut ended = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    matches!(poll(&mut ended, PollTimeout::ZERO), Ok(0))
}

/// Answers a host.
pub(super) fn tell(host: &OwnedFd, reply: &Reply) -> io::Result<()> {
    let bytes = serde_json::to_vec(reply)?;
    fdpass::send(host.as_fd(), &bytes, None)
}
