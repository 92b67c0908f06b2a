//! Work inside another network namespace.

use std::fs::File;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::thread;

use nix::sched::{CloneFlags, setns};

use crate::error::{Error, Result};
use crate::netlink::Rtnl;

/// Opens the network namespace of a process.
///
/// The caller holds the process (its parent, or a pidfd) so that the PID is still the same one.
///
/// # Errors
/// When the process is gone or may not be looked at.
pub fn open_netns(pid: u32) -> Result<OwnedFd> {
    let path = PathBuf::from(format!("/proc/{pid}/ns/net"));
    let file = File::open(&path).map_err(Error::io("open", path))?;
    Ok(file.into())
}

/// Brings up `lo` and nothing else: what a container without a network gets.
///
/// # Errors
/// When the namespace cannot be entered or the kernel refuses.
pub fn bring_up_loopback(netns: BorrowedFd<'_>) -> Result<()> {
    inside(netns, || {
        let mut rtnl = Rtnl::open()?;
        let lo = rtnl.require_link("lo")?;
        rtnl.set_up(&lo)
    })
}

/// Enters the namespace for the rest of this thread.
pub(crate) fn enter(netns: BorrowedFd<'_>) -> Result<()> {
    setns(netns, CloneFlags::CLONE_NEWNET).map_err(|errno| Error::Namespace {
        source: errno.into(),
    })
}

/// Runs `work` on a thread of its own that has entered the namespace.
///
/// A network namespace belongs to a thread, so this is allowed in a process with many; the thread ends
/// with the work, so that no later work finds itself in the wrong place.
pub(crate) fn inside<T: Send>(
    netns: BorrowedFd<'_>,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    thread::scope(|scope| {
        let entered = scope.spawn(|| {
            enter(netns)?;
            work()
        });
        entered
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
