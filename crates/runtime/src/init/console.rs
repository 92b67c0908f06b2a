//! The terminal: made in the container's own devpts, handed over by descriptor.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::fcntl::OFlag;
use nix::sys::statfs::fstatfs;
use nix::unistd::{Gid, Uid, fchown};
use terrarium_sys::mount::{Depth, attach, clone_tree};
use terrarium_sys::pty;

use super::root::{Root, Target};
use crate::error::{Context, Error, Result};
use crate::plan::ProcessPlan;

/// `DEVPTS_SUPER_MAGIC` (linux/magic.h).
const DEVPTS: nix::sys::statfs::FsType = nix::sys::statfs::FsType(0x1cd1);

/// Both sides of a new terminal.
#[derive(Debug)]
pub(super) struct Console {
    master: OwnedFd,
    terminal: OwnedFd,
}

impl Console {
    pub(super) fn master(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }

    /// Closes the master (the caller has it) and keeps the process's side.
    pub(super) fn into_terminal(self) -> OwnedFd {
        self.terminal
    }
}

/// Opens a terminal in the container's devpts, sized and owned by the user of the process.
pub(super) fn open(root: &Root, process: &ProcessPlan) -> Result<Console> {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY;
    let master = root.open_without_links(Path::new("/dev/pts/ptmx"), flags);
    let master = master.doing(|| "open `/dev/pts/ptmx` for a terminal")?;
    let kind = fstatfs(&master)
        .doing(|| "stat the file system of `/dev/pts`")?
        .filesystem_type();
    if kind != DEVPTS {
        return Err(Error::InvalidSpec(
            "a terminal needs a devpts on `/dev/pts`".to_owned(),
        ));
    }
    let terminal = pty::open_peer(master.as_fd()).doing(|| "open the terminal")?;
    // Only what a login would do; a user namespace without this user keeps root's.
    let _ = fchown(&terminal, Some(Uid::from_raw(process.uid)), None::<Gid>);
    if let Some((rows, columns)) = process.console_size {
        pty::resize(master.as_fd(), rows, columns).doing(|| "size the terminal")?;
    }
    Ok(Console { master, terminal })
}

/// Makes the terminal `/dev/console`, from its descriptor: a path could be replaced (CVE-2025-52565).
pub(super) fn bind(root: &Root, console: &Console) -> Result<()> {
    let op = || "bind the terminal to `/dev/console`";
    let tree = clone_tree(console.terminal.as_fd(), c"", Depth::One).doing(op)?;
    let target = root
        .target(Path::new("/dev/console"), Target::File)
        .doing(op)?;
    attach(tree.as_fd(), target.as_fd()).doing(op)
}
