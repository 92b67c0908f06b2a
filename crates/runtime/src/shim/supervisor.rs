//! The loop: waits for whatever comes first and hands it on.

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::poll::PollFlags;
use nix::sys::signalfd::SignalFd;
use terrarium_sys::clone::SingleThreaded;

use super::bundle::Bundle;
use super::connection::Connection;
use super::launch::{self, Launched};
use super::log::Log;
use super::process::Process;
use super::protocol::{
    CREATE_ID, CgroupPaths, Created as CreatedReply, Event, Failure, PROTOCOL_VERSION, ProcessId,
    Reply, ShimConfig, ShimState, Status,
};
use super::sources::Source;
use super::startup::{self, Beginning};
use crate::error::{Context, Result};
use crate::oom::OomWatch;

/// What fits into a pipe.
const SCRATCH_BYTES: usize = 64 * 1024;
/// After so long without work, memory is given back.
const REST: Duration = Duration::from_millis(500);

/// A shim at work.
pub(super) struct Shim {
    pub(super) bundle: Bundle,
    pub(super) state: ShimState,
    pub(super) connections: Vec<Connection>,
    /// Init comes first, and always stays.
    pub(super) processes: Vec<Process>,
    pub(super) log: Option<Log>,
    /// What lets init start; taken by the start.
    pub(super) created: Option<crate::Created>,
    pub(super) oom: OomWatch,
    /// See [`Launched`].
    pub(super) shares_pids: bool,
    /// Connections and request ids of those who wait for the end of it all.
    pub(super) ending: Vec<(u64, u64)>,
    pub(super) done: bool,
    /// For reads; empty while nothing flows.
    pub(super) scratch: Vec<u8>,
    pub(super) listener: UnixListener,
    pub(super) children: SignalFd,
    next_connection: u64,
}

/// Turns this process into the shim of the bundle; returns when a host has asked for the end.
pub(super) fn supervise(bundle: &Path) -> Result<ExitCode> {
    let Beginning { host, children } = startup::detach()?;
    let mut host = host.and_then(|stream| Connection::new(CREATE_ID, stream).ok());
    match Shim::launch(bundle, children) {
        Ok((mut shim, created)) => {
            startup::forget_stderr();
            if let Some(mut host) = host.take() {
                host.answer(CREATE_ID, Ok(Reply::Created(created)));
                shim.connections.push(host);
            }
            shim.run();
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            if let Some(host) = &mut host {
                host.answer(CREATE_ID, Err(Failure::from(&error)));
                host.flush_at_last();
            }
            Err(error)
        }
    }
}

impl Shim {
    fn launch(bundle: &Path, children: SignalFd) -> Result<(Self, CreatedReply)> {
        let bundle = Bundle::open(bundle)?;
        let config: ShimConfig = bundle.read(super::protocol::file::CONFIG)?;
        let log = config.log.clone().map(|log| {
            let path = log.path.clone();
            Log::open(log).doing(|| format!("open log `{}`", path.display()))
        });
        let log = log.transpose()?;
        let listener = bundle.listen()?;
        let Launched {
            mut created,
            init,
            shares_pids,
        } = launch::create(&bundle, &config)?;
        let state = ShimState {
            protocol: PROTOCOL_VERSION,
            id: config.id,
            status: Status::Created,
            shim: ProcessId::of(nix::unistd::getpid().as_raw()),
            init: Some(ProcessId::of(init.pid)),
            cgroup: created.cgroup.clone(),
            created_at: Some(Timestamp::now()),
            started_at: None,
            exit: None,
        };
        if let Err(error) = bundle.write_state(&state) {
            // A host that comes later could not find the container.
            launch::abandon(&created);
            return Err(error).doing(|| "write `state.json`");
        }
        let reply = CreatedReply {
            state: state.clone(),
            steps: std::mem::take(&mut created.steps),
            notes: std::mem::take(&mut created.notes),
        };
        let shim = Self {
            oom: OomWatch::new(&state.cgroup),
            bundle,
            state,
            connections: Vec::new(),
            processes: vec![init],
            log,
            created: Some(created),
            shares_pids,
            ending: Vec::new(),
            done: false,
            scratch: Vec::new(),
            listener,
            children,
            next_connection: CREATE_ID + 1,
        };
        Ok((shim, reply))
    }

    fn run(&mut self) {
        while !self.done {
            let ready = self.wait();
            if self.scratch.is_empty() {
                self.scratch.resize(SCRATCH_BYTES, 0);
            }
            for (source, events) in ready {
                self.handle(source, events);
            }
            self.settle();
            self.sweep();
        }
        for connection in &mut self.connections {
            connection.flush_at_last();
        }
    }

    /// The container's control groups.
    pub(super) fn cgroup(&self) -> &CgroupPaths {
        &self.state.cgroup
    }

    /// Tells everybody who wants to know.
    pub(super) fn tell(&mut self, event: &Event) {
        for connection in &mut self.connections {
            connection.tell(event);
        }
    }

    /// Sleeps until something is ready or due.
    fn wait(&mut self) -> Vec<(Source, PollFlags)> {
        loop {
            let now = Instant::now();
            let deadline = self.processes.iter().filter_map(Process::deadline).min();
            let mut timeout = deadline.map(|at| at.saturating_duration_since(now));
            let resting = self.scratch.is_empty();
            if !resting {
                timeout = Some(timeout.map_or(REST, |due| due.min(REST)));
            }
            let ready = self.poll(timeout);
            let due = deadline.is_some_and(|at| at <= Instant::now());
            if ready.is_empty() && !due && !resting {
                self.rest();
                continue;
            }
            return ready;
        }
    }

    fn handle(&mut self, source: Source, events: PollFlags) {
        match source {
            Source::Children => self.reap(),
            Source::Listener => self.accept(),
            Source::Oom => self.look_for_oom(),
            Source::Connection(index) => self.serve(index, events),
            Source::Output(index, which) => {
                let log = self.log.as_mut().filter(|_| index == 0);
                let process = &mut self.processes[index];
                if process.reads(&process.outputs[which]) {
                    process.pump(which, log, &mut self.scratch);
                }
            }
            Source::Input(index) => self.processes[index].input.flush(),
            Source::Client(index, which) => {
                let process = &mut self.processes[index];
                let client = &mut process.clients[which];
                client.flush();
                if client.reads() && events.contains(PollFlags::POLLIN) {
                    process.feed(which, &mut self.scratch);
                } else if events.intersects(PollFlags::POLLHUP | PollFlags::POLLERR) {
                    client.hang_up();
                }
            }
        }
    }

    /// Takes the signals that say what `reap` is about to find.
    pub(super) fn silence_children(&self) {
        while let Ok(Some(_)) = self.children.read_signal() {}
    }

    fn accept(&mut self) {
        // One a round, so that the limit is looked at before each.
        if let Ok((stream, _)) = self.listener.accept() {
            self.connect(stream);
        }
    }

    fn connect(&mut self, stream: UnixStream) {
        if let Ok(connection) = Connection::new(self.next_connection, stream) {
            self.connections.push(connection);
            self.next_connection += 1;
        }
    }

    fn serve(&mut self, index: usize, events: PollFlags) {
        let connection = &mut self.connections[index];
        if connection.writes() {
            connection.flush();
        }
        if connection.reads() && events.contains(PollFlags::POLLIN) {
            connection.read();
            self.requests(index);
        } else if events.intersects(PollFlags::POLLHUP | PollFlags::POLLERR) {
            connection.close();
        }
    }

    /// Removes what has ended, now that no index of this round is needed any more.
    fn sweep(&mut self) {
        let now = Instant::now();
        let connections = &mut self.connections;
        connections.retain(|connection| !connection.closed());
        for process in &mut self.processes {
            if process
                .held_for
                .is_some_and(|id| !connections.iter().any(|host| host.id == id))
            {
                process.held_for = None;
            }
            for client in &mut process.clients {
                client.check_stall(now);
            }
            for output in &mut process.outputs {
                output.resume(now);
            }
            process.sweep_clients();
        }
        // What a late client has still to be given is not forgotten with the process.
        self.processes
            .retain(|process| !process.forgotten || !process.output_ended());
    }

    fn rest(&mut self) {
        self.scratch = Vec::new();
        if let Some(log) = &mut self.log {
            log.rest();
        }
        if let Ok(single) = SingleThreaded::verify() {
            terrarium_sys::memory::give_back(single);
        }
    }
}
