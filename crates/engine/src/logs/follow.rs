//! Waits until a log file grows or is rotated, without polling.

use std::{
    os::fd::{AsFd as _, OwnedFd},
    path::Path,
};

use nix::{
    errno::Errno,
    sys::inotify::{AddWatchFlags, InitFlags, Inotify},
};
use tokio::io::unix::AsyncFd;

use crate::{Result, error::Context as _};

/// An inotify watch on the folder of a log: rotation replaces the file, the folder stays.
pub(super) struct Watcher {
    inotify: Inotify,
    /// A duplicate of its descriptor, for the reactor.
    ready: AsyncFd<OwnedFd>,
}

impl Watcher {
    /// Watches the folder of `path`; `None` when it is not there, so nothing will come.
    pub(super) fn new(path: &Path) -> Result<Option<Self>> {
        let Some(folder) = path.parent().filter(|folder| folder.is_dir()) else {
            return Ok(None);
        };
        let watching = || format!("watch {}", folder.display());
        let inotify =
            Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).context(watching)?;
        let events =
            AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO;
        inotify.add_watch(folder, events).context(watching)?;
        let duplicate = inotify.as_fd().try_clone_to_owned().context(watching)?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe to call; an owned descriptor keeps the promise it asks for"
        )]
        let ready = AsyncFd::new(duplicate).context(watching)?;
        Ok(Some(Self { inotify, ready }))
    }

    /// Returns when something in the folder has changed since the last call.
    pub(super) async fn changed(&mut self) -> Result<()> {
        let waiting = || String::from("wait for log lines");
        let mut ready = self.ready.readable().await.context(waiting)?;
        // Which file changed does not matter: the reader looks at all of them.
        loop {
            match self.inotify.read_events() {
                Ok(_) => {}
                Err(Errno::EAGAIN) => break ready.clear_ready(),
                Err(errno) => return Err(errno).context(waiting),
            }
        }
        Ok(())
    }
}
