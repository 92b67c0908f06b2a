//! A process under supervision: its streams, the clients that are attached to them, its end.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::client::Client;
use super::input::Input;
use super::log::Log;
use super::output::{Output, Progress};
use super::protocol::{ExitStatus, Failure, Target};

/// How long output is waited for that another process, one that outlives the target, may still
/// write: Docker waits as long.
const DRAIN: Duration = Duration::from_secs(2);

/// Init or an exec process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) target: Target,
    pub(super) pid: i32,
    pub(super) pidfd: OwnedFd,
    /// When its program began to run.
    pub(super) started_at: Option<Timestamp>,
    /// Why its program could not.
    pub(super) start_failure: Option<(i32, Failure)>,
    /// The master of its terminal.
    console: Option<OwnedFd>,
    pub(super) input: Input,
    pub(super) outputs: Vec<Output>,
    pub(super) clients: Vec<Client>,
    /// The connection for whose attaching client output is held back.
    pub(super) held_for: Option<u64>,
    /// Connections and request ids that wait for the exit.
    pub(super) waiters: Vec<(u64, u64)>,
    /// Set when it was reaped.
    pub(super) end: Option<End>,
    /// Set when everybody was told.
    pub(super) exit: Option<ExitStatus>,
    /// A host wants it forgotten.
    pub(super) forgotten: bool,
}

/// What the kernel said of the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub(super) code: i32,
    pub(super) signal: Option<i32>,
    pub(super) at: Timestamp,
    /// When to wait no longer for the rest of the output.
    pub(super) drain_until: Instant,
}

impl End {
    /// Of a process that was just reaped.
    pub(super) fn now(code: i32, signal: Option<i32>) -> Self {
        Self {
            code,
            signal,
            at: Timestamp::now(),
            drain_until: Instant::now() + DRAIN,
        }
    }

    /// Starts the wait for output anew: it was held back until now.
    pub(super) fn extend(&mut self, now: Instant) {
        self.drain_until = now + DRAIN;
    }
}

impl Process {
    /// A process whose streams are ours.
    pub(super) fn new(target: Target, pid: i32, pidfd: OwnedFd) -> Self {
        Self {
            target,
            pid,
            pidfd,
            started_at: None,
            start_failure: None,
            console: None,
            input: Input::default(),
            outputs: Vec::new(),
            clients: Vec::new(),
            held_for: None,
            waiters: Vec::new(),
            end: None,
            exit: None,
            forgotten: false,
        }
    }

    /// Sends a signal; never to another process, whatever became of this one.
    pub(super) fn signal(&self, number: i32) -> io::Result<()> {
        terrarium_sys::pidfd::send_signal(self.pidfd.as_fd(), number)
    }

    /// The master of its terminal.
    pub(super) fn console(&self) -> Option<BorrowedFd<'_>> {
        self.console.as_ref().map(AsFd::as_fd)
    }

    /// Whether it is the exec process of this id.
    pub(super) fn is_exec(&self, id: &str) -> bool {
        matches!(&self.target, Target::Exec(own) if own == id)
    }

    /// Makes the terminal its input and output.
    pub(super) fn adopt_console(&mut self, master: OwnedFd) -> io::Result<()> {
        let file = File::from(master.try_clone()?);
        self.input = Input::terminal(file.try_clone()?)?;
        self.outputs = vec![Output::terminal(file)?];
        self.console = Some(master);
        Ok(())
    }

    /// Whether all output has come.
    pub(super) fn output_ended(&self) -> bool {
        self.outputs.iter().all(Output::ended)
    }

    /// Whether this output is to be read now.
    pub(super) fn reads(&self, output: &Output) -> bool {
        self.held_for.is_none() && !output.ended() && !self.is_paced(output)
    }

    /// Whether an attached client slows this output. Not after the end: what is in the pipe then is
    /// all there is, and an exit waits for no client.
    fn is_paced(&self, output: &Output) -> bool {
        self.end.is_none()
            && self
                .clients
                .iter()
                .any(|client| client.paces(output.stream()))
    }

    /// Moves one chunk of output to the log and to the clients.
    pub(super) fn pump(
        &mut self,
        which: usize,
        log: Option<&mut Log>,
        scratch: &mut [u8],
    ) -> Progress {
        let output = &mut self.outputs[which];
        let count = match output.read(scratch) {
            Progress::Data(count) => count,
            Progress::HungUp if self.end.is_none() => {
                output.pause();
                return Progress::Empty;
            }
            Progress::HungUp | Progress::End => {
                output.end(log);
                return Progress::End;
            }
            Progress::Empty => return Progress::Empty,
        };
        let chunk = &scratch[..count];
        if let Some(log) = log {
            output.log(chunk, log);
        }
        let stream = output.stream();
        if self.clients.iter().any(|client| client.wants(stream)) {
            let payload = Rc::from(chunk);
            for client in self
                .clients
                .iter_mut()
                .filter(|client| client.wants(stream))
            {
                client.push(stream, &payload);
            }
        }
        Progress::Data(count)
    }

    /// Reads all output that is there.
    pub(super) fn drain(&mut self, mut log: Option<&mut Log>, scratch: &mut [u8]) {
        for which in 0..self.outputs.len() {
            if !self.outputs[which].ended() {
                while let Progress::Data(_) = self.pump(which, log.as_deref_mut(), scratch) {}
            }
        }
    }

    /// Gives up on output that has not come.
    pub(super) fn cut_output(&mut self, mut log: Option<&mut Log>) {
        for output in &mut self.outputs {
            output.end(log.as_deref_mut());
        }
    }

    /// Moves input from a client to the process.
    pub(super) fn feed(&mut self, which: usize, scratch: &mut [u8]) {
        let client = &mut self.clients[which];
        while client.reads() && self.input.has_room() {
            match client.read(scratch) {
                Progress::Data(count) => self.input.push(&scratch[..count]),
                Progress::Empty | Progress::HungUp => return,
                Progress::End => self.input.client_ended(),
            }
        }
    }

    /// Drops clients that are served or gone.
    pub(super) fn sweep_clients(&mut self) {
        let ended = self.output_ended();
        let exited = self.end.is_some();
        let input = &mut self.input;
        self.clients.retain_mut(|client| {
            if ended && (exited || !client.reads()) {
                client.finish();
            }
            if client.gone() && client.abandon_input() {
                input.client_ended();
            }
            !client.gone()
        });
        if self.clients.is_empty() {
            self.clients = Vec::new();
        }
        if exited {
            self.input.close();
        }
    }

    /// When something is due without any descriptor becoming ready.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let drain = self
            .end
            .filter(|_| self.held_for.is_none() && !self.output_ended());
        let stalls = self.clients.iter().filter_map(Client::deadline);
        let retries = self.outputs.iter().filter_map(Output::retry_at);
        drain
            .map(|end| end.drain_until)
            .into_iter()
            .chain(stalls)
            .chain(retries)
            .min()
    }
}
