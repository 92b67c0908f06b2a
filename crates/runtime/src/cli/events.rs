//! `events`: what a container uses, in intervals, and when the kernel kills for want of memory.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::{Value, json};

use super::args::EventsArgs;
use super::state::{Container, StateRoot, Status};
use crate::cgroup;
use crate::error::{Context, Result};
use crate::oom::OomWatch;

pub(super) fn events(root: &StateRoot, args: &EventsArgs) -> Result<u8> {
    let container = root.load(&args.id)?;
    let status = container.status()?;
    if status == Status::Stopped {
        return Err(container.wrong_status("watch", status));
    }
    if args.stats {
        return tell(&container, "stats", Some(stats(&container))).map(|()| 0);
    }
    watch(&container, args.interval).map(|()| 0)
}

/// Until init ends.
fn watch(container: &Container, interval: Duration) -> Result<()> {
    let init = container.pidfd("watch")?;
    let mut oom = OomWatch::new(&container.record.cgroup);
    // What was killed before is no news.
    oom.look();
    tell(container, "stats", Some(stats(container)))?;
    let mut next = Instant::now() + interval;
    loop {
        let mut sources = vec![PollFd::new(init.as_fd(), PollFlags::POLLIN)];
        let watched = oom.source();
        sources.extend(watched.map(|(fd, events)| PollFd::new(fd, events)));
        let left = next.saturating_duration_since(Instant::now()).as_millis() + 1;
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut sources, timeout) {
            Err(Errno::EINTR) => continue,
            other => other.doing(|| "wait for events")?,
        };
        let ended = sources[0].any() == Some(true);
        drop(sources);
        if oom.look() {
            tell(container, "oom", None)?;
        }
        if ended {
            return Ok(());
        }
        if next <= Instant::now() {
            tell(container, "stats", Some(stats(container)))?;
            next = Instant::now() + interval;
        }
    }
}

fn stats(container: &Container) -> Value {
    cgroup::stats(&container.record.cgroup)
}

fn tell(container: &Container, kind: &str, data: Option<Value>) -> Result<()> {
    let mut event = json!({"type": kind, "id": container.record.id});
    if let Some(data) = data {
        event["data"] = data;
    }
    let mut output = io::stdout();
    writeln!(output, "{event}")
        .and_then(|()| output.flush())
        .doing(|| "write to standard output")
}
