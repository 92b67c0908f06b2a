//! Letting init go on, and waiting for its execve.

use crate::channel::{CONTINUE, Channel, Report, START};
use crate::create::last_step;
use crate::error::{Error, Result};
use crate::listener;
use crate::request::Created;
use crate::trace::{Step, Trace};

/// Sends `start` and reads up to the end of file that a successful execve causes.
pub(crate) fn start_over(channel: &Channel, pid: i32, trace: &mut Trace) -> Result<()> {
    channel.order(START)?;
    await_execve(channel, pid, trace)
}

/// Reads reports until execve has succeeded.
fn await_execve(channel: &Channel, pid: i32, trace: &mut Trace) -> Result<()> {
    let mut executing = None;
    loop {
        match channel.receive()? {
            Some((
                Report::Executing {
                    steps,
                    notes,
                    at_usec,
                    command,
                },
                _,
            )) => {
                trace.steps.extend(steps);
                trace.notes.extend(notes);
                executing = Some((at_usec, command));
            }
            Some((Report::Listener { path, message }, listener)) => {
                listener::deliver(channel, &path, &message, listener, pid)?;
            }
            Some((Report::Failed(failure), _)) => return Err(failure.into()),
            Some(_) => {}
            None => {
                let (begun, command) = executing.ok_or_else(|| Error::Died {
                    after: last_step(trace),
                })?;
                trace.end("execve", begun, command);
                return Ok(());
            }
        }
    }
}

impl Created {
    /// Lets init wait on the start socket instead of on this process, which may end then.
    pub(crate) fn leave(&mut self) -> Result<()> {
        let channel = self.channel.take().map(Channel::from_fd);
        channel.map_or(Ok(()), |channel| channel.order(CONTINUE))
    }

    /// Lets init execute the program; returns after execve succeeded.
    ///
    /// # Errors
    /// [`Error::CommandNotFound`], [`Error::NotExecutable`], [`Error::BadCwd`] and what else goes wrong
    /// late; init has ended then, and the caller reaps it.
    pub fn start(&mut self) -> Result<Vec<Step>> {
        let channel = self.channel.take().map(Channel::from_fd);
        let channel = channel.ok_or_else(|| Error::WrongStatus {
            verb: "start",
            id: self.cgroup.relative.display().to_string(),
            status: "started already".to_owned(),
        })?;
        start_over(&channel, self.pid, &mut self.trace)?;
        self.notes.append(&mut self.trace.notes);
        Ok(std::mem::take(&mut self.trace.steps))
    }
}
