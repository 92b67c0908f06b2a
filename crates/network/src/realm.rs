//! The network namespace of a user who is not root: its bridges, rules and leases of addresses are in there,
//! and a process in the user namespace of all its containers keeps it.
//!
//! Containers are in that same user namespace: the kernel lets nobody put a link into a network namespace
//! of another one beside it.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::thread;

use nix::sched::{CloneFlags, unshare};

use crate::error::{Error, Result};
use crate::netlink::Rtnl;

/// Makes the namespace. No process is in it: it is there as long as the descriptor.
pub(crate) fn make() -> Result<OwnedFd> {
    let made = thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).map_err(|errno| failed(errno.into()))?;
        let mut rtnl = Rtnl::open()?;
        let lo = rtnl.require_link("lo")?;
        rtnl.set_up(&lo)?;
        File::open("/proc/thread-self/ns/net").map_err(failed)
    });
    let made = made
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    made.map(OwnedFd::from)
}

fn failed(source: io::Error) -> Error {
    Error::Realm { source }
}
