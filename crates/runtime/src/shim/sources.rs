//! What a shim waits for.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::process::Process;
use super::supervisor::Shim;

/// More connections than this wait until others have ended.
const MAX_CONNECTIONS: usize = 128;

/// What became ready.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    Children,
    Listener,
    Oom,
    Connection(usize),
    Output(usize, usize),
    Input(usize),
    Client(usize, usize),
}

impl Shim {
    /// Waits until something is ready, or for so long.
    pub(super) fn poll(&self, timeout: Option<Duration>) -> Vec<(Source, PollFlags)> {
        let (sources, mut descriptors): (Vec<_>, Vec<_>) = self
            .sources()
            .map(|(source, fd, events)| (source, PollFd::new(fd, events)))
            .unzip();
        // Rounded up: a deadline must have passed when its timeout has.
        let timeout = timeout.map_or(PollTimeout::NONE, |timeout| {
            let millis = timeout.as_millis().saturating_add(1);
            PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut descriptors, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            // Without poll there is no shim; the kernel says why in the exit status's stead.
            Err(errno) => panic!("poll: {errno}"),
        }
        let ready = sources
            .into_iter()
            .zip(&descriptors)
            .filter_map(|(source, descriptor)| {
                let events = descriptor.revents().unwrap_or(PollFlags::empty());
                (!events.is_empty()).then_some((source, events))
            });
        ready.collect()
    }

    fn sources(&self) -> impl Iterator<Item = (Source, BorrowedFd<'_>, PollFlags)> {
        let children = (Source::Children, self.children.as_fd(), PollFlags::POLLIN);
        let listener = (Source::Listener, self.listener.as_fd(), PollFlags::POLLIN);
        let clients: usize = self
            .processes
            .iter()
            .map(|process| process.clients.len())
            .sum();
        let has_room = self.connections.len() + clients < MAX_CONNECTIONS;
        let fixed = std::iter::once(children).chain(has_room.then_some(listener));
        let oom = self
            .oom
            .source()
            .map(|(fd, events)| (Source::Oom, fd, events));
        let connections = self
            .connections
            .iter()
            .enumerate()
            .map(|(index, connection)| {
                let events = interest(connection.reads(), connection.writes());
                (
                    Source::Connection(index),
                    connection.stream().as_fd(),
                    events,
                )
            });
        let processes = self
            .processes
            .iter()
            .enumerate()
            .flat_map(|(index, process)| of_process(index, process));
        connections.chain(processes).chain(oom).chain(fixed)
    }
}

fn of_process(
    index: usize,
    process: &Process,
) -> impl Iterator<Item = (Source, BorrowedFd<'_>, PollFlags)> {
    let outputs = process
        .outputs
        .iter()
        .enumerate()
        .filter_map(move |(which, output)| {
            let file = output.file().filter(|_| process.reads(output))?;
            Some((
                Source::Output(index, which),
                file.as_fd(),
                PollFlags::POLLIN,
            ))
        });
    let input = process.input.file();
    let input = input.map(|file| (Source::Input(index), file.as_fd(), PollFlags::POLLOUT));
    let room = process.input.has_room();
    let clients = process
        .clients
        .iter()
        .enumerate()
        .filter_map(move |(which, client)| {
            let events = interest(client.reads() && room, client.writes());
            Some((
                Source::Client(index, which),
                client.stream(room)?.as_fd(),
                events,
            ))
        });
    outputs.chain(input).chain(clients)
}

fn interest(reads: bool, writes: bool) -> PollFlags {
    let mut events = PollFlags::empty();
    events.set(PollFlags::POLLIN, reads);
    events.set(PollFlags::POLLOUT, writes);
    events
}
