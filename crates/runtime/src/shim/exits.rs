//! Ends of processes: reaped, drained, written down, told.

use std::time::Instant;

use terrarium_sys::wait::reap_any;

use super::process::End;
use super::protocol::{Event, ExitStatus, Failure, FailureCode, Reply, Status};
use super::supervisor::Shim;
use crate::cgroup;

impl Shim {
    /// Reaps every child that has ended, orphans of the container too.
    pub(super) fn reap(&mut self) {
        self.silence_children();
        while let Ok(Some((pid, status))) = reap_any() {
            if self
                .log
                .as_mut()
                .is_some_and(|log| log.reaped(pid, status.success()))
            {
                continue;
            }
            let signal = std::os::unix::process::ExitStatusExt::signal(&status);
            let code = status
                .code()
                .or(signal.map(|signal| 128 + signal))
                .unwrap_or(255);
            let mut processes = self.processes.iter_mut();
            let ended = processes.find(|process| process.pid == pid && process.end.is_none());
            if let Some(process) = ended {
                process.end = Some(End::now(code, signal));
            }
        }
        if self.shares_pids && self.processes[0].end.is_some() {
            // What init leaves behind would hold its output, and the cgroup.
            let _ = cgroup::kill_all(self.cgroup());
        }
    }

    /// Takes every ended process as far as it can be taken now. Init comes last: its exit is told
    /// after those of the processes that it took along.
    pub(super) fn settle(&mut self) {
        for index in (0..self.processes.len()).rev() {
            let process = &mut self.processes[index];
            let Some(end) = process.end else { continue };
            let mut log = self.log.as_mut().filter(|_| index == 0);
            let held = process.held_for.is_some();
            if !held && !process.output_ended() {
                process.drain(log.as_deref_mut(), &mut self.scratch);
                if end.drain_until <= Instant::now() {
                    process.cut_output(log);
                }
            }
            if process.exit.is_none() && (held || process.output_ended()) {
                self.finish(index, end);
            }
        }
        self.tell_of_log();
    }

    /// Tells when output begins to be lost, and when that is over.
    fn tell_of_log(&mut self) {
        if let Some(lost) = self.log.as_mut().and_then(super::log::Log::take_change) {
            let event = Event::LogLost {
                lines: lost.lines,
                cause: lost.cause.clone(),
            };
            self.tell(&event);
        }
    }

    /// Tells of kills for want of memory that nobody was told of.
    pub(super) fn look_for_oom(&mut self) {
        if self.oom.look() {
            self.tell(&Event::Oom);
        }
    }

    /// Cleans up after init, and lets the loop end.
    pub(super) fn conclude(&mut self) -> Result<(), Failure> {
        if self.state.status != Status::Stopped {
            let message = format!("container {:?} has not stopped", self.state.id);
            return Err(Failure::new(FailureCode::WrongStatus, message));
        }
        self.oom.stop();
        cgroup::destroy(self.cgroup()).map_err(|error| Failure::from(&error))?;
        self.done = true;
        Ok(())
    }

    /// Writes down and tells how a process ended.
    fn finish(&mut self, index: usize, end: End) {
        self.look_for_oom();
        self.tell_of_log();
        let process = &mut self.processes[index];
        let failure = process.start_failure.take();
        let status = ExitStatus {
            code: failure.as_ref().map_or(end.code, |(code, _)| *code),
            signal: end.signal.filter(|_| failure.is_none()),
            oom_killed: self.oom.any(),
            started_at: process.started_at,
            exited_at: end.at,
            lost_log_lines: self.log.as_ref().map_or(0, super::log::Log::lost_lines),
            error: failure.map(|(_, failure)| failure),
        };
        process.exit = Some(status.clone());
        let waiters = std::mem::take(&mut process.waiters);
        let target = process.target.clone();
        if index == 0 {
            // Before anybody is told. If it cannot be written, the shim still knows.
            let _ = self.bundle.write_exit(&status);
            self.state.exit = Some(status.clone());
            self.created = None;
            self.set_status(Status::Stopped);
        }
        for (host, id) in waiters {
            self.answer(host, id, Ok(Reply::Exited(status.clone())));
        }
        self.tell(&Event::Exited { target, status });
        if index == 0 && !self.ending.is_empty() {
            let outcome = self.conclude().map(|()| Reply::Done);
            for (host, id) in std::mem::take(&mut self.ending) {
                self.answer(host, id, outcome.clone());
            }
        }
    }

    fn answer(&mut self, host: u64, id: u64, outcome: Result<Reply, Failure>) {
        let mut connections = self.connections.iter_mut();
        if let Some(connection) = connections.find(|connection| connection.id == host) {
            connection.answer(id, outcome);
        }
    }
}
