//! Sees to it that the packet filter table stays as the records want it, whoever flushes it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::error::{Error, Result};
use crate::netfilter::{Message, Netfilter};
use crate::network::{Mode, Network};

/// Whoever changes rules gets this long to be done.
const QUIET: Duration = Duration::from_millis(100);
/// The news about tables.
const TABLES: u32 = 1 << 6;
const SUBSYSTEM: u16 = 10;
/// Deleted: a table, a chain, a rule, a set, elements of one.
const DELETIONS: [u16; 5] = [2, 5, 8, 11, 14];
/// The attribute that names the table is the first one in each of these messages.
const TABLE: u16 = 1;

impl Network {
    /// Starts to write the table anew whenever another program takes something out of it, and tells each
    /// time how that went. It ends with the last handle to the network.
    ///
    /// # Errors
    /// When the kernel tells no news about tables.
    pub fn keep_rules(self: &Arc<Self>, told: impl Fn(Result<()>) + Send + 'static) -> Result<()> {
        if !matches!(self.mode, Mode::Here) {
            return Ok(());
        }
        let failed = |source: io::Error| Error::RulesUnwatched { source };
        let news = Netfilter::open(TABLES).map_err(failed)?;
        let (end, ours) = nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(|e| failed(e.into()))?;
        if self.keeper.set(ours).is_err() {
            return Ok(());
        }
        let keeper = Keeper {
            table: self.instance.table(),
            network: Arc::downgrade(self),
            news,
            end,
        };
        let run = move || keeper.run(&told);
        let started = thread::Builder::new().name("rules".into()).spawn(run);
        started.map(drop).map_err(failed)
    }

    /// Writes the table anew if this process has one.
    fn restore(&self) -> Result<bool> {
        let state = self.folder.lock()?;
        // Looked at under the lock: who removes the table for good does so under it, too.
        let wanted = self.applied.load(Ordering::Relaxed);
        if wanted {
            self.apply(&state)?;
        }
        Ok(wanted)
    }
}

struct Keeper {
    table: String,
    network: Weak<Network>,
    news: Netfilter,
    /// Closed by the other side when the network is no more.
    end: OwnedFd,
}

impl Keeper {
    fn run(mut self, told: &dyn Fn(Result<()>)) {
        // What the last news about the table was. A change of ours ends with rules that come.
        let mut deleted = false;
        loop {
            match self.wait(deleted) {
                Wait::End => return,
                Wait::Quiet => {
                    deleted = false;
                    let Some(network) = self.network.upgrade() else {
                        return;
                    };
                    match network.restore() {
                        Ok(false) => {}
                        Ok(true) => told(Ok(())),
                        Err(error) => told(Err(error)),
                    }
                }
                Wait::News => {
                    let table = &self.table;
                    let heard = self.news.receive(&mut |message| {
                        deleted = is_deletion(message, table).unwrap_or(deleted);
                        true
                    });
                    match heard {
                        Err(error) if !is_passing(&error) => return,
                        _ => {}
                    }
                }
            }
        }
    }

    fn wait(&self, deleted: bool) -> Wait {
        let timeout = if deleted {
            PollTimeout::try_from(QUIET).unwrap_or(PollTimeout::ZERO)
        } else {
            PollTimeout::NONE
        };
        let mut fds = [
            PollFd::new(self.end.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.news.fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, timeout) {
            Ok(0) => Wait::Quiet,
            Err(Errno::EINTR) => Wait::News,
            Err(_) => Wait::End,
            Ok(_) if fds[0].any().unwrap_or(true) => Wait::End,
            Ok(_) => Wait::News,
        }
    }
}

enum Wait {
    News,
    Quiet,
    End,
}

/// More was said than fits, or nothing at all.
fn is_passing(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::ENOBUFS | Errno::EINTR | Errno::EAGAIN))
}

/// Whether a message tells that something of the table went, or came; none where it is about another one.
fn is_deletion(message: Message<'_>, table: &str) -> Option<bool> {
    if message.kind >> 8 != SUBSYSTEM {
        return None;
    }
    let name = message.attributes().get(TABLE)?;
    let is_it = name.strip_suffix(&[0]) == Some(table.as_bytes());
    is_it.then(|| DELETIONS.contains(&(message.kind & 0xff)))
}
