//! Learns when the kernel kills a process of the container for want of memory.

use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::PathBuf;

use nix::poll::PollFlags;
use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::cgroup::CgroupPaths;

/// The kernel's count of such kills, and what becomes ready when it changes.
#[derive(Debug, Default)]
pub(crate) struct OomWatch {
    /// `memory.events` (v2) or `memory.oom_control` (v1); None without a memory cgroup.
    counter: Option<PathBuf>,
    signal: Option<Signal>,
    seen: u64,
}

#[derive(Debug)]
enum Signal {
    /// v1: an event descriptor. The file of the counter is kept open as long as it counts.
    Event(
        EventFd,
        #[expect(dead_code, reason = "held for the kernel")] File,
    ),
    /// v2: the file itself.
    Events(File),
}

impl OomWatch {
    /// Watches the container's memory cgroup, if it has one.
    pub(crate) fn new(cgroup: &CgroupPaths) -> Self {
        if let Some(folder) = cgroup.v2() {
            let counter = folder.join("memory.events");
            let signal = File::open(&counter).ok().map(Signal::Events);
            return Self {
                counter: Some(counter),
                signal,
                seen: 0,
            };
        }
        let Some(folder) = cgroup.controller("memory") else {
            return Self::default();
        };
        let counter = folder.join("memory.oom_control");
        let signal = File::open(&counter).ok().and_then(|file| {
            let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
            let event = EventFd::from_flags(flags).ok()?;
            let registration = format!("{} {}", event.as_fd().as_raw_fd(), file.as_raw_fd());
            fs::write(folder.join("cgroup.event_control"), registration).ok()?;
            Some(Signal::Event(event, file))
        });
        Self {
            counter: Some(counter),
            signal,
            seen: 0,
        }
    }

    /// For poll: what, and for which events.
    pub(crate) fn source(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        match self.signal.as_ref()? {
            Signal::Event(event, _) => Some((event.as_fd(), PollFlags::POLLIN)),
            Signal::Events(file) => Some((file.as_fd(), PollFlags::POLLPRI)),
        }
    }

    /// Looks at the counter; true if it has grown since the last look.
    pub(crate) fn look(&mut self) -> bool {
        if let Some(Signal::Event(event, _)) = &self.signal {
            let _ = event.read();
        }
        let count = self.count();
        let grown = count > self.seen;
        self.seen = self.seen.max(count);
        grown
    }

    /// Whether there was any kill.
    pub(crate) fn any(&self) -> bool {
        self.seen > 0
    }

    /// Stops: the cgroup is about to go, which would be signaled too.
    pub(crate) fn stop(&mut self) {
        self.signal = None;
    }

    fn count(&self) -> u64 {
        let text = self
            .counter
            .as_ref()
            .and_then(|path| fs::read_to_string(path).ok());
        text.as_deref().map_or(0, kills)
    }
}

fn kills(counters: &str) -> u64 {
    let lines = counters.lines().filter_map(|line| line.split_once(' '));
    let mut counts = lines.filter(|(name, _)| *name == "oom_kill");
    counts
        .next()
        .and_then(|(_, count)| count.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_counted_in_both_versions_of_the_file() {
        assert_eq!(
            kills("low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n"),
            2
        );
        assert_eq!(kills("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"), 1);
        assert_eq!(kills(""), 0);
    }
}
